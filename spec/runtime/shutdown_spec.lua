-- rt:shutdown and rt:close, at any moment and with anything pending.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.runtime.support"
local closer, near, contains = support.closer, support.near, support.contains

describe("shutdown", function()
  it("SH1 SH2 cancels every task; each cleanup runs once, no task gets on", function()
    local rt, errors = helper.runtime()
    local cleaned, tasks = {}, {}
    for i = 1, 5 do
      tasks[i] = rt:spawn(function()
        local _ <close> = closer(function(err)
          cleaned[i] = (cleaned[i] or 0) + (ebb.is_cancelled(err) and 1 or 100)
        end)
        ebb.sleep(1000)
        cleaned[i] = "got on"
      end)
    end
    rt:step(1)
    assert.equal(0, rt:shutdown(10))
    for i = 1, 5 do
      assert.equal(1, cleaned[i])
      assert.equal("cancelled", tasks[i]:status())
    end
    assert.equal(0, #errors)
  end)

  it("a task that never ran never runs", function()
    local rt = helper.runtime()
    local ran = false
    local task = rt:spawn(function() ran = true end)
    assert.equal(0, rt:shutdown(1))
    assert.is_false(ran)
    assert.equal("cancelled", task:status())
  end)

  it("an idle runtime shuts down", function()
    assert.equal(0, helper.runtime():shutdown())
    assert.equal(0, helper.runtime():shutdown(0))
    assert.equal(0, helper.runtime():close())
  end)

  it("waits for cleanups that await", function()
    local rt = helper.runtime()
    local start, ended
    rt:spawn(function()
      local _ <close> = closer(function()
        start = ebb.now()
        ebb.sleep(2)
        ended = ebb.now()
      end)
      ebb.sleep(1000)
    end)
    rt:step(1)
    assert.equal(0, rt:shutdown(3))
    near(start + 2, ended)
  end)

  it("SH3 without an argument it waits for cleanups, or not, but ends", function()
    local rt = helper.runtime()
    rt:spawn(function() ebb.sleep(1000) end)
    rt:step(1)
    assert.equal(0, rt:shutdown())
  end)

  it("waits no longer than grace, and counts the tasks that did not end", function()
    local rt = helper.runtime { clock = "system" }
    local finished = false
    rt:spawn(function()
      local _ <close> = closer(function()
        ebb.sleep(100)
        finished = true
      end)
      ebb.sleep(1000)
    end)
    rt:spawn(ebb.sleep, 1000)
    rt:step(1)
    local start = ebb.now()
    assert.equal(1, rt:shutdown(0.05))
    local took = ebb.now() - start
    assert.is_true(took >= 0.04 and took < 4, tostring(took))
    assert.is_false(finished)
  end)

  it("waits no longer than cleanup_timeout", function()
    local rt = helper.runtime { clock = "system", cleanup_timeout = 0.05 }
    local finished = false
    rt:spawn(function()
      local _ <close> = closer(function()
        ebb.sleep(100)
        finished = true
      end)
      ebb.sleep(1000)
    end)
    rt:step(1)
    local start = ebb.now()
    rt:shutdown(100)
    assert.is_true(ebb.now() - start < 10)
    assert.is_false(finished)
  end)

  it("SH3 close does not wait at all", function()
    local rt = helper.runtime { clock = "system" }
    local finished, began = false, false
    rt:spawn(function()
      local _ <close> = closer(function()
        began = true
        ebb.sleep(100)
        finished = true
      end)
      ebb.sleep(1000)
    end)
    rt:step(1)
    local start = ebb.now()
    rt:close()
    assert.is_true(ebb.now() - start < 4)
    assert.is_true(began)
    assert.is_false(finished)
  end)

  it("SH2 TS23 a spawn while it shuts down throws EBB052", function()
    local rt = helper.runtime()
    local seen, ran = {}, false
    rt:spawn(function()
      local _ <close> = closer(function()
        seen[1] = select(2, pcall(ebb.spawn, function() ran = true end))
        seen[2] = select(2, pcall(ebb.go, function() ran = true end))
        seen[3] = select(2, pcall(rt.spawn, rt, function() ran = true end))
      end)
      ebb.sleep(1000)
    end)
    rt:step(1)
    assert.equal(0, rt:shutdown(1))
    for i = 1, 3 do contains("EBB052", seen[i]) end
    assert.is_false(ran)
  end)

  it("SH4 a cleanup may wake and cancel others", function()
    local rt = helper.runtime()
    local ch, got = ebb.channel(), nil
    local other = rt:spawn(function() got = ch:recv() end)
    rt:spawn(function()
      local _ <close> = closer(function()
        ch:try_send("woken")
        other:cancel()
        ch:close()
      end)
      ebb.sleep(1000)
    end)
    rt:step(1)
    assert.equal(0, rt:shutdown(1))
    assert.is_true(other:finished())
    assert.is_true(got == nil or got == "woken")
  end)

  it("TS17 R14 one cleanup that fails does not spare the others, and is reported", function()
    local rt, errors = helper.runtime()
    local log = helper.log()
    for i = 1, 3 do
      rt:spawn(function()
        local _ <close> = closer(function() log(i) end)
        local _ <close> = closer(function() error("bad cleanup " .. i) end)
        ebb.sleep(1000)
      end)
    end
    rt:step(1)
    assert.equal(0, rt:shutdown(1))
    table.sort(log)
    assert.equal("1 2 3", log:text())
    assert.equal(3, #errors)
    contains("bad cleanup", errors[1].err)
  end)

  it("SH7 and again is harmless", function()
    local rt = helper.runtime()
    rt:spawn(ebb.sleep, 1000)
    rt:step(1)
    rt:shutdown(1)
    assert.is_true(pcall(rt.close, rt))
    assert.is_true(pcall(rt.close, rt))
  end)

  it("SH5 R142 later calls throw", function()
    for _, how in ipairs { "shutdown", "close" } do
      local rt = helper.runtime()
      rt[how](rt)
      assert.is_false(pcall(rt.run, rt, function() end))
      assert.is_false(pcall(rt.spawn, rt, function() end))
      assert.is_false(pcall(rt.step, rt))
      assert.is_false(pcall(rt.advance, rt, 1))
      assert.is_false(pcall(rt.block_on, rt, ebb.ready()))
      assert.equal("string", type(tostring(rt)))
    end
    assert.equal(1, helper.run(function() return 1 end))
  end)

  it("SH5 a timer, an interval and a token of it are of no use any more, and do no harm", function()
    local rt = helper.runtime()
    local tm, iv, tok, scope = rt:run(function()
      return ebb.timer(10), ebb.interval(1), ebb.token(), ebb.scope()
    end)
    rt:close()
    helper.run(function()
      for _, op in ipairs { tm, iv, tok } do
        pcall(ebb.timeout, 1, op)
      end
      pcall(scope.close, scope)
      for _, x in ipairs { tm, iv, tok } do
        pcall(x.close, x)
        pcall(x.close, x)
        assert.equal("string", type(tostring(x)))
      end
    end)
  end)

  it("SH6 tasks and handles in a cycle are collected", function()
    local weak = setmetatable({}, { __mode = "v" })
    do
      local rt = helper.runtime()
      local ch = ebb.channel()
      local task
      task = rt:spawn(function()
        local held = { task, ch }
        weak[1] = held
        ebb.select(ch, ebb.never())
        return held
      end)
      rt:step(1)
      assert.equal("waiting", task:status())
      rt:close()
    end
    collectgarbage()
    collectgarbage()
    assert.is_nil(weak[1])
  end)

  it("the grace is checked", function()
    local rt = helper.runtime()
    for _, wrong in ipairs { "x", {}, true, 0 / 0 } do
      assert.is_false(pcall(rt.shutdown, rt, wrong))
    end
    assert.equal(4, rt:run(function() return 4 end))
    rt:close()
  end)
end)

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
