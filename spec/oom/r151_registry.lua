-- R151: the registry without what ebb keeps there by name.
local ebb = require "ebb"
local registry = debug.getregistry()
for key in pairs(registry) do
  if type(key) == "string" and key:find "^ebb" then registry[key] = nil end
end
ebb.run(function()
  local ch = ebb.channel(1)
  ch:send(1)
  assert(ch:recv() == 1)
  local task = ebb.spawn(function() return ch:recv() end)
  ch:send(2)
  assert(task:await() == 2)
  local ok, err = pcall(ch.send, ch)
  assert(ok or tostring(err))
  local g <close> = ebb.guard()
  assert(#g:bytes(10) == 10)
end)
