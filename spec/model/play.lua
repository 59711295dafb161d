--- Runs one program on ebb and on the model and compares their traces: every result of every statement, in order, with
-- its task and its time.
local ebb = require "ebb"
local new_kernel = require "spec.model.kernel"

local parts = { "ops", "structure", "channels", "sync", "clocks", "tools", "streams" }
for i, name in ipairs(parts) do parts[i] = require("spec.model." .. name) end

local pack = table.pack
-- A cancelled task that takes a tenth of a second of real time for a turn is ended by force: after a play as slow as this
-- a difference says nothing.
local TOO_SLOW = 0.09

local play = {}

-- values as text -------------------------------------------------------------------------------------

local function text_of_string(s)
  local code = s:match "EBB%d%d%d"
  if code then return code end
  if s:find("deadlock", 1, true) then return "deadlock" end
  if s:find "^boom" or s:find "^failed" or not s:find "[: ]" then return s end
  if s:find("attempt to", 1, true) then return "BUG " .. s end
  if s:find "^no " then return s end
  return "misuse"
end

--- One side of a play: what its programs run on and the trace they leave.
local function new_side(surface, describe)
  local side = { trace = {}, who = {}, fn_names = {}, kept = {}, n_begun = {}, n_selects = {}, depth = {}, reports = {} }

  local function text_of(v)
    local kind = math.type(v) or type(v)
    if kind == "integer" then return tostring(v) end
    if kind == "float" then return ("%.10g"):format(v) end
    if kind == "string" then return text_of_string(v) end
    if kind == "nil" or kind == "boolean" then return tostring(v) end
    side.kept[#side.kept + 1] = v
    if side.who[v] then return side.who[v] end
    local told = describe(v, side)
    if told then return told end
    if kind == "table" and getmetatable(v) == nil then
      local list = {}
      for i = 1, #v do list[i] = text_of(v[i]) end
      return "{" .. table.concat(list, ",") .. "}"
    end
    return "object"
  end
  side.text_of = text_of

  function side.me()
    local task = surface.current()
    return task and side.who[task] or "?"
  end

  function side.log(id, ...)
    local list = pack(...)
    for i = 1, list.n do
      local v = list[i]
      list[i] = text_of(v)
      if list[i] == "object" then side.G[id] = v end
    end
    side.trace[#side.trace + 1] = ("%s @%g %s: %s"):format(side.me(), surface.now(), id, table.concat(list, " "))
  end

  function side.task(n, fn)
    local count = (side.n_begun[n] or 0) + 1
    side.n_begun[n] = count
    local name = count > 1 and ("T%d#%d"):format(n, count) or "T" .. n
    local function body(...)
      local me = surface.current()
      side.who[me] = side.who[me] or name -- a sequence calls it in the task that is there
      local _ <close> = setmetatable({}, { __close = function(_, err) side.log("end", side.told(err)) end })
      side.log "begin"
      return fn(...)
    end
    side.fn_names[body] = name
    return body
  end

  function side.key()
    local me = side.me()
    local n = (side.n_selects[me] or 0) + 1
    side.n_selects[me] = n
    return me .. "/" .. n
  end

  --- A to-be-closed value whose end calls fn(err). In a cleanup within a cleanup the error is only told apart from
  -- none: which of the two it is is not promised.
  function side.closing(fn)
    return setmetatable({}, { __close = function(_, err)
      local me = side.me()
      local depth = side.depth[me] or 0
      local told = err
      if depth > 0 then told = err ~= nil end
      side.depth[me] = depth + 1
      local _ <close> = setmetatable({}, { __close = function() side.depth[me] = depth end })
      return side.cleanup(fn, err, told)
    end })
  end

  side.T, side.G = {}, {}

  function side.on(x, method, ...)
    if x == nil then return "nothing" end
    -- a task that never runs leaves no trace of when it ended, so under a seed there are none
    if side.seed and method == "cancel" and not side.who[x] then return "not begun" end
    local call = x[method]
    if not call then return "no method" end
    return call(x, ...)
  end

  function side.keep(x)
    side.kept[#side.kept + 1] = x
    return x
  end

  --- What a once computes: it takes s seconds, and fails n times before.
  function side.attempt(n, s)
    return function()
      side.log("attempt", n)
      surface.sleep(s)
      n = n - 1
      if n == 1 then error("boom of once", 0) end
      if n == 0 then return nil, "no luck" end
      return "once", n
    end
  end

  --- After a run, what its program has leased is given back, so that no finaliser need do it.
  function side.give_back()
    function side.log() end
    for _, v in ipairs(side.kept) do
      if type(v) == "table" and v.discard then v:discard() end
    end
  end

  --- What makes the things of a pool: it takes s seconds, and the n-th time it fails.
  function side.make(n, s)
    local count = 0
    return function()
      count = count + 1
      side.log("make", count)
      surface.sleep(s)
      if count == n then return nil, "no luck" end
      return count
    end
  end

  function side.is_good(v)
    side.log("check", v)
    return v % 3 ~= 0
  end

  function side.let_go(v) side.log("let go", v) end

  --- How often task n has begun.
  function side.begun(n) return side.n_begun[n] end

  --- fn, until the n-th call gives false.
  function side.limited(n, fn)
    return function()
      n = n - 1
      fn()
      return n > 0
    end
  end

  function side.map_of(limit, ...)
    return surface.map({ ... }, function(fn) return fn() end, limit)
  end

  function side.join_of(n)
    return side.T[n] and side.T[n]:join_op() or surface.never()
  end

  function side.later(fn) return surface.delay(0.5, fn) end

  function side.try_spawn(s)
    return function(fn)
      local ok, task = pcall(s.spawn, s, fn)
      if not ok then side.log("spawn", task) end
      return ok and task or nil
    end
  end

  function side.join_all()
    side.is_silent(true)
    for n = 1, 99 do
      if side.T[n] then pcall(side.T[n].join, side.T[n]) end
    end
    side.is_silent(false)
  end

  --- The main task's function.
  function side.run(chunk)
    side.who[surface.current()] = "main"
    local _ <close> = setmetatable({}, { __close = function(_, err)
      side.log("end", err)
      side.n_of_run = side.n_of_run or #side.trace
    end })
    return chunk(surface, side.log, side.task, side.closing, side.on, side.join_of, side.later, side.try_spawn,
      side.join_all, side.pcall or pcall, side.keep, side.attempt, side.map_of, side.make,
      side.is_good, side.let_go, side.begun, side.limited, side.T, side.G, true)
  end

  function side.finish(outcome)
    table.sort(side.reports)
    for _, line in ipairs(side.reports) do side.trace[#side.trace + 1] = "report " .. line end
    side.trace[#side.trace + 1] = "run: " .. outcome
  end
  return side
end

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

function play.on_ebb(chunk, seed)
  local side
  side = new_side(surface, describe_real)
  side.choices, side.seed = {}, seed
  play.side = side
  function side.cleanup(fn, _, told) fn(told) end
  function side.told(err) return err end
  function side.is_silent() end
  local rt = ebb.runtime {
    clock = "virtual", seed = seed,
    on_task_error = function(task, err)
      side.reports[#side.reports + 1] = (task and side.who[task] or "?") .. " " .. side.text_of(err)
    end,
  }
  local began = ebb.now() -- of the system: no task runs
  local ok, err = pcall(rt.run, rt, side.run, chunk)
  side.is_too_slow = ebb.now() - began > TOO_SLOW
  side.give_back()
  local alive = rt:metrics().alive
  rt:close()
  side.finish((ok and "done" or side.text_of(err)) .. (alive > 0 and " ALIVE" or ""))
  return side
end

-- the model ------------------------------------------------------------------------------------------

local function matches(path, recorded)
  for i = 1, #path do
    if path[i] ~= recorded[i] then return false end
  end
  return true
end

--- `real`: the side of ebb, whose choices the model is told; under a seed the order of tasks, too, as far as the trace
-- tells it; `attempt` counts the orders tried.
function play.on_model(chunk, real, attempt)
  local api, side = {}, nil
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
      elseif woken and woken.interrupted then
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
  local w = new_kernel(oracle)
  for _, add in ipairs(parts) do add(w, api) end
  for _, name in ipairs { "select", "try_select" } do
    local select = api[name]
    api[name] = function(...)
      w.current.choice_key = side.key()
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
  local outcome, main = w.run(function() side.run(chunk) end, function()
    side.n_of_run = side.n_of_run or #side.trace
  end)
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
  if not real or not model or not real:find("cancel<the scope's block failed>", 1, true) then return false end
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

--- Both sides of a program's text; the third result is where they differ. `tries`: how many orders are tried where the
-- trace does not tell it.
function play.both(text, seed, tries)
  local chunk = assert(load(text, "=program"))
  local real = play.on_ebb(chunk, seed)
  local model, at
  for attempt = 1, tries or 24 do
    model = play.on_model(chunk, real, attempt)
    at = play.difference(real, model)
    if not at or real.is_too_slow or not (seed or model.is_open) then break end
  end
  return real, model, at
end

return play
