---@meta

-- Definitions: runtimes.

---@class ebb
local ebb = {}

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
---@field next_deadline ebb.seconds? from now; earlier than need be if a wait was given up
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
---@field handles integer of libuv, open or being closed

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
