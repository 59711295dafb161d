-- A parallel `find` and hash: one task walks a directory, worker threads read and hash the files,
-- and the results come back as they are ready. find_and_hash.lua [DIR [WORKERS]]
local ebb = require "ebb"

-- Runs in the workers, each in a Lua state of its own: FNV-1a, 64 bits.
local function hash(path)
  local file <close> = assert(io.open(path, "rb"))
  local h, n = 0xcbf29ce484222325, 0
  for block in function() return file:read(4096) end do
    for i = 1, #block do h = (h ~ block:byte(i)) * 0x100000001b3 end
    n = n + #block
  end
  return ("%016x"):format(h), n
end

local function main(dir, n_workers)
  local paths = ebb.channel(16)
  ebb.go(function()
    for path, kind in ebb.fs.walk(dir) do
      if kind == "file" then paths:send(path) end
    end
    paths:close()
  end)

  local pool <close> = ebb.thread.pool { workers = n_workers }
  local lines, bytes = {}, 0
  ebb.stream.from(paths)
    :buffer_unordered(2 * n_workers, function(path)
      local digest, size = pool:call(hash, path)
      return { path = path:sub(#dir + 2), digest = digest, size = size }
    end)
    :for_each(function(one)
      lines[#lines + 1] = ("%s %6d %s"):format(one.digest, one.size, one.path)
      bytes = bytes + one.size
    end)

  table.sort(lines, function(a, b) return a:sub(25) < b:sub(25) end)
  for _, line in ipairs(lines) do print(line) end
  print(("%d files, %d bytes"):format(#lines, bytes))
end

-- Without arguments: a small tree of its own.
local function sample()
  local dir = assert(ebb.fs.mkdtemp((os.getenv "TMPDIR" or "/tmp") .. "/ebb-hash-"))
  assert(ebb.fs.mkdir(dir .. "/a/deep", { parents = true }))
  for i, path in ipairs { "one", "two", "a/three", "a/deep/four", "a/deep/empty" } do
    assert(ebb.fs.write(dir .. "/" .. path, ("line of text\n"):rep(i % 5 * 1000)))
  end
  return dir
end

local function remove(dir)
  for _, name in ipairs(ebb.fs.list(dir)) do
    local path = dir .. "/" .. name
    if ebb.fs.stat(path).type == "directory" then remove(path) else ebb.fs.remove(path) end
  end
  ebb.fs.remove(dir)
end

local dir, n_workers = ...
ebb.run(function()
  local here = dir or sample()
  main(here, tonumber(n_workers) or 2)
  if not dir then remove(here) end
end)
