---@meta

-- Definitions: channels, oneshot, watch and broadcast.

---@class ebb
local ebb = {}

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

---The value becomes fn(value); fn may not await. Nothing has changed if it throws.
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
