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
    local rt = helper.runtime { clock = "system", cleanup_timeout = 60 }
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
    assert.is_true(took >= 0.04 and took < 30, tostring(took))
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
    assert.is_true(ebb.now() - start < 30)
    assert.is_false(finished)
  end)

  it("SH3 close does not wait at all", function()
    local rt = helper.runtime { clock = "system", cleanup_timeout = 60 }
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
    assert.is_true(ebb.now() - start < 30)
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

  it("SH2 nothing that is made of tasks can begin while it shuts down; all of it throws EBB052", function()
    local function five() return ebb.stream.range(1, 5) end
    local function sleeping(v) ebb.sleep(1) return v end
    local uses = {
      merge = function() return ebb.stream.merge({ five(), five() }):collect() end,
      timeout = function() return five():timeout(1):collect() end,
      chunks_timeout = function() return five():chunks_timeout(2, 1):collect() end,
      debounce = function() return five():debounce(1):collect() end,
      take_until = function() return five():take_until(ebb.never()):collect() end,
      buffered = function() return five():buffered(2, sleeping):collect() end,
      buffer_unordered = function() return five():buffer_unordered(2, sleeping):collect() end,
      for_each_concurrent = function() return five():for_each_concurrent(2, sleeping) end,
      join = function() return ebb.join(sleeping, sleeping) end,
      try_join = function() return ebb.try_join(sleeping, sleeping) end,
      race = function() return ebb.race(sleeping, sleeping) end,
      map = function() return ebb.map({ 1, 2 }, sleeping) end,
      supervise = function() return ebb.supervise { { run = sleeping } } end,
      join_set = function()
        local js <close> = ebb.join_set()
        js:spawn(sleeping)
      end,
      scope = function() return ebb.scope(function(s) s:spawn(sleeping) end) end,
      delay = function() return ebb.delay(1, sleeping) end,
      every = function() return ebb.game.every(1, sleeping) end,
      parallel = function() return ebb.game.parallel { 1, 1 } end,
    }
    local rt, errors = helper.runtime()
    local seen = {}
    rt:spawn(function()
      local _ <close> = closer(function()
        for name, use in pairs(uses) do seen[name] = table.pack(pcall(use)) end
      end)
      ebb.sleep(1000)
    end)
    rt:step(1)
    assert.equal(0, rt:shutdown(1))
    for name in pairs(uses) do
      assert.is_table(seen[name], name)
      assert.is_false(seen[name][1], name)
      assert.truthy(tostring(seen[name][2]):find("EBB052", 1, true), name .. ": " .. tostring(seen[name][2]))
    end
    assert.same({}, errors)
  end)

  it("SH2 a stream that cannot start its next item then is not waited for", function()
    for _, how in ipairs { "buffered", "buffer_unordered" } do
      local rt = helper.runtime()
      local outcome, at
      rt:spawn(function()
        ebb.shield(function()
          outcome = { pcall(function()
            local function slowly(v) return ebb.shield(function() ebb.sleep(1) return v end) end
            local items = ebb.stream.range(1, 5):map(slowly)
            return items[how](items, 2, function(v) return v end):collect()
          end) }
          at = ebb.now()
        end)
      end)
      rt:step()
      assert.equal(0, rt:shutdown(4))
      assert.is_false(outcome[1])
      contains("EBB052", tostring(outcome[2]))
      assert.equal(1, at)
    end
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
