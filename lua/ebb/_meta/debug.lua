---@meta

-- Definitions: seeing what goes on.

---@class ebb
local ebb = {}

---@class ebb.debug
ebb.debug = {}

---Reports turns of tasks that block the loop for longer, with the traceback of the first Lua
---instruction after that; without fn as a line on standard error, without arguments no more. fn
---runs outside of tasks: it may not await.
---@param seconds? ebb.seconds
---@param fn? fun(task: ebb.Task, seconds: ebb.seconds, traceback: string)
function ebb.debug.slow(seconds, fn) end
