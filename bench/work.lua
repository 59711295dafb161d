-- The workloads, written once for every scheduler. Each is { title, n =, quick_n =, fn }: fn(A, n)
-- does the work of n operations through the adapter A and calls clock() around what counts.
-- It returns the number of operations done, or nil when the adapter cannot do it.

local W = {}

local function nothing() end

local function spawn_all(A, count, fn)
  local tasks = {}
  for i = 1, count do tasks[i] = A.spawn(fn) end
  return tasks
end

local function join_all(A, tasks)
  local join = A.join
  for i = 1, #tasks do join(tasks[i]) end
end

-- W1 -----------------------------------------------------------------------------------------

W.w1_join = { "spawn + join", n = 200000, quick_n = 2000, fn = function(A, n, clock)
  local spawn, join, tasks = A.spawn, A.join, {}
  clock()
  for _ = 1, n // 100 do
    for i = 1, 100 do tasks[i] = spawn(nothing) end
    for i = 1, 100 do join(tasks[i]) end
  end
  clock()
  return n
end }

W.w1_go = { "spawn, no handle", n = 200000, quick_n = 2000, fn = function(A, n, clock)
  local go, yield, ended = A.go, A.yield, 0
  local function body() ended = ended + 1 end
  clock()
  for i = 1, n do
    go(body)
    if i % 100 == 0 then yield() end
  end
  while ended < n do yield() end
  clock()
  return n
end }

local function resident_bytes()
  for line in io.lines "/proc/self/status" do
    local kib = line:match "^VmRSS:%s*(%d+)"
    if kib then return tonumber(kib) * 1024 end
  end
end

W.w1_park = { "bytes per parked task", n = 100000, quick_n = 1000, unit = "B",
  fn = function(A, n)
    local channel = A.channel(1)
    local function body() channel:recv() end
    A.join(A.spawn(nothing))
    collectgarbage()
    collectgarbage()
    local heap, resident = collectgarbage "count", resident_bytes()
    for _ = 1, n do A.go(body) end
    A.yield()
    A.yield()
    local resident_after = resident_bytes()
    collectgarbage()
    local heap_after = collectgarbage "count"
    return n, ((resident_after or 0) - (resident or 0)) / n, (heap_after - heap) * 1024 / n
  end }

-- W2 -----------------------------------------------------------------------------------------

local function yield_among(count)
  return function(A, n, clock)
    local each = n // count
    local yield = A.yield
    local tasks = spawn_all(A, count, function() for _ = 1, each do yield() end end)
    clock()
    join_all(A, tasks)
    clock()
    return each * count
  end
end
W.w2_2 = { "yield, 2 tasks", n = 500000, quick_n = 5000, fn = yield_among(2) }
W.w2_1000 = { "yield, 1000 tasks", n = 500000, quick_n = 10000, fn = yield_among(1000) }

-- W3 -----------------------------------------------------------------------------------------

W.w3 = { "ping-pong, rendezvous", n = 200000, quick_n = 2000, fn = function(A, n, clock)
  local there, back = A.channel(0), A.channel(0)
  local echo = A.spawn(function() for _ = 1, n do back:send(there:recv()) end end)
  clock()
  for i = 1, n do
    there:send(i)
    back:recv()
  end
  A.join(echo)
  clock()
  return n
end }

-- W4 -----------------------------------------------------------------------------------------

local function stream(capacity, producers)
  return function(A, n, clock)
    local each = n // producers
    local total = each * producers
    local channel = A.channel(capacity)
    local function produce() for i = 1, each do channel:send(i) end end
    local consumer = A.spawn(function() for _ = 1, total do channel:recv() end end)
    clock()
    local tasks = spawn_all(A, producers, produce)
    join_all(A, tasks)
    A.join(consumer)
    clock()
    return total
  end
end
W.w4_1 = { "channel of 1", n = 300000, quick_n = 3000, fn = stream(1, 1) }
W.w4_100 = { "channel of 100", n = 500000, quick_n = 5000, fn = stream(100, 1) }
W.w4_1024 = { "channel of 1024", n = 500000, quick_n = 5000, fn = stream(1024, 1) }
W.w4_p100 = { "channel of 100, 100 senders", n = 500000, quick_n = 5000, fn = stream(100, 100) }

