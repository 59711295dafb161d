-- Children never outlive their scope: it waits for them, and one failure ends the others.
local ebb = require "ebb"

local function fetch(name, seconds)
  local _ <close> = setmetatable({}, { __close = function(_, err)
    print(name .. ": " .. (err and "given up" or "fetched"))
  end })
  ebb.sleep(seconds)
  if name == "fonts" then error("fonts are missing", 0) end
  return name
end

ebb.run(function()
  -- All went well: scope returns what its body returned, once every child has ended.
  print("loaded:", ebb.scope(function(s)
    s:defer(function() print "tidying up" end)
    s:spawn(fetch, "map", 0.03)
    local sounds = s:spawn(fetch, "sounds", 0.01)
    return sounds:await()
  end))

  -- The first failure cancels the siblings and is thrown on, unchanged.
  print("failed:", pcall(ebb.scope, function(s)
    s:spawn(fetch, "textures", 60)
    s:spawn(fetch, "fonts", 0.01)
    ebb.sleep(60)
  end))

  -- The same as an object, for a block or for the life of something.
  do
    local s <close> = ebb.scope()
    s:spawn(fetch, "credits", 0.01)
  end -- waits here
  print "the end"
end)
