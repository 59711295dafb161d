--- Streams of items: stages and sinks over a channel. A completion sends and closes.
local ebb = require "ebb"

--- A wait that pulls from a stream made of a channel. `items` are what complete() sends, `ends` says that it closes, too.
local function pulling(name, of, numbers, make, extra)
  local row = {
    name = name, of = of, numbers = numbers, carries = nil, consumes = true,
    make = function()
      local ch = ebb.channel(8)
      local stream, wait, expect = make(ebb.stream.from(ch))
      return {
        wait = function() return wait(stream) end,
        complete = function()
          for i = 1, 3 do assert(ch:try_send(i)) end
          ch:close()
        end,
        expect = expect, objects = { ch },
        check = function(taken, completed)
          local receivers = ch:waiters()
          assert(receivers == 0, "the stream still waits")
          if completed and not taken then
            -- what was not pulled is there; what was pulled is the stream's
            local left = ch:recv_many(8) or {}
            assert(#left == 0 or left[#left] == 3, "an item is lost")
          end
        end,
        finish = function() stream:close() end,
      }
    end,
  }
  for k, v in pairs(extra or {}) do row[k] = v end
  return row
end

local function list(...)
  local expected = table.concat({ ... }, " ")
  return function(got) return type(got) == "table" and table.concat(got, " ") == expected end
end

local function noop() end
local function add(a, b) return a + b end
local function same(...) return ... end

--- A sink as its own row: the rest are its arguments.
local function sink(method, expect, ...)
  local arguments = table.pack(...)
  return pulling("stream:" .. method, { "Stream:" .. method }, "SK1 SK4", function(s)
    return s, function(stream)
      return stream[method](stream, table.unpack(arguments, 1, arguments.n))
    end, expect
  end, { ready = "either" })
end

return {
  {
    name = "stream:next", of = { "Stream:next", "ebb.Stream" }, numbers = "SK1", carries = true, one_at_a_time = true,
    make = function()
      local ch = ebb.channel(1)
      local stream = ebb.stream.from(ch)
      return {
        wait = function() return stream:next() end, expect = { "v" },
        complete = function() assert(ch:try_send "v") end, objects = { ch, stream },
        check = function(taken, completed)
          if completed and not taken then
            assert(ebb.timeout(0, stream.next, stream) == "v", "an item is lost")
          else
            assert(ch:try_recv() == nil)
          end
        end,
        finish = function() stream:close() end,
      }
    end,
  },
  {
    name = "stream:peek", of = { "Stream:peek" }, numbers = "SA8", carries = nil, one_at_a_time = true,
    make = function()
      local ch = ebb.channel(1)
      local stream = ebb.stream.from(ch):peekable()
      return {
        wait = function() return stream:peek() end, expect = { "v" },
        complete = function() assert(ch:try_send "v") end, objects = { ch, stream },
        check = function(_, completed)
          if completed then assert(ebb.timeout(0, stream.next, stream) == "v", "an item is lost") end
        end,
        finish = function() stream:close() end,
      }
    end,
  },
  pulling("the loop over a stream", { "Stream:each" }, "SR4", function(s)
    return s:map(same):filter(same), function(stream)
      local sum = 0
      for v in stream:each() do sum = sum + v end
      return sum
    end, { 6 }
  end, { ready = "either" }),
  sink("collect", list(1, 2, 3)),
  sink("fold", { 6 }, 0, add),
  sink("reduce", { 6 }, add),
  sink("count", { 3 }),
  sink("any", { true }, function(v) return v == 3 end),
  sink("all", { true }, function(v) return v < 9 end),
  sink("find", { 3 }, function(v) return v == 3 end),
  sink("for_each", function() return true end, noop),
  sink("for_each_concurrent", function() return true end, 2, function() ebb.yield() end),
  sink("try_collect", list(1, 2, 3)),
  sink("try_for_each", { true }, noop),
  sink("try_fold", { 6 }, 0, add),
  pulling("stream:to_channel", { "Stream:to_channel" }, "SK2", function(s)
    local out = ebb.channel(8)
    return s, function(stream) return (stream:to_channel(out)) end, function() return true end
  end, { ready = "either" }),
  pulling("buffered", { "Stream:collect" }, "SA10", function(s)
    return s:buffered(2, function(v)
      ebb.yield()
      return v
    end), function(stream) return stream:collect() end, list(1, 2, 3)
  end, { ready = "either" }),
  pulling("buffer_unordered", { "Stream:count" }, "SA10", function(s)
    return s:buffer_unordered(2, function(v)
      ebb.yield()
      return v
    end), function(stream) return stream:count() end, { 3 }
  end, { ready = "either" }),
  pulling("merge", { "Stream:count" }, "SA9", function(s)
    return s:merge(ebb.stream.iter { 4, 5 }), function(stream) return stream:count() end, { 5 }
  end, { ready = "either" }),
  pulling("chunks_timeout", { "Stream:collect" }, "SA5", function(s)
    return s:chunks_timeout(2, 1e6), function(stream) return #stream:collect() end, { 2 }
  end, { ready = "either" }),
  {
    name = "stream:close", of = { "Stream:close" }, numbers = "SR4", carries = nil, ready = "either", shielded = true,
    make = function()
      local latch, inside, begun = ebb.latch(1), 0, false
      local stream = ebb.stream.range(1, 5):buffered(2, function()
        inside = inside + 1
        local _ <close> = setmetatable({}, { __close = function()
          latch:wait()
          inside = inside - 1
        end })
        ebb.sleep(math.huge)
      end)
      ebb.timeout(0.1, stream.next, stream)
      return {
        wait = function()
          begun = true
          return stream:close()
        end,
        complete = function() latch:count_down() end, expect = function() return true end,
        check = function() assert(inside == 0 or not begun, "something still runs") end,
        finish = function()
          if latch:count() > 0 then latch:count_down() end
          stream:close()
        end,
      }
    end,
  },
}
