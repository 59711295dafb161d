---@meta

-- Definitions: tasks.

---@class ebb
local ebb = {}

---@class ebb.Task
local Task = {}

---Starts a task; it first runs at the next turn.
---@param fn fun(...): ...
---@param ... any
---@return ebb.Task
function ebb.spawn(fn, ...) end

---The same without a handle: a failure goes to ebb.on_task_error.
---@param fn fun(...): ...
---@param ... any
function ebb.go(fn, ...) end

---@class ebb.SpawnOptions
---@field name? string for dumps, reports and tostring
---@field memory? integer bytes that it, and all it spawns, may have in use and not yet collected.
---Above that a collection is run, at most one a second; if it does not help they end with EBB031.
---Only a single block larger than the quota is refused. Needs ebb's allocator (else EBB033)
---@field cpu? ebb.seconds of processor time for it and all it spawns; then they end with EBB031

---@param opts ebb.SpawnOptions
---@param fn fun(...): ...
---@param ... any
---@return ebb.Task
function ebb.spawn_with(opts, fn, ...) end

---Spawns after s seconds.
---@param s ebb.seconds
---@param fn fun(...): ...
---@param ... any
---@return ebb.Task
function ebb.delay(s, fn, ...) end

---The running task.
---@return ebb.Task?
function ebb.current() end

---Lets the other ready tasks run first.
---@async
function ebb.yield() end

---Runs fn without a break: it is not preempted and may not await (EBB051). Errors pass through.
---@param fn fun(...): ...
---@return any ... what fn returns
function ebb.exclusive(fn, ...) end

---The runtime that calls here work on: of the running task, else the used one, else the default.
---@return ebb.Runtime
---@nodiscard
function ebb.current_runtime() end

---The results of its function; rethrows its error.
---@async
---@return any ...
function Task:await() end

---true and the results, or false and the error.
---@async
---@return boolean ok
---@return any ...
function Task:join() end

---join as an op.
---@return ebb.Op
---@nodiscard
function Task:join_op() end

---Asks the task to end; never waits.
---@param reason? any
---@return boolean was_alive
function Task:cancel(reason) end

---@return "ready" | "running" | "waiting" | "done" | "failed" | "cancelled"
function Task:status() end

---@return boolean
function Task:finished() end

---@param name? string
---@return string?
function Task:name(name) end

---@return integer
function Task:id() end

---@return string
function Task:traceback() end

---@return string?
function Task:waiting_on() end

---@class ebb.TaskStats
---@field bytes_allocated? integer in all its turns, collected or not; nil without ebb's allocator
---@field memory? integer in use by all who share its quota; nil without one, and once it has ended
---@field memory_quota? integer

---@return ebb.TaskStats
function Task:stats() end

---Tasks taken in the order of their ends. Leaving its block, closing or collecting it ends them.
---@class ebb.Join_set
---@operator len: integer
---@operator call: ebb.Task?
local JoinSet = {}

---@return ebb.Join_set
---@nodiscard
function ebb.join_set() end

---@param fn function
---@param ... any
---@return ebb.Task
function JoinSet:spawn(fn, ...) end

---The next task to end; nil when the set is empty.
---@async
---@return ebb.Task?
function JoinSet:join_next() end

---@return ebb.Op
---@nodiscard
function JoinSet:join_next_op() end

---One that has ended, or nil.
---@return ebb.Task?
function JoinSet:try_join_next() end

---Asks all to end and keeps them for join_next.
---@param reason? any
function JoinSet:cancel_all(reason) end

---The tasks go on by themselves; the set is empty.
function JoinSet:detach_all() end

---Ends all and waits for their cleanups; the set is empty then.
---@async
---@return true
function JoinSet:shutdown() end

---@async
function JoinSet:close() end

---A value of the task that its children start with.
---@class ebb.Task_local
local TaskLocal = {}

---@param default? any
---@return ebb.Task_local
---@nodiscard
function ebb.task_local(default) end

---@return any
function TaskLocal:get() end

---@param value any nil: the default again
function TaskLocal:set(value) end

---Runs fn(...) with the value; the old one is back afterwards.
---@param value any
---@param fn function
---@param ... any
---@return any ...
function TaskLocal:with(value, fn, ...) end
