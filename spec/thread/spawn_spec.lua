-- ebb.thread.spawn: a thread with a state and a runtime of its own.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.runtime.support"

local real = { clock = "system" }

describe("a thread", function()
  helper.it("gives true and the results of its main task to who joins", function()
    local t = ebb.thread.spawn(function(a, b) return a .. b, nil, { a } end, "x", "y")
    assert.same({ true, "xy", nil, { "x" }, n = 4 }, table.pack(t:join()))
    assert.same({ true, "xy", nil, { "x" }, n = 4 }, table.pack(t:join()))
    assert.equal("done", t:status())
    assert.matches("^ebb.thread: %d+ done$", tostring(t))
    assert.matches("^ebb.thread: " .. t:id() .. " ", tostring(t))
  end, real)

  helper.it("has a runtime: tasks, timers and channels of its own", function()
    local t = ebb.thread.spawn(function()
      local ebb = require "ebb" -- luacheck: ignore
      local ch = ebb.channel()
      ebb.go(function()
        for i = 1, 3 do ebb.sleep(0.001); ch:send(i) end
        ch:close()
      end)
      local sum = 0
      for v in ch do sum = sum + v end
      return sum, ebb.current() ~= nil
    end)
    assert.same({ true, 6, true }, { t:join() })
  end, real)

  helper.it("takes a function by its name", function()
    assert.same({ true, 14 }, { ebb.thread.spawn("spec.thread.support:twice", 7):join() })
  end, real)

  helper.it("that fails gives false and its error (R106)", function()
    local t = ebb.thread.spawn(function() local function inner() error "bad" end inner() end)
    local ok, err = t:join()
    assert.is_false(ok)
    assert.matches("spawn_spec.lua:%d+: bad$", err)
    assert.matches("in local 'inner'", t:traceback())
    assert.equal("failed", t:status())
    t = ebb.thread.spawn(function() error { code = 1 } end)
    assert.same({ false, { code = 1 } }, { t:join() })
    assert.same({ false, "bare" }, { ebb.thread.spawn(function() error("bare", 0) end):join() })
  end, real)

  helper.it("reports an error in one of its tasks on standard error, and goes on", function()
    local t = ebb.thread.spawn(function()
      local ebb = require "ebb" -- luacheck: ignore
      local seen
      ebb.on_task_error(function(_, err) seen = err end)
      ebb.go(function() error("lost", 0) end)
      ebb.sleep(0.01)
      return seen
    end)
    assert.same({ true, "lost" }, { t:join() })
  end, real)

  helper.it("whose tasks all wait for ever fails with the deadlock report", function()
    local t = ebb.thread.spawn(function() require("ebb").channel():recv() end)
    local ok, err = t:join()
    assert.is_false(ok)
    assert.matches("deadlock: all tasks are waiting", err)
  end, real)

  helper.it("is the op of its join: select, timeout, several joiners", function()
    local gate = ebb.thread.channel()
    local t = ebb.thread.spawn(function(ch) return ch:recv() end, gate)
    assert.same({ nil, "timeout", 0.01 }, { ebb.timeout(0.01, t) })
    local first = ebb.spawn(function() return t:join() end)
    local second = ebb.spawn(function() return ebb.await(t) end)
    ebb.sleep(0.005)
    gate:send "go"
    assert.same({ 2, true, "go" }, { ebb.select(ebb.never(), t) })
    assert.same({ true, "go" }, { first:await() })
    assert.same({ true, "go" }, { second:await() })
    assert.same({ true, "go" }, { t:join_op():await() })
    assert.same({ 1, true, "go" }, { ebb.try_select(t) })
  end, real)

  helper.it("can be joined from any runtime of the state", function()
    local gate = ebb.thread.channel(1)
    local t = ebb.thread.spawn(function(ch) return ch:recv() end, gate)
    gate:send(1)
    t:join()
  end, real)

  helper.it("cancelled, its main task is; its cleanups run first", function()
    local ch = ebb.thread.channel(2)
    local t = ebb.thread.spawn(function(out)
      local ebb = require "ebb" -- luacheck: ignore
      local _ <close> = setmetatable({}, { __close = function()
        ebb.sleep(0.001)
        out:send "cleaned"
      end })
      out:send "up"
      ebb.sleep(100)
    end, ch)
    assert.equal("up", ch:recv())
    assert.is_true(t:cancel "enough")
    assert.is_false(t:cancel "again")
    local ok, err = t:join()
    assert.is_false(ok)
    assert.equal(("thread %d was cancelled (enough)"):format(t:id()), err)
    assert.equal("cancelled", t:status())
    assert.equal("cleaned", ch:try_recv())
    assert.is_false(t:cancel())
  end, real)

  helper.it("cancelled before it begins, or while it is ready again and again, ends", function()
    local t = ebb.thread.spawn(function() while true do require("ebb").yield() end end)
    t:cancel()
    assert.matches("was cancelled$", select(2, t:join()))
    t = ebb.thread.spawn(function() while true do require("ebb").yield() end end)
    ebb.sleep(0.02)
    t:cancel()
    assert.matches("was cancelled$", select(2, t:join()))
  end, real)

  helper.it("may start threads itself", function()
    local t = ebb.thread.spawn(function()
      local ebb = require "ebb" -- luacheck: ignore
      local inner = {}
      for i = 1, 3 do inner[i] = ebb.thread.spawn(function(n) return n * n end, i) end
      local sum = 0
      for _, one in ipairs(inner) do sum = sum + select(2, one:join()) end
      return sum
    end)
    assert.same({ true, 14 }, { t:join() })
  end, real)

  helper.it("many of them, one after the other and at once", function()
    for _ = 1, 3 do
      local list = {}
      for i = 1, 8 do list[i] = ebb.thread.spawn(function(n) return n end, i) end
      for i = 1, 8 do assert.same({ true, i }, { list[i]:join() }) end
    end
  end, real)

  helper.it("refuses what cannot be copied, before there is a thread", function()
    helper.throws("EBB071: cannot be copied to a thread: argument 1: userdata", ebb.thread.spawn, print, io.stdout)
    helper.throws("bad argument #1", ebb.thread.spawn, 7)
  end)
end)

