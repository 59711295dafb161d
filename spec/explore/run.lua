--- Explores the schedules of the scenarios in this folder: lua5.4 spec/explore/run.lua [NAME…]
--
--   EBB_EXPLORE_SCHEDULES  how many in all (100000), shared among the scenarios
--   EBB_EXPLORE_SEED       the first seed; a fresh one unless given
--   EBB_EXPLORE_TRACES     seeds, instead: prints the trace of each scenario under each of them
--
-- Besides the fresh seeds each scenario is run under the first few, which are always the same. A schedule that fails is
-- printed with its trace and the line that runs it again. NAMEs are plain parts of the names of scenarios.
local ebb = require "ebb"

io.stdout:setvbuf "line" -- so that a crash does not hide where

local FIXED = 40 -- seeds 1 to this

local function number_of(name, default)
  local text = os.getenv(name)
  if not text or text == "" then return default end
  return assert(math.tointeger(tonumber(text)), name .. ": an integer")
end

local function fresh_seed()
  local file = io.open("/dev/urandom", "rb")
  if not file then return os.time() * 1000003 & 0x7fffffff end
  local seed = string.unpack("<I4", file:read(4)) & 0x7fffffff
  file:close()
  return seed
end

local function wanted(name)
  for _, part in ipairs(arg) do
    if name:find(part, 1, true) then return true end
  end
  return #arg == 0
end

local scenarios = {}
for _, file in ipairs { "channels", "locks", "cancel", "structure", "tools", "flows" } do
  for _, scenario in ipairs(require("spec.explore." .. file)) do
    if wanted(scenario[1]) then scenarios[#scenarios + 1] = scenario end
  end
end
if #scenarios == 0 then error("no such scenario") end

--- The scenario, and nothing armed or waiting at its end (ebb.test looks at tasks, handles, memory and errors).
local function body(scenario)
  return function(rt)
    scenario[2](rt)
    for _ = 1, 1000 do
      if rt:metrics().ready == 0 then break end
      ebb.yield()
    end
    local metrics = rt:metrics()
    assert(metrics.alive == 1, "tasks are left")
    assert(metrics.timers == 0, "timers are left")
  end
end

local function text_of(err)
  return type(err) == "table" and tostring(err.message or err) or tostring(err)
end

--- -> report, or nil when a schedule has failed
local function explore(scenario, seed, seeds)
  local ok, result = pcall(ebb.test.explore, body(scenario), { seed = seed, seeds = seeds })
  if ok then return result end
  local failed = text_of(result):match "%(seed (%-?%d+)%)"
  print(("FAILED %s\n%s\nagain: EBB_EXPLORE_SEED=%s EBB_EXPLORE_SCHEDULES=1 %s spec/explore/run.lua '%s'\n")
    :format(scenario[1], text_of(result), failed, arg[-1], (scenario[1]:gsub("'.*", ""))))
end

local function print_traces(seeds)
  local path = os.tmpname()
  for _, scenario in ipairs(scenarios) do
    for seed in seeds:gmatch "%-?%d+" do
      print(("--- %s, seed %s"):format(scenario[1], seed))
      ebb.test(body(scenario), { seed = math.tointeger(tonumber(seed)), trace = path })
      local file = assert(io.open(path))
      io.write(file:read "a")
      file:close()
    end
  end
  os.remove(path)
end

local function add(sums, report)
  for key, value in pairs(report) do sums[key] = (sums[key] or 0) + value end
end

local function main()
  local total, first = number_of("EBB_EXPLORE_SCHEDULES", 100000), number_of("EBB_EXPLORE_SEED")
  local fixed = total >= FIXED * #scenarios and FIXED or 0
  local each = (total + #scenarios - 1) // #scenarios
  first = first or fresh_seed()
  print(("%d scenarios, %d schedules each, from seed %d%s"):format(#scenarios, each, first,
    fixed > 0 and (", and seeds 1 to %d"):format(fixed) or ""))
  local sums, failed, started = {}, 0, os.clock()
  for _, scenario in ipairs(scenarios) do
    local began = os.clock()
    local one = explore(scenario, first, math.max(1, each - fixed))
    local two = fixed > 0 and explore(scenario, 1, fixed)
    if one and (two or fixed == 0) then
      add(sums, one)
      if two then add(sums, two) end
      print(("%-66s %6d orders %5.1f s"):format(scenario[1], one.orders, os.clock() - began))
    else
      failed = failed + 1
    end
  end
  print(("%d schedules, %d switches, %d wake-ups for nothing, %d collector steps, %d hurried turns, %.0f s")
    :format(sums.schedules or 0, sums.switches or 0, sums.spurious or 0, sums.collections or 0,
      sums.yields or 0, os.clock() - started))
  print(("%d passed, %d failed"):format(#scenarios - failed, failed))
  if failed > 0 then os.exit(1) end
end

local traces = os.getenv "EBB_EXPLORE_TRACES"
if traces and traces ~= "" then print_traces(traces) else main() end
