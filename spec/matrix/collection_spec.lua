-- Every awaitable × the collector × the moment: before the wait, while somebody waits whom nobody else has, in the same
-- turn as the completion, when nobody can complete it any more, and after it. All rows at once: a full collection
-- takes long.
local ebb = require "ebb"
local helper = require "spec.helper"
local matrix = require "spec.matrix.support"
local assert = require "luassert"

local collect = helper.collect

--- A weak list of { name =, object = }: what must be gone after a collection.
local function new_watched() return setmetatable({}, { __mode = "k" }) end
local function watch(watched, row, case)
  for _, object in ipairs(case.objects or {}) do watched[object] = row.name end
end

local function gone(watched)
  collect()
  local names = {}
  for _, name in pairs(watched) do names[#names + 1] = name end
  table.sort(names)
  assert.equal("", table.concat(names, "\n"))
end

--- fn(row, case) for every row of a group in a function of its own, so that nothing is left on a stack.
local function for_rows(rows, fn)
  for _, row in ipairs(rows) do
    local ok, err = pcall(function() fn(row, row.make()) end)
    if not ok then
      if ebb.is_cancelled(err) then error(err, 0) end
      error(("%s: %s"):format(row.name, tostring(err)), 0)
    end
  end
end

--- Waits in a task that nobody has; the log says what it got, and a latch that it did.
local function wait_unseen(case)
  local body, log = matrix.waiter(case.wait)
  log.done = ebb.latch(1)
  ebb.go(function()
    local _ <close> = setmetatable({}, { __close = function() log.done:count_down() end })
    body()
  end)
  return log
end

local groups = { { name = "", rows = {} }, { name = " (of the outside)", rows = {}, clock = "system" } }
for _, row in ipairs(matrix.rows) do table.insert(groups[row.outside and 2 or 1].rows, row) end

describe("the collector:", function()
  for _, group in ipairs(groups) do
    local rows = group.rows
    -- hours of virtual time go by
    local options = { clock = group.clock, cleanup_timeout = 1e9 }

    local function it(moment, fn)
      helper.it(moment .. group.name, fn, options)
    end

    it("R20 R30 before the wait: what nobody waits for goes, with its ops", function()
      local watched = new_watched()
      for_rows(rows, function(row, case)
        watch(watched, row, case)
        for _, make in pairs(case.ops or {}) do make() end
        if case.finish then case.finish() end
      end)
      gone(watched)
    end)

    it("R2 R25 R30 while somebody waits: it goes on and gets its results", function()
      local cases, logs = {}, {}
      for_rows(rows, function(row, case)
        logs[row], cases[row] = wait_unseen(case), case
        helper.settle()
      end)
      collect()
      for row, case in pairs(cases) do row.done = matrix.complete(case) end
      collect()
      for _, row in ipairs(rows) do
        local log, case = logs[row], cases[row]
        log.done:wait()
        assert.is_true(log.got[1], row.name)
        if not matrix.is(case.expect, log.got, 2) then error(row.name .. ": not its results") end
        if case.finish then case.finish() end
      end
    end)

    it("R20 R30 in the same turn as the completion, and after it", function()
      local watched = new_watched()
      for_rows(rows, function(row, case)
        watch(watched, row, case)
        local log = wait_unseen(case)
        helper.settle()
        matrix.complete(case)
        collectgarbage "step"
        log.done:wait()
        assert.is_true(log.got[1])
        matrix.results(case, log.got, 2)
        if case.finish then case.finish() end
      end)
      helper.settle()
      gone(watched)
    end)
  end

  -- what other threads and the scheduler keep for themselves is no object of the script's
  it("R19 R20 when nobody can complete it any more: it waits until the run ends, and is gone then", function()
    local watched, logs = new_watched(), {}
    local rt = helper.runtime()
    rt:run(function()
      for_rows(groups[1].rows, function(row, case)
        watch(watched, row, case)
        logs[row] = wait_unseen(case)
        helper.settle()
      end)
      collect()
      for row, log in pairs(logs) do
        if log.got and not (row.by_itself or row.lets_go) then error(row.name .. ": it waits no more") end
      end
    end)
    for row, log in pairs(logs) do
      if not log.got then error(row.name .. ": it was not ended") end
      local why = log.got[2]
      -- or its other side was collected, which is the same as closed
      if log.got[1] and not (row.by_itself or row.shielded or row.lets_go) then
        error(("%s: not cancelled but %s"):format(row.name, tostring(why)))
      end
    end
    rt:close()
    gone(watched)
  end)
end)
