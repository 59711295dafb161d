--- Streams of bytes: both ends in memory, sockets, pipes. A completion writes what the wait reads, or reads what it
-- writes.
local ebb = require "ebb"

-- Seconds of real time after which a check gives up.
local LONG = 20

local kinds = {}

--- The two ends of a connection in memory.
kinds.Duplex = { numbers = "IO8", pair = function() return ebb.net.duplex(16) end }

kinds.Socket = { outside = true, numbers = "NT2", pair = function()
  local path = ("\0ebb-matrix-%p"):format({})
  local listener <close> = assert(ebb.net.unix.listen(path))
  local a = assert(ebb.net.unix.connect(path))
  return a, assert(listener:accept())
end }

-- Pipes with a name: those that no case has, and all.
local free, made = {}, setmetatable({}, { __gc = function(self)
  for i = 1, #self do os.remove(self[i]) end
end })

kinds.File = { outside = true, numbers = "FS1", pair = function()
  local path = table.remove(free)
  if not path then
    path = os.tmpname()
    os.remove(path)
    assert(os.execute(("mkfifo '%s'"):format(path)))
    made[#made + 1] = path
  end
  local a, b = assert(ebb.io.open(path, "r+")), assert(ebb.io.open(path, "r+"))
  b:setvbuf "no"
  return a, b, path
end }

local function finish(a, b, path)
  a:close()
  b:close()
  free[#free + 1] = path
end

--- What reads "v\n", by method.
local reads = {
  read = { function(s) return s:read() end, { "v" } },
  read_some = { function(s) return s:read_some() end, { "v\n" } },
  peek = { function(s)
    local piece, why, code = s:peek()
    if not piece then return piece, why, code end
    return s:read_exactly(#piece)
  end, { "v\n" } },
  read_exactly = { function(s) return s:read_exactly(2) end, { "v\n" } },
  read_until = { function(s) return s:read_until "\n" end, { "v\n" } },
  read_into = { function(s)
    local guard <close> = ebb.guard()
    local buffer = guard:buffer()
    local n, why = s:read_into(buffer)
    if not n then return n, why end
    return buffer:tostring()
  end, { "v\n" } },
  lines = { function(s)
    for line in s:lines() do return line end -- luacheck: ignore 512
    return nil, "closed"
  end, { "v" } },
}
local function reading(kind, method)
  local of = kinds[kind]
  return {
    name = kind .. ":" .. method, of = { kind .. ":" .. method, kind .. ":read_op" },
    numbers = "SE11 " .. of.numbers, carries = nil, ready = "either", outside = of.outside,
    closes = method ~= "lines", one_at_a_time = true, lets_go = true,
    make = function()
      local reader, writer, path = of.pair()
      local ops = method == "read" and {
        read_op = function() return reader:read_op "l" end,
        itself = function() return ebb.map_op(reader, function(s, why) return s and s:sub(1, 1), why end) end,
      } or nil
      return {
        wait = function() return reads[method][1](reader) end, expect = reads[method][2], ops = ops,
        complete = function() assert(writer:write "v\n") end,
        close = method ~= "lines" and function() reader:close() end or nil, objects = { reader, writer },
        check = function(taken, completed, is_closed)
          if is_closed then return end
          if completed and not taken then
            assert(ebb.timeout(LONG, reader.read, reader) == "v", "bytes are lost")
          end
          local _, why = ebb.timeout(0, reader.read_some, reader)
          assert(why == "timeout", "bytes came twice")
        end,
        finish = function() finish(reader, writer, path) end,
      }
    end,
  }
end

--- More than there is room for.
local function writing(kind, size)
  local of = kinds[kind]
  local data = ("x"):rep(size)
  return {
    name = kind .. ":write", of = { kind .. ":write" }, numbers = of.numbers, carries = nil,
    ready = "either", outside = of.outside, closes = true, one_at_a_time = true, lets_go = true,
    make = function()
      local writer, reader, path = of.pair()
      local n_read, done = 0, false
      local function drain()
        while n_read < size do
          local piece = reader:read_some()
          if not piece then break end
          n_read = n_read + #piece
        end
        done = true
      end
      return {
        wait = function()
          local result, why, n = writer:write(data)
          if result then return "written" end
          return nil, why, kind == "File" and "number" or type(n) -- a file does not tell
        end,
        expect = { "written" }, closed = { n = 3, nil, "closed", "number" },
        complete = function() ebb.go(drain) end,
        close = function() writer:close() end, objects = { reader, writer },
        -- what was said to be written has come
        check = function(taken, completed, is_closed)
          if is_closed or not completed or not writer.written then return end
          local n = writer:written()
          assert(not taken or n == size)
          for _ = 1, 1000 do
            if n_read == n or done then break end
            ebb.sleep(of.outside and 0.002 or 0)
          end
          assert(n_read == n, "written and read differ")
        end,
        finish = function() finish(writer, reader, path) end,
      }
    end,
  }
end

--- What needs nobody else.
local function at_once(kind, method, ...)
  local of, arguments = kinds[kind], table.pack(...)
  return {
    name = kind .. ":" .. method, of = { kind .. ":" .. method }, numbers = "NT3", carries = nil, ready = "either",
    by_itself = true, outside = of.outside,
    make = function()
      local a, b, path = of.pair()
      return {
        wait = function() return a[method](a, table.unpack(arguments)) end,
        complete = function() end, expect = function(result) return result ~= nil end, objects = { a, b },
        finish = function() finish(a, b, path) end,
      }
    end,
  }
end

local rows = {}
for _, kind in ipairs { "Duplex", "Socket", "File" } do
  for _, method in ipairs { "read", "read_some", "peek", "read_exactly", "read_until", "read_into", "lines" } do
    rows[#rows + 1] = reading(kind, method)
  end
  rows[#rows + 1] = at_once(kind, "flush")
  rows[#rows + 1] = at_once(kind, "shutdown")
end

--- Room to write: a full end, which somebody reads.
local function writable(kind)
  local of = kinds[kind]
  return {
    name = kind .. ":writable_op", of = { kind .. ":writable_op" }, numbers = "NT5", carries = nil, ready = "either",
    outside = of.outside, closes = true, one_at_a_time = true,
    make = function()
      local writer, reader, path = of.pair()
      while writer:try_write(("x"):rep(65536)) do end -- luacheck: ignore
      return {
        wait = function() return ebb.await(writer:writable_op()) end, expect = { true },
        ops = { writable_op = function() return writer:writable_op() end },
        complete = function() while reader:try_read() do end end, -- luacheck: ignore
        close = function() writer:close() end, objects = { reader, writer },
        finish = function() finish(writer, reader, path) end,
      }
    end,
  }
end
rows[#rows + 1] = writable "Duplex"
rows[#rows + 1] = writable "Socket"
rows[#rows + 1] = writing("Duplex", 100)
rows[#rows + 1] = writing("Socket", 1 << 20)
rows[#rows + 1] = writing("File", 1 << 18)

--- Copies between ends in memory until the source ends.
local function copying(name, numbers, wait_of)
  return {
    name = name, of = { "ebb." .. name }, numbers = numbers, carries = nil, ready = "either", lets_go = true,
    one_at_a_time = true,
    make = function()
      local a, a_far = ebb.net.duplex(16)
      local b, b_far = ebb.net.duplex(16)
      return {
        wait = function() return wait_of(a, b) end,
        complete = function()
          assert(a_far:write "v\n")
          a_far:shutdown()
          b_far:shutdown()
        end,
        expect = function(n) return n == 2 end, objects = { a, b },
        check = function(taken, completed)
          local first = ebb.timeout(0, b_far.read, b_far)
          if taken then assert(first == "v") end
          if not completed then assert(first == nil) end
        end,
        finish = function() for _, s in ipairs { a, b, a_far, b_far } do s:close() end end,
      }
    end,
  }
end
rows[#rows + 1] = copying("copy", "IO1", function(a, b) return ebb.copy(a, b) end)
rows[#rows + 1] = copying("copy_both", "IO2", function(a, b) return ebb.copy_both(a, b) end)

return rows
