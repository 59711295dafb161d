--- Random programs. A program is a tree: a list of statements, each a leaf (text) or a block (texts and lists in
-- turns); text(program) is a chunk of Lua that is called with what it runs on. What a statement gives is logged under
-- the statement's number, which is also the value it sends.
local frames = require "spec.model.frames"
local loose = require "spec.model.loose"
local wide = require "spec.model.wide"
local words = require "spec.model.words"

local call_text, filled, pick, quick, select_text, some =
  words.call_text, words.filled, words.pick, words.quick, words.select_text, words.some

local program = {}

--- A generator of its own (xorshift), so that a seed means the same everywhere.
local function generator(seed)
  local state = seed * 2654435761 + 88172645463325252
  local function random(n)
    state = state ~ (state << 13)
    state = state ~ (state >> 7)
    state = state ~ (state << 17)
    return (state >> 11) % n + 1
  end
  for _ = 1, 5 do random(9) end
  return random
end

-- statements -----------------------------------------------------------------------------------------

local statements -- list of nodes

local function new_id(g)
  g.n_ids = g.n_ids + 1
  return g.n_ids
end

local function leaf(g, text)
  local id = new_id(g)
  return { ("log(%d, %s)"):format(id, type(text) == "function" and text(g, id) or filled(g, text, nil, id)) }
end

--- A block of `head`, statements, `tail`; `#` is its number.
local function block(g, depth, head, tail)
  local id = new_id(g)
  local result = g.random(3) == 1 and ("\nreturn %d\n"):format(id) or "\n"
  if not tail:find("^end%)") then result = "\n" end
  return { filled(g, head, nil, id) .. "\n", statements(g, depth + 1), result .. tail }
end

local function task_of(g) return ("T[%d]"):format(g.random(math.max(g.n_tasks, 1))) end

local function new_task(g)
  g.n_tasks = g.n_tasks + 1
  return g.n_tasks
end

--- `how` starts a task: T[n] = HOW(task(n, function() … end)).
local function spawn(g, depth, how)
  local n = new_task(g)
  local spare = g.scopes
  local node = block(g, depth, ("T[%d] = %s(task(%d, function()"):format(n, how, n), "end))")
  g.scopes = spare
  return node
end