W.w4_many = { "100 values at a time", n = 1000000, quick_n = 10000, fn = function(A, n, clock)
  local channel = A.channel(1024)
  local send_many, recv_many = A.send_many, A.recv_many
  local batch = {}
  for i = 1, 100 do batch[i] = i end
  if not send_many then -- one by one
    function send_many(to, list) for i = 1, #list do to:send(list[i]) end end
    function recv_many(from, max)
      local list = {}
      for i = 1, max do list[i] = from:recv() end
      return #list
    end
  end
  local consumer = A.spawn(function()
    local left = n
    while left > 0 do left = left - recv_many(channel, 100) end
  end)
  clock()
  for _ = 1, n // 100 do send_many(channel, batch) end
  A.join(consumer)
  clock()
  return n
end }

-- W5 -----------------------------------------------------------------------------------------

local function select_over(count, which)
  return function(A, n, clock)
    local make = A[which] or A.selector
    if not make then return nil end
    local channels = {}
    for i = 1, count do channels[i] = A.channel(1) end
    local receive = make(channels, 10)
    local yield = A.yield
    local consumer = A.spawn(function() for _ = 1, n do receive() end end)
    clock()
    for i = 1, n do
      channels[i % count + 1]:send(i)
      yield()
    end
    A.join(consumer)
    clock()
    return n
  end
end
W.w5_2 = { "select, 2 + timeout", n = 100000, quick_n = 1000, fn = select_over(2, "selector") }
W.w5_8 = { "select, 8 + timeout", n = 100000, quick_n = 1000, fn = select_over(8, "selector") }
W.w5_64 = { "select, 64 + timeout", n = 30000, quick_n = 500, fn = select_over(64, "selector") }
W.w5_2c = { "choice, 2 + timeout", n = 100000, quick_n = 1000, fn = select_over(2, "chooser") }
W.w5_8c = { "choice, 8 + timeout", n = 100000, quick_n = 1000, fn = select_over(8, "chooser") }
W.w5_64c = { "choice, 64 + timeout", n = 30000, quick_n = 500, fn = select_over(64, "chooser") }

-- W6 -----------------------------------------------------------------------------------------

W.w6_sleep0 = { "sleep(0)", n = 300000, quick_n = 3000, fn = function(A, n, clock)
  local sleep = A.sleep
  clock()
  for _ = 1, n do sleep(0) end
  clock()
  return n
end }

-- With 100 000 others armed; fewer when only a few operations are asked for.
local function arm_others(A, n)
  local others = {}
  for i = 1, n >= 100000 and 100000 or 1000 do others[i] = A.arm_timeout(600 + i % 1000) end
  return others
end

W.w6_timer = { "arm + cancel a timer", n = 100000, quick_n = 1000, fn = function(A, n, clock)
  if not A.arm_timeout then return nil end
  local others = arm_others(A, n)
  local arm = A.arm_timeout
  clock()
  for _ = 1, n do arm(10):close() end
  clock()
  return n, #others
end }

W.w6_timeout = { "timeout around a call", n = 100000, quick_n = 1000, fn = function(A, n, clock)
  if not A.arm_timeout then return nil end
  local others = arm_others(A, n)
  local timeout, arm = A.timeout, A.arm_timeout
  if not timeout then
    function timeout(seconds, fn)
      local timer = arm(seconds)
      fn()
      timer:close()
    end
  end
  clock()
  for _ = 1, n do timeout(10, nothing) end
  clock()
  return n, #others
end }

