-- A task that has been asked to end and computes on: the error is thrown at every instruction that no
-- running cleanup protects, until the task's frame is left (RELIABILITY: runaway code).
local ebb = require "ebb"
local helper = require "spec.helper"
local programs = require "spec.runtime.support"
local support = require "spec.preempt.support"

local forever, loop, closing = support.forever, support.loop, support.closing

-- What a bad script might try. `stuck`: where Lua cannot yield, so that nobody has a turn to cancel it.
local bad = {
  { "while true do end", forever },
  { "a loop of pcall(ebb.yield)", function() loop(function() pcall(ebb.yield) end) end },
  { "a loop of pcall(ebb.sleep)", function() loop(function() pcall(ebb.sleep, 1) end) end },
  { "a loop after a caught cancel", function() pcall(ebb.sleep, 1) forever() end },
  { "a loop of pcall of a loop", function() loop(function() pcall(forever) end) end },
  { "xpcall, whose handler loops", function()
    loop(function() xpcall(forever, function() forever() end) end)
  end },
  { "xpcall, whose handler runs", function()
    loop(function() xpcall(error, function() forever() end) end)
  end, stuck = true },
  { "xpcall in the handler of xpcall", function()
    loop(function()
      xpcall(function() xpcall(error, forever) end, function() xpcall(forever, forever) end)
    end)
  end, stuck = true },
  { "xpcall with pcall for a handler, and strings that can be called", function()
    local meta = getmetatable ""
    meta.__call = forever
    local _ <close> = closing(function() meta.__call = nil end)
    loop(function() xpcall(forever, pcall) end)
  end },
  { "coroutine.wrap", function() loop(function() pcall(coroutine.wrap(function() os.clock() end)) end) end },
  { "ebb.coroutine.wrap", function() loop(function() pcall(ebb.coroutine.wrap(forever)) end) end },
  { "ebb.coroutine in ebb.coroutine", function()
    local wrap = ebb.coroutine.wrap
    loop(function()
      pcall(wrap(function()
        loop(function() pcall(wrap(function() loop(function() pcall(ebb.yield) end) end)) end)
      end))
    end)
  end },
  { "a metamethod", function()
    local object = setmetatable({}, { __index = forever })
    loop(function() pcall(function() return object.x end) end)
  end },
  { "a comparator of table.sort", function()
    loop(function() pcall(table.sort, { 1, 2, 3 }, forever) end)
  end, stuck = true },
  { "a callback of string.gsub", function()
    loop(function() pcall(string.gsub, "abc", ".", forever) end)
  end, stuck = true },
  { "an iterator", function()
    loop(function() pcall(function() for _ in function() loop(pcall) end do os.clock() end end) end)
  end },
  { "an error that a __close hides", function()
    loop(function()
      pcall(function()
        local _ <close> = closing(function() error "hidden" end)
        forever()
      end)
    end)
  end },
  { "blocks with cleanups", function()
    loop(function()
      pcall(function()
        local _ <close> = closing(function() for i = 1, 100 do tostring(i) end end)
        forever()
      end)
    end)
  end },
  { "a deep recursion", function()
    local function deep(n)
      if n == 0 then return loop(function() end) end
      return 1 + deep(n - 1)
    end
    loop(function() pcall(deep, 50000) end)
  end },
  { "goto and repeat", function()
    local n = 0
    ::again::
    repeat n = n + 1 until n % 1000 == 0 or support.clock() < 0
    if n < 5e7 then goto again end
  end },
  { "a loop in load", function() loop(function() pcall(load "for i = 1, 1e7 do end") end) end },
  { "children that loop", function()
    loop(function() pcall(ebb.scope, function(s) s:spawn(forever) end) end)
  end },
}

local function run(fn)
  support.begin()
  support.run({ slice = 0.005, on_slice = "yield" }, fn)
end

-- Begins with a cleanup that awaits, and must end with it.
local function with_cleanup(fn, note)
  return function()
    local _ <close> = closing(function()
      ebb.sleep(0)
      note.cleaned = true
    end)
    fn()
  end
end

describe("a cancelled task that computes on is ended:", function()
  for _, case in ipairs(bad) do
    local name, fn = case[1], case[2]
    if not case.stuck then
      it(name, function()
        run(function()
          local note = {}
          local task = ebb.spawn(with_cleanup(fn, note))
          ebb.sleep(0.01)
          assert.is_true(task:cancel "enough")
          local ok, err = task:join()
          assert.same({ false, "cancelled", true }, { ok, task:status(), note.cleaned })
          assert.equal(task, err.cancelled_task)
        end)
      end)
    end
  end
end)

describe("a cancelled task that awaits on, and lets others run each time,", function()
  it("is ended when it has caught its cancel often enough", function()
    helper.run(function()
      local n, note = 0, {}
      local task = ebb.spawn(with_cleanup(function()
        while n < 50000 do
          n = n + 1
          pcall(ebb.scope, function(s) s:spawn(function() end) end)
        end
        error("nobody has stopped it", 0)
      end, note))
      repeat ebb.yield() until n > 0
      task:cancel "enough"
      assert.is_false((task:join()))
      assert.same({ "cancelled", true }, { task:status(), note.cleaned })
    end)
  end)
end)

