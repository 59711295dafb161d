--- ebb: structured async for Lua. The surface: everything of ebb.core, and what is written in Lua.
-- Submodules (ebb.fs, …) and functions that are written in Lua are loaded when first touched.
local core = require "ebb.core"
-- Loading may have been cut short after the exchange below.
core = (getmetatable(core) or { __index = core }).__index

local pairs, rawset, require, setmetatable = pairs, rawset, require, setmetatable
local find = string.find

--- Which file defines what; a field of that file's table, or the whole table.
local modules = {
  compat = "ebb.compat", process = "ebb.process", thread = "ebb.thread",
  alloc = "ebb.alloc", fs = "ebb.fs", io = "ebb.io", net = "ebb.net", stream = "ebb.stream",
  join = "ebb.group", try_join = "ebb.group", join_all = "ebb.group", try_join_all = "ebb.group",
  race = "ebb.group", map = "ebb.group", copy = "ebb.copy", copy_both = "ebb.copy",
  spawn_with = "ebb.task", delay = "ebb.task",
  test = "ebb.test", game = "ebb.game", run_until_signal = "ebb.run_until_signal",
  resource_pool = "ebb.resource_pool", debug = "ebb.debug",
  task_local = "ebb.task_local", retry = "ebb.retry", supervise = "ebb.supervise",
}
local whole = {
  compat = true,
  alloc = true, test = true, game = true, fs = true, io = true, net = true, stream = true,
  debug = true, process = true, thread = true,
}

local ebb = {}
for name, value in pairs(core) do
  -- what begins so is for ebb's own files
  if not find(name, "^_") and not modules[name] then ebb[name] = value end
end
-- Tracebacks name a function after the first loaded module that has it: that shall be ebb.
package.loaded["ebb.core"] = setmetatable({}, { __index = core })

return setmetatable(ebb, {
  __index = function(self, name)
    local module = modules[name]
    if not module then return nil end
    local value = require(module)
    if not whole[name] then value = value[name] end
    rawset(self, name, value)
    return value
  end,
})
