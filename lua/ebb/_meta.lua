---@meta ebb

-- Definitions of ebb's public names for editors and language servers (LuaCATS). Never run.
-- Times are in seconds. A function marked async may switch tasks; one that gives `nil, reason`
-- does so for outcomes a correct program must expect, and mistakes throw.

---@class ebb
local ebb = {}

---The version of ebb, as "0.1.0".
---@type string
ebb.version = ""

---Seconds, fractions allowed; negative means none, math.huge for ever.
---@alias ebb.seconds number

---Anything that can be waited for: an op, or an object that stands for its natural wait (a channel
---receives, a task is awaited, an interval ticks, a timer fires, a token is cancelled).
---@alias ebb.awaitable
---| ebb.Op
---| ebb.Channel
---| ebb.Task
---| ebb.Interval
---| ebb.Timer
---| ebb.Token
---| ebb.Signal
---| ebb.thread.Handle
---| ebb.thread.Channel
---| ebb.File_watch
---| ebb.Stream
---| ebb.Child
---| ebb.Udp
---| ebb.Join_set

---What a cancelled await throws; see ebb.is_cancelled.
---@class ebb.Cancelled
---@field reason any why: "timeout", or what was given to cancel

---What awaiting a cancelled task throws: an ordinary error.
---@class ebb.TaskCancelled
---@field cancelled_task ebb.Task
---@field reason any

-- Runtime ----------------------------------------------------------------------------------------

---@class ebb.RuntimeOptions
---@field clock? "system" | "virtual" virtual time stands still while anything is ready
---@field seed? integer shuffles the order of ready tasks, the same way for the same seed
---@field name? string
---@field cleanup_timeout? ebb.seconds for the cleanups of cancelled tasks (5)
---@field loop? "luv" beside luv's loop: its callbacks run while tasks wait, tasks under `uv.run()`
---@field on_task_error? fun(task: ebb.Task?, err: any, traceback: string)
---@field slice? ebb.seconds how long a task may compute between awaits, from 0.0001
---@field on_slice? "report" | "yield" | "throw" what happens then: see ebb.debug.slow; it goes to
---the back of the queue; EBB023 is thrown (if it computes on it is ended with EBB031)
---@field slice_signal? string | integer the watchdog's ("urg"); one for the whole state
---@field slice_hook? boolean no signal but a hook that is always on: for where there are none
---@field memory? integer bytes that its tasks may have in use, all together; see ebb.SpawnOptions
---@field frame? integer bytes of the state's frame arena (1 MiB): see ebb.alloc.begin_frame
---@field gc? "frame" the state's collector works in the time that steps leave (docs/memory.md)

---@class ebb.StepInfo
---@field ran integer turns of tasks
---@field ready integer tasks left over for the next step
---@field alive integer
---@field next_deadline ebb.seconds? from now
---@field overrun ebb.seconds over the budget
---@field slowest_task ebb.Task?
---@field gc_max ebb.seconds the longest single step of the collector; 0 unless gc = "frame"
---@field gc_time ebb.seconds? spent by the collector in this step (these: gc = "frame")
---@field gc_forced integer? its steps that the growth of the heap demanded, budget or not
---@field gc_cycles integer? that it has completed since it was taken over
---@field gc_debt integer? bytes by which the heap is larger than after the last cycle
---@field stuck boolean nothing left can wake the tasks that wait

---@class ebb.Metrics
---@field alive integer
---@field spawned integer
---@field done integer
---@field failed integer
---@field cancelled integer
---@field ready integer
---@field polls integer
---@field wakeups integer
---@field timers integer
---@field blocking_threads integer
---@field blocking_queued integer
---@field iterations integer
---@field busy ebb.seconds
---@field slowest ebb.seconds
---@field alloc_bytes integer

---@class ebb.Runtime
local Runtime = {}

---Runs main(...) as the main task of the default runtime; returns its results or rethrows its
---error. Tasks still alive then are cancelled and their cleanups run.
---@param main fun(...): ...
---@param ... any
---@return any ...
function ebb.run(main, ...) end

---Makes a runtime of its own.
---@param opts? ebb.RuntimeOptions
---@return ebb.Runtime
---@nodiscard
function ebb.runtime(opts) end

---Makes rt the current runtime outside tasks.
---@param rt ebb.Runtime?
function ebb.use(rt) end

---Who is told of failed tasks whose error nobody took (default: standard error).
---@param fn fun(task: ebb.Task?, err: any, traceback: string)?
function ebb.on_task_error(fn) end

---Seconds on the current runtime's clock.
---@return ebb.seconds
function ebb.now() end

---@param main fun(...): ...
---@param ... any
---@return any ...
function Runtime:run(main, ...) end

---@param fn fun(...): ...
---@param ... any
---@return ebb.Task
function Runtime:spawn(fn, ...) end

---Runs until the op is done.
---@param op ebb.awaitable
---@return any ...
function Runtime:block_on(op) end

---One turn for a host with its own loop; never blocks.
---@param budget? ebb.seconds stop after so long
---@param dt? ebb.seconds the host's frame time
---@return ebb.StepInfo
function Runtime:step(budget, dt) end

---Moves a virtual clock by hand; what is due runs at the next step or await.
---@param s ebb.seconds
function Runtime:advance(s) end

---Cancels everything and waits at most `grace` seconds.
---@param grace? ebb.seconds
---@return integer n tasks that did not end
function Runtime:shutdown(grace) end

---Shutdown without waiting.
---@return integer n tasks that did not end
function Runtime:close() end

---@return ebb.Metrics
function Runtime:metrics() end

-- Tasks ------------------------------------------------------------------------------------------

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
---@field cpu? ebb.seconds that it, and all it spawns, may compute; then they end with EBB031

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

-- Structure --------------------------------------------------------------------------------------

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

-- Coroutines -------------------------------------------------------------------------------------

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

-- Operations and select --------------------------------------------------------------------------

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

---Goes on with fn(err) on nil, err.
---@param fn fun(err: any): ...
---@return ebb.Op
---@nodiscard
function Op:or_else(fn) end

-- Time -------------------------------------------------------------------------------------------

---@async
---@param s ebb.seconds
function ebb.sleep(s) end

---@async
---@param t ebb.seconds time of ebb.now
function ebb.sleep_until(t) end

---The results, or nil, "timeout", s. A function runs in the calling task.
---@async
---@param s ebb.seconds
---@param fn_or_op ebb.awaitable | fun(...): ...
---@param ... any
---@return any ...
function ebb.timeout(s, fn_or_op, ...) end

---@async
---@param t ebb.seconds time of ebb.now
---@param fn_or_op ebb.awaitable | fun(...): ...
---@param ... any
---@return any ...
function ebb.timeout_at(t, fn_or_op, ...) end

---The earliest deadline in force.
---@return ebb.seconds?
function ebb.deadline() end

---The time since this task's previous frame; wakes at the next rt:step.
---@async
---@return ebb.seconds dt
function ebb.next_frame() end

---@class ebb.Timer
local Timer = {}

---Runs from now; ready from its deadline on.
---@param s ebb.seconds
---@return ebb.Timer
---@nodiscard
function ebb.timer(s) end

---@param s ebb.seconds
function Timer:reset(s) end

---@return ebb.seconds
function Timer:deadline() end

---@return boolean
function Timer:fired() end

function Timer:close() end

---@class ebb.IntervalOptions
---@field missed? "skip" | "delay" | "burst" what happens to ticks that were missed ("skip")
---@field immediate? boolean the first tick comes at once (false)

---@class ebb.Interval
local Interval = {}

---Ticks every `period` seconds and never drifts; `for t in iv do` awaits each tick.
---@param period ebb.seconds
---@param opts? ebb.IntervalOptions
---@return ebb.Interval
---@nodiscard
function ebb.interval(period, opts) end

---@async
---@return ebb.seconds? scheduled
---@return "closed"? why
function Interval:tick() end

function Interval:reset() end

function Interval:close() end

-- Channels ---------------------------------------------------------------------------------------

---Many senders, many receivers; `for v in ch do` receives until it is closed.
---@class ebb.Channel
local Channel = {}

---0: a send meets a receive; n: a buffer of n values; math.huge: without bound.
---@param capacity? integer | number (0)
---@return ebb.Channel
---@nodiscard
function ebb.channel(capacity) end

---@async
---@param v any not nil
---@return true?
---@return "closed"? why
function Channel:send(v) end

---@async
---@return any v
---@return "closed"? why
function Channel:recv() end

---@param v any not nil
---@return true?
---@return ("full" | "closed")? why
function Channel:try_send(v) end

---@return any v
---@return ("empty" | "closed")? why
function Channel:try_recv() end

---Holds a slot for a later send that cannot wait.
---@async
---@return ebb.Permit?
---@return "closed"? why
---@nodiscard
function Channel:reserve() end

