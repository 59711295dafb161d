---@meta

-- Definitions: ebb.alloc: frames, budgets, registries, assets.

---@class ebb
local ebb = {}

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
