--- What the specs of misuse share: objects of every kind, values of every sort, and a proof of life.
local ebb = require "ebb"
local assert = require "luassert"
local settle = require("spec.helper").settle

local misuse = {}

math.randomseed(7) -- the same calls every time

-- Made here, outside of tasks: a task can only see what is left of them.
local frame = ebb.alloc.begin_frame()
local checkpoint, phase = frame:checkpoint(), frame:phase "x"
ebb.alloc.end_frame()

-- Makers of one object of every kind, and the methods that the kind has.
misuse.kinds = {
  task = {
    make = function() return ebb.spawn(ebb.sleep, 1) end,
    methods = { "await", "join", "cancel", "status", "finished", "name", "id", "traceback",
      "waiting_on", "join_op" },
  },
  channel = {
    make = function() return ebb.channel(2) end,
    methods = { "send", "recv", "try_send", "try_recv", "reserve", "recv_many", "send_many",
      "close", "is_closed", "capacity", "waiters", "sender", "send_op", "recv_op", "reserve_op" },
    close = "close",
  },
  sender = {
    make = function() return ebb.channel(2):sender() end,
    methods = { "send", "try_send", "clone", "close" },
    close = "close",
  },
  permit = {
    make = function() return ebb.channel(2):reserve() end,
    methods = { "send", "close" },
    close = "close",
  },
  scope = {
    make = function() return ebb.scope() end,
    methods = { "spawn", "cancel", "defer", "wait", "close" },
    close = "close",
  },
  token = {
    make = function() return ebb.token() end,
    methods = { "cancel", "is_cancelled", "cancelled", "child", "run", "close" },
    close = "close",
  },
  timer = {
    make = function() return ebb.timer(1) end,
    methods = { "reset", "deadline", "fired", "close" },
    close = "close",
  },
  interval = {
    make = function() return ebb.interval(1) end,
    methods = { "tick", "reset", "close" },
    close = "close",
  },
  signal = {
    make = function() return ebb.signal "usr2" end,
    methods = { "recv", "recv_op", "close" },
    close = "close",
  },
  file_watch = {
    make = function() return assert(ebb.fs.watch "spec/io") end,
    methods = { "recv", "recv_op", "close" },
    close = "close",
  },
  udp = {
    make = function() return assert(ebb.net.udp "127.0.0.1") end,
    methods = { "recvfrom", "recvfrom_op", "sendto", "send", "connect", "local_address", "peer",
      "broadcast", "ttl", "join", "leave", "multicast_loop", "multicast_ttl", "close" },
    close = "close",
  },
  file = {
    make = function() return assert(ebb.io.tmpfile()) end,
    methods = { "read", "read_op", "read_some", "read_exactly", "read_until", "read_into", "lines",
      "write", "flush", "shutdown", "seek", "setvbuf", "close" },
    close = "close",
  },
  child = {
    make = function() return assert(ebb.process.spawn { "sleep", "100" }) end,
    methods = { "wait", "wait_op", "kill", "stop", "detach", "close" },
    close = "close",
  },
  op = {
    make = function() return ebb.after(1) end,
    methods = { "await", "map", "and_then", "or_else" },
  },
  choice = {
    make = function() return ebb.choice(ebb.after(1), ebb.never()) end,
    methods = { "await", "map", "and_then", "or_else" },
  },
  send_op = {
    make = function() return ebb.channel():send_op(1) end,
    methods = { "await", "map", "and_then", "or_else" },
  },
  guard = {
    make = function() return ebb.guard() end,
    methods = { "bytes", "array", "buffer", "own", "defer", "release", "guard", "stats", "reset",
      "close" },
    close = "close",
  },
  frame = {
    make = function() return frame end,
    methods = { "bytes", "array", "vec", "buffer", "renew", "checkpoint", "phase", "summary",
      "close" },
  },
  checkpoint = { make = function() return checkpoint end, methods = { "commit", "close" } },
  phase = { make = function() return phase end, methods = { "close" } },
  bytes = {
    make = function()
      local g = ebb.guard()
      return g:bytes(8), g
    end,
    methods = { "sub", "set", "fill", "copy", "view", "string" },
  },
  array = {
    make = function()
      local g = ebb.guard()
      return g:array("i32", 8), g
    end,
    methods = { "set", "fill", "copy", "view", "sum", "min", "max", "add", "mul" },
  },
  buffer = {
    make = function()
      local g = ebb.guard()
      return g:buffer(8), g
    end,
    methods = { "put", "get", "peek", "skip", "pack", "unpack", "append_from", "clear" },
  },
}

--- The names of the kinds, sorted.
misuse.names = {}
for name in pairs(misuse.kinds) do misuse.names[#misuse.names + 1] = name end
table.sort(misuse.names)

local function noop() end
--- Keeps its argument from the collector until here.
function misuse.keep_alive() end

local null = assert(io.open("/dev/null"))

--- Values of every sort; fresh ones at each call.
function misuse.junk()
  return {
    nil, true, false, 0, -1, 1, 2.5, 0 / 0, math.huge, -math.huge, math.maxinteger, math.mininteger,
    2 ^ 53, "", "x", "l", "a\0b", {}, { 1, 2 }, { x = 1 }, noop, null, coroutine.create(noop),
    setmetatable({}, { __index = function() return noop end }),
    setmetatable({}, { __name = "ebb.channel" }), ebb.channel(1), ebb.ready(1), ebb.token(),
  }, 28
end

--- Something that is not of the kind `name`, of every sort.
function misuse.wrong_selves(name)
  local list = { true, 1, 0.5, "x", {}, noop, null, coroutine.create(noop),
    setmetatable({}, { __name = "ebb." .. name }),
    setmetatable({}, { __index = function() return 1 end }) }
  return list
end

--- Calls fn(...) in a task of its own and ends the task if it waits. Returns what pcall gave, or nil.
function misuse.attempt(fn, ...)
  local results
  local task = ebb.spawn(function(...) results = table.pack(pcall(fn, ...)) end, ...)
  settle()
  task:cancel()
  task:join()
  return results
end

--- Fails unless tasks, channels, timers and select still work.
function misuse.canary()
  local ch = ebb.channel()
  local task = ebb.spawn(function()
    ebb.sleep(0.001)
    return ch:send("canary")
  end)
  local which, value = ebb.select(ebb.after(100), ch)
  assert.equal(2, which)
  assert.equal("canary", value)
  assert.is_true(task:await())
end

--- `it` whose body is the main task of a runtime that must work afterwards.
function misuse.it_survives(name, fn)
  require("busted").it(name, function()
    local rt = ebb.runtime { clock = "virtual", on_task_error = noop, cleanup_timeout = 1 }
    local ok, err = xpcall(rt.run, debug.traceback, rt, function()
      fn()
      misuse.canary()
    end)
    rt:close()
    collectgarbage()
    if not ok then error(err, 0) end
  end)
end

--- True for the error of a wrong argument or self, or one with a code.
function misuse.is_misuse(err)
  return type(err) == "string"
    and (err:find("bad argument", 1, true) or err:find("on bad self", 1, true)
      or err:find("EBB%d%d%d")) ~= nil
end

return misuse
