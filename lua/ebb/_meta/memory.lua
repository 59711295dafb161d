---@meta

-- Definitions: guards and the memory they give.

---@class ebb
local ebb = {}

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
---@param i? integer
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

---@param i? integer
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

---@param n? integer all unless given
---@return integer n
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
