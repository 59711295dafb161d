-- R146, R147, R149: methods with a wrong self, locked metatables, ebb's metatables on what is not
-- ebb's.
-- luacheck: globals ebb faults reported
local ebb = require "ebb"
local outer <close> = ebb.guard()
local kinds = {
  { function() return ebb.channel(1) end, "send", "recv", "try_recv", "close" },
  { function() return ebb.guard() end, "bytes", "release", "close" },
  { function() return outer:bytes(8) end, "fill", "string", "view" },
  { function() return outer:buffer() end, "put", "get" },
  { function() return ebb.token() end, "cancel", "child" },
  { function() return ebb.timer(1) end, "reset", "close" },
  { function() return ebb.mutex() end, "lock", "try_lock" },
  { function() return ebb.scope() end, "spawn", "close" },
  { function() return ebb.spawn(ebb.yield) end, "join", "cancel" },
  { function() return ebb.after(1) end, "map" },
}

local function is_misuse(err)
  return type(err) == "string" and (err:find "bad argument" or err:find "on bad self"
    or err:find "EBB%d%d%d" or faults and err:find "memory")
end

local function refuses(object, method, self)
  local ok, err = pcall(object[method], self, 1)
  assert(not ok and is_misuse(err), method)
end

ebb.run(function()
  local file = io.stdout
  local own = debug.getmetatable(file)
  local _ <close> = setmetatable({}, { __close = function() debug.setmetatable(file, own) end })
  for _, kind in ipairs(kinds) do
    local object = kind[1]()
    assert(type(getmetatable(object)) ~= "table" and not pcall(setmetatable, object, {}))
    local meta = debug.getmetatable(object)
    for i = 2, #kind do
      for _, self in ipairs { false, "x", {}, file, ebb.barrier(2) } do
        refuses(object, kind[i], self)
      end
      debug.setmetatable(file, meta)
      refuses(object, kind[i], file)
      refuses(object, kind[i], debug.setmetatable({}, meta))
      debug.setmetatable(file, own)
    end
    if meta.__close then pcall(meta.__close, object) end
  end
end)
