---@meta

-- Definitions: scopes, tokens, and what runs several tasks.

---@class ebb
local ebb = {}

---@class ebb.Scope
local Scope = {}

---@class ebb.ScopeOptions
---@field isolate? boolean a failed child is reported and its siblings go on

---Runs body(s) and returns its results once every child of s has ended; the first failure cancels
---the rest and is rethrown. Without a function: the scope as an object, for a `<close>` variable.
---@async
---@param body fun(s: ebb.Scope): ...
---@return any ...
---@overload fun(opts?: ebb.ScopeOptions): ebb.Scope
function ebb.scope(body) end

---@param fn fun(...): ...
---@param ... any
---@return ebb.Task
function Scope:spawn(fn, ...) end

---@param reason? any
function Scope:cancel(reason) end

---fn runs when all children have ended, the newest first.
---@param fn fun()
function Scope:defer(fn) end

---@async
---@return true?
---@return "cancelled"? why
---@return any reason
function Scope:wait() end

---Cancels and waits.
---@async
function Scope:close() end

---Runs functions (as children) and awaits tasks; the first result of each, in order.
---@async
---@param ... ebb.Task | fun(): any
---@return any ...
function ebb.join(...) end

---As join; the first that throws or returns nil, err ends the others and is the result.
---@async
---@param ... ebb.Task | fun(): any
---@return any ...
function ebb.try_join(...) end

---@async
---@param list (ebb.Task | fun(): any)[]
---@return any[]
function ebb.join_all(list) end

---@async
---@param list (ebb.Task | fun(): any)[]
---@return any[]?
---@return any err
function ebb.try_join_all(list) end

---Index of the first to end, then its results; the losing functions are cancelled.
---@async
---@param ... ebb.Task | ebb.Op | fun(): any
---@return integer index
---@return any ...
function ebb.race(...) end

---Ordered results of fn(item, i), at most `limit` at a time.
---@async
---@generic T, R
---@param list T[]
---@param fn fun(item: T, i: integer): R
---@param limit? integer
---@return R[]
function ebb.map(list, fn, limit) end

---Runs fn to its end even if a cancel or an outer deadline strikes meanwhile.
---@async
---@param fn fun(...): ...
---@param ... any
---@return any ...
function ebb.shield(fn, ...) end

---@class ebb.Token
local Token = {}

---@param parent? ebb.Token
---@return ebb.Token
---@nodiscard
function ebb.token(parent) end

---@param reason? any
---@return boolean first
function Token:cancel(reason) end

---@return boolean
function Token:is_cancelled() end

---@async
---@return true
---@return any reason
function Token:cancelled() end

---@return ebb.Token
---@nodiscard
function Token:child() end

---The results of fn, or nil, "cancelled", reason.
---@async
---@param fn fun(...): ...
---@param ... any
---@return any ...
function Token:run(fn, ...) end

function Token:close() end

---Is this error a cancel?
---@param err any
---@return boolean
function ebb.is_cancelled(err) end