--- log(id, how(member, …)); members are functions or, where they are welcome, tasks and ops.
local function group(g, depth, how, n, takes_ops)
  local id, node = new_id(g), {}
  node[1] = ("log(%d, %s("):format(id, how)
  for i = 1, n do
    if i > 1 and takes_ops and g.random(4) == 1 then -- its end is nobody's but its owner's
      local item = g.random(2) == 1 and ("(%s or ebb.ready(%d))"):format(task_of(g), id) or words.op_text(g, id, 2, true)
      node[#node + 1] = item .. (i < n and ", " or "")
      goto next_member
    end
    local member = new_task(g)
    node[#node + 1] = ("task(%d, function()\n"):format(member)
    node[#node + 1] = statements(g, depth + 1)
    local result = pick(g, { "return %d\n", "return %d\n", "return nil, 'no %d'\n", "" })
    node[#node + 1] = result:format(id * 10 + i) .. "end)" .. (i < n and ", " or "")
    ::next_member::
  end
  node[#node + 1] = "))"
  return node
end

local function scoped(g, depth, function_form)
  local name = "s" .. new_id(g)
  local spare, objects = g.scopes, g.objects_of_scopes
  g.scopes = { name, table.unpack(spare) }
  if not function_form then g.objects_of_scopes = { name, table.unpack(objects) } end
  local node
  if function_form then
    node = block(g, depth, ("log(#, ebb.scope(function(%s)"):format(name), "end))")
  else
    node = block(g, depth, ("do local %s <close> = ebb.scope(%s)"):format(name,
      g.random(4) == 1 and "{ isolate = true }" or ""), "end")
  end
  g.scopes, g.objects_of_scopes = spare, objects
  return node
end

local function lock_block(g, depth)
  local way = g.random(4)
  local function of(kind) return g.objects[kind] and pick(g, g.objects[kind]) end
  local m, rw, sem = of "m", of "rw", of "sem"
  if way == 1 and rw then
    return block(g, depth, ("do local g <close> = %s:%s() log(#, 'in')"):format(rw, pick(g, { "read", "write" })),
      "log(0, 'out') end")
  elseif way == 2 and sem then
    return block(g, depth, ("do local g <close> = %s:acquire(%d) log(#, g)"):format(sem, g.random(2)), "end")
  elseif way == 3 and m then
    return block(g, depth, ("log(#, %s:with(function(v) log(#, v)"):format(m), "end))")
  elseif m then
    return block(g, depth, ("do local g <close> = %s:lock() log(#, 'in')"):format(m), "log(0, 'out') end")
  end
end

--- A cancel (of a task, a scope or a token) at the very moment of something else that may wake the same task.
local function burst(g)
  local node, id = { "" }, nil
  for _ = 1, 1 + g.random(2) do
    id = new_id(g)
    local name, list = some(g, quick)
    node[1] = node[1] .. ("log(%d, %s)\n"):format(id, filled(g, pick(g, list), name, id))
  end
  local strike = ("on(%s, 'cancel', 'r%d')"):format(task_of(g), id)
  if g.scopes[1] and g.random(3) == 1 then strike = ("%s:cancel('r%d')"):format(pick(g, g.scopes), id) end
  if g.objects.tok and g.random(3) == 1 then strike = ("%s:cancel('r%d')"):format(pick(g, g.objects.tok), id) end
  node[1] = node[1] .. ("log(%d, %s)"):format(id, strike)
  return node
end

local guard_methods = { "send", "send", "close", "close", "adopt", "downgrade", "forget", "count", "discard" }

--- A join set of its own for a block.
local function with_set(g, depth)
  local name = "s" .. new_id(g)
  local spare = g.sets
  g.sets = { name, table.unpack(spare) }
  local node = block(g, depth, ("do local %s <close> = ebb.join_set()"):format(name), "end")
  g.sets = spare
  return node
end

local function map(g, depth)
  local node = group(g, depth, "map_of, " .. g.random(3), 3)
  node[1] = node[1]:gsub("map_of, (%d)%(", "map_of(%1, ")
  return node
end

--- { weight, fn(g, depth) → node or nil, is it a block, silent = not in plain programs }
local forms = {
  { 30, function(g) return leaf(g, call_text) end },
  { 22, function(g)
    return leaf(g, function(_, id)
      local name, list = some(g, quick)
      return filled(g, pick(g, list), name, id)
    end)
  end },
  { 9, function(g) return leaf(g, select_text) end },
  { 4, burst },
  { 5, function(g) return leaf(g, "ebb.sleep(@)") end },
  { 3, function(g) return leaf(g, "ebb.yield()") end },
  { 1, function(g) return leaf(g, "ebb.deadline()") end },
  { 3, function(g)
    return leaf(g, ("on(%s, 'cancel', 'r#')"):format(task_of(g)))
  end },
  { 3, function(g)
    return leaf(g, ("pcall(on, %s, '%s')"):format(task_of(g), pick(g, { "join", "await", "join" })))
  end },
  { 1, function(g) return leaf(g, ("on(%s, 'status')"):format(task_of(g))) end, silent = true },
  { 2, function(g)
    local permit = ("G[%d]"):format(g.random(g.n_ids + 1))
    return leaf(g, ("pcall(on, %s, '%s', #)"):format(permit, pick(g, guard_methods)))
  end },
  { 2, function(g)
    if g.objects_of_scopes[1] then
      local s = pick(g, g.objects_of_scopes)
      return leaf(g, ("pcall(%s.%s, %s)"):format(s, pick(g, { "wait", "wait", "close" }), s))
    end
  end },
  { 4, function(g)
    if not g.sets[1] then return end
    local js = pick(g, g.sets)
    local what = filled(g, pick(g, { "$:join_next()", "$:join_next()", "#$", "$:cancel_all('r#')",
      "ebb.timeout(@, $)", "$:try_join_next()", "$:shutdown()" }), js, 0)
    return leaf(g, function() return what end)
  end, silent = true },
  { 1, function(g) return leaf(g, "ebb.sleep_until(@)") end },
  { 2, function(g)
    if g.scopes[1] then return leaf(g, ("%s:cancel('r#')"):format(pick(g, g.scopes))) end
  end },
  { 2, function(g)
    if g.scopes[1] then
      local s = pick(g, g.scopes)
      return block(g, 2, ("log(#, pcall(%s.defer, %s, function()"):format(s, s), "end))")
    end
  end },
  { 1, function(g)
    if g.sets[1] then return leaf(g, ("(function() for t in %s do return t end end)()"):format(pick(g, g.sets))) end
  end, silent = true },
  { 1, function(g) return { ("if go then error('boom %d', 0) end"):format(new_id(g)) } end },
  -- blocks
  { 6, function(g, depth) return spawn(g, depth, "ebb.spawn") end, true },
  { 1, function(g, depth) return spawn(g, depth, "ebb.go") end, true },
  { 1, function(g, depth) return spawn(g, depth, "later") end, true, silent = true },
  { 9, function(g, depth)
    if g.scopes[1] then return spawn(g, depth, ("try_spawn(%s)"):format(pick(g, g.scopes))) end
  end, true },
  { 6, function(g, depth)
    if g.sets[1] then return spawn(g, depth, ("try_spawn(%s)"):format(pick(g, g.sets))) end
  end, true, silent = true },
  { 2, with_set, true, silent = true },
  { 2, map, true, silent = true },
  { 4, function(g, depth) return scoped(g, depth, true) end, true },
  { 3, function(g, depth) return scoped(g, depth, false) end, true },
  { 4, function(g, depth)
    return block(g, depth, "log(#, ebb.timeout(@, function()", "end))")
  end, true },
  { 1, function(g, depth) return block(g, depth, "log(#, ebb.timeout_at(@, function()", "end))") end, true },
  { 2, function(g, depth) return block(g, depth, "log(#, (function()", "end)())") end, true },
  { 2, function(g, depth)
    local tok = g.objects.tok and pick(g, g.objects.tok)
    if tok then return block(g, depth, ("log(#, %s:run(function()"):format(tok), "end))") end
  end, true },
  { 2, function(g, depth) return block(g, depth, "log(#, ebb.shield(function()", "end))") end, true },
  { 3, function(g, depth) return block(g, depth, "log(#, pcall(function()", "end))") end, true },
  { 3, function(g, depth)
    local node = block(g, depth, "do local _ <close> = closing(function(e) log(#, e)", "end)")
    node[#node + 1] = "\n"
    node[#node + 1] = statements(g, depth + 1)
    node[#node + 1] = "end"
    return node
  end, true },
  { 5, lock_block, true },
  { 2, function(g, depth)
    return group(g, depth, pick(g, { "ebb.join", "ebb.try_join", "ebb.race" }), 1 + g.random(2), true)
  end, true,
    silent = true },
  { 2, function(g, depth)
    return block(g, depth, ("do local n = 0 for v in %s do n = n + 1 if n > 3 then break end log(#, v)")
      :format(pick(g, g.objects.c)), "end log(0, 'over') end")
  end, true },
  { 2, function(g, depth) return block(g, depth, "for _ = 1, 2 do", "end") end, true },
  { 1, function(g, depth)
    local iv = g.objects.iv and pick(g, g.objects.iv)
    if not iv then return end
    return block(g, depth, ("do local n = 0 for t in %s do n = n + 1 if n > 2 then break end log(#, t)"):format(iv),
      "end end")
  end, true },
}
for _, form in ipairs(wide { leaf = leaf, block = block, new_id = new_id, new_task = new_task,
  statements = function(g, depth) return statements(g, depth) end })
do
  forms[#forms + 1] = form
end

local total_leaf, total = 0, 0
for _, form in ipairs(forms) do
  total = total + form[1]
  if not form[3] then total_leaf = total_leaf + form[1] end
end

local function statement(g, depth)
  while true do
    local at = g.random((depth < 4 and g.room > 0) and total or total_leaf)
    for _, form in ipairs(forms) do
      if not form[3] or (depth < 4 and g.room > 0) then
        at = at - form[1]
        if at <= 0 then
          local node = not (g.plain and form.silent) and form[2](g, depth)
          if node then return node end
          break
        end
      end
    end
  end
end

function statements(g, depth)
  local list = {}
  for i = 1, g.random(depth == 1 and 6 or 4) do
    g.room = g.room - 1
    list[i] = statement(g, depth)
  end
  return list
end

--- The program of a seed: { body = nodes }. how.seed: without what wakes a task only to let it wait on (its turn leaves
-- no trace), for runs whose order of tasks is shuffled. how.grace: with what a host does between its frames. how.loose:
-- one whose outcome is the same under every schedule.
function program.generate(seed, how)
  local g = { plain = how and how.seed, random = generator(seed), objects = {}, body = {}, n_ids = 0, n_tasks = 0,
    scopes = {}, objects_of_scopes = {}, sets = {} }
  if how and how.loose then
    loose.add(g)
    return { body = g.body }
  end
  g.room = 20 + g.random(50)
  words.add_objects(g)
  if how and how.grace then frames.add(g, { new_id = new_id, spawn = spawn, task_of = task_of }) end
  for _ = 1, 1 + g.random(4) do g.body[#g.body + 1] = spawn(g, 1, "ebb.spawn") end
  for _, node in ipairs(statements(g, 1)) do g.body[#g.body + 1] = node end
  if g.random(4) > 1 then g.body[#g.body + 1] = { "log(0, ebb.timeout(9, join_all))" } end
  return { body = g.body }
end

local function write(out, nodes, indent)
  for _, node in ipairs(nodes) do
    for _, part in ipairs(node) do
      if type(part) == "string" then
        out[#out + 1] = part
      else
        out[#out + 1] = "\n"
        write(out, part, indent + 1)
      end
    end
    out[#out + 1] = "\n"
  end
end

--- The program as a chunk of Lua.
function program.text(prog)
  local out = { "local ", table.concat(words.given, ", "), " = ...\n" }
  write(out, prog.body, 0)
  return table.concat(out)
end

--- Has every name in the text its declaration? (Not so when a shrinker has left out too much.)
function program.is_whole(text)
  local declared = {}
  for name, second in text:gmatch "local (%l+%d+),? ?(%l*%d*)" do declared[name], declared[second] = true, true end
  for name in text:gmatch "function%((s%d+)%)" do declared[name] = true end
  for before, name in text:gmatch "(.)%f[%w_](%l+%d+)%f[^%w_]" do
    if before ~= "'" and not declared[name] then return false end
  end
  return true
end

return program
