--- One side of a play: what a program is given to run on, and the trace it leaves. What it logs is text, the same on ebb
-- and on the model.
local flows = require "spec.model.flows"
local host = require "spec.model.host"
local words = require "spec.model.words"

local pack = table.pack

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

--- `surface`: what the program sees as ebb. describe(value, side): the text of one that only this side knows.
return function(surface, describe)
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
  side.ebb, side.pcall, side.go = surface, pcall, true
  host.add(side)
  flows(side, surface)

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
    local given = {}
    for i, name in ipairs(words.given) do given[i] = side[name] end
    return chunk(table.unpack(given))
  end

  function side.finish(outcome)
    table.sort(side.reports)
    for _, line in ipairs(side.reports) do side.trace[#side.trace + 1] = "report " .. line end
    side.trace[#side.trace + 1] = "run: " .. outcome
  end
  return side
end
