--- One object of every class of lua/ebb/_meta, and a value of every type, for the specs of wrong arguments.
local ebb = require "ebb"
local misuse = require "spec.reliability.misuse"

local samples = {}

local kinds = misuse.kinds
local function of(kind) return kinds[kind].make end
local function noop() end

local function lease()
  return assert(ebb.resource_pool(function() return 1 end):acquire())
end

local function listener() return assert(ebb.net.listen("127.0.0.1", 0)) end

--- makers[class]() gives an object and, if it has to be kept from the collector, what belongs to it.
local makers = {
  ["ebb.Array"] = of "array", ["ebb.Bytes"] = of "bytes", ["ebb.Buffer"] = of "buffer",
  ["ebb.Vec"] = function()
    local g = ebb.guard()
    return g:vec("i32", 4), g
  end,
  ["ebb.Box"] = function()
    local g = ebb.guard()
    return g:box(1), g
  end,
  ["ebb.Guard"] = of "guard", ["ebb.Frame"] = of "frame", ["ebb.Checkpoint"] = of "checkpoint",
  ["ebb.Phase"] = of "phase",
  ["ebb.Registry"] = function() return ebb.alloc.registry() end,
  ["ebb.Assets"] = function() return ebb.alloc.assets { bytes = 1000 } end,
  ["ebb.AssetLease"] = function()
    local assets = ebb.alloc.assets { bytes = 1 << 20 }
    return assert(assets:pin "Makefile"), assets
  end,
  ["ebb.Barrier"] = function() return ebb.barrier(2) end,
  ["ebb.Broadcast"] = function() return ebb.broadcast(2) end,
  ["ebb.BroadcastSub"] = function() return ebb.broadcast(2):subscribe() end,
  ["ebb.Channel"] = of "channel", ["ebb.Sender"] = of "sender", ["ebb.Permit"] = of "permit",
  ["ebb.Child"] = of "child", ["ebb.File"] = of "file", ["ebb.File_watch"] = of "file_watch",
  ["ebb.Clock"] = function() return ebb.clock { manual = true } end,
  ["ebb.Descriptor"] = function() return assert(require "ebb.core"._descriptor.open(false, true)) end,
  ["ebb.Duplex"] = function() return ebb.net.duplex() end,
  ["ebb.Interval"] = of "interval", ["ebb.Timer"] = of "timer",
  ["ebb.Join_set"] = function() return ebb.join_set() end,
  ["ebb.Latch"] = function() return ebb.latch(1) end,
  ["ebb.Lease"] = lease,
  ["ebb.Listener"] = listener,
  ["ebb.Lock"] = function() return ebb.rwlock():write() end,
  ["ebb.Mutex"] = function() return ebb.mutex() end,
  ["ebb.Notify"] = function() return ebb.notify() end,
  ["ebb.Once"] = function() return ebb.once(noop) end,
  ["ebb.Oneshot"] = function() return ebb.oneshot() end,
  ["ebb.Op"] = of "op",
  ["ebb.ResourcePool"] = function() return ebb.resource_pool(function() return 1 end) end,
  ["ebb.Runtime"] = function() return ebb.runtime { clock = "virtual" } end,
  ["ebb.Rwlock"] = function() return ebb.rwlock() end,
  ["ebb.Scope"] = of "scope", ["ebb.Signal"] = function() return ebb.signal "winch" end,
  ["ebb.Semaphore"] = function() return ebb.semaphore(2) end,
  ["ebb.SemaphorePermit"] = function() return ebb.semaphore(2):acquire(2) end,
  ["ebb.Socket"] = function()
    local path = ("\0ebb-samples-%p"):format({})
    local l <close> = assert(ebb.net.unix.listen(path))
    return assert(ebb.net.unix.connect(path)), l:accept()
  end,
  ["ebb.Stream"] = function() return ebb.stream.iter { 1, 2, 3 } end,
  ["ebb.Task"] = of "task", ["ebb.Token"] = of "token",
  ["ebb.Task_local"] = function() return ebb.task_local() end,
  ["ebb.Udp"] = of "udp",
  ["ebb.Watch"] = function() return ebb.watch(1) end,
  ["ebb.WatchSub"] = function() return ebb.watch(1):subscribe() end,
  ["ebb.thread.Channel"] = function() return ebb.thread.channel(1) end,
  ["ebb.thread.Handle"] = function() return ebb.thread.spawn(noop) end,
  ["ebb.thread.Pool"] = function() return ebb.thread.pool { workers = 1 } end,
}
makers["ebb.ByteStream"] = makers["ebb.Duplex"]
samples.makers = makers

