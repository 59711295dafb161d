---@meta

-- Definitions: tests.

---@class ebb
local ebb = {}

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