for _, how in ipairs { "a signal", "a hook" } do
  describe("a task that has used up its computing time is ended, by " .. how .. ":", function()
    for _, case in ipairs(bad) do
      local name, fn = case[1], case[2]
      it(name, function()
        support.begin()
        support.run({ slice_hook = how == "a hook" }, function(errors)
          local note = {}
          local task = ebb.spawn_with({ cpu = 0.02 }, with_cleanup(fn, note))
          ebb.timeout(1, function() task:join() end)
          if not task:finished() then task:cancel() end -- it only waits
          local ok, err = task:join()
          if task:status() == "failed" then assert.matches("EBB031", err) end
          assert.same({ false, true }, { ok, note.cleaned })
          for i = #errors, 1, -1 do
            assert.matches("EBB031", errors[i].err)
            errors[i] = nil
          end
        end)
      end)
    end
  end)
end

describe("without slices", function()
  it("a cancelled task that does not wait any more is ended as well", function()
    support.begin()
    support.run({}, function()
      local task = ebb.spawn(function() loop(function() pcall(ebb.yield) end) end)
      ebb.yield()
      task:cancel()
      task:join()
      assert.equal("cancelled", task:status())
    end)
  end)

  it("one that cancels itself", function()
    support.begin()
    support.run({}, function()
      local task = ebb.spawn(function()
        ebb.current():cancel "itself"
        forever()
      end)
      task:join()
      assert.equal("cancelled", task:status())
    end)
  end)

  it("a scope that its own body strikes", function()
    support.begin()
    support.run({}, function()
      local after
      local value, word, reason = ebb.scope(function(s)
        s:cancel "done"
        loop(function() pcall(forever) end)
      end)
      after = support.compute(0.15) -- the region is left: nothing is forced any more
      assert.same({ nil, "cancelled", "done", true }, { value, word, reason, after > 0 })
    end)
  end)

  it("a timeout whose awaits are caught", function()
    support.begin()
    support.run({}, function()
      local value, word = ebb.timeout(0.01, function() loop(function() pcall(ebb.sleep, 1) end) end)
      assert.same({ nil, "timeout" }, { value, word })
    end)
  end)

  it("run comes back although a task that is left over computes in a loop", function()
    support.begin()
    local rt = ebb.runtime {}
    rt:run(function()
      ebb.go(function() loop(function() pcall(ebb.sleep, 10) end) end)
      ebb.sleep(0.005)
    end)
    assert.equal(0, rt:metrics().alive)
    rt:close()
  end)
end)

describe("what is spared:", function()
  it("a cleanup that computes", function()
    support.begin()
    support.run({}, function()
      local done
      local task = ebb.spawn(function()
        local _ <close> = closing(function()
          ebb.sleep(0)
          done = support.compute(0.2)
        end)
        loop(function() pcall(ebb.sleep, 1) end)
      end)
      helper.settle()
      task:cancel()
      task:join()
      assert.is_true(done > 0)
    end)
  end)

  it("what is shielded", function()
    support.begin()
    support.run({}, function()
      local done
      local task = ebb.spawn(function()
        ebb.shield(function()
          ebb.sleep(0.01)
          done = support.compute(0.2)
        end)
        loop(function() pcall(ebb.sleep, 1) end)
      end)
      helper.settle()
      task:cancel()
      task:join()
      assert.is_true(done > 0)
      assert.equal("cancelled", task:status())
    end)
  end)

  support.it("a short computation after a caught cancel", function()
    support.begin()
    support.run({}, function()
      local task = ebb.spawn(function()
        local ok, err = pcall(ebb.sleep, 1)
        support.compute(0.01)
        return ok, ebb.is_cancelled(err)
      end)
      helper.settle()
      task:cancel()
      assert.same({ true, false, true }, { task:join() })
    end)
  end)
end)

describe("a machine that stands still", function()
  it("ends no task that has caught its cancel: it has not computed", function()
    programs.prints("true\tfalse\ttrue\n", [[
      local ebb = require "ebb"
      local pid = io.open("/proc/self/stat"):read "n"
      local function compute(seconds)
        local due = os.clock() + seconds
        while os.clock() < due do end
      end
      ebb.run(function()
        local task = ebb.spawn(function()
          local ok, err = pcall(ebb.sleep, 10)
          compute(0.015) -- it is looked at
          os.execute(("kill -STOP %d; sleep 0.3; kill -CONT %d"):format(pid, pid))
          return ok, ebb.is_cancelled(err)
        end)
        while task:status() ~= "waiting" do ebb.yield() end
        task:cancel()
        print(task:join())
      end)
    ]])
  end)

  it("is as a call that blocks", function()
    support.run({}, function()
      local log = {}
      local task = ebb.spawn(function()
        assert.is_true(ebb.current():cancel "why")
        os.execute "sleep 0.3"
        log[1] = pcall(ebb.yield)
        log[2] = "went on"
      end)
      assert.is_true(task:join())
      assert.same({ false, "went on" }, log)
    end)
  end)
end)

describe("a cleanup that never ends", function()
  for _, on_slice in ipairs { "report", "yield" } do
    it("has the cleanup_timeout, with on_slice = " .. on_slice, function()
      support.begin()
      ebb.debug.slow(10, function() end) -- no lines on standard error
      local rt, errors = helper.runtime {
        clock = "system", cleanup_timeout = 0.05, slice = 0.01, on_slice = on_slice,
      }
      rt:run(function()
        local task = ebb.spawn(function()
          local _ <close> = closing(function() loop(function() pcall(forever) end) end)
          ebb.sleep(10)
        end)
        ebb.sleep(0.001)
        task:cancel()
        task:join()
        assert.equal("cancelled", task:status())
      end)
      assert.matches("EBB025", tostring(errors[1].err))
      rt:close()
      ebb.debug.slow()
    end)
  end
end)
