---@meta

-- Definitions: time and clocks.

---@class ebb
local ebb = {}

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

---The earliest deadline in force, a time of ebb.now; those of other clocks do not count.
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

---Counts from now again; who waits, waits for the new deadline.
---@param s ebb.seconds
---@return true?
---@return "closed"? why
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

---The next tick is a period from now; who waits, waits for that one.
---@return true?
---@return "closed"? why
function Interval:reset() end

function Interval:close() end

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
