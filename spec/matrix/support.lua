--- What the specs of the matrix share: cells, which are one event at one moment for one row of awaitables.lua, and
-- what became of a wait.
local ebb = require "ebb"
local helper = require "spec.helper"

local matrix = { rows = require "spec.matrix.awaitables" }

--- One cell: fn(case, row) as the main task of a runtime, named after the row.
-- @param numbers the entries that are tried with every row
function matrix.cell(row, moment, numbers, fn)
  local name = ("%s: %s (%s%s)"):format(row.name, moment, numbers, row.numbers and " " .. row.numbers or "")
  helper.it(name, function(errors)
    local case = row.make()
    fn(case, row, errors)
    if case.finish then case.finish() end
  end, { clock = row.outside and "system" or "virtual" })
end

--- The body of a task that waits, and the log of what it got: got (as of table.pack(pcall(wait))), begun, and in
-- `after` what its next await did.
function matrix.waiter(wait)
  local log = {}
  return function()
    log.begun = true
    log.got = table.pack(pcall(wait))
    log.after = table.pack(pcall(ebb.yield))
    if not log.got[1] then error(log.got[2], 0) end
    return table.unpack(log.got, 2, log.got.n)
  end, log
end

--- Spawns one that waits; returns when it does.
function matrix.waiting(case, wait)
  local body, log = matrix.waiter(wait or case.wait)
  local task = ebb.spawn(body)
  helper.settle()
  return task, log
end

local function show(list, first)
  local parts = {}
  for i = first, list.n do parts[#parts + 1] = tostring(list[i]) end
  return table.concat(parts, ", ")
end

--- Are the results list[first…] those of a case? Nils at the end do not count.
function matrix.is(expect, list, first)
  if type(expect) == "function" then return expect(table.unpack(list, first, list.n)) end
  for i = 1, math.max(expect.n or #expect, list.n - first + 1) do
    if list[first + i - 1] ~= expect[i] then return false end
  end
  return true
end

--- Fails unless list[first…] are the case's results.
function matrix.results(case, list, first)
  if not matrix.is(case.expect, list, first) then error("not its results: " .. show(list, first), 2) end
end

--- Fails unless `log` shows that the wait was cancelled with this reason.
function matrix.cancelled(log, reason)
  local got = log.got or error("it still waits", 2)
  if got[1] then error("it was not cancelled but got " .. show(got, 2), 2) end
  if not ebb.is_cancelled(got[2]) or got[2].reason ~= reason then
    error("not the cancel: " .. tostring(got[2]), 2)
  end
end

--- Did the wait get its results? Fails unless it did or was cancelled.
function matrix.taken(case, log, reason)
  local got = log.got or error("it still waits", 2)
  if not got[1] then
    matrix.cancelled(log, reason)
    return false
  end
  matrix.results(case, got, 2)
  return true
end

--- Completes; true unless it could not.
function matrix.complete(case)
  return case.complete() ~= false
end

--- What check says, if the case has one.
function matrix.check(case, taken, completed)
  if case.check then case.check(taken, completed, case.is_closed) end
end

--- Ends what may still wait.
function matrix.finish(task)
  task:cancel("the end of the cell")
  task:join()
end

return matrix
