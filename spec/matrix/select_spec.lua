-- Every op × a select: it loses to an arm that is ready (itself ready or not), it loses while it waits, both happen in
-- the same turn, it wins. Exactly one arm happens; of the others nothing has.
local ebb = require "ebb"
local matrix = require "spec.matrix.support"
local settle = require("spec.helper").settle
local assert = require "luassert"

--- One that selects between `op` and an arm of ours; its log has `got`.
local function selecting(op, other, first)
  return matrix.waiter(function()
    if first then return ebb.select_first(op, other) end
    return ebb.select(op, other)
  end)
end

--- Did the op happen (true), or the other arm?
local function won(case, got)
  assert.is_true(got[1], tostring(got[2]))
  if got[2] == 2 then
    assert.equal("other", got[3])
    return false
  end
  assert.equal(1, got[2])
  matrix.results(case, got, 3)
  return true
end

local function cell(row, name, moment, numbers, fn)
  matrix.cell(row, ("%s, %s"):format(name, moment), numbers, function(case) fn(case, case.ops[name]()) end)
end

describe("select:", function()
  for _, row in ipairs(matrix.rows) do
    for _, name in ipairs(row.selects or {}) do
      cell(row, name, "it loses to one that is ready", "SE9 SE15", function(case, op)
        assert.same({ 1, "other" }, { ebb.select_first(ebb.ready "other", op) })
        matrix.check(case, false, false)
      end)

      cell(row, name, "it is ready and loses to an earlier one", "R65 SE9", function(case, op)
        local completed = matrix.complete(case)
        assert.same({ 1, "other" }, { ebb.select_first(ebb.ready "other", op) })
        matrix.check(case, false, completed)
      end)

      cell(row, name, "it loses while it waits", "R66 SE9", function(case, op)
        local other = ebb.channel()
        local body, log = selecting(op, other)
        local task = ebb.spawn(body)
        settle()
        if not log.got then assert.is_true(other:try_send "other") end
        task:join()
        local taken = won(case, log.got)
        if not (row.by_itself or row.outside) then assert.is_false(taken) end
        local completed = taken or matrix.complete(case)
        matrix.check(case, taken, completed)
      end)

      cell(row, name, "both in the same turn", "R65 R66", function(case, op)
        local other = ebb.channel()
        local body, log = selecting(op, other)
        local task = ebb.spawn(body)
        settle()
        local completed = matrix.complete(case)
        other:try_send "other"
        task:join()
        local taken = won(case, log.got)
        if row.carries == true and not row.outside then assert.is_true(taken) end
        matrix.check(case, taken, completed)
      end)

      cell(row, name, "it wins", "SE1", function(case, op)
        local other = ebb.channel(1)
        local body, log = selecting(op, other)
        local task = ebb.spawn(body)
        settle()
        local completed = matrix.complete(case)
        task:join()
        assert.is_true(won(case, log.got))
        assert.same({ 0, 0 }, { other:waiters() })
        assert.is_true(other:try_send "still there")
        matrix.check(case, true, completed)
      end)

      cell(row, name, "twice in one select", "R67", function(case, op)
        local again = case.ops[name]()
        local task = ebb.spawn(function() return ebb.select(op, again) end)
        settle()
        local completed = matrix.complete(case)
        local got = table.pack(task:await())
        assert.is_true(got[1] == 1 or got[1] == 2)
        matrix.results(case, got, 2)
        matrix.check(case, true, completed)
      end)

      cell(row, name, "cancelled while it waits", "SE10 R43", function(case, op)
        local body, log = selecting(op, ebb.channel())
        local task = ebb.spawn(body)
        settle()
        task:cancel "why"
        task:join()
        if not row.by_itself then matrix.cancelled(log, "why") end
        local taken = log.got[1]
        matrix.check(case, taken, taken or matrix.complete(case))
      end)
    end
  end
end)
