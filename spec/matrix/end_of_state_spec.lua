-- Every awaitable × the end of the Lua state × the moment: before the wait, while somebody waits, in the same turn as
-- the completion, as a cancel and as a close, and after it; from within the run and from a host that steps. In
-- processes of their own, all rows in one; when that fails, one by one, to see which.
local matrix = require "spec.matrix.support"
local support = require "spec.runtime.support"

local program = [[
local ebb = require "ebb"
local rows = require "spec.matrix.awaitables"
local moment, way, only = ...
kept = {} -- nothing is collected before the end
local function settle() for _ = 1, 5 do ebb.yield() end end
local acts = {
  ["before the wait"] = function(case)
    for _, make in pairs(case.ops or {}) do kept[#kept + 1] = make() end
  end,
  ["while it waits"] = function() end,
  ["completed"] = function(case) case.complete() end,
  ["completed and over"] = function(case)
    case.complete()
    return true
  end,
  ["cancelled"] = function(case, task) task:cancel() end,
  ["completed and cancelled"] = function(case, task)
    case.complete()
    task:cancel()
  end,
  ["closed"] = function(case) if case.close then case.close() end end,
}
-- The end waits a second for what another thread runs: once for each way is enough.
local lingers = { ["blocking"] = true, ["a thread pool's call"] = true, ["a thread pool's map"] = true }
local short = { cancelled = true, closed = true }
local function prepare(outside)
  local list = {}
  for _, row in ipairs(rows) do
    local wanted = not only or row.name == only
    if lingers[row.name] and short[moment] then wanted = false end
    if wanted and (row.outside or false) == outside then
      local case = row.make()
      local task
      if moment ~= "before the wait" then task = ebb.spawn(case.wait) end
      list[#list + 1] = { case = case, task = task }
      kept[#kept + 1] = list[#list]
    end
  end
  settle()
  for _, entry in ipairs(list) do
    local over = acts[moment](entry.case, entry.task)
    if over then entry.task:join() end
  end
end
local function runtime(clock)
  return ebb.runtime { clock = clock, on_task_error = function() end, cleanup_timeout = 1e9 }
end
local inside, outside = runtime "virtual", runtime "system"
io.stdout:setvbuf "no"
local done, start = 0, ebb.now()
inside:spawn(function()
  prepare(false)
  done = done + 1
end)
repeat
  inside:step(0.01)
  inside:advance(0.01)
until done == 1 or ebb.now() - start > 10
if way == "os.exit in a task" then
  outside:run(function()
    prepare(true)
    if done == 1 then print "so far" end
    os.exit(0, true)
  end)
end
outside:spawn(function()
  prepare(true)
  done = done + 1
end)
repeat outside:step(0.01) until done == 2 or ebb.now() - start > 20
if done == 2 then print "so far" end
]]

local moments = { "before the wait", "while it waits", "completed", "completed and over", "cancelled",
  "completed and cancelled", "closed" }
local ways = { "os.exit in a task", "the script ends" }

local function trouble(...) return support.trouble("so far\n", support.child(program, nil, ...)) end

describe("the end of the state:", function()
  for _, way in ipairs(ways) do
    for _, moment in ipairs(moments) do
      it(("R23 R24 R145 SH1 %s, %s"):format(moment, way), function()
        local what = trouble(moment, way)
        if not what then return end
        for _, row in ipairs(matrix.rows) do
          local alone = trouble(moment, way, row.name)
          if alone then error(row.name .. ": " .. alone) end
        end
        error("all together: " .. what)
      end)
    end
  end
end)
