-- R19: handles, while memory is short: what could not be added has changed nothing.
local ebb = require "ebb"
local reg = ebb.alloc.registry()
local handles = {}
for i = 1, 100 do handles[i] = reg:add(i) end
for i = 1, 100, 3 do reg:remove(handles[i]) end
for i = 1, 60 do
  local before = #reg
  local ok, h = pcall(reg.add, reg, { i })
  assert(#reg == before + (ok and 1 or 0))
  if not ok then error(h, 0) end
  assert(reg:get(h)[1] == i)
end
local n = 0
for _, v in pairs(reg) do n = n + (v and 1 or 0) end
assert(n == #reg)
reg:clear()
assert(reg:get(handles[2]) == nil)
