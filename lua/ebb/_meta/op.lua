---@meta

-- Definitions: operations and select.

---@class ebb
local ebb = {}

---Something that happens once or not at all; making one does nothing.
---@class ebb.Op
local Op = {}

---@async
---@param op ebb.awaitable
---@return any ...
function ebb.await(op) end

---Waits for the first of several; exactly one happens. Arms are given as arguments or in one table,
---a list or named; an arm that is false is skipped.
---@async
---@param ... ebb.awaitable | false | table<any, ebb.awaitable | false>
---@return any which index or name
---@return any ...
function ebb.select(...) end

---The same; among several that are ready the earliest in the list wins.
---@async
---@param ... ebb.awaitable | false | (ebb.awaitable | false)[]
---@return any which
---@return any ...
function ebb.select_first(...) end

---Does not wait: nil when none is ready.
---@param ... ebb.awaitable | false | table<any, ebb.awaitable | false>
---@return any which
---@return any ...
function ebb.try_select(...) end

---Happens s seconds after each time it is performed.
---@param s ebb.seconds
---@return ebb.Op
---@nodiscard
function ebb.after(s) end

---Happens at time t of ebb.now.
---@param t ebb.seconds
---@return ebb.Op
---@nodiscard
function ebb.at(t) end

---Happens at once, with these values.
---@param ... any
---@return ebb.Op
---@nodiscard
function ebb.ready(...) end

---Never happens.
---@return ebb.Op
---@nodiscard
function ebb.never() end

---The op, its values passed through fn after it has happened.
---@param op ebb.awaitable
---@param fn fun(...): ...
---@return ebb.Op
---@nodiscard
function ebb.map_op(op, fn) end

---Several as one op: index, values…; reusable and nestable.
---@param ... ebb.awaitable | false | table<any, ebb.awaitable | false>
---@return ebb.Op
---@nodiscard
function ebb.choice(...) end

---An op made anew by fn each time it is performed.
---@param fn fun(): ebb.awaitable
---@return ebb.Op
---@nodiscard
function ebb.defer_op(fn) end

---@async
---@return any ...
function Op:await() end

---@param fn fun(...): ...
---@return ebb.Op
---@nodiscard
function Op:map(fn) end

---Goes on with fn(values…) on success; fn gives values or another op.
---@param fn fun(...): ...
---@return ebb.Op
---@nodiscard
function Op:and_then(fn) end

---Goes on with fn(nil, err, …) on nil, err.
---@param fn fun(nothing: nil, err: any, ...: any): ...
---@return ebb.Op
---@nodiscard
function Op:or_else(fn) end

---What a callback will be called with.
---@class ebb.Callback: ebb.Op

---A function to hand to what calls back, and the op of its first call: the arguments, or
---nil, "closed" once nobody is left who could call it.
---@return fun(...): boolean cb true for the first call
---@return ebb.Callback op
function ebb.callback() end
