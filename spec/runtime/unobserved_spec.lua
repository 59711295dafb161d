-- The errors of tasks that nobody asks: programs in processes of their own.
local support = require "spec.runtime.support"
local contains = support.contains

describe("unobserved errors", function()
  it("of a state: ebb.on_task_error gets task, error and traceback", function()
    support.prints("true\tbroken\ttrue\ttrue\n", [[
      local ebb = require "ebb"
      ebb.on_task_error(function(task, err, traceback)
        print(task:status() == "failed", err, traceback:find("failing_function", 1, true) ~= nil,
          traceback:find("traceback", 1, true) ~= nil)
      end)
      local function failing_function() error("broken", 0) end
      ebb.run(function()
        ebb.go(function() failing_function() return 1 end)
        ebb.yield()
      end)
    ]])
  end)

  it("go to standard error unless somebody takes them, and the program goes on", function()
    local result = support.prints("goes on\n", [[
      local ebb = require "ebb"
      ebb.run(function()
        ebb.go(function() error("broken by design") end)
        ebb.yield()
        ebb.yield()
        print("goes on")
      end)
    ]])
    contains("broken by design", result.err)
  end)

  it("R53 whatever the error is", function()
    support.prints("goes on\n", [[
      local ebb = require "ebb"
      local payloads = { 1, false, {},
        setmetatable({}, { __tostring = function() error("again") end }),
        setmetatable({}, { __tostring = function() return nil end }), io.stdout, print,
        setmetatable({}, { __name = 12 }) }
      ebb.run(function()
        for i = 1, #payloads do
          ebb.go(function() error(payloads[i]) end)
        end
        ebb.go(error)
        ebb.sleep(0.01)
        print("goes on")
      end)
    ]])
  end)

  it("runs as no task, whatever failed where: it cannot await", function()
    support.prints("first\tnil\tfalse\nsecond\tnil\tfalse\nwell\n", [[
      local ebb = require "ebb"
      ebb.on_task_error(function(_, err)
        print(err, ebb.current(), (pcall(ebb.yield)))
      end)
      ebb.run(function()
        ebb.go(error, "first")
        ebb.sleep(0.01)
        local task = ebb.spawn(function()
          local _ <close> = setmetatable({}, { __close = function() error("second", 0) end })
          ebb.sleep(60)
        end)
        ebb.yield()
        task:cancel()
        task:join()
        ebb.sleep(0.01)
        print "well"
      end)
    ]])
  end)

  it("TS17 R11 a reporter that fails does not end the run", function()
    support.prints("goes on\n", [[
      local ebb = require "ebb"
      ebb.on_task_error(function() error("bad reporter") end)
      ebb.run(function()
        ebb.go(function() error("broken") end)
        ebb.sleep(0.01)
        print("goes on")
      end)
    ]])
  end)
end)
