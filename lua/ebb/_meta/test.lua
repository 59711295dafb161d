---@meta

-- Definitions: tests.

---@class ebb
local ebb = {}

---@class ebb.TestOptions
---@field seed? integer the schedule that is explored; without one, tasks run in order
---@field trace? string a file to write what happened to, for a run with a seed
---@field spurious? boolean false: no task is woken for nothing
---@field collector? boolean false: Lua's collector keeps its own pace
---@field yields? boolean false: awaits that are ready give way no more often than usual

---@class ebb.ExploreOptions: ebb.TestOptions
---@field seeds? integer how many schedules (100); `seed` is the first (1)

---What ebb.test.explore has done.
---@class ebb.Explored
---@field schedules integer
---@field orders integer how many of them were different orders of tasks
---@field switches integer
---@field spurious integer wake-ups for nothing
---@field collections integer times that the collector was made to work
---@field yields integer turns in which awaits gave way though they need not have waited
---@field digest integer the same for the same seeds

---Runs fn(rt) as a task on a fresh runtime with a virtual clock; fails on what is left behind and
---on unobserved errors, with the seed in its message and, on standard error, the trace and how to
---run it again. Where tests are declared it returns a function that does so: it("…", ebb.test(fn)).
---The environment's EBB_SEED stands for the option `seed`, EBB_TRACE for `trace`.
---@overload fun(fn: (fun(rt: ebb.Runtime): ...), opts?: ebb.TestOptions): any ...
ebb.test = {}

---The same under many schedules; throws at the first that fails.
---@param fn fun(rt: ebb.Runtime)
---@param opts? ebb.ExploreOptions
---@return ebb.Explored|fun()?
function ebb.test.explore(fn, opts) end
