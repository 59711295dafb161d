--- Files, programs, signals: requests that end by themselves, and what the system tells.
local ebb = require "ebb"
local fs = ebb.fs

local LONG = 20

-- One folder for all, with a file in it.
local root
local function folder()
  if not root then
    local path = os.tmpname()
    os.remove(path)
    assert(os.execute(("mkdir '%s'"):format(path)))
    root = setmetatable({ path = path, n = 0 }, { __gc = function(self)
      os.execute(("rm -rf '%s'"):format(self.path))
    end })
  end
  root.n = root.n + 1
  return root.path, ("%s/%d"):format(root.path, root.n)
end

local function file(text)
  local _, path = folder()
  local f <close> = assert(io.open(path, "wb"))
  f:write(text or "v\n")
  return path
end

--- A request that ends by itself; make(path of a file, a new path) gives what waits.
local function request(name, of, numbers, make)
  return {
    name = name, of = of, numbers = numbers, carries = nil, ready = "either", by_itself = true, outside = true,
    make = function()
      local path = file()
      local _, fresh = folder()
      local wait, finish = make(path, fresh)
      return {
        wait = wait, complete = function() end, expect = function(result) return result ~= nil end,
        finish = function()
          if finish then finish() end
          os.remove(path)
          os.remove(fresh)
        end,
      }
    end,
  }
end

local function of_fs(name, make)
  return request("fs." .. name, { "ebb.fs." .. name }, "FS1 FS2", make)
end

local function closed_after(f, why, code)
  if not f then return f, why, code end
  f:close()
  return "closed"
end

--- A library call on files that have no other place.
local function of_io(name, make)
  return request("io." .. name, { "ebb.io." .. name }, "FS1", make)
end

