-- R152: bytecode is no function: neither for another thread nor by a name.
-- luacheck: globals ebb faults throws
local ebb = require "ebb"
local code = string.dump(function() return 1 end)
ebb.run(function()
  for _, text in ipairs { code, code:sub(1, -2), "\27Lua", "no such module:run" } do
    local ok, err = pcall(ebb.blocking, text)
    assert(not ok and type(err) == "string")
    assert(faults or not err:find "memory")
  end
end)
