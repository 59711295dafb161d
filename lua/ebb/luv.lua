--- ebb.runtime{ loop = "luv" }: ebb's tasks and luv's callbacks in one program, whoever is asked
-- to run.
--
-- Under `rt:run` (or an await outside of tasks) ebb looks after luv's loop: callbacks run between
-- the turns of tasks. Under `uv.run()` handles of luv look after the runtime; uv.run() returns when
-- luv has nothing left and no task can go on. Everything goes through luv's Lua API, so any build
-- of luv will do.
local core = require "ebb.core"

local error, ipairs, pcall, require, setmetatable = error, ipairs, pcall, require, setmetatable
local ceil = math.ceil

local function find_luv()
  local ok, uv = pcall(require, "luv")
  if not ok then error("option 'loop': the module luv is not installed", 0) end
  return uv
end

local function noop() end

--- Joins runtime and luv. fd: the descriptor of the runtime's own loop, readable when that has
-- something to do. Returns the functions that csrc/lua/l_luv.h names (poll, kick, driven, detach),
-- and the descriptor of luv's loop.
return function(runtime, fd)
  local uv = find_luv()
  local weak = setmetatable({ rt = runtime }, { __mode = "v" }) -- luv keeps its callbacks
  local timer, idle, watcher = uv.new_timer(), uv.new_idle(), uv.new_poll(fd)
  local prepare, check = uv.new_prepare(), uv.new_check()
  local is_driven, is_closed = false, false

  local function rest()
    idle:stop()
    timer:stop()
  end

  local function detach()
    if is_closed then return end
    is_closed = true
    for _, handle in ipairs { timer, idle, watcher, prepare, check } do
      pcall(handle.close, handle) -- the state may be closing: luv is quicker then
    end
    -- luv 1.44 crashes at lua_close over a handle that is still about to close
    if uv.loop_mode() == nil then pcall(uv.run, "nowait") end
  end

  --- uv.run() drives: one turn of the runtime, before luv waits and after.
  local function pump()
    if is_driven or is_closed then return end
    local state, seconds, waits = core._pump(weak.rt)
    if state == "ready" then
      idle:start(noop) -- luv shall not wait
    else
      idle:stop()
    end
    if seconds then timer:start(ceil(seconds * 1000), 0, noop) else timer:stop() end
    if waits then watcher:ref() else watcher:unref() end
  end

  local function listen()
    watcher:start("r", pump)
    watcher:unref()
  end

  prepare:start(pump)
  prepare:unref()
  check:start(pump)
  check:unref()
  listen()

  local function kick()
    if not is_closed then idle:start(noop) end
  end

  --- ebb drives from now on, or does so no more. Two loops must not wait for each other at the
  -- same time.
  local function driven(begins, has_tasks)
    is_driven = begins
    if is_closed then return end
    if begins then
      rest()
      watcher:stop()
    else
      listen()
      if has_tasks then kick() end
    end
  end

  local function poll()
    if uv.loop_mode() ~= nil then return false end -- within a callback of uv.run()
    idle:start(noop) -- else a loop with nothing alive would not look
    uv.run "nowait"
    idle:stop()
    if not uv.loop_alive() then return false end
    local ms = uv.backend_timeout()
    return true, ms >= 0 and ms / 1000 or nil
  end

  return poll, kick, driven, detach, uv.backend_fd()
end
