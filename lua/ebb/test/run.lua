--- One run of a test: fn as the main task of a fresh runtime with a virtual clock, and what is
-- wrong afterwards. With a seed its schedule is explored: see csrc/core/shake.h.
local core = require "ebb.core"

local ipairs, pcall, tostring = ipairs, pcall, tostring
local pack, unpack, concat = table.pack, table.unpack, table.concat
local census = core._census

-- For tasks that only have to run on to their ends; more where a seed may let others go first.
local SETTLE_TURNS, SETTLE_TURNS_SHAKEN = 100, 2000

--- Tasks that can run to their ends without time going on do so; the others were left behind.
local function leftover(rt, main, turns)
  for _ = 1, turns do
    if rt:metrics().ready == 0 then break end
    core.yield()
  end
  local left = {}
  for _, task in ipairs((census(rt))) do
    if task ~= main then left[#left + 1] = "\n\t" .. tostring(task) end
  end
  return left
end

--- What is not closed though nobody can reach it is closed by the collector: no leak.
local function left_open(rt, bytes_before)
  local _, busy, bytes = census(rt)
  if not busy and bytes <= bytes_before then return nil end
  collectgarbage()
  collectgarbage()
  _, busy, bytes = census(rt)
  if busy then return "something was left open: a handle, a subscription or a callback" end
  if bytes > bytes_before then
    return ("%d byte(s) of guarded memory were left behind"):format(bytes - bytes_before)
  end
end

local function unobserved(errors)
  local lines = {}
  for _, one in ipairs(errors) do
    lines[#lines + 1] = ("unobserved error of %s: %s\n%s"):format(tostring(one.task),
      tostring(one.err), tostring(one.traceback))
  end
  return concat(lines, "\n")
end

local function judge(ended, left, errors, rt, bytes_before)
  if not ended[1] then return false, ended[2] end
  local problem
  if #left > 0 then problem = ("%d task(s) were left behind:%s"):format(#left, concat(left)) end
  if #errors > 0 then problem = unobserved(errors) end
  problem = problem or left_open(rt, bytes_before)
  if problem then return false, "ebb.test: " .. problem end
  return unpack(ended, 1, ended.n)
end

--- -> report of the schedule (nil without a seed), then true, results… or false, what is wrong.
-- @param what sum of what is shaken besides the order, see csrc/core/shake.h
-- @param traced whether report.trace says what happened
return function(fn, seed, what, traced)
  local errors = {}
  local rt <close> = core.runtime {
    clock = "virtual", seed = seed, name = "test",
    on_task_error = function(task, err, traceback)
      errors[#errors + 1] = { task = task, err = err, traceback = traceback }
    end,
  }
  local _, _, bytes_before = census(rt)
  if seed then core._shake(rt, seed, what, traced) end
  local left
  local ended = pack(pcall(rt.run, rt, function()
    local main = core.current()
    local results = pack(fn(rt))
    left = leftover(rt, main, seed and SETTLE_TURNS_SHAKEN or SETTLE_TURNS)
    return unpack(results, 1, results.n)
  end))
  local report = core._shaken(rt)
  if report and report.broken then
    return report, false, "ebb: a task that was woken for nothing took it for a wake-up"
  end
  return report, judge(ended, left, errors, rt, bytes_before)
end