---@async
---@param max integer
---@return any[]? list 1 to max values
---@return "closed"? why
function Channel:recv_many(max) end

---@async
---@param list any[]
---@return integer sent
---@return "closed"? why
function Channel:send_many(list) end

---@param v any
---@return ebb.Op
---@nodiscard
function Channel:send_op(v) end

---@return ebb.Op
---@nodiscard
function Channel:recv_op() end

---@return ebb.Op
---@nodiscard
function Channel:reserve_op() end

---Receivers take what is left, then get nil, "closed".
function Channel:close() end

---@return boolean
function Channel:is_closed() end

---@return number
function Channel:capacity() end

---@return integer receivers
---@return integer senders
function Channel:waiters() end

---A counted sender: the channel closes when the last one is closed or collected.
---@return ebb.Sender
---@nodiscard
function Channel:sender() end

---@class ebb.Sender
local Sender = {}

---@async
---@param v any
---@return true?
---@return "closed"? why
function Sender:send(v) end

---@param v any
---@return true?
---@return ("full" | "closed")? why
function Sender:try_send(v) end

---@async
---@param list any[]
---@return integer sent
---@return "closed"? why
function Sender:send_many(list) end

---@async
---@return ebb.Permit?
---@return "closed"? why
---@nodiscard
function Sender:reserve() end

---@param v any
---@return ebb.Op
---@nodiscard
function Sender:send_op(v) end

---@return ebb.Op
---@nodiscard
function Sender:reserve_op() end

---@return boolean
function Sender:is_closed() end

---@return ebb.Sender
---@nodiscard
function Sender:clone() end

function Sender:close() end

---A slot held in a channel.
---@class ebb.Permit
local Permit = {}

---@param v any
---@return true
function Permit:send(v) end

function Permit:close() end

-- Guards -----------------------------------------------------------------------------------------

---Memory that is freed, in reverse order, when its block is left.
---@class ebb.Guard
local Guard = {}

---`local g <close> = ebb.guard()`
---Child guards have its budget, too: see ebb.alloc.budget.
---@param opts? { budget?: string }
---@return ebb.Guard
---@nodiscard
function ebb.guard(opts) end

---The current task's own guard, closed when the task ends.
---@return ebb.Guard
function ebb.task_guard() end

---@alias ebb.element "u8" | "i8" | "u16" | "i16" | "u32" | "i32" | "i64" | "f32" | "f64"

---@class ebb.alloc.AlignOptions
---@field align? integer a power of two up to 4096, for host code that needs it (16 without)

---Zeroed. nil, "budget 'name' exceeded" if the guard's budget refuses.
---@param n integer
---@param opts? ebb.alloc.AlignOptions
---@return ebb.Bytes?
---@return string? reason
---@nodiscard
function Guard:bytes(n, opts) end

---@param type ebb.element
---@param n integer
---@param opts? ebb.alloc.AlignOptions
---@return ebb.Array?
---@return string? reason
---@nodiscard
function Guard:array(type, n, opts) end

---@param reserve? integer bytes
---@param opts? ebb.alloc.AlignOptions
---@return ebb.Buffer?
---@return string? reason
---@nodiscard
function Guard:buffer(reserve, opts) end

---A growable array of one element type.
---@param type ebb.element
---@param reserve? integer elements
---@param opts? ebb.alloc.AlignOptions
---@return ebb.Vec?
---@return string? reason
---@nodiscard
function Guard:vec(type, reserve, opts) end

---A Lua value that is let go with the guard.
---@param v any
---@return ebb.Box
---@nodiscard
function Guard:box(v) end

---Moves an allocation to another guard, or to the garbage collector. It is charged to the budget
---of `to` then (nil, "budget 'name' exceeded" if that refuses); the collector's stay charged where
---they are until they are collected.
---@generic T
---@param x T
---@param to? ebb.Guard
---@return T?
---@return string? reason
function Guard:promote(x, to) end

---Closes x with the guard.
---@generic T
---@param x T anything with a close method or __close
---@return T
function Guard:own(x) end

---@param fn fun()
function Guard:defer(fn) end

---Frees x early.
---@param x any
function Guard:release(x) end

---A child, closed with this one at the latest.
---@return ebb.Guard
---@nodiscard
function Guard:guard() end

---@return { live: integer, peak: integer, count: integer } bytes, bytes, allocations
function Guard:stats() end

---Frees everything and goes on.
function Guard:reset() end

function Guard:close() end

---Fixed bytes, elements 1 to #b.
---@class ebb.Bytes
---@field [integer] integer 0 to 255
local Bytes = {}

---@param i integer
---@param j? integer
---@return string
function Bytes:sub(i, j) end

---@return string
function Bytes:string() end

---@param i integer
---@param text string
function Bytes:set(i, text) end

---@param v integer
function Bytes:fill(v) end

---@param from ebb.Bytes
---@param i? integer
---@param j? integer
---@param at? integer
function Bytes:copy(from, i, j, at) end

---No copy; stale when its owner is.
---@param i integer
---@param j? integer
---@return ebb.Bytes
---@nodiscard
function Bytes:view(i, j) end

---The first elements that differ tell, else the shorter one is less.
---@param other ebb.Bytes | ebb.Buffer | string
---@return -1 | 0 | 1
function Bytes:compare(other) end

---CRC-32 (that of zlib) of the elements as they lie in memory.
---@param i? integer
---@param j? integer
---@return integer
function Bytes:checksum(i, j) end

---A fixed array of one element type.
---@class ebb.Array
---@field [integer] number
local Array = {}

---Elements from i on; all of them or, if one does not fit, none.
---@param i integer
---@param ... number
---@return ebb.Array
function Array:set(i, ...) end

---@param i? integer
---@param j? integer
---@return number ...
function Array:unpack(i, j) end

---@param v number
function Array:fill(v) end

---@param from ebb.Array
---@param i? integer
---@param j? integer
---@param at? integer
function Array:copy(from, i, j, at) end

---@param i integer
---@param j? integer
---@return ebb.Array
---@nodiscard
function Array:view(i, j) end

---@return number
function Array:sum() end

---@return number?
function Array:min() end

---@return number?
function Array:max() end

---@param x number | ebb.Array
function Array:add(x) end

---@param x number | ebb.Array
function Array:mul(x) end

---The first elements that differ tell, else the shorter one is less.
---@param other ebb.Array
---@return -1 | 0 | 1
function Array:compare(other) end

---CRC-32 (that of zlib) of the elements as they lie in memory.
---@param i? integer
---@param j? integer
---@return integer
function Array:checksum(i, j) end

---A growable array of one element type.
---@class ebb.Vec: ebb.Array
local Vec = {}

---@param ... number
function Vec:push(...) end

---@return number?
function Vec:pop() end

---@param n integer elements
function Vec:reserve(n) end

function Vec:clear() end

---@return integer
function Vec:capacity() end

---@class ebb.Box
local Box = {}

---@return any
function Box:get() end

---@param v any
function Box:set(v) end

---A growable queue of bytes.
---@class ebb.Buffer
local Buffer = {}

---@param ... string | number
function Buffer:put(...) end

---Takes n bytes (all) off the front.
---@param n? integer
---@return string
function Buffer:get(n) end

---@param n? integer
---@return string
function Buffer:peek(n) end

---@param n integer
function Buffer:skip(n) end

---@param format string as string.pack
---@param ... any
function Buffer:pack(format, ...) end

---Takes the values off the front.
---@param format string as string.unpack
---@return any ...
function Buffer:unpack(format) end

---@param from ebb.Bytes | ebb.Array
function Buffer:append_from(from) end

function Buffer:clear() end

---The bytes as a string; takes none.
---@return string
function Buffer:tostring() end

---The first elements that differ tell, else the shorter one is less.
---@param other ebb.Bytes | ebb.Buffer | string
---@return -1 | 0 | 1
function Buffer:compare(other) end

---CRC-32 (that of zlib) of the elements as they lie in memory.
---@param i? integer
---@param j? integer
---@return integer
function Buffer:checksum(i, j) end

ebb.alloc = {}

---@class ebb.alloc.Region
---@field live integer bytes
---@field peak integer bytes
---@field total integer bytes

---@class ebb.alloc.Pool: ebb.alloc.Region
---@field mallocs integer times the pool asked the system for memory
---@field classes { size: integer, live: integer, free: integer }[]

---@class ebb.alloc.Budget
---@field live integer bytes
---@field peak integer bytes
---@field limit? integer bytes
---@field soft? integer bytes

---@class ebb.alloc.State
---@field allocator "ebb" | "host" of another's allocator only `live` is known
---@field live integer bytes, the collector's garbage included
---@field peak? integer
---@field total? integer ever allocated
---@field limit? integer
---@field soft? integer
---@field refused? integer requests
---@field pages? integer bytes of pages in use; retained: of empty ones; mapped: address space
---@field retained? integer
---@field mapped? integer
---@field large? integer bytes of blocks above 8 KiB
---@field made? table<string, integer> blocks made so far: string, table, function, userdata, …

