---@meta

-- Definitions: compatibility.

---@class ebb
local ebb = {}

---Other libraries' interfaces on ebb. `socket` has LuaSocket's objects (TCP, UDP) and functions, with
---its results; what it would block in awaits. `install()` makes `require "socket"` give it.
---@type { socket: table }
ebb.compat = {}
