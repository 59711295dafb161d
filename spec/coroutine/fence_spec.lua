-- Somebody has kept the coroutine of a task (coroutine.running) and closes or resumes it by hand: that task fails and
-- says why; nothing stays behind in what it waited for, and the others are unharmed.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.runtime.support"
local it_runs = helper.it

--- What a task waits for that nobody else knows.
local WAITS = [[
  local waits = {
    { "channel", function() ebb.channel():recv() end },
    { "send", function() ebb.channel():send {} end },
    { "mutex", function()
      local m = ebb.mutex()
      ebb.go(function()
        local _ <close> = m:lock()
        ebb.sleep(2)
      end)
      ebb.yield()
      m:lock()
    end },
    { "semaphore", function() ebb.semaphore(1):acquire(2) end },
    { "notify", function() ebb.notify():await() end },
    { "token", function() ebb.token():cancelled() end },
    { "barrier", function() ebb.barrier(2):await() end },
    { "latch", function() ebb.latch(2):await() end },
    { "watch", function() ebb.watch(1):subscribe():changed() end },
    { "broadcast", function() ebb.broadcast(1):subscribe():recv() end },
    { "sleep", function() ebb.sleep(1) end },
    { "clock", function() ebb.clock():sleep(1) end },
    { "interval", function()
      local every = ebb.interval(1)
      every:tick()
      every:tick()
    end },
    { "select", function() ebb.select(ebb.channel(), ebb.semaphore(0), ebb.after(1), ebb.token()) end },
    { "timeout", function() ebb.timeout(1, ebb.sleep, 2) end },
    { "timeout of a clock", function() ebb.clock():timeout(1, ebb.sleep, 2) end },
    { "shield", function() ebb.shield(ebb.sleep, 1) end },
    { "token's run", function() ebb.token():run(ebb.sleep, 1) end },
    { "scope", function() ebb.scope(function() ebb.sleep(1) end) end },
    { "scope's end", function() ebb.scope(function(s) s:spawn(ebb.sleep, 1) end) end },
    { "scope object", function()
      local s <close> = ebb.scope()
      s:spawn(ebb.sleep, 1)
      s:wait()
    end },
    { "join_set", function()
      local js = ebb.join_set()
      js:spawn(ebb.sleep, 1)
      js:join_next()
    end },
    { "a coroutine", function() ebb.coroutine.wrap(function() ebb.channel():recv() end)() end },
  }
]]

describe("a task's coroutine that is closed by hand", function()
  for _, later in ipairs { "task:cancel()", "ebb.sleep(3)" } do
    it("while it waits: it fails, whatever it waited for, also after a collection; then " .. later .. " (R51)", function()
      local result = support.child("local ebb = require 'ebb'\n" .. WAITS .. [[
        for _, case in ipairs(waits) do
          local rt = ebb.runtime { clock = "virtual" }
          rt:run(function()
            local thread
            local task = ebb.spawn(function()
              thread = coroutine.running()
              case[2]()
            end)
            for _ = 1, 5 do ebb.yield() end
            coroutine.close(thread)
            thread = nil
            collectgarbage()
            collectgarbage()
            local fill = {}
            for i = 1, 300 do fill[i] = ebb.channel(3) end
            ]] .. later .. [[

            local ok, err = task:join()
            local canary = ebb.spawn(function() return ebb.timeout(5, function() ebb.sleep(3) return "fine" end) end)
            print(case[1], ok, tostring(err):match "EBB%d+" or tostring(err):match "cancelled" or err, canary:await())
          end)
          assert(rt:metrics().alive == 0)
          rt:close()
        end
      ]])
      assert.equal(0, result.code, result.err)
      local n = 0
      for line in result.out:gmatch "[^\n]+" do
        assert.truthy(line:find "\tfalse\tEBB058\tfine$", line)
        n = n + 1
      end
      assert.equal(23, n, result.err)
      assert.is_nil(result.err:find "Sanitizer", result.err)
    end)
  end

  it("after it was sent something, before it takes it (R51)", function()
    support.prints("false\tEBB058\n", [[
      local ebb = require "ebb"
      ebb.run(function()
        local ch, thread = ebb.channel()
        local task = ebb.spawn(function()
          thread = coroutine.running()
          ch:recv_many(3)
          return ch:recv()
        end)
        ebb.yield()
        ch:try_send("a")
        ebb.yield()
        ch:try_send("b")
        coroutine.close(thread)
        local ok, err = task:join()
        print(ok, tostring(err):match "EBB%d+")
      end)
    ]])
  end)

  it_runs("in the end of its scope: the children are nobody's, and end with the run (R51)", function(errors)
    local thread, child
    local task = ebb.spawn(function()
      thread = coroutine.running()
      local s <close> = ebb.scope()
      child = s:spawn(ebb.sleep, 2)
    end)
    helper.settle()
    coroutine.close(thread)
    local ok, err = task:join()
    assert.is_false(ok)
    support.contains("EBB058", tostring(err))
    assert.is_true((child:join()))
    assert.equal(0, #errors)
  end)
end)

describe("the coroutine of a task that has ended", function()
  --- The coroutine of such a task, and the next task, which has it now.
  local function pair(fn, ...)
    local thread
    for _ = 1, 100 do
      local new
      ebb.spawn(function() new = coroutine.running() end):await()
      if rawequal(new, thread) then break end
      thread = new
    end
    return thread, ebb.spawn(fn, ...)
  end

  it_runs("is not used again once it was resumed or closed (R49, R51)", function()
    for _, touch in ipairs { coroutine.resume, coroutine.close } do
      local thread
      ebb.spawn(function() thread = coroutine.running() end):await()
      touch(thread)
      touch(thread, "value")
      for i = 1, 5 do
        assert.same({ i, "x" }, { ebb.spawn(function(...)
          assert.is_false(rawequal(thread, coroutine.running()))
          ebb.yield()
          return ...
        end, i, "x"):await() })
      end
    end
  end)

  it_runs("is dead to who resumes it (R49)", function()
    local thread
    ebb.spawn(function() thread = coroutine.running() end):await()
    assert.same({ false, "cannot resume dead coroutine" }, { coroutine.resume(thread, 1) })
  end)

  it_runs("may be the next task's, which says so when it cannot run for that (R49, R51)", function()
    local function print_nothing() end
    for n_times = 1, 6 do
      for _, touch in ipairs { coroutine.resume, coroutine.close } do
        local thread, task = pair(function(...) return select("#", ...) end, print_nothing, print_nothing)
        local n = 0
        for _ = 1, n_times do n = n + (touch(thread) and 1 or 0) end
        local ok, result = task:join()
        if ok then -- it had another one
          assert.equal(2, result)
        else
          support.contains("EBB058", tostring(result))
        end
      end
    end
  end)

  it_runs("is no other task's if it asked for it by ebb.coroutine.running", function()
    local threads = {}
    for _ = 1, 20 do
      ebb.spawn(function() threads[ebb.coroutine.running()] = true end):await()
    end
    local n = 0
    for _ in pairs(threads) do n = n + 1 end
    assert.equal(20, n)
  end)

  it_runs("keeps several results for whoever joins, unless it was closed (R51)", function()
    local thread
    local function several() thread = coroutine.running() return 1, nil, 3, nil end
    local task = ebb.spawn(several)
    assert.equal(4, select("#", task:await()))
    assert.same({ 1, nil, 3 }, { task:await() })
    coroutine.close(thread)
    assert.equal(0, select("#", task:await()))
  end)
end)
