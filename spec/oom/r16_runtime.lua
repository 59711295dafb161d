-- R16: runtimes of its own, with both clocks, closed and collected.
local ebb = require "ebb"
local rt <close> = ebb.runtime { clock = "virtual", seed = 7, name = "own", cleanup_timeout = 1 }
assert(rt:run(function(x) ebb.sleep(3600) return x + 1 end, 1) == 2)
assert(tostring(rt):find "own")
local real <close> = ebb.runtime()
assert(real:run(function() ebb.sleep(0) return ebb.spawn(function() return 5 end):await() end) == 5)
assert(rt:block_on(ebb.after(10)) ~= false)
rt:spawn(ebb.sleep, 5)
rt:advance(1)
assert(rt:metrics().alive == 1)
assert(rt:close() ~= nil)
local dropped = ebb.runtime { clock = "virtual" }
dropped:run(function() ebb.yield() end)