---@class ebb.alloc.FrameStats: ebb.alloc.Region
---@field capacity integer bytes of the arena
---@field spilled integer bytes, within live, that did not fit
---@field spills integer times the system was asked for a block because something did not fit
---@field needed integer bytes of an arena in which everything had fitted so far
---@field frames integer begun so far

---@class ebb.alloc.Stats
---@field frame ebb.alloc.FrameStats
---@field pool ebb.alloc.Pool
---@field heap ebb.alloc.Region
---@field tags table<string, ebb.alloc.Budget>
---@field state ebb.alloc.State

---@return ebb.alloc.Stats
function ebb.alloc.stats() end

---Puts the running state on ebb's allocator, which memory quotas and limits need: what it allocates
---from now on. Blocks from before stay where they are, and uncounted. The module then remains in
---the process. Nothing happens where it is so already. Throws EBB034 where it cannot be.
---@return true
function ebb.alloc.install() end

---@class ebb.alloc.LimitOptions
---@field bytes? integer more is refused: "not enough memory", an error like any other
---@field soft? integer
---@field on_soft? fun(live: integer) called between turns when `soft` has been passed, and again
---only after the state was below nine tenths of it; may not await

---Sets the state's limits; what is not named is none. Without options it only tells.
---@param opts? ebb.alloc.LimitOptions
---@return integer? bytes, integer? soft as they were before
function ebb.alloc.limit(opts) end
---@param opts { frame?: integer } bytes of the frame arena; between frames only (EBB004)
function ebb.alloc.configure(opts) end

---Begins a frame: what is allocated in it is freed by end_frame, all at once. For the host's own
---code, not for tasks (EBB003). Frames do not nest (EBB004).
---@return ebb.Frame
function ebb.alloc.begin_frame() end

---Ends the frame (EBB001 if there is none): everything of it is stale from now on (EBB002).
function ebb.alloc.end_frame() end

---The open frame (EBB001 if there is none).
---@return ebb.Frame
function ebb.alloc.frame() end

---Calls fn(..., f) in a frame, which ends however fn is left. Returns what fn returns.
---@generic T
---@param fn fun(...): T
---@param ... any
---@return T ...
function ebb.alloc.in_frame(fn, ...) end

---The frame arena: memory taken by moving a pointer and freed at the end of the frame. There is
---one such object a state.
---@class ebb.Frame
local Frame = {}

---Zeroed, and good until the frame ends or a checkpoint made before is rolled back.
---@param n integer
---@param opts? ebb.alloc.AlignOptions
---@return ebb.Bytes
---@nodiscard
function Frame:bytes(n, opts) end

---@param type ebb.element
---@param n integer
---@param opts? ebb.alloc.AlignOptions
---@return ebb.Array
---@nodiscard
function Frame:array(type, n, opts) end

---What it leaves behind when it grows stays taken until the frame ends; grown after a checkpoint,
---it is rolled back with it.
---@param type ebb.element
---@param reserve? integer elements
---@param opts? ebb.alloc.AlignOptions
---@return ebb.Vec
---@nodiscard
function Frame:vec(type, reserve, opts) end

---@param reserve? integer bytes
---@param opts? ebb.alloc.AlignOptions
---@return ebb.Buffer
---@nodiscard
function Frame:buffer(reserve, opts) end

---New zeroed memory of this frame for a handle that a frame has made before: it makes no garbage.
---What the handle had is not its own any more.
---@generic T
---@param x T made by bytes, array, vec or buffer of a frame
---@param n? integer elements; what is reserved, for vec and buffer (as many as before)
---@return T x
function Frame:renew(x, n) end

---`local cp <close> = f:checkpoint()`: what is allocated from here on is given back when it
---closes, unless it was committed.
---@return ebb.Checkpoint
---@nodiscard
function Frame:checkpoint() end

---`local p <close> = f:phase "physics"`: seconds (of real time) and bytes until it closes, added
---up by name in the summary. Phases within others count in both.
---@param name string
---@return ebb.Phase
---@nodiscard
function Frame:phase(name) end

---@class ebb.alloc.FrameSummary
---@field bytes integer live
---@field allocations integer live
---@field spilled integer bytes, within bytes
---@field peak integer bytes
---@field phases table<string, { seconds: ebb.seconds, bytes: integer }>

---Of the open frame, else of the last one.
---@return ebb.alloc.FrameSummary
function Frame:summary() end

---Ends the frame, if one is open.
function Frame:close() end

---A position in a frame. One that is dropped lasts as long as its frame.
---@class ebb.Checkpoint
local Checkpoint = {}

---What was allocated since stays, as far as older checkpoints do. EBB002 after it was rolled back.
function Checkpoint:commit() end

---Rolls back, with every checkpoint made since, unless it was committed or is over.
function Checkpoint:close() end

---@class ebb.Phase
local Phase = {}

function Phase:close() end

---@class ebb.alloc.BudgetOptions
---@field bytes? integer at most so many; none: it only counts
---@field soft? integer on_soft is called when this is passed
---@field on_exceed? fun(name: string, requested: integer, live: integer): boolean?
---@field on_soft? fun(name: string, live: integer, soft: integer)

---Makes or changes the budget of that name; what is charged to it stays. Over `bytes` a guard's
---calls return nil, "budget 'name' exceeded" and put, push and reserve throw EBB032, with nothing
---charged, unless on_exceed returns true. on_soft is called before the allocation that passes
---`soft`, and again only after the budget has been down to nine tenths of it. Neither may await.
---Without options: what it holds, or nil.
---@param name string
---@param opts? ebb.alloc.BudgetOptions
---@return ebb.alloc.Budget?
function ebb.alloc.budget(name, opts) end

---Records the place of every allocation and free, for messages and ebb.alloc.leaks.
---@param on boolean
function ebb.alloc.debug(on) end

---In debug mode: what has not been freed.
---@return { bytes: integer, kind: string, place: string }[]
function ebb.alloc.leaks() end

---Handles for entities and resources: integers that are good until their value is removed, and
---never again after that, even when the place is used for others.
---@class ebb.Registry
---@operator len: integer
local Registry = {}

---@param v any but nil
---@return integer handle positive; it may be written to a file and read back
function Registry:add(v) end

---@param h integer
---@return any v
---@return "stale"? reason
function Registry:get(h) end

---@param h integer
---@param v any but nil
---@return true?
---@return "stale"? reason
function Registry:set(h, v) end

---@param h integer
---@return boolean
function Registry:valid(h) end

---@param h integer
---@return any v what it was
---@return "stale"? reason
function Registry:remove(h) end

---Removes everything.
function Registry:clear() end

---`for h, v in pairs(reg)` goes over what is live; anything may be removed meanwhile.
---@return ebb.Registry
---@nodiscard
function ebb.alloc.registry() end

---Files in memory off the Lua heap, as they are needed, as long as there is room.
---
---`load` gives the value: the file's bytes, or what `parse` has made of them. All who ask at a time
---share one load; if all of them are cancelled, so is the load. The value is good until the next
---await. `pin` gives it as a lease, `local lease <close> = a:pin(path)`: lease.value is good until
---the lease is closed. Besides the errors of ebb.fs.read and of parse both return nil, "too large",
---nil, "full" (there is room only when something pinned or being parsed goes) and nil, "closed".
---What parse throws is thrown. Nothing of a load that failed is kept.
---
---`get` never waits: nil, "absent" (or "closed"). `evict` lets go of it now: nil, "absent" or
---"pinned". After `close` what is pinned goes with its last lease.
---@class ebb.Assets
---@field load async fun(self, path: string, opts?: ebb.Assets.LoadOptions): any, string?, string?
---@field pin async fun(self, path: string, opts?: ebb.Assets.LoadOptions): ebb.AssetLease?, string?
---@field get fun(self, path: string): any, string?
---@field evict fun(self, path: string): true?, string?
---@field stats fun(self): ebb.Assets.Stats
---@field close fun(self)
---@field is_closed fun(self): boolean

---@class ebb.AssetLease
---@field value any
---@field path string
---@field close fun(self: ebb.AssetLease)

---`priority`: what is evicted first is the lowest (0 unless said). `parse` may await; memory of its
---guard lives as long as the asset, and so do the bytes unless they are released.
---@class ebb.Assets.LoadOptions
---@field priority? number
---@field parse? fun(bytes: ebb.Bytes, path: string, guard: ebb.Guard): any, string?, string?

---@class ebb.Assets.Stats
---@field live integer bytes
---@field peak integer
---@field limit integer
---@field reserved integer bytes of what is being read
---@field count integer files
---@field pinned integer files
---@field reading integer files
---@field queued integer loads that wait for their turn to read
---@field loads integer so far, like all that follow
---@field hits integer
---@field misses integer
---@field failed integer
---@field evicted integer

