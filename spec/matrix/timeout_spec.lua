-- Every awaitable × a timeout × the moment: over before the wait (ready and not ready), while it waits, in the same turn
-- as the completion, and after it.
local ebb = require "ebb"
local matrix = require "spec.matrix.support"
local assert = require "luassert"

local cell = matrix.cell

--- ebb.timeout(seconds, wait): did it give the results (true) or the timeout (false)?
local function timed(case, seconds, wait)
  local got = table.pack(ebb.timeout(seconds, wait or case.wait))
  if got.n == 3 and got[1] == nil and got[2] == "timeout" and got[3] == seconds then return false end
  matrix.results(case, got, 1)
  return true
end

describe("timeout:", function()
  for _, row in ipairs(matrix.rows) do
    -- one that nothing interrupts ends by its completion only
    local free = not row.shielded
    local spontaneous = row.by_itself or row.ready == "either" and row.outside

    if free then
      cell(row, "past, and it is not ready", "TM2 TM8 R70", function(case)
        local taken = timed(case, 0)
        if not spontaneous then assert.is_false(taken) end
        matrix.check(case, taken, taken)
      end)

      cell(row, "while it waits", "TM7 R70", function(case)
        local seconds = row.outside and 0.001 or 1
        local start = ebb.now()
        local taken = timed(case, seconds)
        if not spontaneous then assert.is_false(taken) end
        if not taken then assert.is_true(ebb.now() - start >= seconds) end
        local completed = taken or matrix.complete(case)
        matrix.check(case, taken, completed)
      end)

      cell(row, "of an outer one while it waits", "TM9 R70", function(case)
        local got = table.pack(ebb.timeout(row.outside and 0.001 or 1, function()
          local inner = timed(case, 1000)
          return inner and "taken" or "the inner one"
        end))
        local taken = got[1] == "taken"
        if not taken then assert.equal("timeout", got[2]) end
        local completed = taken or matrix.complete(case)
        matrix.check(case, taken, completed)
      end)
    end

    cell(row, "past, and it is ready", "TM8 R70", function(case)
      local completed = matrix.complete(case)
      local taken = timed(case, 0)
      if row.ready == true and not row.outside then assert.is_true(taken) end
      matrix.check(case, taken, completed)
    end)

    cell(row, "in the same turn as the completion", "R70", function(case)
      local completed = false
      local seconds = row.outside and 0.001 or 1
      local other = ebb.delay(seconds, function() completed = matrix.complete(case) end)
      local taken = timed(case, seconds)
      other:join()
      matrix.check(case, taken, completed)
    end)

    cell(row, "after the completion", "TM6 TM7", function(case)
      local completed = false
      local timers = ebb.current_runtime():metrics().timers
      local other = ebb.delay(row.outside and 0 or 0.5, function() completed = matrix.complete(case) end)
      -- what comes from outside may need long on a busy machine, and virtual time does not wait for it
      local taken = timed(case, 1000)
      assert.is_true(taken)
      other:join()
      assert.is_true(ebb.current_runtime():metrics().timers <= timers, "a timer is left")
      matrix.check(case, true, completed)
    end)
  end
end)
