--- What holds under any schedule: values that pass through a channel, locks that are held, things of a pool, by users who
-- give up, are cut off by deadlines and are cancelled. Each flow ends with one line that is the same whatever the order
-- of tasks was, on ebb and on the model.

local N_VALUES, N_TURNS, LONGEST = 4, 2, 3

--- Adds the flows to a side: functions of programs, on the surface that they see.
return function(side, ebb)
  local in_flight = {} -- by flow

  --- fn, which no more than n may be in at a time.
  function side.bound(id, n, fn)
    local now = 0
    return function(...)
      now, in_flight[id] = now + 1, (in_flight[id] or 0) + 1
      if now > n then side.log(id, "too-many", now) end
      local _ <close> = setmetatable({}, { __close = function()
        now, in_flight[id] = now - 1, in_flight[id] - 1
      end })
      return fn(...)
    end
  end

  --- Logs what fn gives or throws, and how many of its functions have not ended: none.
  function side.flow(id, fn)
    local results = table.pack(pcall(fn))
    side.log(id, table.unpack(results, 1, results.n))
    side.log(id, "inside", in_flight[id] or 0)
  end

  --- The items of a bag, in an order of their own.
  function side.sorted(list)
    local texts = {}
    for i, v in ipairs(list) do texts[i] = side.text_of(v) end
    table.sort(texts)
    return texts
  end

  --- Starts a task for each of `ways`; cancels = { { who, when }, … }.
  local function start(ways, fn, cancels)
    local tasks = {}
    for i, way in ipairs(ways) do tasks[i] = ebb.spawn(fn, i, way) end
    for _, c in ipairs(cancels) do
      if tasks[c[1]] then
        ebb.go(function()
          ebb.sleep(c[2])
          tasks[c[1]]:cancel()
        end)
      end
    end
    return tasks
  end

  local function wait_for(tasks)
    for _, task in ipairs(tasks) do task:join() end
  end

  -- channels ---------------------------------------------------------------------------------------

  --- Each sends v: true, or nil when the channel is closed.
  local senders = {
    send = function(ch, v) return (ch:send(v)) end,
    reserve = function(ch, v)
      local permit = ch:reserve()
      return permit and permit:send(v)
    end,
    select = function(ch, v)
      while true do
        local i, ok = ebb.select(ch:send_op(v), ebb.after(0.25))
        if i == 1 then return ok end
      end
    end,
    timeout = function(ch, v)
      while true do
        local ok, why = ebb.timeout(0.5, ch.send, ch, v)
        if ok or why == "closed" then return ok end
      end
    end,
    try = function(ch, v)
      while true do
        local ok, why = ch:try_send(v)
        if ok or why == "closed" then return ok end
        ebb.sleep(0.25)
      end
    end,
  }

  --- Each receives: a list of values, nothing yet (nil), or false when the channel is closed.
  local function one(v, why)
    if v ~= nil then return { v } end
    if why == "closed" then return false end
  end
  local receivers = {
    recv = function(ch) return one(ch:recv()) end,
    many = function(ch)
      return ch:recv_many(3) or false
    end,
    select = function(ch)
      local i, v, why = ebb.select(ebb.after(0.25), ch)
      if i == 2 then return one(v, why) end
    end,
    timeout = function(ch) return one(ebb.timeout(0.5, ch.recv, ch)) end,
    op = function(ch) return one(ebb.timeout(0.25, ch)) end,
    try = function(ch)
      local v, why = ch:try_recv()
      if v == nil and why ~= "closed" then ebb.sleep(0.25) end
      return one(v, why)
    end,
  }

  --- Values are sent and received; none is lost, doubled, invented, or overtakes another of its sender.
  function side.pass(id, capacity, sending, receiving, cancels)
    local ch = ebb.channel(capacity)
    local sent, got, wrong = {}, {}, { lost = 0, doubled = 0, invented = 0, overtaken = 0 }

    local function take(list, last)
      for _, v in ipairs(list) do
        if got[v] then wrong.doubled = wrong.doubled + 1 end
        got[v] = true
        local p = v // 100
        if last[p] and last[p] > v then wrong.overtaken = wrong.overtaken + 1 end
        last[p] = v
      end
    end

    local out = start(sending, function(p, way)
      for i = 1, N_VALUES do
        local v = p * 100 + i
        if senders[way](ch, v) then sent[v] = true end
        if way ~= "send" then ebb.yield() end
      end
    end, cancels)
    local back = start(receiving, function(_, way)
      local last = {}
      repeat
        local list = receivers[way](ch)
        if list then take(list, last) end
      until list == false
    end, cancels)
    ebb.timeout(LONGEST, wait_for, out)
    ch:close()
    wait_for(out)
    wait_for(back)
    local last = {}
    for v in ch.try_recv, ch do take({ v }, last) end
    for v in pairs(sent) do
      if not got[v] then wrong.lost = wrong.lost + 1 end
    end
    for v in pairs(got) do
      if not sent[v] then wrong.invented = wrong.invented + 1 end
    end
    side.log(id, wrong.lost, wrong.doubled, wrong.invented, wrong.overtaken)
  end

  --- Every subscriber who stays sees each value once, in order, or is told how many it has missed.
  function side.spread(id, capacity, ways, cancels)
    local b = ebb.broadcast(capacity)
    local n_sent, wrong = 6, 0
    local subs = {}
    for i = 1, #ways do subs[i] = b:subscribe() end
    local tasks = start(ways, function(i, way)
      local sub, last, n = subs[i], 0, 0
      while true do
        local v, why, missed
        if way == "timeout" then v, why, missed = ebb.timeout(0.25, sub) else v, why, missed = sub:recv() end
        if v then
          if v <= last then wrong = wrong + 1 end
          last, n = v, n + 1
        elseif why == "lagged" then
          n = n + missed
        elseif why == "closed" then
          break
        end
        if way == "slow" then ebb.sleep(0.5) end
      end
      if n ~= n_sent then wrong = wrong + 1 end
    end, cancels)
    for i = 1, n_sent do
      b:send(i)
      if i % 2 == 0 then ebb.sleep(0.25) end
    end
    b:close()
    wait_for(tasks)
    side.log(id, wrong)
  end

  -- locks ------------------------------------------------------------------------------------------

  --- What there is of each kind: acquire, op, try, how many may hold it at a time, and whether all is free in the end.
  local kinds = {
    mutex = function()
      local m = ebb.mutex()
      return { most = 1, wait = m.lock, op = m.lock_op, try = m.try_lock, of = m,
        is_free = function() return not m:is_locked() end }
    end,
    semaphore = function(n)
      local sem = ebb.semaphore(n)
      return { most = n, wait = sem.acquire, op = sem.acquire_op, try = sem.try_acquire, of = sem,
        is_free = function() return sem:available() == n end }
    end,
    rwlock = function()
      local rw = ebb.rwlock()
      return { most = 1, wait = rw.write, op = rw.write_op, try = rw.try_write, of = rw,
        read = rw.read, is_free = function()
          local guard <close> = rw:try_write() -- luacheck: ignore
          return guard ~= nil
        end }
    end,
    pool = function(n)
      local made, closed = 0, 0
      local pool = ebb.resource_pool(function()
        made = made + 1
        local v = made
        local kept
        local _ <close> = setmetatable({}, { __close = function() closed = closed + (kept and 0 or 1) end })
        ebb.sleep(0.25)
        kept = v
        return v
      end, { max = n, check = function(v) return v % 3 ~= 0 end, close = function() closed = closed + 1 end })
      return { most = n, wait = pool.acquire, try = pool.try_acquire, of = pool, is_free = function()
        local n_leased, n_idle = pool:size()
        return n_leased == 0 and n_idle == made - closed and n_idle <= n
      end }
    end,
  }

  --- A lock is held by no more than may hold it, and by nobody in the end.
  function side.hold(id, kind, n, ways, cancels)
    local lock = kinds[kind](n)
    local writers, readers = 0, 0
    local function inside(way, guard)
      local reads = way == "read" and lock.read
      if reads then readers = readers + 1 else writers = writers + 1 end
      if writers > lock.most or (lock.read and writers > 0 and readers > 0) then side.log(id, "too-many", writers) end
      local _ <close> = setmetatable({}, { __close = function()
        if reads then readers = readers - 1 else writers = writers - 1 end
      end })
      ebb.sleep(0.25)
      if way == "downgrade" and lock.read then
        guard:downgrade()
        reads, writers, readers = true, writers - 1, readers + 1
        ebb.sleep(0.25)
      end
    end
    local function enter(way)
      if way == "try" then return lock.try(lock.of) end
      if way == "op" and lock.op then return ebb.timeout(0.5, lock.op(lock.of)) end
      if way == "select" and lock.op then
        local i, guard = ebb.select(lock.op(lock.of), ebb.after(0.25))
        return i == 1 and guard or nil
      end
      if way == "read" and lock.read then return lock.read(lock.of) end
      return lock.wait(lock.of)
    end
    local tasks = start(ways, function(_, way)
      for _ = 1, N_TURNS do
        local guard <close> = enter(way)
        if guard then inside(way, guard) else ebb.yield() end
      end
    end, cancels)
    ebb.timeout(LONGEST, wait_for, tasks)
    for _, task in ipairs(tasks) do task:cancel() end
    wait_for(tasks)
    side.log(id, writers, readers, lock.is_free())
  end
end
