-- Everything that can be closed × close × the moment: before the wait, while somebody waits, in the same turn as the
-- completion (after it and before it) and as a cancel, and again.
local ebb = require "ebb"
local matrix = require "spec.matrix.support"
local assert = require "luassert"

local cell, waiting = matrix.cell, matrix.waiting

--- What a wait got: its results, or what a closed one gives?
local function outcome(case, list, first)
  if matrix.is(case.closed or { n = 2, nil, "closed" }, list, first) then return "closed" end
  matrix.results(case, list, first)
  return "results"
end

local function closed(case)
  case.is_closed = true
  case.close()
end

describe("close:", function()
  for _, row in ipairs(matrix.rows) do
    if row.closes then
      cell(row, "before the wait", "R87 R88 R142", function(case)
        closed(case)
        assert.equal("closed", outcome(case, table.pack(case.wait()), 1))
        assert.equal("closed", outcome(case, table.pack(case.wait()), 1)) -- and from then on
        matrix.check(case, false, false)
      end)

      cell(row, "while somebody waits", "R86 R125", function(case)
        local task, log = waiting(case)
        assert.is_nil(log.got)
        closed(case)
        task:join()
        assert.is_true(log.got[1])
        assert.equal("closed", outcome(case, log.got, 2))
        assert.is_true(log.after[1]) -- no cancel
        assert.equal("done", task:status())
        matrix.check(case, false, false)
      end)

      cell(row, "in the same turn, after the completion", "R86 R69", function(case)
        local task, log = waiting(case)
        local completed = matrix.complete(case)
        closed(case)
        task:join()
        assert.is_true(log.got[1])
        local taken = outcome(case, log.got, 2) == "results"
        if row.carries then assert.is_true(taken, "what was taken is lost to a close") end
        matrix.check(case, taken, completed)
      end)

      cell(row, "in the same turn, before the completion", "R86 R125", function(case)
        local task, log = waiting(case)
        closed(case)
        local ok, done = pcall(case.complete) -- it may say that there is nothing to complete
        task:join()
        assert.is_true(log.got[1])
        assert.equal("closed", outcome(case, log.got, 2))
        matrix.check(case, false, ok and done ~= false and not case.forgets)
      end)

      cell(row, "in the same turn as a cancel", "R44 R86", function(case)
        for _, first in ipairs { "close", "cancel" } do
          local again = row.make()
          local task, log = waiting(again)
          if first == "cancel" then task:cancel "why" end
          closed(again)
          if first == "close" then task:cancel "why" end
          task:join()
          local got = log.got
          if got[1] then
            assert.equal("closed", outcome(again, got, 2))
            assert.equal("close", first)
          else
            matrix.cancelled(log, "why")
          end
          assert.is_false(log.after[1])
          matrix.check(again, false, false)
          if again.finish then again.finish() end
        end
        closed(case)
      end)

      cell(row, "again and again", "R163", function(case)
        local task, log = waiting(case)
        for _ = 1, 3 do closed(case) end
        task:join()
        assert.equal("closed", outcome(case, log.got, 2))
        for _ = 1, 3 do closed(case) end
        matrix.check(case, false, false)
      end)

      if not row.one_at_a_time then cell(row, "with many who wait", "R86 R101", function(case)
        local tasks, n_closed = {}, 0
        for i = 1, 20 do
          tasks[i] = ebb.spawn(function()
            if outcome(case, table.pack(case.wait()), 1) == "closed" then n_closed = n_closed + 1 end
          end)
        end
        require("spec.helper").settle()
        closed(case)
        for i = 1, 20 do tasks[i]:await() end
        assert.equal(20, n_closed)
        matrix.check(case, false, false)
      end) end
    end
  end
end)
