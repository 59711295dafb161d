-- Every awaitable × an error of a neighbour (a sibling in the same scope) × the moment: before the waiter's first run,
-- while it waits, in the same turn as the completion, and after it. The neighbour's error arrives unchanged, the waiter
-- is cancelled or has its result, and nothing is lost.
local ebb = require "ebb"
local matrix = require "spec.matrix.support"
local settle = require("spec.helper").settle
local assert = require "luassert"

local cell, waiter = matrix.cell, matrix.waiter

--- A scope with a waiter and a sibling that calls act(log) and fails; returns the waiter's log and task.
local function beside(case, act)
  local body, log = waiter(case.wait)
  local boom, task = { "boom" }, nil
  local ok, err = pcall(ebb.scope, function(s)
    task = s:spawn(body)
    s:spawn(function()
      act(log, task)
      error(boom)
    end)
  end)
  assert.is_false(ok)
  assert.equal(boom, err)
  assert.is_true(task:finished())
  return log, task
end

--- Which reason a sibling's cancel has is not what is tried here.
local function taken(case, log)
  if not log.got[1] then
    assert.is_true(ebb.is_cancelled(log.got[2]), tostring(log.got[2]))
    return false
  end
  matrix.results(case, log.got, 2)
  return true
end

describe("an error beside", function()
  for _, row in ipairs(matrix.rows) do
    cell(row, "before the waiter runs", "TS6 R43", function(case)
      local body, log = waiter(case.wait)
      local boom, task = { "boom" }, nil
      local ok, err = pcall(ebb.scope, function(s)
        task = s:spawn(body)
        error(boom)
      end)
      assert.is_false(ok)
      assert.equal(boom, err)
      assert.is_nil(log.begun)
      assert.equal("cancelled", task:status())
      matrix.check(case, false, false)
    end)

    cell(row, "while it waits", "TS6 TS18", function(case)
      local completed = false
      local log = beside(case, function()
        settle()
        -- a shielded one ends later
        if row.shielded then
          ebb.spawn(function()
            settle()
            completed = matrix.complete(case)
          end)
        end
      end)
      local got = taken(case, log)
      if not (row.by_itself or row.shielded) then assert.is_false(got) end
      if row.shielded or got then
        matrix.check(case, got, completed)
      else
        completed = matrix.complete(case)
        matrix.check(case, false, completed)
      end
    end)

    cell(row, "in the same turn as the completion", "TS6 R69", function(case)
      local completed = false
      local log = beside(case, function()
        settle()
        completed = matrix.complete(case)
      end)
      local got = taken(case, log)
      if row.carries then assert.is_true(got, "what was taken is lost to a neighbour's error") end
      matrix.check(case, got, completed)
    end)

    cell(row, "after the completion", "TS6", function(case)
      local completed = false
      local log, waits = beside(case, function(_, task)
        settle()
        completed = matrix.complete(case)
        task:join()
      end)
      assert.is_true(taken(case, log))
      assert.equal("done", waits:status())
      matrix.results(case, table.pack(waits:join()), 2)
      matrix.check(case, true, completed)
    end)
  end
end)