-- In a process of its own: what standard error and the exit code are.
local function run(script)
  local path = support.file(script)
  local result = support.shell(("%s %s 2>&1; echo code $?"):format(support.interpreter(), support.quote(path)))
  os.remove(path)
  return result.out
end

describe("when the program ends", function()
  it("a failed thread that nobody joined is reported, with its traceback", function()
    local text = run [[
      local ebb = require "ebb"
      ebb.run(function()
        local t = ebb.thread.spawn(function() error "unheard" end)
        while t:status() ~= "failed" do ebb.sleep(0.01) end
        t = nil
        collectgarbage()
      end)]]
    assert.matches("unheard", text)
    assert.matches("stack traceback", text)
  end)

  it("a thread that waits is cancelled and ends (R111)", function()
    local text = run [[
      local ebb = require "ebb"
      ebb.run(function()
        local up = ebb.thread.channel()
        T = ebb.thread.spawn(function(up)
          local ebb = require "ebb"
          local _ <close> = setmetatable({}, { __close = function() print "cleaned up" end })
          up:send(true)
          ebb.sleep(100)
        end, up)
        up:recv()
      end)
      print "end"]]
    assert.equal("end\ncleaned up\ncode 0\n", text)
  end)

  it("one that computes for ever is not waited for longer than a second (R112)", function()
    local from = os.time()
    local text = run [[
      local ebb = require "ebb"
      ebb.run(function()
        ebb.thread.spawn(function() while true do end end)
        ebb.go(function() ebb.blocking(function() while true do end end) end)
        ebb.sleep(0.05)
      end)
      print "end"]]
    assert.equal("end\ncode 0\n", text)
    assert.is_true(os.time() - from < 10)
  end)

  it("os.exit in a thread ends the process (R107)", function()
    assert.equal("code 7\n", run [[
      local ebb = require "ebb"
      ebb.run(function()
        ebb.thread.spawn(function() os.exit(7) end):join()
      end)]])
  end)

  it("Ctrl-C is the main thread's affair", function()
    local text = run [[
      local ebb = require "ebb"
      local up = ebb.thread.channel(1)
      local t = ebb.thread.spawn(function(up)
        local ebb = require "ebb"
        up:send(true)
        ebb.sleep(0.3)
        return "went on"
      end, up)
      ebb.run(function()
        up:recv()
        local s <close> = ebb.signal "int"
        io.popen("kill -INT " .. io.open("/proc/self/stat"):read "n"):close()
        print(s:recv())
        print(t:join())
      end)]]
    assert.equal("int\ntrue\twent on\ncode 0\n", text)
  end)
end)
