---@meta

-- Definitions: locks, semaphores, and what else tasks meet at.

---@class ebb
local ebb = {}

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

---@class ebb.ResourcePool
---@field acquire async fun(self: ebb.ResourcePool): ebb.Lease?, string?, string?
---@field try_acquire fun(self: ebb.ResourcePool): ebb.Lease?, string?, string? waits for no
---lease: nil, "empty"; but make and check may await
---@field with async fun(self: ebb.ResourcePool, fn: fun(value: any, ...): ..., ...): ...
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