---@class ebb.Assets.Options
---@field bytes integer at most so many (math.huge: any number)
---@field on_evict? fun(path: string, value: any) before its memory is freed; may await
---@field reads? integer how many files are read at a time (4)
---@field budget? string the name of one (ebb.alloc.budget) that the memory is charged to, too

---@param opts ebb.Assets.Options
---@return ebb.Assets
---@nodiscard
function ebb.alloc.assets(opts) end

-- Files and signals ------------------------------------------------------------------------------
-- Errors are three values: nil, "ENOENT: no such file or directory", "ENOENT".

ebb.fs = {}

---@class ebb.fs.Stat
---@field type ebb.fs.type
---@field size integer
---@field mode integer
---@field mtime number
---@field atime number
---@field ctime number
---@field ino integer
---@field nlink integer
---@field uid integer
---@field gid integer

---@alias ebb.fs.type "file" | "directory" | "link" | "fifo" | "socket" | "char" | "block"

---@async
---@param path string
---@return string? data
---@return string? message
---@return string? code
function ebb.fs.read(path) end

---@async
---@param path string
---@param data string
---@return true?
---@return string? message
---@return string? code
function ebb.fs.write(path, data) end

---@async
---@param path string
---@param data string
---@return true?
---@return string? message
---@return string? code
function ebb.fs.append(path, data) end

---false when there is nothing; nil and the error when that cannot be told.
---@async
---@param path string
---@return boolean?
---@return string? message
---@return string? code
function ebb.fs.exists(path) end

---@async
---@param path string
---@param opts? { parents?: boolean }
---@return true?
---@return string? message
---@return string? code
function ebb.fs.mkdir(path, opts) end

---A file or an empty directory.
---@async
---@param path string
---@return true?
---@return string? message
---@return string? code
function ebb.fs.remove(path) end

---@async
---@param from string
---@param to string
---@return true?
---@return string? message
---@return string? code
function ebb.fs.rename(from, to) end

---@async
---@param from string
---@param to string
---@return true?
---@return string? message
---@return string? code
function ebb.fs.copy(from, to) end

---@async
---@param target string what the link leads to
---@param path string
---@return true?
---@return string? message
---@return string? code
function ebb.fs.symlink(target, path) end

---@async
---@param path string
---@return string? absolute without links
---@return string? message
---@return string? code
function ebb.fs.realpath(path) end

---@async
---@param path string
---@param mode integer
---@return true?
---@return string? message
---@return string? code
function ebb.fs.chmod(path, mode) end

---@async
---@param prefix string
---@return string? path
---@return string? message
---@return string? code
function ebb.fs.mkdtemp(prefix) end

---@async
---@param path string
---@return ebb.fs.Stat?
---@return string? message
---@return string? code
function ebb.fs.stat(path) end

---Sorted names.
---@async
---@param dir string
---@return string[]?
---@return string? message
---@return string? code
function ebb.fs.list(dir) end

---Everything below dir, without dir itself; a directory that cannot be read is as if empty.
---@async
---@param dir string
---@return fun(): string?, ebb.fs.type?
function ebb.fs.walk(dir) end

---What happens in a directory or to a file, as something to receive and to select on. A file is
---watched by name: it may be deleted and written anew. Equal events that nobody has taken are one.
---@class ebb.File_watch: ebb.Op
local FileWatch = {}

---@param path string of a directory (its entries, not what is deeper) or of a file
---@return ebb.File_watch? watch
---@return string? message
---@return string? code
---@nodiscard
function ebb.fs.watch(path) end

---"rename": it came, went or changed its name; "change": its content or data did. After more events
---than fit, nil, "lagged" and their number; when the directory is gone, nil, message, "ENOENT".
---@async
---@return string? name in the directory
---@return "change" | "rename" | "closed" | "lagged" | string kind
---@return integer | string | nil lost or the error's code
function FileWatch:recv() end

---The same as the watch itself.
---@return ebb.File_watch
function FileWatch:recv_op() end

function FileWatch:close() end

-- Networking -------------------------------------------------------------------------------------

ebb.net = {}

---A datagram socket; itself the op of its recvfrom. What arrives waits in the system's buffer.
---@class ebb.Udp: ebb.Op
local Udp = {}

---reuse: several sockets may have the port; only_v6: "::" is not IPv4 as well.
---@async
---@param host? string where it is reached: an address or a name; "0.0.0.0"
---@param port? integer 0: a free one
---@param opts? { reuse?: boolean, only_v6?: boolean }
---@return ebb.Udp? socket
---@return string? message
---@return string? code
---@nodiscard
function ebb.net.udp(host, port, opts) end

---@async
---@param data string
---@param host string an address or a name
---@param port integer
---@return true?
---@return string? message
---@return string? code
function Udp:sendto(data, host, port) end

---One datagram; of a longer one only `max` bytes, and "truncated" as fourth result.
---@async
---@param max? integer
---@return string? data
---@return string host or message
---@return integer | string port or code
---@return "truncated"?
function Udp:recvfrom(max) end

---@param max? integer
---@return ebb.Op
---@nodiscard
function Udp:recvfrom_op(max) end

---From now on only this peer is heard, and `send` sends to it; without arguments no longer.
---@async
---@param host? string
---@param port? integer
---@return true?
---@return string? message
---@return string? code
function Udp:connect(host, port) end

---@async
---@param data string
---@return true?
---@return string? message
---@return string? code
function Udp:send(data) end

---@return string? host
---@return integer | string port or message
---@return string? code
function Udp:local_address() end

---@return string? host
---@return integer | string port or message
---@return string? code
function Udp:peer() end

---May it send to broadcast addresses?
---@param on boolean
---@return true?
---@return string? message
---@return string? code
function Udp:broadcast(on) end

---@param hops integer
---@return true?
---@return string? message
---@return string? code
function Udp:ttl(hops) end

---@param group string its address
---@param interface? string its address
---@return true?
---@return string? message
---@return string? code
function Udp:join(group, interface) end

---@param group string
---@param interface? string
---@return true?
---@return string? message
---@return string? code
function Udp:leave(group, interface) end

---Does it hear what it sends to a group itself?
---@param on boolean
---@return true?
---@return string? message
---@return string? code
function Udp:multicast_loop(on) end

---@param hops integer
---@return true?
---@return string? message
---@return string? code
function Udp:multicast_ttl(hops) end

function Udp:close() end

-- TCP and Unix sockets --------------------------------------------------------------------------

---The addresses of a host, in the order in which they should be tried.
---@async
---@param host string
---@return string[]?
---@return string? message
---@return string? code
function ebb.net.resolve(host) end

---A TCP connection. A name is resolved and its addresses are tried, each with a head start of a
---quarter of a second on the next. Small pieces are sent at once unless nodelay is false.
---@async
---@param host string
---@param port integer
---@param opts? ebb.net.Connect_options
---@return ebb.Socket?
---@return string? message
---@return string? code
---@nodiscard
function ebb.net.connect(host, port, opts) end

---@async
---@param host? string "0.0.0.0"
---@param port? integer 0: a free one
---@param opts? ebb.net.Listen_options
---@return ebb.Listener?
---@return string? message
---@return string? code
---@nodiscard
function ebb.net.listen(host, port, opts) end

---@class ebb.net.Connect_options
---@field timeout? ebb.seconds
---@field nodelay? boolean
---@field local_host? string numeric
---@field local_port? integer

---@class ebb.net.Listen_options
---@field backlog? integer how many may wait to be accepted (511)
---@field nodelay? boolean of what is accepted (true)
---@field reuse_port? boolean several listeners share the port
---@field only_v6? boolean "::" is not IPv4 as well

---A server's loop: handler(sock) in a task for each connection, whose socket is closed when it
---ends; one that fails is reported. Returns true when opts.token was cancelled or the listener
---closed, and all handlers have ended (`grace` seconds later they are cancelled). Also
---serve(listener, handler, opts).
---@async
---@param host? string | ebb.Listener
---@param port? integer
---@param handler async fun(sock: ebb.Socket)
---@param opts? ebb.net.Serve_options
---@return true?
---@return string? message
---@return string? code
function ebb.net.serve(host, port, handler, opts) end

---@class ebb.net.Serve_options
---@field max_connections? integer at a time; the others wait to be accepted
---@field token? ebb.Token
---@field grace? ebb.seconds
---@field ready? fun(listener: ebb.Listener) called when it listens
---@field backlog? integer
---@field nodelay? boolean
---@field reuse_port? boolean

---Two connected ends in memory; a writer waits while `capacity` bytes (65536) lie unread.
---@param capacity? integer
---@return ebb.Duplex
---@return ebb.Duplex
---@nodiscard
function ebb.net.duplex(capacity) end

ebb.net.unix = {}

