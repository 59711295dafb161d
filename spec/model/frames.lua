--- The part of a random program that is its host's: things that outlive tasks, and what happens between the frames.
local words = require "spec.model.words"

local filled, pick, some = words.filled, words.pick, words.some

local frames = {}

local spans = { "0", "0", "0.25", "0.5", "0.5", "1", "2" }
local frame_times = { "0", "0.015625", "0.1", "0.25", "0.5", "1" }

--- Not for a host: what belongs to the task that has it, and what may wait.
local only_for_tasks = { m = true, rw = true, key = true, pool = true, once = true }
local quick = { cb = { "$(#)", "$(#, 1)", "$()" }, es = { "$:close()", "$:cancel('r#')" } }
for kind, list in pairs(words.quick) do
  if not only_for_tasks[kind] then quick[kind] = list end
end

local function quick_statement(g, id)
  local name, list = some(g, quick)
  return ("log(%d, %s)"):format(id, filled(g, pick(g, list), name, id))
end

--- { weight, fn(g, make) → node }
local forms = {
  { 12, function(g, make) return { quick_statement(g, make.new_id(g)) } end },
  { 4, function(g, make)
    local id = make.new_id(g)
    return { ("log(%d, on(%s, 'cancel', 'r%d'))"):format(id, make.task_of(g), id) }
  end },
  { 2, function(g, make) return { ("log(%d, on(%s, 'status'))"):format(make.new_id(g), make.task_of(g)) } end },
  { 2, function(g, make)
    local id = make.new_id(g)
    return { ("log(%d, pcall(on, G[%d], '%s', %d))"):format(id, g.random(id), pick(g, { "send", "close", "count" }), id) }
  end },
  { 1, function(g, make)
    local c = pick(g, g.objects.c)
    return { ("log(%d, pcall(%s.recv, %s))"):format(make.new_id(g), c, c) }
  end },
  { 4, function(g, make) return make.spawn(g, 3, "ebb.spawn") end },
  { 4, function(g, make) return make.spawn(g, 3, ("try_spawn(%s)"):format(pick(g, g.objects.es))) end },
}

local total = 0
for _, form in ipairs(forms) do total = total + form[1] end

local function statement(g, make)
  local at = g.random(total)
  for _, form in ipairs(forms) do
    at = at - form[1]
    if at <= 0 then return form[2](g, make) end
  end
end

--- Adds scopes that belong to no block, callbacks, and host(function() … end, seconds, dt, budget) for a few frames. A
-- step without a budget goes on until nothing is ready; one with none left is over after one turn.
function frames.add(g, make)
  local function add(kind, names, made)
    g.objects[kind] = g.objects[kind] or {}
    table.insert(g.objects[kind], names:match "^%w+")
    g.body[#g.body + 1] = { ("local %s = %s"):format(names, made) }
  end
  for i = 1, g.random(2) do
    local name = "es" .. i
    add("es", name, ("keep(ebb.scope(%s))"):format(g.random(2) == 1 and "{ isolate = true }" or ""))
    table.insert(g.scopes, name)
    table.insert(g.objects_of_scopes, name)
  end
  add("clk", "clk7", "keep(ebb.frame_clock())")
  add("clk", "clk8", "keep(clk7:child({ scale = 2 }))")
  for i = 1, g.random(2) do
    add("cb", ("cb%d, op%d"):format(i, i), ("ebb.callback() keep(cb%d)"):format(i))
    g.objects.op = g.objects.op or {}
    table.insert(g.objects.op, "op" .. i)
  end
  g.kinds = {}
  for kind in pairs(g.objects) do g.kinds[#g.kinds + 1] = kind end
  table.sort(g.kinds)
  for _ = 1, 2 + g.random(8) do
    local list = {}
    for i = 1, g.random(4) - 1 do list[i] = statement(g, make) end
    g.body[#g.body + 1] = { "host(function()\n", list, ("end, %s, %s%s)"):format(pick(g, spans), pick(g, frame_times),
      g.random(3) == 1 and ", 0" or "") }
  end
end

return frames
