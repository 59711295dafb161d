-- R160: a strict _G, globals that were changed, methods of strings that are gone.
-- luacheck: globals ebb faults
local ebb = require "ebb"
local G, rawset, setmetatable, error, pairs = _G, rawset, setmetatable, error, pairs
local assert, getmetatable = assert, getmetatable
local names = { "pcall", "xpcall", "error", "type", "select", "tostring", "setmetatable",
  "getmetatable", "ipairs", "pairs", "next", "assert", "rawequal", "coroutine", "table", "math",
  "string" }
local was, strings = {}, getmetatable("")
for i = 1, #names do was[names[i]] = G[names[i]] end
local index = strings.__index
local _ <close> = setmetatable({}, { __close = function()
  for name, value in pairs(was) do rawset(G, name, value) end
  strings.__index = index
  setmetatable(G, nil)
end })
setmetatable(G, {
  __index = function(_, k) error("undefined " .. k) end,
  __newindex = function(_, k) error("new global " .. k) end,
})
for i = 1, #names do rawset(G, names[i], false) end
strings.__index = nil
ebb.run(function()
  local ch = ebb.channel(1)
  local s <close> = ebb.scope()
  s:spawn(function() for i = 1, 3 do ch:send(i) end ch:close() end)
  local sum = 0
  for v in ch do sum = sum + v end
  assert(sum == 6)
  local a, b = ebb.join(ebb.ready(1), ebb.ready(2))
  assert(a and b)
  ebb.race(ebb.ready(1), ebb.never())
  ebb.map({ 1, 2, 3 }, function(v) ebb.yield() return v end, 2)
  ebb.timeout(0, ebb.never())
end)