---@async
---@param path string a zero before it: an abstract name
---@param opts? { timeout?: ebb.seconds }
---@return ebb.Socket?
---@return string? message
---@return string? code
---@nodiscard
function ebb.net.unix.connect(path, opts) end

---The path is removed when it closes.
---@param path string
---@param opts? ebb.net.Listen_options
---@return ebb.Listener?
---@return string? message
---@return string? code
---@nodiscard
function ebb.net.unix.listen(path, opts) end

---Accepts connections; itself the op of its accept, and the iterator of a loop over them. Without
---descriptors left (EMFILE) it pauses and goes on by itself.
---@class ebb.Listener: ebb.Op
---@operator call: ebb.Socket?
local Listener = {}

---@async
---@return ebb.Socket?
---@return "closed" | string | nil why
---@return string? code
function Listener:accept() end

---The same as the listener itself.
---@return ebb.Listener
function Listener:accept_op() end

---@return string? host or path
---@return integer | string | nil port
---@return string? code
function Listener:local_address() end

function Listener:close() end

---A connection, TCP or Unix.
---@class ebb.Socket: ebb.Stream
local Socket = {}

---At the end nil, "eof" ("a" gives "").
---@async
---@param ... ebb.read_format "l" unless given
---@return string | number | nil ...
function Socket:read(...) end

---@param format? ebb.read_format
---@return ebb.Op
---@nodiscard
function Socket:read_op(format) end

---What has come, at least one byte.
---@async
---@param max? integer bytes
---@return string?
---@return "eof" | "closed" | string | nil why
---@return string? code
function Socket:read_some(max) end

---@async
---@param n integer bytes
---@return string?
---@return "eof" | "closed" | string | nil why
---@return string? partial or code
function Socket:read_exactly(n) end

---Up to and with the delimiter; past `max` bytes nil, "too long" and those.
---@async
---@param delimiter string
---@param max? integer
---@return string?
---@return "eof" | "too long" | "closed" | string | nil why
---@return string? partial or code
function Socket:read_until(delimiter, max) end

---To the end of the buffer; how many bytes.
---@async
---@param buffer ebb.Buffer
---@param max? integer
---@return integer?
---@return "eof" | "closed" | string | nil why
---@return string? code
function Socket:read_into(buffer, max) end

---Iterates over what read(...) gives, until the end; an error is thrown.
---@param ... ebb.read_format
---@return fun(): string | number | nil, ...
function Socket:lines(...) end

---Returns when all has been taken; in one system call where it can be. After `close` nil, "closed"
---and how many bytes were; else nil, message, code and that. One task writes at a time (EBB046).
---@async
---@param ... string | number
---@return ebb.Socket? self
---@return string? message
---@return string | integer | nil code
---@return integer? n_bytes
function Socket:write(...) end

---Nothing is kept back: for streams that do.
---@async
---@return true?
---@return string? message
---@return string? code
function Socket:flush() end

---The other side reads to the end; it can still send.
---@async
---@return true?
---@return string? message
---@return string? code
function Socket:shutdown() end

---How many bytes have been written so far, also by a write that was cancelled or timed out.
---@return integer
function Socket:written() end

---Where the other side is; of a Unix socket its path.
---@return string? host or path
---@return integer | string | nil port
---@return string? code
function Socket:peer() end

---@return string? host or path
---@return integer | string | nil port
---@return string? code
function Socket:local_address() end

---Small pieces are sent at once (as they are unless asked otherwise).
---@param on? boolean
---@return ebb.Socket?
---@return string? message
---@return string? code
function Socket:nodelay(on) end

---Is the other side still there? Asked after `idle` seconds, every `interval`, `probes` times.
---@param on? boolean
---@param idle? integer
---@param interval? integer
---@param probes? integer
---@return ebb.Socket?
---@return string? message
---@return string? code
function Socket:keepalive(on, idle, interval, probes) end

---What close does with bytes on their way: 0 throws them away and resets the connection.
---@param seconds? integer nil: the system's way
---@return ebb.Socket?
---@return string? message
---@return string? code
function Socket:linger(seconds) end

---@param bytes integer of the system's buffer
---@return ebb.Socket?
---@return string? message
---@return string? code
function Socket:send_buffer(bytes) end

---@param bytes integer
---@return ebb.Socket?
---@return string? message
---@return string? code
function Socket:receive_buffer(bytes) end

---Wakes who reads or writes with nil, "closed".
function Socket:close() end

---One end of a pair in memory.
---@class ebb.Duplex: ebb.Stream
local Duplex = {}

---At the end nil, "eof" ("a" gives "").
---@async
---@param ... ebb.read_format "l" unless given
---@return string | number | nil ...
function Duplex:read(...) end

---@param format? ebb.read_format
---@return ebb.Op
---@nodiscard
function Duplex:read_op(format) end

---What has come, at least one byte.
---@async
---@param max? integer bytes
---@return string?
---@return "eof" | "closed" | string | nil why
---@return string? code
function Duplex:read_some(max) end

---@async
---@param n integer bytes
---@return string?
---@return "eof" | "closed" | string | nil why
---@return string? partial or code
function Duplex:read_exactly(n) end

---Up to and with the delimiter; past `max` bytes nil, "too long" and those.
---@async
---@param delimiter string
---@param max? integer
---@return string?
---@return "eof" | "too long" | "closed" | string | nil why
---@return string? partial or code
function Duplex:read_until(delimiter, max) end

---To the end of the buffer; how many bytes.
---@async
---@param buffer ebb.Buffer
---@param max? integer
---@return integer?
---@return "eof" | "closed" | string | nil why
---@return string? code
function Duplex:read_into(buffer, max) end

---Iterates over what read(...) gives, until the end; an error is thrown.
---@param ... ebb.read_format
---@return fun(): string | number | nil, ...
function Duplex:lines(...) end

---Returns when all has been taken; in one system call where it can be. After `close` nil, "closed"
---and how many bytes were; else nil, message, code and that. One task writes at a time (EBB046).
---@async
---@param ... string | number
---@return ebb.Duplex? self
---@return string? message
---@return string | integer | nil code
---@return integer? n_bytes
function Duplex:write(...) end

---Nothing is kept back: for streams that do.
---@async
---@return true?
---@return string? message
---@return string? code
function Duplex:flush() end

---The other side reads to the end; it can still send.
---@async
---@return true?
---@return string? message
---@return string? code
function Duplex:shutdown() end

---How many bytes have been written so far, also by a write that was cancelled or timed out.
---@return integer
function Duplex:written() end

---Wakes who reads or writes with nil, "closed".
function Duplex:close() end

---From one stream to another until the first ends: how many bytes. On a failure what read or write
---gave, and how many bytes until then.
---@async
---@param from ebb.Stream
---@param to ebb.Stream
---@return integer?
---@return string? message
---@return string | integer | nil code
---@return integer? n_bytes
function ebb.copy(from, to) end

---Both ways at once until both have ended; the end of one is passed on to the other.
---@async
---@param a ebb.Stream
---@param b ebb.Stream
---@return integer? there bytes from a to b
---@return integer | string | nil back
---@return string? code
function ebb.copy_both(a, b) end

-- Streams of bytes and files ----------------------------------------------------------------------

---A stream of bytes: reading. One task reads at a time (EBB046). What a read that was cancelled or
---timed out had been given stays for the next one. Itself the op of read_some().
---@class ebb.Stream: ebb.Op

---What is left of a format: "l" a line without its end, "L" with it, "a" all, "n" a number, or a
---number of bytes.
---@alias ebb.read_format "l" | "L" | "a" | "n" | integer

---An open file, pipe or terminal. Buffered as Lua's own.
---@class ebb.File: ebb.Stream
local File = {}

---At the end nil, "eof" ("a" gives "").
---@async
---@param ... ebb.read_format "l" unless given
---@return string | number | nil ...
function File:read(...) end

---@param format? ebb.read_format
---@return ebb.Op
---@nodiscard
function File:read_op(format) end

---What has come, at least one byte.
---@async
---@param max? integer bytes
---@return string?
---@return "eof" | "closed" | string | nil why
---@return string? code
function File:read_some(max) end

---@async
---@param n integer bytes
---@return string?
---@return "eof" | "closed" | string | nil why
---@return string? partial or code
function File:read_exactly(n) end

---Up to and with the delimiter; past `max` bytes nil, "too long" and those.
---@async
---@param delimiter string
---@param max? integer
---@return string?
---@return "eof" | "too long" | "closed" | string | nil why
---@return string? partial or code
function File:read_until(delimiter, max) end

---To the end of the buffer; how many bytes.
---@async
---@param buffer ebb.Buffer
---@param max? integer
---@return integer?
---@return "eof" | "closed" | string | nil why
---@return string? code
function File:read_into(buffer, max) end

---Iterates over what read(...) gives; an error is thrown. The file stays open.
---@param ... ebb.read_format
---@return fun(): string | number | nil, ...
function File:lines(...) end

