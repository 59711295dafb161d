--- What ebb's names are to the rules of `ebb lint`: which calls await, what they make, which of
-- their arguments run as tasks.
local names = {}

local function set(text)
  local out = {}
  for word in text:gmatch "%S+" do out[word] = true end
  return out
end

--- Functions that await, by path.
names.awaits = set [[
  ebb.sleep ebb.sleep_until ebb.yield ebb.await ebb.select ebb.select_first ebb.timeout
  ebb.timeout_at ebb.join ebb.try_join ebb.join_all ebb.try_join_all ebb.race ebb.map ebb.shield
  ebb.retry ebb.supervise ebb.next_frame ebb.blocking ebb.copy ebb.copy_both
  ebb.net.connect ebb.net.resolve ebb.net.listen ebb.net.serve ebb.net.unix.connect
  ebb.process.output ebb.game.wait ebb.game.wait_frames ebb.game.wait_until ebb.game.sequence
  ebb.game.parallel ebb.game.race ebb.game.loop ebb.game.tween
  ebb.fs.read ebb.fs.write ebb.fs.append ebb.fs.exists ebb.fs.mkdir ebb.fs.remove ebb.fs.rename
  ebb.fs.copy ebb.fs.symlink ebb.fs.realpath ebb.fs.chmod ebb.fs.mkdtemp ebb.fs.stat ebb.fs.list
  ebb.fs.open ebb.io.open ebb.io.read ebb.io.write
]]

--- Functions that make nothing and do not await.
names.at_once = set "ebb.go ebb.is_cancelled ebb.now ebb.current ebb.deadline ebb.try_select"

--- What a call by path makes.
names.makes = {
  ["ebb.guard"] = "guard", ["ebb.mutex"] = "mutex", ["ebb.semaphore"] = "semaphore",
  ["ebb.rwlock"] = "rwlock", ["ebb.channel"] = "channel", ["ebb.broadcast"] = "broadcast",
  ["ebb.watch"] = "watch", ["ebb.resource_pool"] = "resource_pool", ["ebb.alloc.frame"] = "frame",
  ["ebb.alloc.assets"] = "assets", ["ebb.join_set"] = "join_set", ["ebb.token"] = "token",
  ["ebb.oneshot"] = "oneshot", ["ebb.notify"] = "notify", ["ebb.barrier"] = "barrier",
  ["ebb.latch"] = "latch", ["ebb.interval"] = "interval", ["ebb.spawn"] = "task",
  ["ebb.spawn_with"] = "task", ["ebb.delay"] = "task", ["ebb.runtime"] = "runtime",
  ["ebb.task_guard"] = "task_guard", ["ebb.clock"] = "clock", ["ebb.frame_clock"] = "clock",
  ["ebb.after"] = "op", ["ebb.at"] = "op", ["ebb.ready"] = "op", ["ebb.never"] = "op",
  ["socket.tcp"] = "luasocket", ["socket.udp"] = "luasocket", ["socket.connect"] = "luasocket",
  ["socket.bind"] = "luasocket",
  ["ebb.choice"] = "op", ["ebb.map_op"] = "op", ["ebb.defer_op"] = "op",
}

local memory = { bytes = "pool data", array = "pool data", vec = "pool data", buffer = "pool data" }
local spawner = { spawn = "task" }

--- What a method call on something of a kind makes.
names.methods = {
  guard = setmetatable({ guard = "child guard" }, { __index = memory }),
  -- Closed with its parent, if not before.
  ["child guard"] = setmetatable({ guard = "child guard" }, { __index = memory }),
  task_guard = setmetatable({ guard = "child guard" }, { __index = memory }),
  mutex = { lock = "lock", try_lock = "lock", lock_op = "op" },
  rwlock = { read = "lock", write = "lock", try_read = "lock", try_write = "lock",
    read_op = "op", write_op = "op" },
  semaphore = { acquire = "permit", try_acquire = "permit", acquire_op = "op" },
  channel = { reserve = "permit", sender = "sender", recv_op = "op", send_op = "op",
    reserve_op = "op" },
  broadcast = { subscribe = "subscription" },
  watch = { subscribe = "subscription" },
  subscription = { recv_op = "op", changed_op = "op" },
  resource_pool = { acquire = "lease", try_acquire = "lease" },
  assets = { pin = "lease" },
  frame = { bytes = "frame data", array = "frame data", vec = "frame data",
    buffer = "frame data", checkpoint = "checkpoint", phase = "phase" },
  ["frame data"] = { view = "frame data" },
  ["pool data"] = { view = "pool data" },
  scope = spawner, join_set = spawner, runtime = spawner,
  task = { join_op = "op" }, luasocket = { accept = "luasocket" },
}

