-- ebb.run_until_signal: main ends by itself, or in an orderly way by a signal.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.runtime.support"

local kill_later = support.kill_later
local usr1 = { signals = { "usr1" } }

-- The signal is sent from within main: it is handled by then, and else it would end this process.
local function closer(fn) return setmetatable({}, { __close = fn }) end

describe("run_until_signal", function()
  it("without a signal is like run", function()
    assert.same({ n = 3, 1, nil, 3 }, table.pack(ebb.run_until_signal(function()
      ebb.sleep(0.01)
      return 1, nil, 3
    end)))
    local value = {}
    local ok, err = pcall(ebb.run_until_signal, function() error(value) end)
    assert.is_false(ok)
    assert.is_true(rawequal(value, err))
  end)

  it("what main leaves behind is ended", function()
    local log = helper.log()
    ebb.run_until_signal(function()
      ebb.go(function()
        local _ <close> = closer(function() ebb.sleep(0.01) log "cleaned" end)
        ebb.sleep(100)
      end)
      ebb.yield()
    end, usr1)
    assert.equal("cleaned", log:text())
  end)

  it("S2.10 a signal cancels main and all else, and their cleanups run", function()
    local log = helper.log()
    local results = table.pack(ebb.run_until_signal(function()
      kill_later(0.05, "USR1")
      ebb.go(function()
        local _ <close> = closer(function() log "other" end)
        ebb.sleep(100)
      end)
      local _ <close> = closer(function(_, err)
        ebb.sleep(0.02)
        log("main", err.reason)
      end)
      ebb.sleep(100)
    end, usr1))
    assert.same({ n = 3, nil, "cancelled", "usr1" }, results)
    assert.equal("other main:usr1", log:text())
  end)

  it("a main that ends all the same has its results returned", function()
    assert.equal("late", ebb.run_until_signal(function()
      kill_later(0.05, "USR1")
      pcall(ebb.sleep, 100)
      return "late"
    end, usr1))
  end)

  it("works in a task too", function()
    ebb.run(function()
      assert.same({ nil, "cancelled", "usr1" }, { ebb.run_until_signal(function()
        kill_later(0.05, "USR1")
        ebb.sleep(100)
      end, usr1) })
      assert.equal(5, ebb.run_until_signal(function() return 5 end, usr1))
      local task = ebb.spawn(ebb.run_until_signal, function() ebb.sleep(100) end, usr1)
      ebb.sleep(0.01)
      task:cancel()
      assert.is_false((task:join()))
    end)
  end)

  it("Ctrl-C and SIGTERM, and who does not stop", function()
    for _, name in ipairs { "INT", "TERM" } do
      support.prints("cleaned\ncancelled\t" .. name:lower() .. "\n", support.kill_later_source .. ([[
        local ebb = require "ebb"
        print(select(2, ebb.run_until_signal(function()
          local _ <close> = setmetatable({}, { __close = function() print "cleaned" end })
          kill_later(0.05, "%s")
          ebb.sleep(100)
        end)))
      ]]):format(name))
    end
  end)

  it("names the tasks that do not stop within grace", function()
    support.prints("1 task(s) did not stop within 0.1 s\tstubborn\ttrue\n", support.kill_later_source .. [[
      local ebb = require "ebb"
      local text = ""
      io.stderr = { write = function(_, s) text = text .. s end }
      ebb.on_task_error(function() end)
      local start = ebb.now()
      ebb.run_until_signal(function()
        ebb.spawn_with({ name = "stubborn" }, function()
          ebb.shield(ebb.sleep, 100)
        end)
        kill_later(0.05, "USR1")
        ebb.sleep(100)
      end, { signals = { "usr1" }, grace = 0.1 })
      print(text:match "%d task.-s:" and text:match "(%d task.-s):", text:match '"(.-)"', ebb.now() - start < 20)
    ]])
  end)

  it("refuses what it does not understand", function()
    helper.throws("bad argument #1 to 'run_until_signal' (function expected, got nil)", ebb.run_until_signal)
    helper.throws("table of options expected", ebb.run_until_signal, print, 1)
    helper.throws("unknown option 'signal'", ebb.run_until_signal, print, { signal = "int" })
    helper.throws("'signals': list expected", ebb.run_until_signal, print, { signals = "int" })
    helper.throws("'signals': names expected", ebb.run_until_signal, print, { signals = { 2 } })
    helper.throws("'grace': seconds >= 0 expected, got -1", ebb.run_until_signal, print, { grace = -1 })
    helper.throws("unknown signal", ebb.run_until_signal, print, { signals = { "nosuch" } })
  end)

  it("in a task: its subscriptions end with it, so nothing keeps the program", function()
    local rt = helper.runtime()
    local done
    rt:spawn(function()
      assert.equal("x", ebb.run_until_signal(function() return "x" end))
      done = true
      ebb.never():await()
    end)
    local info
    for _ = 1, 10 do info = rt:step(0) end
    assert.is_true(done)
    assert.is_true(info.stuck)
    rt:close()
  end)
end)

describe("run_until_signal in a task", function()
  it("names the task that does not stop in time", function()
    local result = support.child([[
      local ebb = require "ebb"
      ebb.run(function()
        local value, why, name = ebb.run_until_signal(function()
          ebb.shield(function()
            ebb.process.spawn({ "kill", "-USR1", tostring(arg[1]) }):wait()
            ebb.sleep(1)
          end)
        end, { signals = { "usr1" }, grace = 0.05 })
        print(value, why, name)
      end)
    ]], "-e 'arg = { io.open(\"/proc/self/stat\"):read \"n\" }'")
    assert.equal(0, result.code, result.err)
    assert.equal("nil\tcancelled\tusr1\n", result.out)
    assert.truthy(result.err:find("1 task(s) did not stop within 0.05 s", 1, true), result.err)
  end)
end)
