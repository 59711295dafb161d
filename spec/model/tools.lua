--- The reference model's tools that are written in terms of tasks and locks: values of tasks, retry, supervisors, pools
-- of resources.
local pack, unpack = table.pack, table.unpack

local function add_task_local(w, ebb)
  function ebb.task_local(default)
    local key = {}
    function key.get()
      local value = w.current.locals[key]
      if value == nil then return default end
      return value
    end
    function key.set(_, value) w.current.locals[key] = value end
    function key.with(_, value, fn, ...)
      local task = w.current
      local before = task.locals[key]
      task.locals[key] = value
      local results = pack(pcall(fn, ...))
      task.locals[key] = before
      if not results[1] then error(results[2], 0) end
      return unpack(results, 2, results.n)
    end
    return key
  end
end

local function add_retry(w, ebb)
  function ebb.retry(fn, opts)
    local pause = opts.delay or 0.1
    for attempt = 1, (opts.attempts or 3) - 1 do
      local results = pack(w.pcall(fn, attempt))
      local err = results[2]
      if results[1] then
        if results[2] ~= nil or results[3] == nil then return unpack(results, 2, results.n) end
        err = results[3]
      elseif w.is_cancel(err) then
        error(err, 0)
      end
      if opts.on then opts.on(err, attempt) end
      ebb.sleep(math.min(pause, opts.max_delay or 30))
      pause = pause * (opts.factor or 2)
    end
    local last = opts.attempts or 3
    local results = pack(pcall(fn, last))
    if not results[1] then
      local told = w.told(results[2])
      if opts.on and not w.is_cancel(told) then opts.on(told, last) end
      error(results[2], 0)
    end
    if opts.on and results[2] == nil and results[3] ~= nil then opts.on(results[3], last) end
    return unpack(results, 2, results.n)
  end
end

