-- R5: join, race and map: results, failures, losers that are cancelled.
local ebb = require "ebb"
local rt <close> = ebb.runtime { clock = "virtual" }
rt:run(function()
  local function after(n, v) return function() for _ = 1, n do ebb.yield() end return v end end
  local a, b = ebb.join(after(2, "a"), after(1, "b"))
  assert(a == "a" and b == "b")
  local i, v = ebb.race(function() ebb.sleep(100) end, after(1, "won"))
  if i ~= 2 then error "not enough memory (a racer failed)" end
  assert(v == "won")
  local list = ebb.map({ 1, 2, 3, 4 }, function(x) ebb.yield() return x * x end, 2)
  assert(list[4] == 16)
  local ok, err = pcall(ebb.join, after(3), function() ebb.yield() error("failed", 0) end)
  assert(not ok)
  if err ~= "failed" then error(err, 0) end
end)
