-- R155: spawns without end, in a task with a quota: it ends, and they with it.
local ebb = require "ebb"
ebb.alloc.install()
ebb.run(function()
  local task = ebb.spawn_with({ memory = 100000 }, function()
    while true do ebb.spawn(ebb.sleep, 100) end
  end)
  local ok, err = task:join()
  err = tostring(err)
  assert(not ok and (err:find "EBB031" or err:find "memory"), err)
end)
assert(ebb.current_runtime():metrics().alive == 0)
