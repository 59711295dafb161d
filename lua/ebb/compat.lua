--- ebb.compat: the interfaces of other libraries, on ebb. `ebb.compat.socket` is
-- `require "ebb.compat.socket"`.
local require, setmetatable = require, setmetatable

return setmetatable({}, {
  __index = function(self, name)
    if name ~= "socket" then return nil end
    self.socket = require "ebb.compat.socket"
    return self.socket
  end,
})
