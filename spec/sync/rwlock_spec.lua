-- ebb.rwlock: many readers or one writer, in strict order.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.task.support"
local it_runs, settle, pack = helper.it, support.settle, table.pack

describe("an rwlock", function()
  it_runs("RW1 has many readers or one writer", function()
    local rw, readers, writers, most = ebb.rwlock(), 0, 0, 0
    local tasks, all = {}, rw:write()
    for i = 1, 40 do
      tasks[i] = ebb.spawn(function()
        if i % 4 == 0 then
          local _ <close> = rw:write()
          writers = writers + 1
          assert.equal(0, readers)
          assert.equal(1, writers)
          ebb.sleep(1)
          writers = writers - 1
        else
          local _ <close> = rw:read()
          readers = readers + 1
          most = math.max(most, readers)
          assert.equal(0, writers)
          ebb.sleep(1)
          readers = readers - 1
        end
      end)
      settle()
    end
    all:close()
    for i = 1, 40 do tasks[i]:await() end
    assert.equal(3, most)
    assert.equal("ebb.rwlock: unlocked", tostring(rw))
  end)

  it_runs("RW2 R102 readers that come after a waiting writer wait behind it", function()
    local rw, log = ebb.rwlock(), helper.log()
    local first = rw:read()
    local function contender(name, method)
      ebb.go(function()
        local _ <close> = method(rw)
        log(name)
        ebb.yield()
      end)
      settle()
    end
    contender("writer", rw.write)
    contender("reader", rw.read)
    contender("writer2", rw.write)
    assert.equal("ebb.rwlock: 1 reading, 3 waiting", tostring(rw))
    assert.same({ n = 2, nil, "locked" }, pack(rw:try_read()))
    first:close()
    ebb.sleep(1)
    assert.equal("writer reader writer2", log:text())
  end)

  it_runs("RW3 a holder that would wait for itself gets EBB042", function()
    local rw = ebb.rwlock()
    local read = rw:read()
    rw:read():close()
    helper.throws("EBB042", rw.write, rw)
    local task = ebb.spawn(function() rw:write():close() end)
    settle()
    helper.throws("EBB042", rw.read, rw)
    read:close()
    task:await()
    local write = rw:write()
    helper.throws("EBB042", rw.read, rw)
    helper.throws("EBB042", ebb.await, rw:write_op())
    write:close()
  end)

  it_runs("RW5 try_read fails under a writer, try_write under anybody", function()
    local rw = ebb.rwlock()
    local a, b = rw:try_read(), rw:try_read()
    assert.same({ n = 2, nil, "locked" }, pack(rw:try_write()))
    a:close()
    b:close()
    local w = rw:try_write()
    assert.equal("ebb.rwlock: locked for writing", tostring(rw))
    assert.same({ n = 2, nil, "locked" }, pack(rw:try_read()))
    assert.same({ n = 2, nil, "locked" }, pack(rw:try_write()))
    w:close()
    rw:try_write():close()
  end)

  it_runs("RW6 R42 downgrade lets readers in and no writer, and keeps the count", function()
    local rw, log = ebb.rwlock(), helper.log()
    local guard = rw:write()
    for _, name in ipairs { "read", "read", "write", "read" } do
      ebb.go(function()
        local _ <close> = rw[name](rw)
        log(name)
      end)
      settle()
    end
    assert.equal(guard, guard:downgrade())
    settle()
    assert.equal("read read", log:text())
    helper.throws("only a write lock", guard.downgrade, guard)
    guard:close()
    guard:close()
    helper.throws("released", guard.downgrade, guard)
    settle()
    assert.equal("read read write read", log:text())
    assert.equal("ebb.rwlock: unlocked", tostring(rw))
    rw:try_write():close()
  end)

  it_runs("RW7 a writer that gives up lets the readers behind it in", function()
    local rw = ebb.rwlock()
    local first = rw:read()
    local writer = ebb.spawn(rw.write, rw)
    local reader = ebb.spawn(function()
      local _ <close> = rw:read()
      return "in"
    end)
    settle()
    writer:cancel()
    writer:cancel()
    assert.equal("in", reader:await())
    first:close()
    writer:join()
    rw:try_write():close()
  end)

  it_runs("read_op and write_op are ops", function()
    local rw = ebb.rwlock()
    local i, guard = ebb.select(ebb.never(), rw:write_op())
    assert.equal(2, i)
    local task = ebb.spawn(function()
      assert.same({ n = 3, nil, "timeout", 1 }, pack(ebb.timeout(1, rw:read_op())))
      assert.same({ n = 3, nil, "timeout", 1 }, pack(ebb.timeout(1, rw:write_op())))
      local which, read <close> = ebb.select(rw:read_op(), rw:write_op())
      assert.equal(1, which)
      return tostring(read)
    end)
    ebb.sleep(3)
    guard:close()
    assert.matches("^ebb.lock: rwlock read, held by task", task:await())
  end)

  it_runs("a lock held at its task's end is released and reported", function(errors)
    local rw, kept = ebb.rwlock(), nil
    ebb.spawn(function() kept = { rw:read(), rw:read() } end):await()
    rw:try_write():close()
    assert.equal(2, #support.take(errors))
    assert.is_nil(kept[1].value)
  end)

  it_runs("R69 a cancel in the turn of the wake: the lock is had, and given back", function()
    for _, name in ipairs { "read", "write" } do
      local rw, got = ebb.rwlock(), false
      local guard = rw:write()
      local task = ebb.spawn(function()
        local _ <close> = rw[name](rw)
        got = true
        ebb.yield()
        got = "never"
      end)
      settle()
      guard:close()
      task:cancel()
      task:join()
      assert.is_true(got)
      rw:try_write():close()
    end
  end)
end)
