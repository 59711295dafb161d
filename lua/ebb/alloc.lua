--- ebb.alloc: what ebb.core has of it, and what is written in Lua, loaded when first touched.
local core = require "ebb.core"

local require, setmetatable = require, setmetatable

local modules = { assets = "ebb.alloc.assets" }

return setmetatable(core.alloc, {
  __index = function(self, name)
    local module = modules[name]
    if not module then return nil end
    local value = require(module)[name]
    self[name] = value
    return value
  end,
})
