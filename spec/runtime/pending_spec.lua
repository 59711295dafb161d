-- A runtime that is closed, forgotten or left while tasks wait in all that can be waited in.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.runtime.support"
local closer = support.closer

-- What a task can wait in; each gets (rt) and does not come back by itself.
local waits = {
  sleep = function() ebb.sleep(1000) end,
  ["sleep for ever"] = function() ebb.sleep(math.huge) end,
  ["channel recv"] = function() ebb.channel():recv() end,
  ["channel send"] = function() ebb.channel():send({}) end,
  ["full channel"] = function()
    local ch = ebb.channel(1)
    ch:send(1)
    ch:send(2)
  end,
  ["recv_many"] = function() ebb.channel(4):recv_many(3) end,
  ["reserve"] = function()
    local ch = ebb.channel(1)
    local _ <close> = ch:reserve()
    ch:reserve()
  end,
  ["a loop over a channel"] = function()
    for _ in ebb.channel() do error("a value") end
  end,
  select = function()
    ebb.select(ebb.channel(), ebb.after(1000), ebb.channel():send_op(1), ebb.token(), ebb.never())
  end,
  choice = function()
    ebb.await(ebb.choice(ebb.channel(), ebb.choice(ebb.never(), ebb.after(1000))))
  end,
  never = function() ebb.await(ebb.never()) end,
  timeout = function() ebb.timeout(1000, ebb.sleep, 2000) end,
  ["timeout of an op"] = function() ebb.timeout(1000, ebb.channel()) end,
  ["nested timeouts"] = function()
    ebb.timeout(1000, function() ebb.timeout(2000, ebb.sleep, 3000) end)
  end,
  ["task await"] = function() ebb.spawn(ebb.sleep, 1000):await() end,
  ["task join"] = function() ebb.spawn(ebb.sleep, 1000):join() end,
  ["scope with children"] = function()
    ebb.scope(function(s)
      for _ = 1, 3 do s:spawn(ebb.sleep, 1000) end
    end)
  end,
  ["scope object"] = function()
    local s <close> = ebb.scope()
    s:spawn(ebb.sleep, 1000)
    s:wait()
  end,
  ["scope left open"] = function()
    local s = ebb.scope()
    s:spawn(ebb.sleep, 1000)
    ebb.sleep(1000)
  end,
  join = function() ebb.join(function() ebb.sleep(1000) end, function() ebb.sleep(2000) end) end,
  try_join = function() ebb.try_join(function() ebb.sleep(1000) end) end,
  race = function() ebb.race(function() ebb.sleep(1000) end, function() ebb.sleep(2000) end) end,
  map = function() ebb.map({ 1, 2, 3 }, function() ebb.sleep(1000) end, 2) end,
  shield = function() ebb.shield(ebb.sleep, 1000) end,
  token = function() ebb.token():child():cancelled() end,
  ["token run"] = function() ebb.token():run(ebb.sleep, 1000) end,
  ["interval tick"] = function() ebb.interval(1000):tick() end,
  timer = function() ebb.await(ebb.timer(1000)) end,
  ["next frame"] = function() ebb.next_frame() end,
  ["an ebb coroutine"] = function() ebb.coroutine.wrap(function() ebb.sleep(1000) end)() end,
  ["a metamethod"] = function()
    return setmetatable({}, { __index = function() ebb.sleep(1000) end }).x
  end,
  ["a closing cleanup"] = function()
    local _ <close> = closer(function() ebb.sleep(1000) end)
  end,
  ["a guard held"] = function()
    local g <close> = ebb.guard()
    local b = g:bytes(100)
    ebb.sleep(1000)
    return b
  end,
  ["the task's guard"] = function()
    local b = ebb.task_guard():buffer()
    ebb.sleep(1000)
    return b
  end,
  ["yield"] = function()
    for _ = 1, 1e9 do ebb.yield() end
  end,
  ["fs stat"] = function()
    while true do ebb.fs.stat("spec") end
  end,
  ["fs read"] = function()
    while true do ebb.fs.read("spec/helper.lua") end
  end,
  ["fs walk"] = function()
    while true do
      for _ in ebb.fs.walk("spec") do ebb.current() end
    end
  end,
}

local names = {}
for name in pairs(waits) do names[#names + 1] = name end
table.sort(names)

describe("a runtime with pending:", function()
  for _, name in ipairs(names) do
    for _, clock in ipairs { "virtual", "system" } do
      it("R23 R24 " .. name .. ", closed (" .. clock .. " clock)", function()
        local rt = ebb.runtime { clock = clock, on_task_error = function() end }
        local task = rt:spawn(waits[name])
        rt:step(0.001)
        rt:close()
        assert.is_true(task:finished())
        collectgarbage()
        collectgarbage()
        assert.equal(1, helper.run(function()
          ebb.sleep(1)
          return 1
        end))
      end)
    end

    it("R23 " .. name .. ", forgotten and collected", function()
      do
        local rt = ebb.runtime { clock = "virtual", on_task_error = function() end }
        rt:spawn(waits[name])
        rt:step(0.001)
      end
      collectgarbage()
      collectgarbage()
      assert.equal(1, helper.run(function()
        ebb.sleep(1)
        return 1
      end))
    end)

    it("BO9 " .. name .. ", left by a run", function()
      local rt = ebb.runtime { clock = "virtual", on_task_error = function() end,
        cleanup_timeout = 0.05 }
      local task
      assert.equal("main", rt:run(function()
        task = ebb.spawn(waits[name])
        ebb.yield()
        return "main"
      end))
      assert.is_true(task:finished())
      assert.equal(0, rt:metrics().alive)
      assert.equal(0, rt:metrics().timers)
      rt:close()
    end)
  end

  it("all of it at once", function()
    local rt = ebb.runtime { clock = "virtual", on_task_error = function() end }
    local tasks = {}
    for i, name in ipairs(names) do tasks[i] = rt:spawn(waits[name]) end
    for _ = 1, 3 do rt:step(0.001) end
    rt:close()
    for i, task in ipairs(tasks) do assert.is_true(task:finished(), names[i]) end
    rt, tasks = nil, nil -- luacheck: ignore 311
    collectgarbage()
    collectgarbage()
  end)
end)
