-- Every awaitable at moments that are nobody's plan: the task's thread is resumed by somebody else, the task has had
-- its share of the turn, there is no task, the object is another runtime's, its finaliser has been called by hand.
local ebb = require "ebb"
local helper = require "spec.helper"
local matrix = require "spec.matrix.support"
local assert = require "luassert"

local cell, waiting = matrix.cell, matrix.waiting

--- How many awaits that find something a task may do in a turn.
local SHARE = 128

--- Does n awaits that find something.
local function spend(n)
  local ch = ebb.channel(1)
  for i = 1, n do
    if i % 2 == 1 then ch:send(i) else ch:recv() end
  end
end

describe("a task's thread that somebody else resumes:", function()
  for _, row in ipairs(matrix.rows) do
    cell(row, "while it waits", "R49", function(case)
      local thread
      local task, log = waiting(case, function()
        thread = coroutine.running()
        return case.wait()
      end)
      if log.got then return matrix.finish(task) end
      for _ = 1, 2 do coroutine.resume(thread, "what nobody sent") end
      if not row.by_itself then assert.is_nil(log.got) end
      local completed = matrix.complete(case)
      task:join()
      assert.is_true(matrix.taken(case, log))
      matrix.check(case, true, completed)
    end)
  end
end)

describe("a task that has had its share of the turn:", function()
  for _, row in ipairs(matrix.rows) do
    for _, spent in ipairs { SHARE - 1, SHARE } do
      cell(row, ("after %d awaits"):format(spent), "R71", function(case)
        local task, log = waiting(case, function()
          ebb.yield()
          spend(spent)
          return case.wait()
        end)
        local completed = matrix.complete(case)
        task:join()
        assert.is_true(matrix.taken(case, log))
        matrix.check(case, true, completed)
      end)
    end
  end
end)

describe("outside of tasks:", function()
  for _, row in ipairs(matrix.rows) do
    it(("%s: the await runs the runtime (%s)"):format(row.name, row.numbers or ""), function()
      local rt = helper.runtime { clock = row.outside and "system" or "virtual" }
      local before = ebb.current_runtime()
      ebb.use(rt)
      local ok, err = pcall(function()
        local case = rt:run(row.make)
        rt:spawn(function()
          helper.settle()
          matrix.complete(case)
        end)
        local got = table.pack(pcall(case.wait))
        if not got[1] then
          helper.throws("", error, got[2]) -- what needs a task says so
        elseif got[2] ~= false then -- a task that the end of `run` has cancelled
          matrix.results(case, got, 2)
        end
        if case.finish then rt:run(case.finish) end
      end)
      ebb.use(before)
      rt:close()
      if not ok then error(err, 0) end
    end)
  end
end)

describe("in another runtime:", function()
  for _, row in ipairs(matrix.rows) do
    it(row.name .. ": it is refused, or works as in its own (R132)", function()
      local clock = { clock = row.outside and "system" or "virtual" }
      local rt, other = helper.runtime(clock), helper.runtime(clock)
      local case = rt:run(row.make)
      local got = table.pack(pcall(other.run, other, function() return ebb.timeout(0.001, case.wait) end))
      if got[1] then
        local is_own = matrix.is(case.expect, got, 2)
        assert.is_true(is_own or not got[2] or row.by_itself or row.consumes, tostring(got[2]))
      else
        assert.is_string(tostring(got[2]))
      end
      other:close()
      if case.finish then rt:run(case.finish) end
      rt:close()
    end)
  end
end)

--- Calls the finaliser of each object, if it has one.
local function finalise(objects)
  for _, object in ipairs(objects or {}) do
    local meta = debug.getmetatable(object)
    local gc = type(meta) == "table" and rawget(meta, "__gc")
    if gc then pcall(gc, object) end
    assert.is_string(tostring(object))
  end
end

describe("a finaliser that is called by hand:", function()
  for _, row in ipairs(matrix.rows) do
    if not row.shielded then
      it(row.name .. ": before it is waited for (R148)", function()
        local rt = helper.runtime { clock = row.outside and "system" or "virtual" }
        rt:run(function()
          local case = row.make()
          finalise(case.objects)
          finalise(case.objects)
          ebb.spawn(function() pcall(ebb.timeout, 0.001, case.wait) end):join()
          if case.close then pcall(case.close) end
          if case.finish then pcall(case.finish) end
        end)
        rt:close()
      end)

      it(row.name .. ": while somebody waits (R148)", function()
        local rt = helper.runtime { clock = row.outside and "system" or "virtual" }
        rt:run(function()
          local case = row.make()
          local task = waiting(case)
          finalise(case.objects)
          helper.settle()
          matrix.finish(task)
          if case.close then pcall(case.close) end
          if case.finish then pcall(case.finish) end
        end)
        rt:close()
      end)
    end
  end
end)
