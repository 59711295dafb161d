--- The words of random programs: objects, what can be done with them at once, what is waited for, as texts. In a text
-- `$` is the object's name, `#` the number of the statement, `@` a time, `P` a time above 0 and `K` a small number.
local words = {}

--- What a program is given, by name: things of the side that it runs on (side.lua).
words.given = { "ebb", "log", "task", "closing", "on", "join_of", "later", "try_spawn", "join_all", "pcall", "keep",
  "attempt", "map_of", "make", "is_good", "let_go", "begun", "limited", "host", "bound", "flow", "sorted", "pass",
  "spread", "hold", "T", "G", "go" }

local times = { 0, 0.25, 0.5, 0.5, 1, 1, 1.5, 2, 3 }

-- objects --------------------------------------------------------------------------------------------

local scales = { "0", "0.5", "2", "2", "4" }
local capacities = { "", "", "1", "1", "2", "3", "math.huge" }

--- kind → name of the variable, how it is made.
local makers = {
  c = function(r) return ("ebb.channel(%s)"):format(capacities[r(#capacities)]) end,
  o = function() return "ebb.oneshot()" end,
  b = function(r) return ("ebb.broadcast(%d)"):format(r(3)) end,
  w = function() return "ebb.watch(0)" end,
  m = function(r) return r(3) == 1 and "ebb.mutex(77)" or "ebb.mutex()" end,
  rw = function() return "ebb.rwlock()" end,
  sem = function(r) return ("ebb.semaphore(%d)"):format(r(4) - 1) end,
  n = function() return "ebb.notify()" end,
  bar = function(r) return ("ebb.barrier(%d)"):format(1 + r(2)) end,
  lat = function(r) return ("ebb.latch(%d)"):format(r(3) - 1) end,
  tok = function() return "ebb.token()" end,
  tm = function(r) return ("ebb.timer(%g)"):format(times[r(#times)]) end,
  iv = function(r)
    local period = times[2 + r(#times - 2)]
    local missed = ({ "skip", "delay", "burst" })[r(3)]
    return r(2) == 1 and ("ebb.interval(%g)"):format(period) or
      ("ebb.interval(%g, { missed = '%s', immediate = %s })"):format(period, missed, r(2) == 1)
  end,
  once = function(r) return ("ebb.once(attempt(%d, %g))"):format(r(4) - 1, times[r(#times)]) end,
  clk = function(r) return r(2) == 1 and "ebb.clock()" or ("ebb.clock({ scale = %s })"):format(scales[r(#scales)]) end,
  man = function() return "ebb.clock({ manual = true })" end,
  key = function() return "ebb.task_local(0)" end,
  pool = function(r)
    return ("ebb.resource_pool(make(%d, %g), { max = %d, %s%sclose = let_go })"):format(r(5), times[r(#times)], r(3),
      r(2) == 1 and ("idle = %g, "):format(times[2 + r(#times - 2)]) or "", r(3) == 1 and "check = is_good, " or "")
  end,
}
local kinds = { "c", "c", "c", "c", "o", "b", "w", "m", "m", "rw", "sem", "sem", "n", "bar", "lat", "tok", "tm", "iv",
  "once", "clk", "man", "key", "pool" }

--- Adds the statements that make some objects to the program.
function words.add_objects(g)
  local r = g.random
  local function add(kind, made)
    local list = g.objects[kind] or {}
    g.objects[kind] = list
    local name = kind .. #list + 1
    list[#list + 1] = name
    g.body[#g.body + 1] = { ("local %s = keep(%s)"):format(name, made) }
    return name
  end
  add("c", makers.c(r))
  for _ = 1, 1 + r(4) do
    local kind = kinds[r(#kinds)]
    -- what the task of a pool does leaves no trace
    if g.plain and kind == "pool" then kind = "key" end
    local name = add(kind, makers[kind](r))
    if kind == "c" and r(4) == 1 then
      add("tx", name .. ":sender()")
    elseif kind == "b" or kind == "w" then
      for _ = 1, r(2) do add("s" .. kind, name .. ":subscribe()") end
    elseif kind == "tok" and r(2) == 1 then
      add("tok", name .. ":child()")
    elseif kind == "clk" or kind == "man" then
      if r(2) == 1 then add("clk", ("%s:child({ scale = %s })"):format(name, scales[r(#scales)])) end
      if r(3) == 1 then add("iv", ("%s:interval(%g)"):format(name, times[2 + r(#times - 2)])) end
    end
  end
  g.kinds = {}
  for kind in pairs(g.objects) do g.kinds[#g.kinds + 1] = kind end
  table.sort(g.kinds)
end

-- operations -----------------------------------------------------------------------------------------

--- What can be waited for, by kind: ops for select, timeout.
local ops = {
  c = { "$", "$", "$:recv_op()", "$:send_op(#)", "$:send_op(#)", "$:reserve_op()",
    "$:recv_op():and_then(function(...) return 'a', ... end)",
    "$:send_op(#):or_else(function(why) return 'else', why end)" },
  tx = { "$:send_op(#)", "$:reserve_op()" },
  o = { "$" }, sb = { "$", "$:recv_op()" }, sw = { "$", "$:changed_op()" },
  m = { "$", "$:lock_op()" }, rw = { "$:read_op()", "$:write_op()" }, sem = { "$", "$:acquire_op(K)" },
  n = { "$" }, bar = { "$" }, lat = { "$" }, tok = { "$" }, tm = { "$" }, iv = { "$" },
  clk = { "$:after(@)", "$:at(@)" }, man = { "$:after(@)", "$:at(@)" }, op = { "$" },
}

--- Those whose values nobody has to give back.
local values = {}
for kind, list in pairs(ops) do
  local kept = {}
  for _, text in ipairs(list) do
    if not text:find "reserve" then kept[#kept + 1] = text end
  end
  if kind ~= "m" and kind ~= "rw" and kind ~= "sem" then values[kind] = kept end
end

--- The same as calls that wait: method, arguments.
local calls = {
  c = { "recv", "recv", "recv", "send, #", "send, #", "send, #", "reserve", "recv_many, K",
    "send_many, { #, #, # }" },
  tx = { "send, #", "send, #", "reserve" }, once = { "get" },
  o = { "recv" }, sb = { "recv" }, sw = { "changed", "wait_for, function(v) return v > 9 end" },
  m = { "lock" }, rw = { "read", "write" },
  sem = { "acquire, K", "acquire", "acquire, 0" }, n = { "wait" }, bar = { "wait" }, lat = { "wait" },
  tok = { "cancelled" }, iv = { "tick" },
  clk = { "sleep, @", "sleep, @", "sleep_until, @" }, man = { "sleep, @" },
  pool = { "acquire", "acquire", "with, function(v) return 'with', v end" },
}

--- What never waits.
local quick = {
  c = { "$:try_send(#)", "$:try_recv()", "$:try_send(#)", "$:try_recv()", "$:is_closed()", "$:waiters()", "#$",
    "$:close()", "$:capacity()" },
  tx = { "$:try_send(#)", "$:close()", "$:is_closed()", "$:is_closed()" }, once = { "$:is_done()" },
  o = { "$:send(#, 1)", "$:send(#)", "$:fail('failed #')", "$:try_recv()", "$:close()", "$:is_closed()" },
  b = { "$:send(#)", "$:send(#)", "$:send(#)", "$:send(#)", "$:close()", "$:is_closed()" },
  sb = { "$:try_recv()", "$:try_recv()", "$:close()" },
  w = { "$:set(#)", "$:set(#)", "$:get()", "$:update(function(v) return v + 1 end)", "$:close()" },
  sw = { "$:has_changed()", "$:get()", "$:close()" },
  m = { "$:try_lock()", "$:is_locked()" },
  rw = { "$:try_read()", "$:try_write()" },
  sem = { "$:try_acquire(K)", "$:add(K)", "$:available()", "$:forget(K)", "$:close()", "$:add()" },
  n = { "$:notify_one()", "$:notify_one()", "$:notify_all()" },
  lat = { "$:count_down()", "$:count_down(K)", "$:count()" },
  tok = { "$:cancel('r#')", "$:is_cancelled()" },
  tm = { "$:fired()", "$:reset(@)", "$:close()", "$:deadline()" },
  iv = { "$:reset()", "$:close()" },
  clk = { "$:now()", "$:pause()", "$:resume()", "$:scale(0.5)", "$:scale(2)", "$:scale(0)", "$:scale()" },
  man = { "$:advance(@)", "$:advance(@)", "$:advance(@)", "$:now()", "$:scale(2)", "$:pause()", "$:resume()" },
  key = { "$:get()", "$:get()", "$:set(#)" },
  pool = { "$:try_acquire()", "$:size()", "$:size()", "$:close()", "$:is_closed()" },
}
words.quick = quick

function words.pick(g, list) return list[g.random(#list)] end
local pick = words.pick

function words.filled(g, text, name, id)
  return (text:gsub("[$#@PK]+", function(found)
    if found == "#$" then return "#" .. name end
    return (found:gsub(".", { ["$"] = name or "?", ["#"] = tostring(id),
      ["@"] = tostring(pick(g, times)),
      P = tostring(times[2 + g.random(#times - 2)]), K = tostring(g.random(3)) }))
  end))
end

local filled = words.filled

--- A random object of a kind that `tables` knows: its name and its table.
function words.some(g, tables)
  while true do
    local kind = pick(g, g.kinds)
    if tables[kind] then return pick(g, g.objects[kind]), tables[kind] end
  end
end

local some = words.some

local function time_of(g) return ("%g"):format(pick(g, times)) end

--- An op as text. `keeps_nothing`: its values are nothing that somebody has to give back.
local function op_text(g, id, depth, keeps_nothing)
  local function inner(level) return op_text(g, id, level, keeps_nothing) end
  local way = g.random(24)
  if way == 1 then return ("ebb.after(%s)"):format(time_of(g)) end
  if way == 2 then return ("ebb.ready(%d)"):format(id) end
  if way == 3 then return "ebb.never()" end
  if way == 4 and g.n_tasks > 0 then return ("join_of(%d)"):format(g.random(g.n_tasks)) end
  if way == 5 and depth < 2 then return ("ebb.choice(%s, %s)"):format(inner(depth + 1), inner(depth + 1)) end
  if way == 6 then return ("ebb.map_op(%s, function(...) return 'm', ... end)"):format(inner(2)) end
  if way == 7 then return ("ebb.at(%s)"):format(time_of(g)) end
  if way == 8 then return ("ebb.defer_op(function() return %s end)"):format(inner(2)) end
  local name, list = some(g, keeps_nothing and values or ops)
  return filled(g, pick(g, list), name, id)
end
words.op_text = op_text

function words.select_text(g, id)
  local arms = {}
  for i = 1, 1 + g.random(3) do arms[i] = op_text(g, id, 1) end
  if g.random(3) == 1 then arms[#arms + 1] = ("ebb.after(%s)"):format(time_of(g)) end
  local how = pick(g, { "select", "select", "select", "select_first", "try_select" })
  if g.random(5) == 1 then -- a table, with names and what is left out
    local last = arms[#arms]
    arms[#arms] = pick(g, { "false, ", "gone = false, ", "" }) .. pick(g, { "a = ", "b = ", "" }) .. last
    return ("ebb.%s({ %s })"):format(how, table.concat(arms, ", "))
  end
  return ("ebb.%s(%s)"):format(how, table.concat(arms, ", "))
end

--- A call that may wait for ever, or not, as text.
function words.call_text(g, id)
  local name, list = some(g, calls)
  local call = filled(g, pick(g, list), name, id)
  local method, args = call:match "^([%w_]+),? ?(.*)$"
  if g.plain and (method == "send_many" or method == "wait_for" or method == "get") then return words.call_text(g, id) end
  local way = g.random(6)
  if way == 1 then
    return ("ebb.timeout(%s, %s.%s, %s%s)"):format(time_of(g), name, method, name,
      args ~= "" and ", " .. args or "")
  end
  if way == 2 then
    return ("ebb.%s(%s, %s)"):format(pick(g, { "timeout", "timeout", "timeout_at" }), time_of(g), op_text(g, id, 2))
  end
  if way == 3 then return ("ebb.await(%s)"):format(op_text(g, id, 2)) end
  return ("%s:%s(%s)"):format(name, method, args)
end

return words
