---@meta ebb

-- Definitions of ebb's public names for editors and language servers (LuaCATS), a file for each
-- subject. Never run. Times are in seconds. A function marked async may switch tasks; one that
-- gives `nil, reason` does so for outcomes a correct program must expect, and mistakes throw.

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
---| ebb.ByteStream
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

return ebb
