-- For ops_fuzz.c: returns a function that runs the program in a string of bytes, on virtual time, and throws when a
-- promise is broken: a value that was sent is received once or still there, one that was not is never received; a lock
-- has one holder; permits come back; cleanups run once; nothing is left alive.
--
-- Byte 1: how (capacities, a seed for the schedule, whether the runtime is closed in the middle of it). Then one task
-- after the other, separated by 0xFF; a byte b is operation b % #OPS + 1 with parameter b // #OPS.
local ebb = require "ebb"

local CAPACITIES = { 0, 1, 2, math.huge }
local MAX_TASKS, MAX_OPS = 6, 48

-- What one program has; a new one each time.
local function new_world(how)
  local w = { sent = {}, received = {}, last = 0, held = 0, readers = 0, writers = 0, permits = 0, open = 0, tasks = {} }
  w.channels = { ebb.channel(CAPACITIES[how % 4 + 1]), ebb.channel(CAPACITIES[how // 4 % 4 + 1]) }
  w.mutex, w.semaphore, w.rwlock = ebb.mutex(), ebb.semaphore(2), ebb.rwlock()
  w.notify, w.oneshot, w.token = ebb.notify(), ebb.oneshot(), ebb.token()
  w.watch, w.broadcast = ebb.watch(0), ebb.broadcast(2)
  return w
end

local function fail(...) error("broken: " .. string.format(...), 0) end

-- A value on its way: "sent" once it was accepted, "refused" if it was not, or if the wait was left in another way.
local function value(w)
  w.last = w.last + 1
  local v = w.last
  w.sent[v] = "refused"
  return v
end

local function took(w, v)
  if v == nil then return end
  if type(v) ~= "number" or w.sent[v] == nil then fail("received %s, which nobody sent", tostring(v)) end
  if w.received[v] then fail("%d was received twice", v) end
  w.received[v] = true
end

local function sent(w, v, ok, why)
  if ok then
    w.sent[v] = "sent"
  elseif why ~= "closed" and why ~= "full" and why ~= "timeout" then
    fail("send gave %s, %s", tostring(ok), tostring(why))
  end
end

local function got(w, v, why)
  if v == nil and why ~= "closed" and why ~= "empty" and why ~= "timeout" then fail("recv gave nil, %s", tostring(why)) end
  took(w, v)
end

-- Counts what is open, and closes when the block is left, once.
local function counted(w, close)
  local n = 0
  w.open = w.open + 1
  return setmetatable({}, { __close = function()
    n = n + 1
    if n > 1 then fail "a cleanup ran twice" end
    w.open = w.open - 1
    if close then close() end
  end })
end

local function linger(p)
  for _ = 1, p % 3 do ebb.yield() end
  if p > 6 then ebb.sleep(p) end
end

local OPS = {}
local function op(fn) OPS[#OPS + 1] = fn end

op(function(w, p)
  local v = value(w)
  sent(w, v, w.channels[p % 2 + 1]:send(v))
end)
op(function(w, p) got(w, w.channels[p % 2 + 1]:recv()) end)
op(function(w, p)
  local v = value(w)
  sent(w, v, w.channels[p % 2 + 1]:try_send(v))
end)
op(function(w, p) got(w, w.channels[p % 2 + 1]:try_recv()) end)
op(function(w, p)
  if p > 5 then w.channels[p % 2 + 1]:close() end
end)
op(function(_, p) ebb.sleep(p) end)
op(function(_, p)
  for _ = 0, p % 3 do ebb.yield() end
end)
op(function(w, p)
  local lock <close> = w.mutex:lock() -- luacheck: ignore
  w.held = w.held + 1
  local _ <close> = counted(w, function() w.held = w.held - 1 end)
  if w.held ~= 1 then fail("%d hold the mutex", w.held) end
  linger(p)
end)
op(function(w, p)
  local permit <close> = w.semaphore:acquire(p % 2 + 1) -- luacheck: ignore
  local n = p % 2 + 1
  w.permits = w.permits + n
  local _ <close> = counted(w, function() w.permits = w.permits - n end)
  if w.permits > 2 then fail("%d permits of 2", w.permits) end
  linger(p)
end)
op(function(w, p)
  local which, v, why = ebb.select(w.channels[1]:recv_op(), w.channels[2]:recv_op(), ebb.after(p))
  if which < 3 then got(w, v, why) end
end)
op(function(w, p)
  local mine = value(w)
  local which, v, why = ebb.select(w.channels[1]:send_op(mine), w.channels[2]:recv_op(), p > 3 and ebb.after(p))
  if which == 1 then sent(w, mine, v, why) end
  if which == 2 then got(w, v, why) end
end)
op(function(w, p) got(w, ebb.timeout(p, w.channels[p % 2 + 1]:recv_op())) end)
op(function(w, p)
  local v = value(w)
  sent(w, v, ebb.timeout(p, w.channels[p % 2 + 1]:send_op(v)))
end)
op(function(w, p)
  local task = w.tasks[p % MAX_TASKS + 1]
  if task then task:cancel(p) end
end)
op(function(w, p)
  local task = w.tasks[p % MAX_TASKS + 1]
  if task and task ~= ebb.current() then ebb.timeout(p, task:join_op()) end
end)
op(function(w, p)
  local _ <close> = counted(w)
  ebb.scope(function(s)
    s:spawn(function()
      local _ <close> = counted(w)
      local v = value(w)
      sent(w, v, w.channels[1]:send(v))
    end)
    s:spawn(function()
      local _ <close> = counted(w)
      got(w, w.channels[2]:recv())
    end)
    linger(p)
    if p % 3 == 0 then s:cancel() end
    if p == 7 then error "boom" end
  end)
end)
op(function(w, p)
  if p % 3 == 0 then w.notify:notify_one()
  elseif p % 3 == 1 then w.notify:notify_all()
  else ebb.timeout(p, w.notify) end
end)
op(function(w, p)
  local permit <close> = w.channels[p % 2 + 1]:reserve()
  if permit then
    linger(p)
    if p % 3 > 0 then
      local v = value(w)
      sent(w, v, permit:send(v))
    end
  end
end)
op(function(w, p)
  local list = w.channels[p % 2 + 1]:recv_many(p % 3 + 1)
  for _, v in ipairs(list or {}) do took(w, v) end
end)
op(function(w, p)
  if p % 2 == 0 then w.oneshot:send(p) else ebb.timeout(p, w.oneshot) end
  if p > 8 then w.oneshot:close() end
end)
op(function(w, p)
  if p % 3 == 0 then w.watch:set(p) else
    local sub <close> = w.watch:subscribe()
    ebb.timeout(p, sub:changed_op())
  end
end)
op(function(w, p)
  if p % 3 == 0 then w.broadcast:send(p) else
    local sub <close> = w.broadcast:subscribe()
    ebb.timeout(p, sub:recv_op())
  end
end)
op(function(w, p)
  if p % 3 == 0 then
    local lock <close> = w.rwlock:write() -- luacheck: ignore
    w.writers = w.writers + 1
    local _ <close> = counted(w, function() w.writers = w.writers - 1 end)
    if w.writers ~= 1 or w.readers ~= 0 then fail "a writer is not alone" end
    linger(p)
  else
    local lock <close> = w.rwlock:read() -- luacheck: ignore
    w.readers = w.readers + 1
    local _ <close> = counted(w, function() w.readers = w.readers - 1 end)
    if w.writers ~= 0 then fail "a reader beside a writer" end
    linger(p)
  end
end)
op(function(_, p)
  if p == 0 then error "boom" end
  collectgarbage "step"
end)

local function run_task(w, program)
  local _ <close> = counted(w)
  for i = 1, math.min(#program, MAX_OPS) do
    local b = program:byte(i)
    OPS[b % #OPS + 1](w, b // #OPS)
  end
end

-- Every end of a task but that of a broken promise is fine.
local function check_error(err)
  local text = tostring(err)
  if text:find("broken:", 1, true) then error(text, 0) end
  if not (text:find "was cancelled" or text:find "boom") then error("unexpected: " .. text, 0) end
end

local function check_values(w, all)
  for _, ch in ipairs(w.channels) do
    ch:close()
    while true do
      local v = ch:try_recv()
      if v == nil then break end
      took(w, v)
    end
  end
  for v, state in ipairs(w.sent) do
    if state == "refused" and w.received[v] and all then fail("%d was received, but its send did not happen", v) end
    if state == "sent" and not w.received[v] and all then fail("%d was lost", v) end
  end
end

local function check_world(w)
  check_values(w, true)
  if w.open ~= 0 then fail("%d cleanups did not run", w.open) end
  if w.held + w.permits + w.readers + w.writers ~= 0 then fail "something is held" end
  if w.semaphore:available() ~= 2 then fail("%d permits are left of 2", w.semaphore:available()) end
  if w.mutex:is_locked() then fail "the mutex is locked" end
end

return function(bytes)
  local how = bytes:byte(1) or 0
  local errors = {}
  local rt <close> = ebb.runtime {
    clock = "virtual",
    seed = how // 16 % 4 > 0 and how // 16 or nil,
    on_task_error = function(_, err) errors[#errors + 1] = err end,
  }
  local w
  rt:run(function()
    w = new_world(how)
    for program in bytes:sub(2):gmatch "[^\xff]+" do
      if #w.tasks == MAX_TASKS then break end
      w.tasks[#w.tasks + 1] = ebb.spawn(run_task, w, program)
    end
    if how >= 192 then -- in the middle of it
      for _ = 1, how % 4 do ebb.yield() end
      return
    end
    ebb.sleep(5000)
    for _, task in ipairs(w.tasks) do task:cancel() end
    for _, task in ipairs(w.tasks) do
      local ok, err = task:join()
      if not ok then check_error(err) end
    end
    check_world(w)
    local metrics = rt:metrics()
    if metrics.alive ~= 1 or metrics.timers ~= 0 or metrics.ready ~= 0 then
      fail("%d alive, %d timers, %d ready", metrics.alive, metrics.timers, metrics.ready)
    end
  end)
  rt:close()
  for _, err in ipairs(errors) do check_error(err) end
  if how >= 192 then check_values(w, false) end
end