W.w6_sleeps = { "sleeps of 1 to 1000 ms", n = 100000, quick_n = 200, rounds = 3,
  fn = function(A, n, clock)
    local now, sleep = A.now, A.sleep
    local late, ended, state = {}, 0, 42
    local function sleeper()
      state = (state * 1103515245 + 12345) & 0x7fffffff
      local seconds = ((state >> 16) % 1000 + 1) / 1000
      local due = now() + seconds
      sleep(seconds)
      ended = ended + 1
      late[ended] = now() - due
    end
    clock()
    local tasks = spawn_all(A, n, sleeper)
    join_all(A, tasks)
    clock()
    table.sort(late)
    return n, nil, nil, ("late by %.2f ms at least, p50 %.2f, p99 %.2f, at most %.2f"):format(
      late[1] * 1e3, late[n // 2] * 1e3, late[n * 99 // 100] * 1e3, late[n] * 1e3)
  end }

-- W7 -----------------------------------------------------------------------------------------

-- A channel of one slot with one token in it is a lock; each holder yields once with it.
W.w7 = { "lock handoff, 100 tasks", n = 200000, quick_n = 2000, fn = function(A, n, clock)
  local lock = A.channel(1)
  local each, yield = n // 100, A.yield
  lock:send(true)
  local tasks = spawn_all(A, 100, function()
    for _ = 1, each do
      lock:recv()
      yield()
      lock:send(true)
    end
  end)
  clock()
  join_all(A, tasks)
  clock()
  return each * 100
end }

-- The same x
local function handoff(which)
  return function(A, n, clock)
    if not A[which] then return nil end
    local take, give = A[which]()
    local each, yield = n // 100, A.yield
    local tasks = spawn_all(A, 100, function()
      for _ = 1, each do
        local guard = take()
        yield()
        give(guard)
      end
    end)
    clock()
    join_all(A, tasks)
    clock()
    return each * 100
  end
end
W.w7_mutex = { "mutex handoff, 100 tasks", n = 200000, quick_n = 2000, fn = handoff "mutex" }
W.w7_sem = { "semaphore handoff, 100 tasks", n = 200000, quick_n = 2000,
  fn = handoff "semaphore" }

W.w7_bcast = { "broadcast to 100", n = 500000, quick_n = 5000, fn = function(A, n, clock)
  if not A.broadcast then return nil end
  local source, each, yield = A.broadcast(64), n // 100, A.yield
  local tasks = {}
  for i = 1, 100 do
    local sub = source:subscribe()
    tasks[i] = A.spawn(function() for _ = 1, each do assert(sub:recv()) end end)
  end
  clock()
  for i = 1, each do
    source:send(i)
    if i % 16 == 0 then yield() end
  end
  join_all(A, tasks)
  clock()
  return each * 100
end }

W.w7_watch = { "watch, 100 watchers", n = 500000, quick_n = 5000, fn = function(A, n, clock)
  if not A.watch then return nil end
  local value, each, yield = A.watch(0), n // 100, A.yield
  local tasks = {}
  for i = 1, 100 do
    local sub = value:subscribe()
    tasks[i] = A.spawn(function() for _ = 1, each do assert(sub:changed()) end end)
  end
  yield()
  clock()
  for i = 1, each do
    value:set(i)
    yield()
  end
  join_all(A, tasks)
  clock()
  return each * 100
end }

-- W8 -----------------------------------------------------------------------------------------

W.w8_stream = { "map, filter, take, fold", n = 1000000, quick_n = 10000, fn = function(A, n, clock)
  if not A.stream then return nil end
  clock()
  A.stream.range(1, n)
    :map(function(v) return v * 3 end)
    :filter(function(v) return v % 2 == 0 end)
    :take(n)
    :fold(0, function(sum, v) return sum + v end)
  clock()
  return n
end }

local function peak_mib()
  for line in io.lines "/proc/self/status" do
    local kib = line:match "^VmHWM:%s*(%d+)"
    if kib then return tonumber(kib) / 1024 end
  end
  return 0
end

-- Ten tasks for each task, down to n leaves, each of which gives its number.
W.w8_skynet = { "skynet, a leaf", n = 1000000, quick_n = 1000, rounds = 1,
  fn = function(A, n, clock)
    local spawn = A.spawn
    local function node(number, size)
      if size == 1 then return number end
      local tasks, sum, part = {}, 0, (size + 9) // 10
      for at = 0, size - 1, part do
        tasks[#tasks + 1] = spawn(function()
          local below = node(number + at, math.min(part, size - at))
          sum = sum + below -- read after the wait, others add to it meanwhile
        end)
      end
      join_all(A, tasks)
      return sum
    end
    clock()
    local sum = node(0, n)
    clock()
    assert(sum == n * (n - 1) // 2)
    return n, nil, nil, ("peak %.0f MiB resident"):format(peak_mib())
  end }

-- A task for each prime passes on what its prime does not divide.
W.w8_sieve = { "prime sieve, a prime", n = 2000, quick_n = 100, rounds = 3,
  fn = function(A, n, clock)
    local function filter(from, to, prime)
      while true do
        local v = from:recv()
        if v % prime ~= 0 then to:send(v) end
      end
    end
    clock()
    local from = A.channel(0)
    local first = from
    A.go(function()
      local v = 2
      while true do
        first:send(v)
        v = v + 1
      end
    end)
    for _ = 1, n do
      local source, to = from, A.channel(0)
      local prime = source:recv()
      A.go(function() filter(source, to, prime) end)
      from = to
    end
    clock()
    return n
  end }

W.order = { "w1_join", "w1_go", "w1_park", "w2_2", "w2_1000", "w3", "w4_1", "w4_100", "w4_1024",
  "w4_p100", "w4_many", "w5_2", "w5_8", "w5_64", "w5_2c", "w5_8c", "w5_64c", "w6_sleep0",
  "w6_timer", "w6_timeout", "w6_sleeps", "w7", "w7_mutex", "w7_sem", "w7_bcast", "w7_watch",
  "w8_stream", "w8_skynet", "w8_sieve" }

return W
