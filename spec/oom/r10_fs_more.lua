-- R10: what else is done with files: written, appended, copied, listed, walked, made, removed.
local ebb = require "ebb"
ebb.run(function()
  local fs = ebb.fs
  local dir = assert(fs.mkdtemp "/tmp/ebb-oom-")
  local _ <close> = setmetatable({}, { __close = function()
    for _, name in ipairs { "a", "b", "d/e" } do os.remove(dir .. "/" .. name) end
    os.remove(dir .. "/d")
    os.remove(dir)
  end })
  assert(fs.write(dir .. "/a", ("text\n"):rep(2000)))
  assert(fs.append(dir .. "/a", "more"))
  assert(fs.copy(dir .. "/a", dir .. "/b"))
  assert(#assert(fs.read(dir .. "/b")) == 10004)
  assert(fs.mkdir(dir .. "/d"))
  assert(fs.write(dir .. "/d/e", ""))
  assert(#assert(fs.list(dir)) == 3)
  local n = 0
  for path in fs.walk(dir) do n = n + (path and 1 or 0) end
  assert(n >= 4)
  assert(fs.realpath(dir))
  assert(ebb.timeout(10, fs.remove, dir .. "/b"))
  local g <close> = ebb.guard()
  local f <close> = assert(ebb.io.open(dir .. "/a"))
  local buffer = g:buffer()
  assert(assert(f:read_into(buffer)) > 0)
end)
