-- luv: libuv's handles from Lua. The coroutines are the hand-written ones; an idle handle runs what
-- is ready between two looks at the system, and each sleep has a timer of its own.
local uv = require "luv"

local idle, active = uv.new_idle(), false
local S
local function drain()
  if not S.turn() then
    idle:stop()
    active = false
  end
end
S = require "lib.coop" (function()
  if not active then
    active = true
    idle:start(drain)
  end
end)

local A = { name = "luv", rendezvous = true }
A.spawn, A.go, A.join, A.yield, A.channel = S.spawn, S.spawn, S.join, S.yield, S.channel
A.mutex = S.mutex
function A.now() return uv.hrtime() / 1e9 end

local function milliseconds(seconds) return math.ceil(seconds * 1000) end

function A.sleep(seconds)
  local record, timer = S.current(), uv.new_timer()
  timer:start(milliseconds(seconds), 0, function()
    timer:close()
    S.wake(record)
  end)
  coroutine.yield()
end

function A.selector(channels, seconds)
  local timer = uv.new_timer() -- one for all rounds: it is only started again
  return S.selector(channels, seconds, function(record, round)
    timer:start(milliseconds(seconds), 0, function()
      if record.round == round then S.wake(record, nil, 0) end
    end)
  end)
end

local function nothing() end
function A.arm_timeout(seconds)
  local timer = uv.new_timer()
  timer:start(milliseconds(seconds), 0, nothing)
  return timer
end

function A.run(main)
  S.spawn(function()
    main()
    uv.stop()
  end)
  uv.run()
end

return A
