---@meta

-- Definitions: threads.

---@class ebb
local ebb = {}

---Calls fn(...) on another thread, in a Lua state of its own, and awaits its results; errors are
---thrown here. Everything is copied: nil, booleans, numbers, strings, tables (shared and circular
---references kept), functions with their upvalues (_ENV becomes that state's globals), modules by
---name; channels of ebb.thread are shared; bytes and arrays move. What cannot be copied throws
---EBB071. A cancel or timeout ends the waiting; a call that has begun runs on. nil, message, code
---when there is no thread for it and the system gives none.
---@async
---@param fn fun(...): ... | string a function, or "module:function"
---@param ... any
---@return any ...
function ebb.blocking(fn, ...) end

---Work on other threads: what is sent is copied, as for ebb.blocking.
---@class ebb.thread
ebb.thread = {}

---Starts a thread with a Lua state and a runtime of its own; fn(...) is its main task.
---@param fn fun(...): ... | string a function, or "module:function"
---@param ... any
---@return ebb.thread.Handle? thread nil when the system gives none
---@return string? message
---@return string? code
function ebb.thread.spawn(fn, ...) end

---A channel between threads.
---@param capacity? integer | number 0 (the default): a send waits for a receiver; math.huge
---@return ebb.thread.Channel
---@nodiscard
function ebb.thread.channel(capacity) end

---@class ebb.thread.PoolOptions
---@field workers? integer one per core unless said

---@param opts? ebb.thread.PoolOptions
---@return ebb.thread.Pool
---@nodiscard
function ebb.thread.pool(opts) end

---A thread; it is the op of its join.
---@class ebb.thread.Handle
local Thread = {}

---@async
---@return boolean ok
---@return any ... results, or the error
function Thread:join() end

---@return ebb.Op
---@nodiscard
function Thread:join_op() end

---Cancels the thread's main task, at its next await.
---@param reason? any
---@return boolean asked false when it has ended, or was asked before
function Thread:cancel(reason) end

---@return "running" | "done" | "failed" | "cancelled"
function Thread:status() end

---@return integer
function Thread:id() end

---Where it failed, in its own state; "" unless it has.
---@return string
function Thread:traceback() end

---Many senders, many receivers, in any number of threads; values are copied.
---@class ebb.thread.Channel
---@operator len: integer
---@operator call: any
local ThreadChannel = {}

---@async
---@param value any
---@return true?
---@return "closed"? why
function ThreadChannel:send(value) end

---@async
---@return any
---@return "closed"? why
function ThreadChannel:recv() end

---@param value any
---@return true?
---@return ("full" | "closed")? why
function ThreadChannel:try_send(value) end

---@return any
---@return ("empty" | "closed")? why
function ThreadChannel:try_recv() end

---@param value any
---@return ebb.Op
---@nodiscard
function ThreadChannel:send_op(value) end

---@return ebb.Op
---@nodiscard
function ThreadChannel:recv_op() end

---@async
---@param max integer
---@return any[]?
---@return "closed"? why
function ThreadChannel:recv_many(max) end

---@async
---@param list any[]
---@return integer sent
---@return "closed"? why
function ThreadChannel:send_many(list) end

---Waiting senders, in all threads, get nil, "closed"; what is in it can still be received.
function ThreadChannel:close() end

---@return boolean
function ThreadChannel:is_closed() end

---@return integer | number
function ThreadChannel:capacity() end

---@return integer receivers
---@return integer senders
function ThreadChannel:waiters() end

---So many workers, each with a Lua state that goes on from call to call.
---@class ebb.thread.Pool
local Pool = {}

---As ebb.blocking, on this pool.
---@async
---@param fn fun(...): ... | string
---@param ... any
---@return any ...
function Pool:call(fn, ...) end

---The first results of fn(item, i), in order; the first error cancels the rest.
---@async
---@generic T, R
---@param list T[]
---@param fn (fun(item: T, i: integer): R) | string
---@return R[]
function Pool:map(list, fn) end

---Calls that run go on; those that have not begun fail with EBB072; the workers go.
function Pool:close() end

---@return integer at most
function Pool:workers() end

---@return integer threads
---@return integer running
---@return integer queued
function Pool:counts() end