---@async
---@param ... string | number
---@return ebb.File? self
---@return string? message
---@return string? code
function File:write(...) end

---What has been buffered is written when it returns.
---@async
---@return true?
---@return string? message
---@return string? code
function File:flush() end

---No more will be written. Of a pipe, who reads the other end sees the end.
---@async
---@return true?
---@return string? message
---@return string? code
function File:shutdown() end

---@async
---@param whence? "set" | "cur" | "end"
---@param offset? integer
---@return integer? position
---@return string? message
---@return string? code
function File:seek(whence, offset) end

---@param mode "no" | "line" | "full"
---@param size? integer bytes, 65536 at most
---@return true?
---@return "closed"? why
function File:setvbuf(mode, size) end

---Writes what is buffered, without letting others run.
---@return true?
---@return string? message
---@return string? code
function File:close() end

---Lua's io library, awaiting. stdin, stdout and stderr belong to the current runtime and are not
---buffered.
---@class ebb.io
---@field stdin ebb.File
---@field stdout ebb.File
---@field stderr ebb.File
ebb.io = {}

---@async
---@param path string
---@param mode? "r" | "w" | "a" | "r+" | "w+" | "a+" | string
---@return ebb.File? file
---@return string? message
---@return string? code
---@nodiscard
function ebb.io.open(path, mode) end

---Iterates over the lines of a file (or what the formats say), which is closed at the end and when
---the loop is left.
---@async
---@param path? string of the default input unless given
---@param ... ebb.read_format
---@return fun(): string | number | nil, ...
function ebb.io.lines(path, ...) end

---A command of the shell whose output is read ("r") or input written ("w"); its close waits for the
---end and gives true or nil, "exit" or "signal", and the number.
---@param command string
---@param mode? "r" | "w"
---@return ebb.File? file
---@return string? message
---@return string? code
---@nodiscard
function ebb.io.popen(command, mode) end

---The default input, or sets it.
---@async
---@param file? ebb.File | string
---@return ebb.File
function ebb.io.input(file) end

---The default output, or sets it.
---@async
---@param file? ebb.File | string
---@return ebb.File
function ebb.io.output(file) end

---@async
---@param ... ebb.read_format
---@return string | number | nil ...
function ebb.io.read(...) end

---@async
---@param ... string | number
---@return ebb.File? file
---@return string? message
---@return string? code
function ebb.io.write(...) end

---@async
---@return true?
---@return string? message
---@return string? code
function ebb.io.flush() end

---@async
---@param file? ebb.File
---@return true?
---@return string? message
---@return string? code
function ebb.io.close(file) end

---@param value any
---@return "file" | "closed file" | nil
function ebb.io.type(value) end

---@async
---@return ebb.File? file without a name, gone when it is closed
---@return string? message
---@return string? code
---@nodiscard
function ebb.io.tmpfile() end

-- Processes --------------------------------------------------------------------------------------

---What follows the program and its arguments. env: the whole environment; group: it leads a group
---and session of its own, and signals are for all of that.
---@class ebb.process.Options
---@field [integer] string | number the program, a path or sought in PATH, and its arguments
---@field env? table<string, string | number>
---@field cwd? string
---@field stdin? "inherit" | "pipe" | "null" | ebb.File
---@field stdout? "inherit" | "pipe" | "null" | ebb.File
---@field stderr? "inherit" | "pipe" | "null" | "stdout" | ebb.File
---@field group? boolean
---@field uid? integer
---@field gid? integer

---@class ebb.process.Result
---@field code integer? nil when a signal ended it
---@field signal string?
---@field stdout string?
---@field stderr string?

ebb.process = {}

---@param options ebb.process.Options
---@return ebb.Child? process
---@return string? message
---@return string? code
---@nodiscard
function ebb.process.spawn(options) end

---Runs a program to its end. Both ends are piped unless the options say otherwise; `input` (a
---string) is what it reads.
---@async
---@param options ebb.process.Options
---@return ebb.process.Result?
---@return string? message
---@return string? code
function ebb.process.output(options) end

---A child; itself the op of its wait. Closed or collected it is killed, and its status taken.
---@class ebb.Child: ebb.Op
---@field pid integer
---@field stdin ebb.File? our end, if it is piped
---@field stdout ebb.File?
---@field stderr ebb.File?
local Child = {}

---@async
---@return integer? code
---@return string? signal that ended it; or "closed", or a message
---@return string? error_code
function Child:wait() end

---The same as the process itself.
---@return ebb.Child
function Child:wait_op() end

---@param signal? string | integer "term" unless given
---@return true?
---@return string? message
---@return string? code "ESRCH" when it has ended
function Child:kill(signal) end

---Asks it to end, kills it after `grace` seconds (5), and waits.
---@async
---@param grace? ebb.seconds
---@return integer? code
---@return string? signal
function Child:stop(grace) end

---It lives on when its handle closes or is collected.
---@return ebb.Child self
function Child:detach() end

function Child:close() end

---Signals of one kind, as something to receive and to select on; the handler that was there before
---comes back when the last one closes.
---@class ebb.Signal
local Signal = {}

---@param name string "int", "term", "hup", "usr1" and the like
---@return ebb.Signal
---@nodiscard
function ebb.signal(name) end

---Ctrl-C: ebb.signal "int".
---@return ebb.Signal
---@nodiscard
function ebb.ctrl_c() end

---@async
---@return string? name
---@return "closed"? why
function Signal:recv() end

---@return ebb.Op
---@nodiscard
function Signal:recv_op() end

function Signal:close() end

-- Threads ----------------------------------------------------------------------------------------

