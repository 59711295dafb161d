---@meta

-- Definitions: streams.

---@class ebb
local ebb = {}

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

---A nil item ends it, whatever comes with it.
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
