-- Before each scenario: the module and those of its files that are in Lua.
-- luacheck: globals ebb faults reported
package.path = "lua/?.lua;lua/?/init.lua"
ebb = require "ebb"
ebb.join, ebb.race, ebb.map = ebb.join, ebb.race, ebb.map
ebb.fs, ebb.net = ebb.fs, ebb.net
ebb.io, ebb.process = ebb.io, ebb.process
reported = 0
ebb.on_task_error(function() reported = reported + 1 end)
