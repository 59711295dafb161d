--- The reference model's synchronisation: mutex, rwlock, semaphore, notify, barrier, latch, once.
local pack, unpack = table.pack, table.unpack

--- Runs fn(...), then after(), whatever happens.
local function finally(after, fn, ...)
  local results = pack(pcall(fn, ...))
  after()
  if not results[1] then error(results[2], 0) end
  return unpack(results, 2, results.n)
end

--- Locks that belong to the task that took them.
local function add_lock_guards(w)
  local Guard = {}
  Guard.__index = Guard
  Guard.__close = function(guard) guard:close() end

  --- release() gives the lock back.
  function w.lock_guard(owner, lock, release)
    local guard = setmetatable({ owner = owner, lock = lock, release = release, open = true }, Guard)
    owner.locks[#owner.locks + 1] = guard
    return guard
  end
  function Guard.close(guard)
    if not guard.open then return end
    if w.current and guard.owner ~= w.current then error("EBB045", 0) end -- a host may
    guard.open = false
    w.remove(guard.owner.locks, guard)
    guard.release()
  end
  function Guard.adopt(guard)
    if not guard.open then error("misuse of a guard", 0) end
    w.remove(guard.owner.locks, guard)
    guard.owner = w.current
    w.current.locks[#w.current.locks + 1] = guard
    return guard
  end
  function Guard.downgrade(guard)
    if not guard.open or not guard.writes then error("misuse of a guard", 0) end
    return guard.lock.downgrade(guard)
  end

  --- The task ended with it.
  function w.lock_left(guard)
    guard.open = false
    w.report(guard.owner, "EBB041")
    guard.release()
  end
end

local function add_mutex(w, ebb)
  function ebb.mutex(value)
    local m, queue, holder = {}, {}, nil
    local function give(task)
      holder = w.lock_guard(task, m, function()
        holder = nil
        local first = queue[1]
        if not first then return end
        w.wake(first, give(first.wait.task))
      end)
      holder.value = value
      return holder
    end
    m.leaf = { takes = true }
    function m.leaf.throws(task) return holder ~= nil and holder.owner == task and "EBB042" end
    function m.leaf.ready(task) return holder == nil or m.leaf.throws(task) end
    function m.leaf.take(task)
      if holder then return { n = 1, "EBB042", throws = true } end
      return pack(give(task))
    end
    function m.leaf.link(arm) w.join_queue(arm, queue) end
    function m.lock() return w.await(m.leaf) end
    function m.lock_op() return w.leaf_op(m.leaf) end
    function m.try_lock()
      if holder then return nil, "locked" end
      return give(w.current)
    end
    function m.with(_, fn, ...)
      local guard = m.lock()
      local args = value == nil and pack(...) or pack(value, ...)
      return finally(function() guard:close() end, fn, unpack(args, 1, args.n))
    end
    function m.is_locked() return holder ~= nil end
    return m
  end
end

local function add_rwlock(w, ebb)
  function ebb.rwlock()
    local rw, queue, readers, writer = {}, {}, 0, false
    local admit

    local function give(task, writes)
      if writes then writer = true else readers = readers + 1 end
      local guard
      guard = w.lock_guard(task, rw, function()
        if guard.writes then writer = false else readers = readers - 1 end
        admit()
      end)
      guard.writes = writes
      return guard
    end
    local function free(writes) return not writer and (not writes or readers == 0) end
    --- In strict order: the first that may not go on holds up the rest.
    local admitting = false
    function admit()
      if admitting then return end
      admitting = true
      while queue[1] and free(queue[1].leaf.writes) do
        w.wake(queue[1], give(queue[1].wait.task, queue[1].leaf.writes))
      end
      admitting = false
    end
    function rw.downgrade(guard)
      guard.writes, writer, readers = false, false, readers + 1
      admit()
      return guard
    end

    local function leaf_of(writes)
      local leaf = { takes = true, writes = writes }
      function leaf.throws(task)
        if queue[1] == nil and free(writes) then return false end
        for _, guard in ipairs(task.locks) do
          if guard.lock == rw then return "EBB042" end
        end
      end
      function leaf.ready(task) return queue[1] == nil and free(writes) or leaf.throws(task) end
      function leaf.take(task)
        if leaf.throws(task) then return { n = 1, "EBB042", throws = true } end
        return pack(give(task, writes))
      end
      function leaf.link(arm) w.join_queue(arm, queue) end
      leaf.leave = admit
      return leaf
    end
    local reads, writes = leaf_of(false), leaf_of(true)
    function rw.read() return w.await(reads) end
    function rw.write() return w.await(writes) end
    function rw.read_op() return w.leaf_op(reads) end
    function rw.write_op() return w.leaf_op(writes) end
    function rw.try_read()
      if queue[1] or not free(false) then return nil, "locked" end
      return give(w.current, false)
    end
    function rw.try_write()
      if queue[1] or not free(true) then return nil, "locked" end
      return give(w.current, true)
    end
    return rw
  end
end

local function add_semaphore(w, ebb)
  local Permit = {}
  Permit.__index = Permit
  Permit.__close = function(permit) permit:close() end
  function Permit.close(permit)
    local k = permit.k
    permit.k = 0
    if k > 0 then permit.back(k) end
  end
  function Permit.forget(permit) permit.k = 0 end
  function Permit.count(permit) return permit.k end

  function ebb.semaphore(n)
    local sem, queue, closed = {}, {}, false
    local function give(k)
      n = n - k
      return setmetatable({ k = k, back = function(count) sem:add(count) end }, Permit)
    end
    local admitting = false
    local function admit()
      if admitting or closed then return end
      admitting = true
      while queue[1] and queue[1].leaf.k <= n do w.wake(queue[1], give(queue[1].leaf.k)) end
      admitting = false
    end
    local function leaf_of(k)
      local leaf = { takes = true, k = k }
      function leaf.ready() return closed or k == 0 or (queue[1] == nil and k <= n) end
      function leaf.take()
        if closed then return pack(nil, "closed") end
        return pack(give(k))
      end
      function leaf.link(arm) w.join_queue(arm, queue) end
      leaf.leave = admit
      return leaf
    end
    sem.leaf = leaf_of(1)
    function sem.acquire(_, k) return w.await(leaf_of(k or 1)) end
    function sem.acquire_op(_, k) return w.leaf_op(leaf_of(k or 1)) end
    function sem.try_acquire(_, k)
      local leaf = leaf_of(k or 1)
      if not leaf.ready() then return nil, "empty" end
      local values = leaf.take()
      return unpack(values, 1, values.n)
    end
    function sem.add(_, k)
      n = n + (k or 1)
      admit()
    end
    function sem.forget(_, k)
      local gone = math.min(k or 1, n)
      n = n - gone
      return gone
    end
    function sem.available() return n end
    function sem.close()
      closed = true
      w.tell_all(queue, nil, "closed")
    end
    function sem.is_closed() return closed end
    return sem
  end
end

local function add_notify(w, ebb)
  function ebb.notify()
    local notify, queue, stored = {}, {}, false
    notify.leaf = {}
    function notify.leaf.ready() return stored end
    function notify.leaf.take()
      stored = false
      return pack(true)
    end
    function notify.leaf.link(arm) w.join_queue(arm, queue) end
    function notify.wait() return w.await(notify.leaf) end
    function notify.notify_one()
      if not queue[1] then
        stored = true
        return
      end
      local first = queue[1]
      w.wake(first, true)
      -- if a cancel wins, the next one is notified
      first.wait.task.woken.unused = notify.notify_one
    end
    function notify.notify_all() w.wake_all(queue, true) end
    return notify
  end
end

local function add_meetings(w, ebb)
  function ebb.barrier(n)
    local barrier, queue = {}, {}
    barrier.leaf = {}
    function barrier.leaf.ready()
      local waits, count = {}, 1
      for _, arm in ipairs(queue) do
        if not waits[arm.wait] then count = count + 1 end
        waits[arm.wait] = true
      end
      return count >= n
    end
    function barrier.leaf.take()
      w.wake_all(queue, false)
      return pack(true)
    end
    function barrier.leaf.link(arm) w.join_queue(arm, queue) end
    function barrier.wait() return w.await(barrier.leaf) end
    return barrier
  end

  function ebb.latch(n)
    local latch, queue = {}, {}
    latch.leaf = {}
    function latch.leaf.ready() return n == 0 end
    function latch.leaf.take() return pack(true) end
    function latch.leaf.link(arm) w.join_queue(arm, queue) end
    function latch.wait() return w.await(latch.leaf) end
    function latch.count_down(_, k)
      n = math.max(0, n - (k or 1))
      if n == 0 then w.wake_all(queue, true) end
    end
    function latch.count() return n end
    return latch
  end

  function ebb.once(fn)
    local once, queue, results, runner = {}, {}, nil, nil
    local leaf = {}
    function leaf.ready() return runner == nil end
    function leaf.take() return pack() end
    function leaf.link(arm) w.join_queue(arm, queue) end
    function once.get()
      while true do
        if not results and runner == w.current then error("EBB042", 0) end
        w.current.silent = true -- woken to wait for another's attempt
        w.await(leaf)
        w.current.silent = false
        if results then return unpack(results, 1, results.n) end
        if not runner then break end
      end
      runner = w.current
      return finally(function()
        runner = nil
        w.wake_all(queue)
      end, function()
        local values = pack(fn())
        if values[1] ~= nil or values[2] == nil then results = values end
        return unpack(values, 1, values.n)
      end)
    end
    function once.is_done() return results ~= nil end
    return once
  end
end

return function(w, ebb)
  add_lock_guards(w)
  add_mutex(w, ebb)
  add_rwlock(w, ebb)
  add_semaphore(w, ebb)
  add_notify(w, ebb)
  add_meetings(w, ebb)
end