return {
  of_fs("read", function(path) return function() return fs.read(path) end end),
  of_fs("write", function(_, fresh) return function() return fs.write(fresh, "v") end end),
  of_fs("append", function(path) return function() return fs.append(path, "v") end end),
  of_fs("exists", function(path) return function() return fs.exists(path) end end),
  of_fs("stat", function(path) return function() return fs.stat(path) end end),
  of_fs("list", function() return function() return fs.list(root.path) end end),
  of_fs("walk", function() return function()
    local n = 0
    for _ in fs.walk(root.path) do n = n + 1 end
    return n
  end end),
  -- again after a cancel it may be there, or gone
  of_fs("mkdir", function(_, fresh) return function() return fs.mkdir(fresh, { parents = true }) end end),
  of_fs("remove", function(path) return function() return fs.remove(path) end, nil end),
  of_fs("rename", function(path, fresh) return function() return fs.rename(path, fresh) end end),
  of_fs("copy", function(path, fresh) return function() return fs.copy(path, fresh) end end),
  of_fs("symlink", function(path, fresh) return function() return fs.symlink(path, fresh) end end),
  of_fs("realpath", function(path) return function() return fs.realpath(path) end end),
  of_fs("chmod", function(path) return function() return fs.chmod(path, 384) end end),
  of_fs("mkdtemp", function(_, fresh) return function() return fs.mkdtemp(fresh) end end),
  {
    name = "fs.watch", of = { "FileWatch:recv", "ebb.File_watch" }, carries = nil, ready = "either",
    outside = true, closes = true,
    make = function()
      local _, dir = folder()
      assert(fs.mkdir(dir))
      local watch = assert(fs.watch(dir))
      return {
        wait = function()
          local name, kind = watch:recv()
          return name, kind == "closed" and kind or nil
        end,
        expect = { n = 2, "x", nil },
        ops = { itself = function() return ebb.map_op(watch, function(name) return name, nil end) end },
        complete = function() assert(io.open(dir .. "/x", "wb")):close() end,
        close = function() watch:close() end, objects = { watch },
        check = function(taken, completed, is_closed)
          if completed and not taken and not is_closed then
            assert(ebb.timeout(LONG, watch.recv, watch) == "x", "an event is lost")
          end
        end,
        finish = function()
          watch:close()
          os.remove(dir .. "/x")
          os.remove(dir)
        end,
      }
    end,
  },
  of_io("open", function(path) return function() return closed_after(ebb.io.open(path)) end end),
  of_io("tmpfile", function() return function() return closed_after(ebb.io.tmpfile()) end end),
  of_io("lines", function(path) return function()
    local n = 0
    for _ in ebb.io.lines(path) do n = n + 1 end
    return n
  end end),
  request("io.input, io.read, io.close", { "ebb.io.input", "ebb.io.read", "ebb.io.close" }, "FS1", function(path)
    local before = ebb.io.input()
    return function()
      local f <close> = ebb.io.input(path)
      local line = ebb.io.read "L"
      ebb.io.close(f)
      return line
    end, function() ebb.io.input(before) end
  end),
  request("io.output, io.write, io.flush", { "ebb.io.output", "ebb.io.write", "ebb.io.flush" }, "FS3", function(_, fresh)
    local before = ebb.io.output()
    return function()
      local _ <close> = ebb.io.output(fresh)
      ebb.io.write "v\n"
      return ebb.io.flush()
    end, function() ebb.io.output(before) end
  end),
  request("seek", { "File:seek" }, "FS5", function(path)
    local f = assert(ebb.io.open(path, "r+"))
    return function() return f:seek("end", 0) end, function() f:close() end
  end),
  {
    name = "assets, load", of = { "Assets:load" }, numbers = "FS2", carries = nil, ready = "either", by_itself = true,
    outside = true,
    make = function()
      local path = file()
      local assets = ebb.alloc.assets { bytes = 1 << 16 }
      return {
        wait = function() return assets:load(path) ~= nil end, complete = function() end, expect = { true },
        check = function() assert(assets:load(path)) end,
        finish = function()
          assets:close()
          os.remove(path)
        end,
      }
    end,
  },
  {
    name = "assets, pin", of = { "Assets:pin" }, numbers = "FS2", carries = nil, ready = "either", by_itself = true,
    outside = true,
    make = function()
      local path = file()
      local assets = ebb.alloc.assets { bytes = 1 << 16 }
      return {
        wait = function()
          local lease <close> = assets:pin(path)
          return lease ~= nil
        end,
        complete = function() end, expect = { true },
        check = function() assert(assets:stats().pinned == 0, "a pin is left") end,
        finish = function()
          assets:close()
          os.remove(path)
        end,
      }
    end,
  },
  {
    name = "a process's wait", of = { "Child:wait", "ebb.Child" }, numbers = "PR1 PR4", carries = nil,
    ready = "either", outside = true, closes = true,
    make = function()
      local p = assert(ebb.process.spawn { "sleep", "100" })
      return {
        wait = function() return p:wait() end, ops = { itself = function() return p end },
        complete = function() assert(p:kill "term") end, expect = { n = 2, nil, "term" },
        close = function() p:close() end, objects = { p },
        -- closing kills it; how it ended is known to who asks later
        closed = function(code, why) return code == nil and (why == "closed" or why == "kill") end,
        check = function(_, completed, is_closed)
          if is_closed then return end
          if not completed then p:kill "term" end
          local _, signal = p:wait()
          assert(signal == "term", "how it ended is lost")
        end,
        finish = function() p:close() end,
      }
    end,
  },
  request("a process's stop", { "Child:stop" }, "PR4", function()
    local p = assert(ebb.process.spawn { "sleep", "100" })
    return function() return select(2, p:stop()) end, function() p:close() end
  end),
  request("process.output", { "ebb.process.output" }, "PR3", function()
    return function() return ebb.process.output { "true" } end
  end),
  {
    name = "a signal", of = { "Signal:recv", "Signal:recv_op", "ebb.Signal" }, numbers = "SG1 SG3", carries = nil,
    ready = "either", outside = true, closes = true,
    make = function()
      -- one that does no harm when nobody receives it
      local signal = ebb.signal "winch"
      local pid = assert(io.open "/proc/self/stat"):read "n"
      return {
        wait = function() return signal:recv() end, expect = { "winch" },
        ops = { recv_op = function() return signal:recv_op() end, itself = function() return signal end },
        complete = function() assert(os.execute("kill -WINCH " .. pid)) end,
        close = function() signal:close() end, objects = { signal },
        check = function(taken, completed, is_closed)
          if completed and not taken and not is_closed then
            assert(ebb.timeout(LONG, signal.recv, signal) == "winch", "a signal is lost")
          end
        end,
        finish = function() signal:close() end,
      }
    end,
  },
}
