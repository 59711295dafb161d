--- One object of nearly every kind that ebb has, in the state in which it is made and, where that differs, in others.
--- In a task or outside of one.
return function(ebb)
  local objects = {}
  local function add(name, make)
    local ok, object = pcall(make)
    if not ok then error(name .. ": " .. tostring(object)) end
    objects[#objects + 1] = { name = name, object = object }
    return object
  end

  local rt = add("runtime", function() return ebb.runtime { clock = "virtual", on_task_error = function() end } end)
  add("a closed runtime", function()
    local closed = ebb.runtime {}
    closed:close()
    return closed
  end)
  local ch = add("channel", function() return ebb.channel(2) end)
  add("a full channel", function()
    local full = ebb.channel(1)
    full:try_send(1)
    return full
  end)
  add("a closed channel", function()
    local closed = ebb.channel()
    closed:close()
    return closed
  end)
  add("sender", function() return ch:sender() end)
  add("permit", function() return ch:reserve() end)
  add("a used permit", function()
    local permit = ebb.channel(1):reserve()
    permit:send(1)
    return permit
  end)
  add("oneshot", ebb.oneshot)
  local watch = add("watch", function() return ebb.watch(1) end)
  add("watch sub", function() return watch:subscribe() end)
  local broadcast = add("broadcast", function() return ebb.broadcast(2) end)
  add("broadcast sub", function() return broadcast:subscribe() end)
  add("thread channel", function() return ebb.thread.channel(1) end)
  local sem = add("semaphore", function() return ebb.semaphore(2) end)
  add("semaphore permit", function() return sem:try_acquire() end)
  local mutex = add("mutex", function() return ebb.mutex {} end)
  add("lock", function() return mutex:try_lock() end)
  local rw = add("rwlock", ebb.rwlock)
  add("read lock", function() return rw:try_read() end)
  add("notify", ebb.notify)
  add("barrier", function() return ebb.barrier(2) end)
  add("latch", function() return ebb.latch(1) end)
  add("once", function() return ebb.once(function() return 1 end) end)
  local task = add("task", function() return rt:spawn(function() ebb.channel():recv() end) end)
  add("a task that failed", function() return rt:spawn(error, "x") end)
  rt:spawn(function() ebb.yield() end)
  add("an op of a task", function() return task:join_op() end)
  add("scope", function() return ebb.scope() end)
  add("join set", function()
    local set = ebb.join_set()
    set:spawn(function() return 1 end)
    return set
  end)
  local token = add("token", ebb.token)
  add("child token", function() return token:child() end)
  add("timer", function() return ebb.timer(1000) end)
  add("interval", function() return ebb.interval(1000) end)
  local clock = add("clock", function() return ebb.clock { scale = 2 } end)
  add("child clock", function() return clock:child() end)
  add("manual clock", function() return ebb.clock { manual = true } end)
  add("op", function() return ebb.after(1) end)
  add("choice", function() return ebb.choice(ebb.never(), ch:map(function(v) return v end)) end)
  add("defer", function() return ebb.defer_op(function() return ch end) end)
  add("send op", function() return ch:send_op {} end)
  add("acquire op", function() return sem:acquire_op(2) end)
  local guard = add("guard", ebb.guard)
  add("child guard", function() return guard:guard() end)
  add("bytes", function() return guard:bytes(8) end)
  add("freed bytes", function()
    local freed = guard:bytes(8)
    guard:release(freed)
    return freed
  end)
  add("array", function() return guard:array("i16", 8) end)
  add("vec", function() return guard:vec("f64", 1) end)
  add("buffer", function() return guard:buffer():put "text" end)
  add("box", function() return guard:box {} end)
  add("promoted", function() return guard:promote(guard:bytes(100)) end)
  add("view", function() return guard:bytes(8):view(2, 3) end)
  add("registry", function()
    local registry = ebb.alloc.registry()
    registry:add "v"
    return registry
  end)
  add("budget guard", function()
    ebb.alloc.budget("makers", { bytes = 1000 })
    return ebb.guard { budget = "makers" }
  end)
  add("task local", function() return ebb.task_local(1) end)
  add("pool", function() return ebb.thread.pool { workers = 1 } end)
  add("coroutine", function() return ebb.coroutine.create(function() ebb.coroutine.yield() end) end)
  if not ebb.current() then
    local frame = add("frame", ebb.alloc.begin_frame)
    add("frame bytes", function() return frame:bytes(5) end)
    add("frame vec", function() return frame:vec("u8", 2) end)
    add("checkpoint", function() return frame:checkpoint() end)
    add("phase", function() return frame:phase "x" end)
  end
  return objects
end