--- Methods that await, by kind.
names.method_awaits = {
  mutex = set "lock with", rwlock = set "read write", semaphore = set "acquire",
  channel = set "send recv reserve recv_many send_many", task = set "await join",
  subscription = set "recv changed wait_for", resource_pool = set "acquire with",
  assets = set "load", join_set = set "join_next shutdown", oneshot = set "recv",
  notify = set "wait", barrier = set "wait", latch = set "wait", interval = set "tick",
  scope = set "wait close", token = set "cancelled run", op = set "await",
  clock = set "sleep sleep_until timeout",
}

--- Methods that await whatever they are called on: no other library has them by these names.
names.always_awaits = set "await recv recv_many send_many join_next"

--- What has to be closed: how a message calls it, and the code of its being left open.
names.closable = {
  guard = { "guard", "EBB022" }, scope = { "scope", "EBB022" },
  lock = { "lock", "EBB041" }, permit = { "permit", "EBB041" }, lease = { "lease", "EBB022" },
  checkpoint = { "checkpoint", "EBB022" }, phase = { "phase", "EBB022" },
  subscription = { "subscription", "EBB022" },
}

--- Methods that end such a thing by hand.
names.ends = set "close commit forget send discard wait release adopt"

--- Functions whose arguments from the given position on run as tasks (or in the calling one).
names.runs = {
  ["ebb.run"] = 1, ["ebb.spawn"] = 1, ["ebb.go"] = 1, ["ebb.spawn_with"] = 2, ["ebb.delay"] = 2,
  ["ebb.scope"] = 1, ["ebb.join"] = 1, ["ebb.try_join"] = 1, ["ebb.race"] = 1, ["ebb.map"] = 2,
  ["ebb.shield"] = 1, ["ebb.timeout"] = 2, ["ebb.timeout_at"] = 2, ["ebb.retry"] = 1,
  ["ebb.run_until_signal"] = 1, ["ebb.game.every"] = 2, ["ebb.game.loop"] = 2,
  ["ebb.net.serve"] = 3, ["pcall"] = 1, ["xpcall"] = 1,
}

--- Calls that stop the whole process, with what to use instead.
names.blocking = {
  ["os.execute"] = "ebb.process.output", ["io.popen"] = "ebb.io.popen",
  ["io.read"] = "ebb.io.read", ["io.lines"] = "ebb.io.lines", ["io.open"] = "ebb.io.open",
  ["io.stdin.read"] = "ebb.io.read", ["io.stdin.lines"] = "ebb.io.lines",
  ["os.rename"] = "ebb.fs.rename", ["os.remove"] = "ebb.fs.remove",
  ["socket.sleep"] = "ebb.sleep", ["socket.select"] = "ebb.select",
  ["socket.connect"] = "ebb.net.connect", ["socket.bind"] = "ebb.net.listen",
  ["socket.dns.toip"] = "ebb.net.resolve", ["socket.http.request"] = "ebb.blocking",
  ["ssl.https.request"] = "ebb.blocking",
}

--- The methods of LuaSocket's objects that wait.
names.blocking_methods = set "accept connect receive receivefrom send sendto"

--- Globals of Lua, and its libraries: none of their functions awaits.
names.standard = set [[
  assert collectgarbage error getmetatable ipairs next pairs print rawequal rawget rawlen rawset
  require select setmetatable tonumber tostring type warn load loadfile dofile unpack
]]
names.libraries = set "string table math utf8 os io debug"

names.string_methods = {}
for name in pairs(string) do names.string_methods[name] = true end

return names
