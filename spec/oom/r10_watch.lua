-- R10: watching a directory: an event that is waited for, one that is not, a path that is not.
local ebb = require "ebb"
ebb.run(function()
  assert(ebb.fs.watch "spec/oom/no such thing" == nil)
  local dir = assert(ebb.fs.mkdtemp "/tmp/ebb-oom-")
  local path = dir .. "/a"
  local _ <close> = setmetatable({}, { __close = function()
    os.remove(path)
    os.remove(dir)
  end })
  local watch <close> = assert(ebb.fs.watch(dir))
  assert(ebb.fs.write(path, "1"))
  for _ = 1, 2 do
    local name, why = ebb.timeout(1, watch)
    assert(name == "a" or why == "lagged" or why == "timeout")
  end
  local task = ebb.spawn(watch.recv, watch)
  ebb.yield()
  task:cancel()
  task:join()
end)