---Calls fn(...) on another thread, in a Lua state of its own, and awaits its results; errors are
---thrown here. Everything is copied: nil, booleans, numbers, strings, tables (shared and circular
---references kept), functions with their upvalues (_ENV becomes that state's globals), modules by
---name; channels of ebb.thread are shared; bytes and arrays move. What cannot be copied throws
---EBB071. A cancel or timeout ends the waiting; a call that has begun runs on.
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
---@return ebb.thread.Handle
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
---@param fn fun(item: T, i: integer): R
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

-- More of tasks and structure --------------------------------------------------------------------

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

---What a callback will be called with.
---@class ebb.Callback: ebb.Op

---A function to hand to what calls back, and the op of its first call: the arguments, or
---nil, "closed" once nobody is left who could call it.
---@return fun(...): boolean cb true for the first call
---@return ebb.Callback op
function ebb.callback() end

---@class ebb.Semaphore: ebb.Op
local Semaphore = {}

---A semaphore of n permits.
---@param n integer
---@return ebb.Semaphore
---@nodiscard
function ebb.semaphore(n) end

---@async
---@param k? integer how many, 1 by default
---@return ebb.SemaphorePermit?
---@return "closed"? why
function Semaphore:acquire(k) end

---Never waits and overtakes nobody.
---@param k? integer
---@return ebb.SemaphorePermit?
---@return ("empty" | "closed")? why
function Semaphore:try_acquire(k) end

---@param k? integer
---@return ebb.Op
---@nodiscard
function Semaphore:acquire_op(k) end

---More permits.
---@param k? integer
function Semaphore:add(k) end

---Takes up to k available permits away for good; how many there were.
---@param k? integer
---@return integer
function Semaphore:forget(k) end

---@return integer
function Semaphore:available() end

---Who waits or comes gets nil, "closed".
function Semaphore:close() end

---@return boolean
function Semaphore:is_closed() end

---@class ebb.SemaphorePermit
local SemaphorePermit = {}

---Gives it back.
function SemaphorePermit:close() end

---Lets it go without giving it back.
function SemaphorePermit:forget() end

---A permit of its own for k of these; nil when there are fewer.
---@param k integer
---@return ebb.SemaphorePermit?
function SemaphorePermit:split(k) end

---Takes over what the other one, of the same semaphore, holds.
---@param other ebb.SemaphorePermit
---@return ebb.SemaphorePermit self
function SemaphorePermit:merge(other) end

---@return integer
function SemaphorePermit:count() end

-- Streams ----------------------------------------------------------------------------------------

---Streams: lazy chains of items that are pulled one at a time; stages and sinks are methods of what
---these functions give.
ebb.stream = {}

---What can be read as a stream: a stream, a list, something to wait for repeatedly, an iterator.
---@alias ebb.stream.source
---| ebb.Stream
---| any[]
---| ebb.awaitable
---| fun(...): any

---An item may have several values, which functions get all; the first is never nil. An item that
---failed is `nil, err`: it passes by the functions of the stages, sinks throw it, those whose names
---begin with try_ give it.
---@class ebb.Stream
---@field each fun(self: ebb.Stream): (async fun(): any), nil, nil, ebb.Stream
---@field next async fun(self: ebb.Stream): any, ... nil at the end; nil, err for a failed item
---@field close async fun(self: ebb.Stream) cancels what it has started, and waits for that
---@field map fun(self: ebb.Stream, fn: fun(...): ...): ebb.Stream
---@field filter fun(self: ebb.Stream, pred: fun(...): boolean): ebb.Stream
---@field filter_map fun(self: ebb.Stream, fn: fun(...): ...): ebb.Stream
---@field inspect fun(self: ebb.Stream, fn: fun(...)): ebb.Stream
---@field enumerate fun(self: ebb.Stream): ebb.Stream 1, v…, 2, v…
---@field take fun(self: ebb.Stream, n: integer): ebb.Stream
---@field skip fun(self: ebb.Stream, n: integer): ebb.Stream
---@field take_while fun(self: ebb.Stream, pred: fun(...): boolean): ebb.Stream
---@field skip_while fun(self: ebb.Stream, pred: fun(...): boolean): ebb.Stream
---@field take_until fun(self: ebb.Stream, op: ebb.awaitable): ebb.Stream ends when the op happens
---@field step_by fun(self: ebb.Stream, n: integer): ebb.Stream
---@field scan fun(self: ebb.Stream, init: any, fn: fun(state: any, ...): any): ebb.Stream
---@field flat_map fun(self: ebb.Stream, fn: fun(...): ebb.stream.source): ebb.Stream
---@field flatten fun(self: ebb.Stream): ebb.Stream
---@field zip fun(self: ebb.Stream, ...: ebb.stream.source): ebb.Stream
---@field chain fun(self: ebb.Stream, ...: ebb.stream.source): ebb.Stream
---@field merge fun(self: ebb.Stream, ...: ebb.stream.source): ebb.Stream in order of arrival
---@field chunks fun(self: ebb.Stream, n: integer): ebb.Stream
---@field chunks_timeout fun(self: ebb.Stream, n: integer, seconds: ebb.seconds): ebb.Stream
---@field timeout fun(self: ebb.Stream, seconds: ebb.seconds): ebb.Stream
---@field throttle fun(self: ebb.Stream, seconds: ebb.seconds): ebb.Stream delays
---@field debounce fun(self: ebb.Stream, seconds: ebb.seconds): ebb.Stream
---@field peekable fun(self: ebb.Stream): ebb.Stream
---@field peek async fun(self: ebb.Stream): any, ...
---@field fuse fun(self: ebb.Stream): ebb.Stream
---@field dedup fun(self: ebb.Stream): ebb.Stream leaves out what equals the item before
---@field cycle fun(self: ebb.Stream): ebb.Stream
---@field split fun(self: ebb.Stream, n: integer, buffer?: integer): ebb.Stream, ...
---@field partition fun(self: ebb.Stream, pred: fun(...): boolean): ebb.Stream, ebb.Stream
---@field buffered fun(self: ebb.Stream, n: integer, fn?: fun(...): ...): ebb.Stream
---@field buffer_unordered fun(self: ebb.Stream, n: integer, fn?: fun(...): ...): ebb.Stream
---@field collect async fun(self: ebb.Stream): any[]
---@field fold async fun(self: ebb.Stream, init: any, fn: fun(acc: any, ...): any): any
---@field reduce async fun(self: ebb.Stream, fn: fun(acc: any, ...): any): any
---@field count async fun(self: ebb.Stream): integer
---@field any async fun(self: ebb.Stream, pred: fun(...): boolean): boolean
---@field all async fun(self: ebb.Stream, pred: fun(...): boolean): boolean
---@field find async fun(self: ebb.Stream, pred: fun(...): boolean): any, ...
---@field for_each async fun(self: ebb.Stream, fn: fun(...))
---@field for_each_concurrent async fun(self: ebb.Stream, n: integer, fn: fun(...))
---@field to_channel async fun(self: ebb.Stream, ch: ebb.Channel, keep_open?: boolean): integer, any
---@field try_collect async fun(self: ebb.Stream): any[]?, any
---@field try_for_each async fun(self: ebb.Stream, fn: fun(...): ...): true?, any
---@field try_fold async fun(self: ebb.Stream, init: any, fn: fun(acc: any, ...): ...): any, any
local Stream = {}

---@param list any[]
---@return ebb.Stream
function ebb.stream.iter(list) end

---As a numeric for loop counts.
---@param first number
---@param last number
---@param step? number
---@return ebb.Stream
function ebb.stream.range(first, last, step) end

---A nil item ends it.
---@param state any
---@param fn fun(state: any): any, any item, next state
---@return ebb.Stream
function ebb.stream.unfold(state, fn) end

---What an op gives each time (a channel receives; a task has one result), or an iterator with what
---belongs to it, as in from(pairs(t)).
---@param origin ebb.awaitable | ebb.Stream | fun(...): ...
---@param ... any
---@return ebb.Stream
function ebb.stream.from(origin, ...) end

---@param period ebb.seconds
---@return ebb.Stream
function ebb.stream.interval(period) end

---@return ebb.Stream
function ebb.stream.empty() end

---@param v any
---@return ebb.Stream
function ebb.stream.once(v) end

---@param v any
---@return ebb.Stream
function ebb.stream.repeat_(v) end

---In order of arrival.
---@param list ebb.stream.source[]
---@return ebb.Stream
function ebb.stream.merge(list) end

---Ends with the first that ends.
---@param list ebb.stream.source[]
---@return ebb.Stream
function ebb.stream.zip(list) end

---One after the other.
---@param list ebb.stream.source[]
---@return ebb.Stream
function ebb.stream.concat(list) end

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
---@class ebb.Mutex: ebb.Op
local Mutex = {}

---A mutex, and what it protects.
---@param value? any
---@return ebb.Mutex
---@nodiscard
function ebb.mutex(value) end

---@async
---@return ebb.Lock
---@nodiscard
function Mutex:lock() end

---@return ebb.Op
---@nodiscard
function Mutex:lock_op() end

---Never waits.
---@return ebb.Lock?
---@return "locked"? why
function Mutex:try_lock() end

---fn runs with the mutex locked; it gets the value first, if there is one.
---@async
---@param fn fun(...): ...
---@param ... any
---@return any ...
function Mutex:with(fn, ...) end

---@return boolean
function Mutex:is_locked() end

---A lock held, of a mutex or an rwlock; for `local lock <close> = m:lock()`.
---@class ebb.Lock
---@field value any what the mutex protects
local Lock = {}

function Lock:close() end

---The running task owns it from now on.
---@return ebb.Lock self
function Lock:adopt() end

---The write lock of an rwlock becomes a read lock; nobody writes in between.
---@return ebb.Lock self
function Lock:downgrade() end

-- Seeing what goes on ----------------------------------------------------------------------------

---@class ebb.debug
ebb.debug = {}

---Reports turns of tasks that block the loop for longer, with the traceback of the first Lua
---instruction after that; without fn as a line on standard error, without arguments no more. fn
---runs outside of tasks: it may not await.
---@param seconds? ebb.seconds
---@param fn? fun(task: ebb.Task, seconds: ebb.seconds, traceback: string)
function ebb.debug.slow(seconds, fn) end

-- Tests -------------------------------------------------------------------------------------------

---Runs fn(rt) as a task on a fresh runtime with a virtual clock; fails on what is left behind and
---on unobserved errors, with the seed in its message. Where tests are declared it returns a
---function that does so: it("…", ebb.test(fn)).
---@overload fun(fn: fun(rt: ebb.Runtime): ..., opts?: { seed?: integer }): any ...
ebb.test = {}

---The same under many schedules.
---@param fn fun(rt: ebb.Runtime)
---@param opts? { seeds?: integer, seed?: integer } how many (100), and the first (1)
---@return fun()?
function ebb.test.explore(fn, opts) end
---@class ebb.Notify: ebb.Op
local Notify = {}

---@return ebb.Notify
---@nodiscard
function ebb.notify() end

---@async
---@return true
function Notify:wait() end

---Wakes the one that has waited longest; if nobody waits, the next to come does not wait.
function Notify:notify_one() end

---Wakes all who wait now.
function Notify:notify_all() end

---@class ebb.Oneshot: ebb.Op
local Oneshot = {}

---One message, sent once and received once.
---@return ebb.Oneshot
---@nodiscard
function ebb.oneshot() end

---@param ... any
---@return true?
---@return "closed"? why
function Oneshot:send(...) end

---recv throws err.
---@param err any
---@return true?
---@return "closed"? why
function Oneshot:fail(err) end

---@async
---@return any ... the values; or nil, "closed"
function Oneshot:recv() end

---@return any ... the values; or nil, "empty" or "closed"
function Oneshot:try_recv() end

---What was sent can still be received.
function Oneshot:close() end

---@return boolean
function Oneshot:is_closed() end

-- Clocks ------------------------------------------------------------------------------------------

---Own time: faster, slower, paused, or moved by hand. It begins at 0.
---@class ebb.Clock
local Clock = {}

---@param opts? { scale?: number, manual?: boolean }
---@return ebb.Clock
---@nodiscard
function ebb.clock(opts) end

---The clock of the current runtime that the steps' dt moves; under run, frames are 1/60 s.
---@return ebb.Clock
function ebb.frame_clock() end

---@return ebb.seconds
function Clock:now() end

---@async
---@param s ebb.seconds
function Clock:sleep(s) end

---@async
---@param t ebb.seconds
function Clock:sleep_until(t) end

---@param s ebb.seconds
---@return ebb.Op
---@nodiscard
function Clock:after(s) end

---@param t ebb.seconds
---@return ebb.Op
---@nodiscard
function Clock:at(t) end

---@param period ebb.seconds
---@param opts? { missed?: "skip" | "delay" | "burst", immediate?: boolean }
---@return ebb.Interval
---@nodiscard
function Clock:interval(period, opts) end

---@async
---@param s ebb.seconds
---@param fn function | ebb.awaitable
---@param ... any
---@return any ... or nil, "timeout", s
function Clock:timeout(s, fn, ...) end

---@param x? number the new scale
---@return number scale the one in force
function Clock:scale(x) end

function Clock:pause() end

function Clock:resume() end

---@return boolean
function Clock:is_paused() end

---Moves a clock made with manual = true.
---@param s ebb.seconds
function Clock:advance(s) end

---A clock that follows this one.
---@param opts? { scale?: number, manual?: boolean }
---@return ebb.Clock
---@nodiscard
function Clock:child(opts) end
---@class ebb.Watch
local Watch = {}

---The latest value.
---@param initial? any
---@return ebb.Watch
---@nodiscard
function ebb.watch(initial) end

---@param v any
---@return true?
---@return "closed"? why
function Watch:set(v) end

---@return any
function Watch:get() end

---The value becomes fn(value); fn may not await.
---@param fn fun(v: any): any
---@return any v the new value
---@return "closed"? why
function Watch:update(fn) end

---The present value counts as seen.
---@return ebb.WatchSub
---@nodiscard
function Watch:subscribe() end

function Watch:close() end

---@return boolean
function Watch:is_closed() end

---`for v in sub do`: the values as they change.
---@class ebb.WatchSub: ebb.Op
---@overload fun(): any
local WatchSub = {}

---@async
---@return true?
---@return "closed"? why
function WatchSub:changed() end

---@return ebb.Op
---@nodiscard
function WatchSub:changed_op() end

---@return boolean
function WatchSub:has_changed() end

---The value, which counts as seen now.
---@return any
function WatchSub:get() end

---The present value or a later one for which pred is true.
---@async
---@param pred fun(v: any): any
---@return any v
---@return "closed"? why
function WatchSub:wait_for(pred) end

function WatchSub:close() end

---@class ebb.Broadcast
local Broadcast = {}

---@param capacity integer 1 or more: how far behind a subscriber may be
---@return ebb.Broadcast
---@nodiscard
function ebb.broadcast(capacity) end

---Never waits.
---@param v any not nil
---@return integer? n how many subscribers it reaches
---@return "closed"? why
function Broadcast:send(v) end

---@return ebb.BroadcastSub
---@nodiscard
function Broadcast:subscribe() end

---What was sent is received first.
function Broadcast:close() end

---@return boolean
function Broadcast:is_closed() end

---@return integer
function Broadcast:capacity() end

---`for v, missed in sub do`: missed is how many values were lost before v.
---@class ebb.BroadcastSub: ebb.Op
---@overload fun(): any, integer?
local BroadcastSub = {}

---@async
---@return any v
---@return ("lagged" | "closed")? why
---@return integer? missed
function BroadcastSub:recv() end

---@return ebb.Op
---@nodiscard
function BroadcastSub:recv_op() end

---@return any v
---@return ("empty" | "lagged" | "closed")? why
---@return integer? missed
function BroadcastSub:try_recv() end

function BroadcastSub:close() end

---@class ebb.Rwlock
local Rwlock = {}

---Many readers or one writer, in strict order.
---@return ebb.Rwlock
---@nodiscard
function ebb.rwlock() end

---@async
---@return ebb.Lock
---@nodiscard
function Rwlock:read() end

---@async
---@return ebb.Lock
---@nodiscard
function Rwlock:write() end

---@return ebb.Lock?
---@return "locked"? why
function Rwlock:try_read() end

---@return ebb.Lock?
---@return "locked"? why
function Rwlock:try_write() end

---@return ebb.Op
---@nodiscard
function Rwlock:read_op() end

---@return ebb.Op
---@nodiscard
function Rwlock:write_op() end

---@class ebb.Barrier: ebb.Op
local Barrier = {}

---@param n integer how many tasks meet
---@return ebb.Barrier
---@nodiscard
function ebb.barrier(n) end

---@async
---@return boolean leader true for the last to come
function Barrier:wait() end

---@class ebb.Latch: ebb.Op
local Latch = {}

---@param n integer
---@return ebb.Latch
---@nodiscard
function ebb.latch(n) end

---@async
---@return true
function Latch:wait() end

---@param n? integer 1 by default
function Latch:count_down(n) end

---How many are to go.
---@return integer
function Latch:count() end

---@class ebb.Once
local Once = {}

---Computed when it is first asked for.
---@param fn fun(): ...
---@return ebb.Once
---@nodiscard
function ebb.once(fn) end

---@async
---@return any ...
function Once:get() end

---@return boolean
function Once:is_done() end

---Runs main on a runtime of its own until it ends or a signal comes, which cancels everything and
---waits at most `grace` seconds for the cleanups. In a task only main is run and ended.
---@param main fun(): ...
---@param opts? { signals?: string[], grace?: ebb.seconds } "int" and "term"; 5
---@return any ... main's results, or nil, "cancelled", the signal's name
function ebb.run_until_signal(main, opts) end

-- Game time ---------------------------------------------------------------------------------------

---A function, seconds to wait, a task or an op.
---@alias ebb.GameItem fun(): ... | number | ebb.awaitable

---Waiting, repeating and moving things in the frame clock's time.
---@class ebb.game
ebb.game = {}

---What it overshoots is taken off the next wait.
---@async
---@param s ebb.seconds
function ebb.game.wait(s) end

---@async
---@param n integer
function ebb.game.wait_frames(n) end

---Asks once a frame.
---@async
---@param pred fun(): ...
---@return any ... of pred
function ebb.game.wait_until(pred) end

---Calls fn every s seconds until it returns false, in a task that belongs to the caller's scope.
---@param s ebb.seconds
---@param fn fun(): boolean?
---@return ebb.Task
function ebb.game.every(s, fn) end

---@async
---@param items ebb.GameItem[]
---@return any ... of the last
function ebb.game.sequence(items) end

---@async
---@param items ebb.GameItem[]
---@return any ... the first result of each
function ebb.game.parallel(items) end

---@async
---@param items ebb.GameItem[]
---@return integer which
---@return any ... its results
function ebb.game.race(items) end

---@async
---@param n number may be math.huge
---@param fn fun(i: integer): boolean? false ends it
function ebb.game.loop(n, fn) end

---@async
---@param s ebb.seconds
---@param target table
---@param goals table<any, number>
---@param ease? "linear" | "in" | "out" | "in_out" | "smooth" | fun(p: number): number
function ebb.game.tween(s, target, goals, ease) end

---The same functions in another clock's time.
---@param clk ebb.Clock
---@return ebb.game
function ebb.game.on(clk) end
---@class ebb.ResourcePool
---@field acquire fun(self: ebb.ResourcePool): ebb.Lease?, string?, string?
---@field try_acquire fun(self: ebb.ResourcePool): ebb.Lease?, string?, string?
---@field with fun(self: ebb.ResourcePool, fn: fun(value: any, ...): ..., ...): ...
---@field close fun(self: ebb.ResourcePool)
---@field is_closed fun(self: ebb.ResourcePool): boolean
---@field size fun(self: ebb.ResourcePool): integer, integer leased, idle

---@class ebb.Lease
---@field value any
---@field close fun(self: ebb.Lease) gives the value back
---@field discard fun(self: ebb.Lease) closes the value

---@class ebb.ResourcePoolOptions
---@field max? integer | number how many at a time
---@field idle? number seconds until an unused one is closed
---@field check? fun(value: any): boolean? false: not to be used again
---@field close? fun(value: any)

---Connections and the like: made when needed, used again.
---@param make fun(): any, string?, string?
---@param opts? ebb.ResourcePoolOptions
---@return ebb.ResourcePool
---@nodiscard
function ebb.resource_pool(make, opts) end

-- Compatibility ----------------------------------------------------------------------------------

---Other libraries' interfaces on ebb. `socket` has LuaSocket's TCP objects and functions, with its
---results; what it would block in awaits. `install()` makes `require "socket"` give it.
---@type { socket: table }
ebb.compat = {}

return ebb
