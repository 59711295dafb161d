-- Every awaitable × a cancel × the moment it comes: before the task's first run, before it waits, while it waits, in
-- the same turn as the completion (after it and before it), after the end, and twice; and of the first of two.
local ebb = require "ebb"
local matrix = require "spec.matrix.support"
local assert = require "luassert"

local cell, waiter, waiting = matrix.cell, matrix.waiter, matrix.waiting

--- The task's status and what joiners get, after a cancel that struck.
local function is_cancelled(task, reason)
  local ok, err = task:join()
  assert.is_false(ok)
  assert.is_false(ebb.is_cancelled(err)) -- an ordinary error for others
  assert.equal(task, err.cancelled_task)
  assert.equal(reason, err.reason)
  assert.equal("cancelled", task:status())
end

describe("cancel:", function()
  for _, row in ipairs(matrix.rows) do
    cell(row, "before start", "R43 TS12", function(case)
      local body, log = waiter(case.wait)
      local task = ebb.spawn(body)
      assert.is_true(task:cancel "why")
      is_cancelled(task, "why")
      assert.is_nil(log.begun)
      matrix.check(case, false, false)
    end)

    cell(row, "before it waits", "R41 TS11 TS20", function(case)
      local body, log = waiter(case.wait)
      local task = ebb.spawn(function()
        assert.is_true(ebb.current():cancel "why")
        return body()
      end)
      if row.shielded then
        while not log.begun do ebb.yield() end
        matrix.complete(case)
      end
      task:join()
      if matrix.taken(case, log, "why") then
        assert.is_true(row.shielded or row.by_itself or row.ready == "either")
      end
      assert.is_false(log.after[1])
      matrix.check(case, log.got[1], row.shielded or false)
    end)

    cell(row, "while it waits", "R43 TS10 TS18", function(case)
      local task, log = waiting(case)
      if not row.by_itself then assert.is_nil(log.got) end
      local alive = task:cancel "why"
      if row.shielded then
        ebb.yield()
        assert.is_nil(log.got)
        matrix.complete(case)
      end
      task:join()
      if row.by_itself or row.shielded then
        local taken = matrix.taken(case, log, "why")
        matrix.check(case, taken, row.shielded or taken)
        return
      end
      assert.is_true(alive)
      matrix.cancelled(log, "why")
      assert.is_false(log.after[1])
      is_cancelled(task, "why")
      local completed = matrix.complete(case)
      matrix.check(case, false, completed)
    end)

    if not (row.by_itself or row.one_at_a_time or row.shielded or row.consumes) then
      cell(row, "of the first of two that wait", "R98 TS24 MX5", function(case)
        local first, log = waiting(case)
        local second, second_log = waiting(case)
        local at_once = second_log.got
        first:cancel "why"
        local completed = matrix.complete(case)
        first:join()
        matrix.cancelled(log, "why")
        if not row.outside then assert.is_nil(at_once) end
        second:join()
        assert.is_true(matrix.taken(case, second_log))
        matrix.check(case, true, completed)
      end)
    end

    cell(row, "in the same turn, after the completion", "R69 MX5", function(case)
      local task, log = waiting(case)
      local completed = matrix.complete(case)
      task:cancel "why"
      task:join()
      local taken = matrix.taken(case, log, "why")
      if row.carries == true then
        assert.is_true(taken, "what was taken is lost to a cancel")
        assert.is_false(log.after[1]) -- the cancel is still there
      elseif row.carries == false and not row.either and not row.outside then
        assert.is_false(taken)
      end
      matrix.check(case, taken, completed)
    end)

    cell(row, "in the same turn, before the completion", "R69", function(case)
      local task, log = waiting(case)
      task:cancel "why"
      local completed = matrix.complete(case)
      task:join()
      local taken = matrix.taken(case, log, "why")
      if not (row.shielded or row.by_itself) then assert.is_false(taken) end
      matrix.check(case, taken, completed)
    end)

    cell(row, "after the end", "R42 TS13", function(case)
      local task, log = waiting(case)
      local completed = matrix.complete(case)
      task:join()
      assert.is_true(matrix.taken(case, log))
      assert.is_false(task:cancel "late")
      assert.equal("done", task:status())
      matrix.results(case, table.pack(task:join()), 2)
      matrix.check(case, true, completed)
    end)

    cell(row, "twice", "R44 TS13 CT1", function(case)
      local seen = {}
      local task = ebb.spawn(function()
        for i = 1, 3 do
          local ok, err = pcall(case.wait)
          -- a stream is closed by the first: the second finds nothing, or is refused
          if ok or row.consumes and not ebb.is_cancelled(err) then err = select(2, pcall(ebb.yield)) end
          seen[i] = err
        end
      end)
      require("spec.helper").settle()
      if task:finished() then return end -- one that needed nobody
      task:cancel "first"
      task:cancel "second"
      if row.shielded then matrix.complete(case) end
      task:join()
      for i = 1, 3 do
        if seen[i] or not row.by_itself then
          assert.is_true(ebb.is_cancelled(seen[i]))
          assert.equal(seen[3], seen[i]) -- one error object for one request
        end
      end
      assert.equal("first", seen[3].reason)
      assert.is_false(task:cancel "third")
    end)
  end
end)
