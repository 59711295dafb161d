-- Every call that awaits, by the same four questions: what it does outside of a task; when somebody resumes the waiting
-- task's thread; when the task has had its awaits of a turn; when the runtime is only stepped.
local ebb = require "ebb"
local helper = require "spec.helper"
local pack, unpack = table.pack, table.unpack

local rows = require "spec.op.awaits"

local names = {}
for name in pairs(rows) do names[#names + 1] = name end
table.sort(names)

local function make(row)
  return row.make and row.make() or nil
end

describe("outside of a task", function()
  for _, name in ipairs(names) do
    local row = rows[name]
    if not row.is_own then
      it(name .. " drives the runtime until it is done", function()
        local rt, errors = helper.runtime()
        ebb.use(rt)
        local object = make(row)
        if row.wake then
          rt:spawn(function()
            ebb.sleep(1)
            row.wake(object)
          end)
        end
        local results = pack(pcall(row.wait, object))
        ebb.use(nil)
        assert.is_true(results[1], tostring(results[2]))
        if row.expected then assert.same(row.expected, { unpack(results, 2, results.n) }) end
        rt:close()
        assert.same({}, errors)
      end)
    end
  end

  it("require and next_frame, too", function()
    local rt = helper.runtime()
    ebb.use(rt)
    package.preload["spec.op.awaiting"] = function()
      ebb.sleep(1)
      return "loaded"
    end
    assert.equal("loaded", (ebb.require "spec.op.awaiting"))
    package.loaded["spec.op.awaiting"], package.preload["spec.op.awaiting"] = nil, nil
    assert.equal(1, ebb.now())
    local pool = ebb.thread.pool { workers = 1 }
    assert.equal(3, pool:call(function(a, b) return a + b end, 1, 2))
    pool:close()
    ebb.use(nil)
    rt:close()
  end)
end)

describe("a task whose thread somebody resumes", function()
  for _, name in ipairs(names) do
    local row = rows[name]
    if not row.is_own then
      helper.it("goes on to wait: " .. name .. " (R49)", function()
        local object, thread = make(row), nil
        local task = ebb.spawn(function()
          thread = coroutine.running()
          return row.wait(object)
        end)
        helper.settle()
        for _ = 1, 3 do
          coroutine.resume(thread, "not", "yours")
          helper.settle()
          assert.equal("waiting", task:status())
        end
        if row.wake then row.wake(object) end
        local results = pack(task:await())
        if row.expected then assert.same(row.expected, { unpack(results, 1, results.n) }) end
      end)
    end
  end

  helper.it("goes on: one that waits for a lock, for the frame, or its turn (R49)", function(_, rt)
    local mutex, thread, seen = ebb.mutex(), nil, helper.log()
    local lock = mutex:lock()
    local task = ebb.spawn(function()
      thread = coroutine.running()
      mutex:with(function() seen "locked" end)
      ebb.yield()
      seen "yielded"
      for _ = 1, 1000 do ebb.await(ebb.ready()) end
      seen "awaited"
      return "done"
    end)
    helper.settle()
    coroutine.resume(thread)
    lock:close()
    for _ = 1, 20 do
      ebb.yield()
      if task:finished() then break end
      coroutine.resume(thread, "x")
    end
    assert.equal("done", task:await())
    assert.equal("locked yielded awaited", seen:text())
    assert.is_false(mutex:is_locked())
    assert.equal(0, rt:metrics().ready)
  end)

  it("goes on: one that waits for the next frame (R49)", function()
    local rt = helper.runtime()
    local threads, seen = {}, helper.log()
    local clock
    rt:spawn(function()
      clock = ebb.frame_clock()
      threads[1] = coroutine.running()
      seen(type(ebb.next_frame()))
    end)
    rt:step(1, 0.016)
    coroutine.resume(threads[1])
    assert.equal("", seen:text())
    rt:step(1, 0.016)
    assert.equal("number", seen:text())
    assert.is_truthy(clock)
    rt:close()
  end)
end)

describe("a task that finds everything ready", function()
  for _, name in ipairs(names) do
    local row = rows[name]
    if row.ready then
      helper.it("gives way: " .. name .. " (YC3 YC6) #fifo", function()
        local object = row.ready()
        local wait = object.recv_many and type(object) == "table" and object.recv_many or row.wait
        local n, n_seen = 0, nil
        ebb.yield()
        ebb.go(function() n_seen = n end)
        for _ = 1, 1000 do
          wait(object)
          n = n + 1
        end
        assert.is_truthy(n_seen)
        assert.is_true(n_seen >= 1 and n_seen <= 200, n_seen)
      end)
    end
  end

  helper.it("gives way in the middle of send_many, and may be cancelled there (YC3) #fifo", function()
    local ch, list, seen = ebb.channel(1000), {}, nil
    for i = 1, 1000 do list[i] = i end
    ebb.yield()
    ebb.go(function() seen = #ch end)
    assert.equal(1000, ch:send_many(list))
    assert.is_true(seen >= 1 and seen <= 200, seen)
    ch = ebb.channel(1000)
    local task = ebb.spawn(ch.send_many, ch, list)
    ebb.yield()
    assert.is_true(#ch >= 1 and #ch <= 200)
    task:cancel()
    assert.is_false((task:join()))
    assert.is_true(#ch <= 200)
  end)
end)
