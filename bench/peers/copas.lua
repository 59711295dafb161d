-- copas: its scheduler, with channels made of its semaphores (copas 3 or newer).
local copas = require "copas"
assert(copas.semaphore, "a copas with semaphores is needed")
local semaphore = copas.semaphore

local A = { name = "copas", now = copas.gettime or require "socket".gettime }
local pause = copas.pause or copas.sleep

function A.spawn(fn)
  local task = {}
  copas.addthread(function()
    fn()
    task.ended = true
    if task.joiner then copas.wakeup(task.joiner) end
  end)
  return task
end

function A.go(fn) copas.addthread(fn) end

function A.join(task)
  if task.ended then return end
  task.joiner = coroutine.running()
  if copas.pauseforever then copas.pauseforever() else copas.sleep(-1) end
end

function A.yield() pause(0) end
function A.sleep(seconds) pause(seconds) end

local Channel = {}
Channel.__index = Channel

function A.channel(capacity)
  capacity = math.max(capacity, 1)
  return setmetatable({ capacity = capacity, values = {}, head = 0, tail = 0,
    items = semaphore.new(capacity, 0, math.huge),
    room = semaphore.new(capacity, capacity, math.huge) }, Channel)
end

function Channel:send(value)
  self.room:take(1)
  self.values[self.tail] = value
  self.tail = (self.tail + 1) % self.capacity
  self.items:give(1)
end

function Channel:recv()
  self.items:take(1)
  local value = self.values[self.head]
  self.head = (self.head + 1) % self.capacity
  self.room:give(1)
  return value
end

if copas.timer then
  local Timer = {}
  Timer.__index = Timer
  function Timer:close() self.timer:cancel() end
  local function nothing() end
  function A.arm_timeout(seconds)
    return setmetatable({ timer = copas.timer.new { delay = seconds, callback = nothing } }, Timer)
  end
end

function A.run(main)
  copas.addthread(main)
  copas.loop()
end

return A
