-- R153, R165: what C functions of Lua allocate counts against a quota and a limit, as anything else.
-- luacheck: globals ebb faults
local ebb = require "ebb"
ebb.alloc.install()

local hogs = {
  function() return ("x"):rep(300000) end,
  function()
    local t = {}
    for i = 1, 30 do t[i] = ("x"):rep(10000) end
    return table.concat(t)
  end,
  function() return (("x"):rep(100):gsub(".", ("y"):rep(3000))) end,
  function()
    local t = {}
    while true do t[#t + 1] = ("%99d"):format(#t) end
  end,
}

ebb.run(function()
  for _, hog in ipairs(hogs) do
    local ok, err = ebb.spawn_with({ memory = 100000 }, hog):join()
    err = tostring(err)
    assert(not ok and (err:find "EBB031" or err:find "memory"), err)
  end
end)
collectgarbage()
ebb.alloc.limit { bytes = ebb.alloc.stats().state.live + 200000 }
for i = 1, 3 do
  local ok, err = pcall(hogs[i])
  assert(not ok and tostring(err):find "memory")
end
ebb.alloc.limit {}
local ok, text = pcall(hogs[1])
assert(ok and #text == 300000 or faults)
