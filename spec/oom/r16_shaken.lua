-- R16: a runtime whose schedules are explored, with a trace; collector steps, wake-ups for nothing.
local core = require "ebb.core"
local ebb = require "ebb"
for seed = 1, 3 do
  local rt <close> = ebb.runtime { clock = "virtual" }
  core._shake(rt, seed, 7, true)
  local n = rt:run(function()
    local ch, n = ebb.channel(1), 0
    local sender = ebb.spawn(function() for i = 1, 3 do ch:send(i) end ch:close() end)
    for v in ch do n = n + v end
    sender:await()
    return n
  end)
  assert(n == 6)
  local report = core._shaken(rt)
  assert(#report.trace > 30 and report.switches > 3 and not report.broken)
  assert(core._shaken(rt) == nil)
end
