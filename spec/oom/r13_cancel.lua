-- R13: cancel in every state: fresh, ready, waiting, with a reason.
-- luacheck: globals ebb faults reported
local ebb = require "ebb"
ebb.run(function()
  local closed, ch = 0, ebb.channel()
  local function wait(op)
    local _ <close> = setmetatable({}, { __close = function() closed = closed + 1 end })
    ebb.await(op)
  end
  local tasks = {
    ebb.spawn(wait, ch), ebb.spawn(wait, ebb.never()), ebb.spawn(wait, ebb.after(100)),
    ebb.spawn(ebb.select, ch, ebb.after(50), ebb.never()), ebb.spawn(ebb.sleep, 100),
  }
  ebb.yield()
  local fresh = ebb.spawn(wait, ch)
  fresh:cancel("too late")
  for i, t in ipairs(tasks) do t:cancel(i % 2 == 0 and "reason" .. i or nil) end
  for _, t in ipairs(tasks) do
    local ok, err = t:join()
    assert(not ok, "cancelled")
    if err.cancelled_task ~= t then error(err, 0) end
  end
  assert(fresh:join() == false)
  assert(faults or fresh:status() == "cancelled")
  assert(closed == 3 and ch:waiters() == 0)
end)
