--- Runs one program on ebb and on the model and compares their traces: every result of every statement, in order, with
-- its task and its time.
local ebb = require "ebb"
local new_kernel = require "spec.model.kernel"
local new_side = require "spec.model.side"

local host = require "spec.model.host"
local parts = { "loop", "ops", "structure", "channels", "sync", "clocks", "tools", "streams", "stages" }
for i, name in ipairs(parts) do parts[i] = require("spec.model." .. name) end

-- A cancelled task that takes a tenth of a second of real time for a turn is ended by force: after a play as slow as this
-- a difference says nothing.
local TOO_SLOW = 0.09

local play = {}

-- ebb ------------------------------------------------------------------------------------------------

local function describe_real(v, side)
  if type(v) ~= "userdata" and type(v) ~= "table" then return nil end
  if ebb.is_cancelled(v) then return "cancel<" .. tostring(v.reason) .. ">" end
  local ok, task = pcall(function() return v.cancelled_task end)
  if ok and task ~= nil then return "cancelled<" .. (side.who[task] or "?") .. ">" end
end

local surface = setmetatable({}, { __index = ebb })

--- Which arm a fair select took is the one thing the model is told.
local function noted(side, key, ...)
  local first, second = ...
  side.choices[key] = { first, second }
  return ...
end

for _, name in ipairs { "select", "try_select" } do
  surface[name] = function(...)
    local side = play.side
    local key = side.key()
    return noted(side, key, ebb[name](...))
  end
end

local function stepped_on_ebb(side, rt, chunk, grace)
  ebb.use(rt)
  local ok, outcome = pcall(host.play, side, {
    spawn = function(fn) return rt:spawn(fn) end,
    advance = function(s) rt:advance(s) end,
    step = function(budget, dt) return rt:step(budget, dt) end,
    shutdown = function(seconds) return rt:shutdown(seconds) end,
  }, function() side.run(chunk) end, grace)
  ebb.use()
  if not ok then error(outcome, 0) end
  return outcome
end

