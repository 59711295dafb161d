-- Opens and closes connections, TCP and Unix in turn: whole ones, half-closed ones, some that are
-- cancelled, reset, timed out, refused or dropped for the collector. Then it counts what is left of
-- descriptors, libuv's handles, threads and bytes against what there was after the first few.
--
--   lua5.4 spec/io/connections.lua [N]     (10000)
--
-- Prints one line and ends with code 1 when something is left.
local ebb = require "ebb"
local socket = require "ebb.compat.socket"

local N <const> = tonumber(arg and arg[1]) or 10000
local AT_ONCE <const> = 50

local function descriptors() return #assert(ebb.fs.list "/proc/self/fd") end

local function threads()
  return tonumber(assert(ebb.fs.read "/proc/self/status"):match "Threads:%s*(%d+)")
end

local kinds = {}

function kinds.whole(connect)
  local sock <close> = assert(connect())
  assert(sock:write "echo ping\n")
  assert(sock:read() == "ping")
end

function kinds.half_closed(connect)
  local sock <close> = assert(connect())
  assert(sock:write "echo last\n")
  sock:shutdown()
  assert(sock:read "a" == "last\n")
end

--- With something unread and a reset.
function kinds.reset(connect)
  local sock = assert(connect())
  assert(sock:write "flood\n")
  assert(sock:read_exactly(10))
  if sock:peer() ~= "" and select("#", sock:peer()) > 1 then sock:linger(0) end
  sock:close()
end

function kinds.timed_out(connect)
  local sock <close> = assert(connect())
  assert(sock:write "silence\n")
  local _, why = ebb.timeout(0.001, sock)
  assert(why == "timeout" or why == "eof")
end

function kinds.cancelled(connect)
  local task = ebb.spawn(function()
    local sock <close> = assert(connect())
    sock:write "silence\n"
    sock:read()
  end)
  ebb.yield()
  task:cancel()
  task:join()
end

function kinds.collected(connect)
  local sock = assert(connect())
  sock:write "end\n"
  sock = nil -- luacheck: ignore
end

function kinds.refused(_, refused)
  local sock, _, code = refused()
  assert(not sock and code == "ECONNREFUSED")
end

local names = { "whole", "half_closed", "reset", "timed_out", "cancelled", "collected", "refused" }

--- What the other side does, by the first line.
local function serve(sock)
  local what = sock:read()
  if not what then return end
  local text = what:match "^echo (.*)"
  if text then
    sock:write(text, "\n")
  elseif what == "flood" then
    sock:write(("x"):rep(100000))
  elseif what == "silence" then
    sock:read()
  end
end

local function run(count, tcp, unix)
  local counts = {}
  local numbers = {}
  for i = 1, count do numbers[i] = i end
  ebb.map(numbers, function(i)
    local name = names[i % #names + 1]
    local family = i % 2 == 0 and tcp or unix
    kinds[name](family.connect, family.refused)
    counts[name] = (counts[name] or 0) + 1
  end, AT_ONCE)
  return counts
end

--- Until all that was closed is gone.
local function settle(rt, floor)
  for _ = 1, 400 do
    collectgarbage()
    collectgarbage()
    ebb.sleep(0.005)
    if rt:metrics().handles <= floor and rt:metrics().alive <= 3 then return end
  end
end

local function state(rt)
  local metrics = rt:metrics()
  return { descriptors = descriptors(), handles = metrics.handles, threads = threads(),
    tasks = metrics.alive, timers = metrics.timers, bytes = metrics.alloc_bytes,
    kibibytes = math.floor(collectgarbage "count") }
end

local failed = false

ebb.run(function()
  local dir = assert(ebb.fs.mkdtemp "/tmp/ebb-connections-")
  local rt = ebb.current_runtime()
  local tcp_listener <close> = assert(ebb.net.listen("127.0.0.1", 0))
  local unix_listener <close> = assert(ebb.net.unix.listen(dir .. "/s"))
  local _, port = tcp_listener:local_address()
  local bound <close> = assert(socket.tcp4()) -- and does not listen
  assert(bound:bind("127.0.0.1", 0))
  local _, refusing = bound:getsockname()
  assert(ebb.fs.write(dir .. "/file", ""))
  local tcp = {
    connect = function() return ebb.net.connect("127.0.0.1", port) end,
    refused = function() return ebb.net.connect("127.0.0.1", refusing) end,
  }
  local unix = {
    connect = function() return ebb.net.unix.connect(dir .. "/s") end,
    refused = function() return ebb.net.unix.connect(dir .. "/file") end,
  }
  ebb.on_task_error(function(_, err)
    failed = true
    io.stderr:write(tostring(err), "\n")
  end)
  local servers = { ebb.spawn(ebb.net.serve, tcp_listener, serve),
    ebb.spawn(ebb.net.serve, unix_listener, serve) }
  -- A last one, alone, leaves the block at hand that the runtime lends to who reads.
  local function rest(floor)
    settle(rt, floor)
    kinds.whole(tcp.connect)
    settle(rt, floor)
    return state(rt)
  end
  run(math.min(N, 700), tcp, unix)
  local before = rest(0)
  local counts = run(N, tcp, unix)
  local after = rest(before.handles)
  local slack = { bytes = 4096, kibibytes = 256 } -- lists that have grown
  local parts = {}
  for _, key in ipairs { "descriptors", "handles", "threads", "tasks", "timers", "bytes", "kibibytes" } do
    parts[#parts + 1] = ("%s %d → %d"):format(key, before[key], after[key])
    if after[key] > before[key] + (slack[key] or 0) then failed = true end
  end
  local kept = {}
  for _, name in ipairs(names) do kept[#kept + 1] = ("%d %s"):format(counts[name], name) end
  print(("%d connections (%s): %s%s"):format(N, table.concat(kept, ", "):gsub("_", " "),
    table.concat(parts, ", "), failed and ": LEFT BEHIND" or ""))
  tcp_listener:close()
  unix_listener:close()
  for _, server in ipairs(servers) do server:join() end
  os.execute("rm -rf " .. dir)
end)

os.exit(failed and 1 or 0, true)
