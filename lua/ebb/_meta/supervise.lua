---@meta

-- Definitions: retry and supervise.

---@class ebb
local ebb = {}

---@class ebb.RetryOptions
---@field attempts? number at most so many (3)
---@field delay? ebb.seconds after the first failure (0.1)
---@field factor? number how much longer after each further one (2)
---@field max_delay? ebb.seconds (30)
---@field jitter? number fraction of the delay, from 0 to 1, by which it varies (0)
---@field on? fun(err: any, attempt: integer) told of each failure

---Calls fn(attempt) until it neither throws nor returns nil, err; then the last outcome.
---@async
---@param fn fun(attempt: integer): ...
---@param opts? ebb.RetryOptions
---@return any ...
function ebb.retry(fn, opts) end

---@class ebb.ChildSpec
---@field run fun()
---@field name? string
---@field restart? "permanent" | "transient" | "temporary" always (default), when it fails, never

---@class ebb.SupervisorSpec: ebb.ChildSpec[]
---@field strategy? "one_for_one" | "one_for_all" | "rest_for_one"
---@field max_restarts? number (3)
---@field within? ebb.seconds (5)
---@field on? fun(err: any, child: string | integer) told of failures that are not thrown

---Runs the children until all have ended; starts those that fail again.
---@async
---@param spec ebb.SupervisorSpec
function ebb.supervise(spec) end
