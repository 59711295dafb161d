---@meta

-- Definitions: coroutines.

---@class ebb
local ebb = {}

---As Lua's coroutine library; awaits pass through to the task.
---@class ebb.coroutine
ebb.coroutine = {}

---@param fn fun(...): ...
---@return fun(...): ...
function ebb.coroutine.wrap(fn) end

---@param fn fun(...): ...
---@return thread
function ebb.coroutine.create(fn) end

---@param co thread
---@param ... any
---@return boolean ok
---@return any ...
function ebb.coroutine.resume(co, ...) end

---@param co thread
---@return "running" | "suspended" | "normal" | "dead"
function ebb.coroutine.status(co) end

---@param co thread
---@return boolean ok
---@return any err
function ebb.coroutine.close(co) end

---@return boolean
function ebb.coroutine.isyieldable() end

---@return thread
---@return boolean is_main
function ebb.coroutine.running() end

---@param ... any
---@return any ...
function ebb.coroutine.yield(...) end

---Puts these functions in the global `coroutine`.
function ebb.coroutine.install() end

---require for modules that await while they load.
---@async
---@param name string
---@return any
function ebb.require(name) end