--- An object of a class.
function samples.make(class)
  local make = makers[class] or error("no sample of " .. class .. " in spec/matrix/samples.lua", 0)
  return make()
end

--- Lets go of an object that a spec has made.
function samples.let_go(class, object, other)
  if class == "ebb.Frame" or class == "ebb.Checkpoint" or class == "ebb.Phase" then return end
  for _, x in ipairs { object, other } do
    local ok, close = pcall(function() return x.close or x.cancel end)
    if ok and close then pcall(close, x) end
  end
end

--- Values that are right, by type; for parameters of one function by its name, "ebb.map/list".
local by_type = {
  integer = 1, number = 1, string = "x", boolean = true, any = 1, T = 1, table = {}, ["ebb.seconds"] = 0,
  ["false"] = false, ["nil"] = nil,
}
local by_name = {
  ["ebb.game.loop/fn"] = function() return false end,
  ["ebb.game.wait_until/pred"] = function() return true end,
  ["ebb.game.every/s"] = 1, ["ebb.interval/period"] = 1, ["ebb.stream.interval/period"] = 1, ["Clock:interval/period"] = 1,
  ["ebb.defer_op/fn"] = function() return ebb.ready(1) end,
  ["ebb.resource_pool/make"] = function() return 1 end,
  ["Guard:array/type"] = "u8", ["Guard:vec/type"] = "u8", ["Frame:array/type"] = "u8", ["Frame:vec/type"] = "u8",
  ["Buffer:pack/format"] = "<i4", ["Buffer:unpack/format"] = "<i4",
  ["ebb.net.connect/host"] = "127.0.0.1", ["ebb.net.listen/host"] = "127.0.0.1", ["ebb.net.udp/host"] = "127.0.0.1",
  ["ebb.net.resolve/host"] = "127.0.0.1", ["Udp:connect/host"] = "127.0.0.1", ["Udp:sendto/host"] = "127.0.0.1",
  ["ebb.signal/name"] = "winch", ["ebb.thread.spawn/fn"] = noop, ["ebb.blocking/fn"] = noop,
  ["Guard:own/x"] = setmetatable({}, { __close = noop }), ["Stream:chunks_timeout/seconds"] = 1,
  ["ebb.require/name"] = "string", ["ebb.process.spawn/options"] = { "true" },
  ["ebb.process.output/options"] = { "true" }, ["ebb.alloc.assets/opts"] = { bytes = 1000 },
  ["ebb.supervise/spec"] = { { run = noop, restart = "temporary" } },
}
for _, name in ipairs { "read", "write", "append", "remove", "rename", "copy", "mkdir", "chmod", "mkdtemp", "symlink" } do
  for _, parameter in ipairs { "path", "from", "to", "prefix", "target" } do
    by_name[("ebb.fs.%s/%s"):format(name, parameter)] = "/nonexistent/ebb"
  end
end
by_name["ebb.fs.walk/dir"], by_name["ebb.fs.list/dir"], by_name["ebb.fs.watch/path"] = "spec/io", "spec/io", "spec/io"
by_name["ebb.io.open/path"], by_name["ebb.io.lines/path"], by_name["ebb.io.input/file"] = "Makefile", "Makefile", "Makefile"
by_name["ebb.io.output/file"], by_name["ebb.io.popen/command"] = "/dev/null", "true"

--- A value that is right for a parameter, and what must be kept with it.
function samples.value(fn, parameter, definitions)
  local named = by_name[fn.name .. "/" .. parameter.name]
  if named ~= nil then return named end
  local kind = definitions.members(parameter.type)[1]
  while definitions.aliases[kind] and kind ~= "ebb.seconds" do
    local first
    for _, member in ipairs(definitions.members(definitions.aliases[kind])) do
      if member ~= "" and not first then first = member end
    end
    kind = first
  end
  if by_type[kind] ~= nil then return by_type[kind] end
  if makers[kind] then return makers[kind]() end
  if kind:match '^"' then return kind:match '"(.*)"' end
  if kind:match "^fun%(" or kind:match "^async" or kind == "function" then return noop end
  if kind == "thread" then return coroutine.create(noop) end
  return {}
end

return samples
