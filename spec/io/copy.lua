-- Copies a sparse file of so many MiB: to another file, and through a TCP connection into a third, and
-- tells how much memory that took at most.
--
--   lua5.4 spec/io/copy.lua [MIB] [LIMIT]     (1024 MiB; more than LIMIT MiB, 24, is a failure)
local ebb = require "ebb"

local MIB <const> = 1 << 20
local N <const> = (tonumber(arg and arg[1]) or 1024) * MIB
local LIMIT <const> = tonumber(arg and arg[2]) or 24

--- Of resident memory, in MiB: now and at most so far.
local function resident()
  local status = assert(ebb.fs.read "/proc/self/status")
  return tonumber(status:match "VmRSS:%s*(%d+)") / 1024, tonumber(status:match "VmHWM:%s*(%d+)") / 1024
end

local function make_sparse(path)
  local file <close> = assert(io.open(path, "wb"))
  file:write "first"
  file:seek("set", N - 4)
  file:write "last"
end

--- Its size, and what is at its ends.
local function check(path)
  local file <close> = assert(io.open(path, "rb"))
  assert(file:seek "end" == N, "another size")
  file:seek "set"
  assert(file:read(5) == "first")
  file:seek("set", N - 4)
  assert(file:read(4) == "last")
end

local function file_to_file(from, to)
  local source <close> = assert(ebb.io.open(from, "rb"))
  local target <close> = assert(ebb.io.open(to, "wb"))
  assert(assert(ebb.copy(source, target)) == N)
end

local function through_a_socket(from, to)
  local listener <close> = assert(ebb.net.listen("127.0.0.1", 0))
  local _, port = listener:local_address()
  ebb.scope(function(s)
    s:spawn(function()
      local source <close> = assert(ebb.io.open(from, "rb"))
      local sock <close> = assert(ebb.net.connect("127.0.0.1", port))
      assert(assert(ebb.copy(source, sock)) == N)
    end)
    local sock <close> = assert(listener:accept())
    local target <close> = assert(ebb.io.open(to, "wb"))
    assert(assert(ebb.copy(sock, target)) == N)
  end)
end

local function measure(what, copy, from, to)
  local before, start = resident(), ebb.now()
  copy(from, to)
  local seconds = ebb.now() - start
  local _, most = resident()
  check(to)
  os.remove(to)
  print(("%s: %d MiB in %.1f s, resident %.1f MiB before, at most %.1f"):format(what, N // MIB,
    seconds, before, most))
  return most - before <= LIMIT
end

local ok = true

ebb.run(function()
  local dir = assert(ebb.fs.mkdtemp((os.getenv "TMPDIR" or "/tmp") .. "/ebb-copy-"))
  local from, to = dir .. "/from", dir .. "/to"
  make_sparse(from)
  ok = measure("file to file", file_to_file, from, to)
  ok = measure("through a socket", through_a_socket, from, to) and ok
  os.remove(from)
  os.remove(dir)
end)

if not ok then print(("more than %d MiB of memory"):format(LIMIT)) end
os.exit(ok and 0 or 1, true)
