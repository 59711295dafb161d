-- Finalisers of the user that use ebb, while the state runs and while it closes.
local support = require "spec.runtime.support"
local ends = support.ends

describe("finalisers that use ebb while the state closes", function()
  local uses = {
    ["close a channel"] = "ch:close()",
    ["send"] = "ch:try_send(1)",
    ["recv"] = "pcall(ch.recv, ch)",
    ["cancel a task"] = "task:cancel()",
    ["ask a task"] = "task:status() task:name() task:id() task:traceback() task:waiting_on()",
    ["spawn"] = "pcall(ebb.spawn, function() end) pcall(ebb.go, function() end)",
    ["sleep"] = "pcall(ebb.sleep, 0.001)",
    ["run"] = "pcall(ebb.run, function() end)",
    ["step"] = "pcall(rt.step, rt)",
    ["close the runtime"] = "pcall(rt.close, rt)",
    ["make a runtime"] = "pcall(ebb.runtime, {})",
    ["metrics"] = "pcall(rt.metrics, rt)",
    ["a guard"] = "pcall(function() local g <close> = ebb.guard() g:bytes(10) end) guard:close()",
    ["a scope"] = "pcall(scope.cancel, scope) pcall(scope.close, scope)",
    ["a token"] = "token:cancel() token:close()",
    ["a timer"] = "pcall(timer.reset, timer, 1) timer:close()",
    ["tostring"] = "tostring(ch) tostring(task) tostring(rt) tostring(guard) tostring(timer)",
    ["select"] = "pcall(ebb.select, ch, ebb.ready()) pcall(ebb.try_select, ch, timer)",
  }
  for name, use in pairs(uses) do
    for _, order in ipairs { "before", "after" } do
      it("R21 R22 R23 " .. name .. ", made " .. order .. " the objects", function()
        local hook = "made = setmetatable({}, { __gc = function() " .. use .. " end })\n"
        local objects = [[
          ebb = require "ebb"
          rt = ebb.runtime { clock = "virtual" }
          ch = ebb.channel(1)
          task = rt:spawn(function() ebb.channel():recv() end)
          rt:step(1)
          guard, scope, token, timer = ebb.guard(), ebb.scope(), ebb.token(), ebb.timer(1000)
        ]]
        local program = order == "before" and hook .. objects or objects .. hook
        ends(0, "-- luacheck: ignore\n" .. program)
      end)
    end
  end

  it("R21 objects that come back from the dead throw or answer, and do no harm", function()
    ends(0, [[
      local ebb = require "ebb"
      local saved = {}
      do
        local objects = { ebb.channel(1), ebb.channel():sender(), ebb.channel(1):reserve(),
          ebb.guard(), ebb.scope(), ebb.token(), ebb.timer(1), ebb.interval(1),
          ebb.runtime { clock = "virtual" }, ebb.after(1),
          ebb.choice(ebb.never()), ebb.guard():bytes(10), ebb.guard():buffer() }
        setmetatable({}, { __gc = function() for i, x in ipairs(objects) do saved[i] = x end end })
      end
      collectgarbage()
      collectgarbage()
      for _, x in ipairs(saved) do
        tostring(x)
        for _, name in ipairs { "close", "try_recv", "try_send", "cancel", "fired", "stats",
          "metrics", "put", "reset", "is_closed", "step", "send" } do
          pcall(function() return x[name](x) end)
        end
      end
      saved = nil
      collectgarbage()
      assert(ebb.run(function() ebb.sleep(0.001) return 1 end) == 1)
    ]])
  end)

  it("R22 R148 a finaliser called by hand, twice, is harmless", function()
    ends(0, [[
      local ebb = require "ebb"
      local objects = { ebb.channel(1), ebb.channel():sender(), ebb.channel(1):reserve(),
        ebb.guard(), ebb.scope(), ebb.token(), ebb.timer(1), ebb.interval(1),
        ebb.runtime { clock = "virtual" },
        ebb.after(1),
          ebb.choice(ebb.never()), ebb.guard():bytes(10), ebb.guard():buffer(),
        ebb.spawn(ebb.sleep, 0.001) }
      for _, x in ipairs(objects) do
        local mt = debug.getmetatable(x)
        for _ = 1, 2 do
          if mt and mt.__gc then pcall(mt.__gc, x) end
          if mt and mt.__gc then pcall(mt.__gc) pcall(mt.__gc, {}) pcall(mt.__gc, io.stdout) end
          if mt and mt.__close then pcall(mt.__close, x, nil) pcall(mt.__close) end
          if mt and mt.__close then pcall(mt.__close, {}) pcall(mt.__close, io.stdout) end
        end
        tostring(x)
      end
      assert(ebb.run(function() ebb.sleep(0.001) return 1 end) == 1)
    ]])
  end)
end)