--- Children in a join set, which says who has ended.
local function add_supervise(w, ebb)
  function ebb.supervise(spec)
    local set <close> = ebb.join_set()
    local running, index_of, failures, put_by = {}, {}, {}, {}
    local most, within = spec.max_restarts or 3, spec.within or 5

    local function start(i)
      local task = set:spawn(spec[i].run)
      running[i], index_of[task] = task, i
    end

    --- A failure that is nobody's result.
    local function tell(task, i)
      if task.state ~= "failed" then return end
      task.taken = true
      if spec.on then spec.on(task.err, spec[i].name or i) else w.report(task, task.err) end
    end

    --- Which go down and up with child i.
    local function neighbours(i)
      if spec.strategy == "one_for_all" then return 1, #spec end
      return i, spec.strategy == "rest_for_one" and #spec or i
    end

    local function counts(task, i)
      local restart = spec[i].restart or "permanent"
      return restart == "permanent" or (restart == "transient" and task.state == "failed")
    end

    --- Ends those from first to last, the newest first: which are to be started again. Others that end meanwhile have
    -- to wait, and then need no ending.
    local function stop(first, last, why)
      local again, n = {}, 0
      for k = #put_by, 1, -1 do
        local task = put_by[k]
        local i = index_of[task]
        if i >= first and i <= last then
          table.remove(put_by, k)
          tell(task, i)
          running[i], again[i] = nil, counts(task, i)
        end
      end
      for i = last, first, -1 do
        if running[i] then
          again[i], n = spec[i].restart ~= "temporary", n + 1
          running[i]:cancel(why)
        end
      end
      while n > 0 do
        local task = set:join_next()
        local i = index_of[task]
        if again[i] ~= nil then
          running[i], n = nil, n - 1
          tell(task, i)
        else
          put_by[#put_by + 1] = task
        end
      end
      return again
    end

    local function too_many()
      local now = ebb.now()
      failures[#failures + 1] = now
      local n = 0
      for _, at in ipairs(failures) do
        if now - at < within or at == now then n = n + 1 end
      end
      return n > most
    end

    for i = 1, #spec do start(i) end
    while true do
      local task = table.remove(put_by, 1) or set:join_next()
      if not task then return end
      local i = index_of[task]
      running[i] = nil
      if counts(task, i) then
        if too_many() then
          stop(1, #spec, "ended by its supervisor")
          if task.state == "failed" then task:await() end
          error("a child has ended too often", 0)
        end
        tell(task, i)
        local first, last = neighbours(i)
        local again = stop(first, last, "restarted by its supervisor")
        for j = first, last do
          if j == i or again[j] then start(j) end
        end
      else
        tell(task, i)
      end
    end
  end
end

--- So many leases at a time; what comes back lies in a stack.
local function add_resource_pool(w, ebb)
  function ebb.resource_pool(make, opts)
    local pool, idle, closed, n_leased, reaps = {}, {}, false, 0, false
    local permits = ebb.semaphore(opts.max or math.maxinteger)
    local function let_go(value) if opts.close then opts.close(value) end end

    --- A task while there are idle ones: it closes those that are so for too long.
    local function reap()
      while idle[1] and not closed do
        local due = w.later(idle[1].since, opts.idle)
        if due > w.now then
          ebb.sleep_until(due)
        else
          let_go(table.remove(idle, 1).value)
        end
      end
    end

    --- fn(value); if it fails the value is closed.
    local function or_let_go(value, fn)
      local kept = false
      local _ <close> = setmetatable({}, { __close = function(_, err)
        if not kept then w.cleanup(function() let_go(value) end, err) end
      end })
      kept = fn(value)
      return kept
    end

    local function take_idle()
      while idle[1] do
        local item = table.remove(idle)
        local function is_good(value)
          if opts.idle and w.now >= w.later(item.since, opts.idle) then return false end
          return (not opts.check or opts.check(value)) and not closed
        end
        if or_let_go(item.value, is_good) then return item.value end
      end
    end

    local function lease_of(permit, value)
      local lease = { value = value }
      n_leased = n_leased + 1
      local function ends(what)
        if not permit then return end
        local p <close> = permit -- luacheck: ignore
        permit, lease.value = nil, nil
        n_leased = n_leased - 1
        what(value)
      end
      local function back()
        if closed then return let_go(value) end
        idle[#idle + 1] = { value = value, since = w.now }
        if opts.idle and not reaps and w.current then -- a host's are found by acquire
          reaps = pcall(ebb.go, function()
            local _ <close> = setmetatable({}, { __close = function() reaps = false end })
            reap()
          end)
        end
      end
      function lease.close() ends(back) end
      function lease.discard() ends(let_go) end
      local function leave(_, err) w.cleanup(lease.close, err) end
      return setmetatable(lease, { __close = leave, is_lease = true })
    end

    local function lease_with(permit, why)
      if not permit then return nil, why end
      local kept = false
      local _ <close> = setmetatable({}, { __close = function() if not kept then permit:close() end end })
      local value = take_idle()
      if value == nil then
        if closed then return nil, "closed" end
        local code
        value, why, code = make()
        if value == nil then return nil, why, code end
        if closed then
          let_go(value)
          return nil, "closed"
        end
      end
      kept = true
      return lease_of(permit, value)
    end

    function pool.acquire() return lease_with(permits:acquire()) end
    function pool.try_acquire() return lease_with(permits:try_acquire()) end
    function pool.with(_, fn, ...)
      local permit, reason = permits:acquire()
      if not permit then return nil, reason end
      local lease <close>, why, code = lease_with(permit)
      if not lease then return nil, why, code end
      return fn(lease.value, ...)
    end
    function pool.size() return n_leased, #idle end
    function pool.is_closed() return closed end
    function pool.close()
      if closed then return end
      closed = true
      permits:close()
      while idle[1] do let_go(table.remove(idle).value) end
    end
    return pool
  end
end

return function(w, ebb)
  add_task_local(w, ebb)
  add_retry(w, ebb)
  add_supervise(w, ebb)
  add_resource_pool(w, ebb)
end
