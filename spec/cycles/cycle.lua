-- What one cycle runs: ..., the module, its number, and where ("runtime", "state" or "host"). Most are quick; some use
-- files, sockets, threads, processes. Returns the main function.
local ebb, cycle, where = ...
local names = { "tasks", "pending" }
local name = names[cycle % 2 + 1]
if cycle % 20 == 7 then name = "files" end
if cycle % 20 == 13 then name = "net" end
if cycle % 100 == 50 then name = "threads" end
if cycle % 200 == 75 then name = "process" end
local path = "spec/cycles/" .. name .. ".lua"
local program = assert(require("cycles." .. name), path)
local function main() program(ebb, cycle, where) end
if where == "host" then return main end
local rt <close> = ebb.runtime(where == "runtime" and { name = name } or nil)
rt:run(main)
