-- Plain Lua: coroutines and a binary heap of deadlines. LuaSocket, where it is installed, tells the
-- time and sleeps; otherwise waiting means spinning.
local has_socket, socket = pcall(require, "socket")
local now = has_socket and socket.gettime or os.clock

local A = { name = "plain", rendezvous = true, now = now }
local S = require "lib.coop" (nil)
A.spawn, A.go, A.join, A.yield, A.channel = S.spawn, S.spawn, S.join, S.yield, S.channel
A.mutex = S.mutex

local heap, size = {}, 0 -- entries { due, record, round }

local function push(entry)
  size = size + 1
  local at = size
  while at > 1 do
    local parent = at // 2
    if heap[parent][1] <= entry[1] then break end
    heap[at] = heap[parent]
    at = parent
  end
  heap[at] = entry
end

local function pop()
  local top, entry = heap[1], heap[size]
  heap[size] = nil
  size = size - 1
  if size > 0 then
    local at = 1
    while at * 2 <= size do
      local child = at * 2
      if child < size and heap[child + 1][1] < heap[child][1] then child = child + 1 end
      if entry[1] <= heap[child][1] then break end
      heap[at] = heap[child]
      at = child
    end
    heap[at] = entry
  end
  return top
end

local function arm(record, round, seconds) push { now() + seconds, record, round } end

function A.selector(channels, seconds) return S.selector(channels, seconds, arm) end

function A.sleep(seconds)
  if seconds <= 0 then return S.yield() end
  local record = S.current()
  arm(record, record.round, seconds)
  coroutine.yield()
end

-- Called off by going stale: the entry stays in the heap until its time comes.
local nobody = { round = 0 }
function A.arm_timeout(seconds)
  local entry = { now() + seconds, nobody, 0 }
  push(entry)
  return setmetatable(entry, { __index = { close = function(self) self[3] = -1 end } })
end

function A.run(main)
  local main_task = S.spawn(main)
  while not main_task.ended do
    local more = S.turn()
    if size > 0 then
      local time = now()
      if not more and heap[1][1] > time and has_socket then
        socket.sleep(heap[1][1] - time)
        time = now()
      end
      while size > 0 and heap[1][1] <= time do
        local entry = pop()
        if entry[2].round == entry[3] then S.wake(entry[2], nil, 0) end
      end
    end
  end
end

return A