--- how.seed: the order of tasks is shuffled by it. how.grace: a host steps, and gives so many seconds at the end.
function play.on_ebb(chunk, how)
  local side
  side = new_side(surface, describe_real)
  side.choices, side.seed = {}, how.seed
  play.side = side
  function side.cleanup(fn, _, told) fn(told) end
  function side.told(err) return err end
  function side.is_silent() end
  local rt = ebb.runtime {
    clock = "virtual", seed = how.seed,
    on_task_error = function(task, err)
      side.reports[#side.reports + 1] = (task and side.who[task] or "?") .. " " .. side.text_of(err)
    end,
  }
  local began = ebb.now() -- of the system: no task runs
  local outcome
  if how.grace then
    outcome = stepped_on_ebb(side, rt, chunk, how.grace)
  else
    local ok, err = pcall(rt.run, rt, side.run, chunk)
    local alive = rt:metrics().alive
    outcome = (ok and "done" or side.text_of(err)) .. (alive > 0 and " ALIVE" or "")
  end
  side.is_too_slow = ebb.now() - began > TOO_SLOW
  side.give_back()
  rt:close()
  side.finish(outcome)
  return side
end

-- the model ------------------------------------------------------------------------------------------

local function matches(path, recorded)
  for i = 1, #path do
    if path[i] ~= recorded[i] then return false end
  end
  return true
end

local function stepped_on_model(w, side, chunk, grace)
  w.is_stepped = true
  return host.play(side, {
    spawn = function(fn) return w.as_handle(w.spawn(fn)) end,
    advance = w.advance,
    step = function(budget, dt) return w.step(budget and 1, dt) end,
    shutdown = w.shutdown,
  }, function() side.run(chunk) end, grace)
end

--- For programs whose outcome does not hang on it.
local first_come = { choose = function(_, arms) return arms[1] end, pick = function() return 1 end }

--- `real`: the side of ebb, whose choices the model is told; under a seed the order of tasks, too, as far as the trace
-- tells it; `attempt` counts the orders tried.
function play.on_model(chunk, real, attempt, how)
  local api, side, w = {}, nil, nil
  local oracle = {}
  function oracle.choose(task, arms)
    local recorded = real.choices[task.choice_key]
    if not recorded then -- one threw
      local reported = table.concat(real.reports) .. real.trace[#real.trace]
      local line, throwers, first, second = real.trace[#side.trace + 1] or "", {}, nil, nil
      for _, arm in ipairs(arms) do
        local what = arm.leaf.throws and arm.leaf.throws(task)
        local code = type(what) == "string" and what
        if code and line:find(code, 1, true) then first = first or arm end
        if code and reported:find(code, 1, true) then second = arm end
        if what then throwers[#throwers + 1] = arm end
      end
      side.is_open = side.is_open or #throwers > 1
      if attempt > 1 and throwers[1] then return throwers[math.random(#throwers)] end
      if throwers[1] then return first or second or throwers[1] end
    end
    for _, arm in ipairs(arms) do
      if recorded and matches(arm.path, recorded) then return arm end
    end
    return arms[1]
  end
  local function name_of(task) return side.who[task] or side.fn_names[task.fn] or "main" end
  function oracle.pick(ready)
    if not real.seed or #ready == 1 then return 1 end
    local line = real.trace[#side.trace + 1]
    local name = line and line:match "^(%S+) @"
    -- Some turns leave no trace: when they were is tried out.
    local silent, perhaps = {}, {}
    for i, task in ipairs(ready) do
      local woken = task.woken
      if task.silent or (not task.started and task.regions[1].struck) then
        silent[#silent + 1] = i
      elseif woken and (woken.interrupted or w.visible(task)) then
        perhaps[#perhaps + 1] = i
      end
    end
    if attempt > 2 then table.move(perhaps, 1, #perhaps, #silent + 1, silent) end
    silent = silent[attempt > 2 and #silent > 1 and math.random(#silent) or 1] or perhaps[1]
    if silent and (attempt == 2 or attempt > 2 and math.random(2) == 1) then return silent end
    for i, task in ipairs(ready) do
      if name_of(task) == name then return i end
    end
    return silent or 1
  end
  if how.loose then oracle = first_come end
  w = new_kernel(oracle)
  for _, add in ipairs(parts) do add(w, api, oracle) end
  for _, name in ipairs { "select", "try_select" } do
    local select = api[name]
    api[name] = function(...)
      if w.current then w.current.choice_key = side.key() end
      return select(...)
    end
  end
  side = new_side(api, function(v)
    if w.is_cancel(v) then return "cancel<" .. tostring(v.reason) .. ">" end
    if type(v) == "table" and v.cancelled_task then
      return "cancelled<" .. (side.who[v.cancelled_task] or "?") .. ">"
    end
  end)
  side.pcall, side.cleanup, side.told = w.pcall, w.cleanup, w.told
  function side.is_silent(yes) w.current.silent = yes end
  side.seed = real.seed
  local outcome, main
  if how.grace then
    outcome = stepped_on_model(w, side, chunk, how.grace)
  else
    outcome, main = w.run(function() side.run(chunk) end, function()
      side.n_of_run = side.n_of_run or #side.trace
    end)
  end
  local function report(task, err)
    side.reports[#side.reports + 1] = (task and side.who[task] or "?") .. " " .. side.text_of(err)
  end
  for _, task in ipairs(w.all_failed) do
    if task ~= main and not task.taken then report(task, task.err) end
  end
  for _, r in ipairs(w.reports) do report(r.task, r.err) end
  if outcome == "failed" then outcome = side.text_of(main.err) end
  side.finish(outcome)
  side.was_killed = w.was_killed
  return side
end

--- Two lines are the same; which error the children of a cleanup's scope are ended for is not promised.
local function is_same(real, model)
  if real == model then return true end
  if not real or not model then return false end
  if host.is_same_step(real, model) then return true end
  if not real:find("cancel<the scope's block failed>", 1, true) then return false end
  return real:gsub("cancel<.->", "") == model:gsub("cancel<.->", "")
end

--- Where the traces differ: the index, or nil.
function play.difference(real, model)
  local n = math.max(#real.trace, #model.trace)
  if real.seed then n = model.n_of_run end -- in which order the rest ends is open then
  -- cleanups that did not end were cut off: what their closers do then is not the model's affair
  if model.was_killed then n = #model.trace - 1 - #model.reports end
  for i = 1, n do
    if not is_same(real.trace[i], model.trace[i]) then return i end
  end
end

--- The lines of each task together, without their times.
local function by_task(side)
  local names, lines, out = {}, {}, {}
  for i = 1, side.n_of_run do
    local name, rest = side.trace[i]:match "^(%S+) @%S+ (.*)$"
    if not lines[name] then
      lines[name] = {}
      names[#names + 1] = name
    end
    table.insert(lines[name], name .. " " .. rest)
  end
  table.sort(names)
  for _, name in ipairs(names) do table.move(lines[name], 1, #lines[name], #out + 1, out) end
  side.trace, side.n_of_run = out, #out
end

--- Both sides of a program's text; the third result is where they differ. `tries`: how many orders are tried where the
-- trace does not tell it.
function play.both(text, how, tries)
  local chunk = assert(load(text, "=program"))
  local real = play.on_ebb(chunk, how)
  local model, at
  for attempt = 1, tries or 24 do
    math.randomseed(attempt) -- the same orders are tried every time
    model = play.on_model(chunk, real, attempt, how)
    if how.loose then
      by_task(real)
      by_task(model)
    end
    at = play.difference(real, model)
    if not at or real.is_too_slow or how.loose or not (how.seed or model.is_open) then break end
  end
  return real, model, at
end

return play
