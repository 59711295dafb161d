-- R19: budgets that refuse, ask and tell, while memory is short.
local ebb = require "ebb"
local log = {}
ebb.alloc.budget("oom", {
  bytes = 1000, soft = 500,
  on_exceed = function(name, requested) log[#log + 1] = name .. requested return #log % 2 == 0 end,
  on_soft = function(name) log[#log + 1] = name end,
})
do
  local g <close> = ebb.guard { budget = "oom" }
  local child = g:guard()
  local a, b = child:bytes(400), g:buffer(200)
  assert(#a == 400 and #b == 0)
  local refused, why = g:bytes(900)
  assert(refused == nil or #refused == 900)
  assert(refused or why == "budget 'oom' exceeded")
  for _ = 1, 4 do pcall(b.put, b, ("x"):rep(300)) end
  local kept = child:promote(a)
  assert(#kept == 400)
  local plain <close> = ebb.guard()
  plain:bytes(50)
  local moved = plain:promote(plain:bytes(10), g)
  if moved then g:promote(moved, plain) end
end
collectgarbage()
assert(ebb.alloc.budget("oom").live >= 0)
