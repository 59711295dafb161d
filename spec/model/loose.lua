--- Random programs whose outcome is the same under every schedule: streams with tasks in them, pools, supervisors,
-- retries and groups, written so that no result hangs on who runs first. What is an order of arrival is only compared
-- as a bag; bounds, and that what was abandoned has ended, are looked at by the programs themselves.
local words = require "spec.model.words"

local filled, pick = words.filled, words.pick

local loose = {}

local functions = {
  "function(v) return v end", "function(v) ebb.sleep(P) return v end", "function(v) ebb.yield() return v end",
  "function(v) local _ <close> = closing(function() ebb.sleep(P) end) ebb.sleep(P) return v end",
  "function(v) return ebb.shield(function() ebb.sleep(P) return v end) end",
}
local predicates = { "function(v) return v ~= 2 end", "function(v) ebb.sleep(P) return v ~= 3 end" }

--- `n` of them at a time at most. One in a program may fail.
local function function_text(g, n)
  local text = pick(g, functions)
  if not g.fails and g.random(8) == 1 then
    g.fails, text = true, "function(v) ebb.sleep(P) if v == 2 then error('boom #', 0) end return v end"
  end
  return ("bound(#, %d, %s)"):format(n, text)
end

local plain_stages = { "map(F)", "filter(Q)" }
--- Where items come in an order that is known, so that it can be asked for.
local ordered_stages = { "take(K)", "skip(1)", "chunks(K)", "take_while(Q)", "throttle(P)", "timeout(99)",
  "chunks_timeout(K, 99)", "take_until(ebb.never())", "enumerate()", "scan(0, function(n) return n + 1 end)" }

local function completed(g, text, n)
  return (text:gsub("[%(%s]%u[%),]", function(found)
    local letter = found:sub(2, 2)
    local by = letter == "F" and function_text(g, n or 1) or letter == "Q" and pick(g, predicates)
      or letter == "N" and tostring(n)
    return by and found:sub(1, 1) .. by .. found:sub(3)
  end))
end

local function source(g, depth)
  local way = g.random(depth < 3 and 5 or 3)
  if way == 1 then return "ebb.stream.range(1, 6)" end
  if way == 2 then return "ebb.stream.iter({ 3, 2, 1 })" end
  if way == 3 then return "ebb.stream.interval(P):take(3):enumerate():map(function(i) return i end)" end
  return ("ebb.stream.%s({ %s, %s })"):format(pick(g, { "concat", "zip" }), source(g, depth + 1), source(g, depth + 1))
end

--- The text of a stream, and whether it is a bag.
local function stream(g)
  local text, is_bag = source(g, 1), false
  if g.random(3) == 1 then text, is_bag = ("ebb.stream.merge({ %s, %s })"):format(text, source(g, 2)), true end
  for _ = 1, 1 + g.random(3) do
    local way, n = g.random(6), g.random(3)
    local stage
    if way <= 2 then
      stage = completed(g, "buffered(N, F)", n)
    elseif way == 3 then
      stage, is_bag = completed(g, "buffer_unordered(N, F)", n), true
    elseif way == 4 and g.random(2) == 1 then
      stage, is_bag = ("merge(%s)"):format(source(g, 2)), true
    elseif way <= 5 and not is_bag then
      stage = completed(g, pick(g, ordered_stages))
    else
      stage = completed(g, pick(g, plain_stages))
    end
    text = text .. ":" .. stage
  end
  return text, is_bag
end

local function pipeline(g)
  local way = g.random(6)
  if way == 3 or way == 4 then g.fails = true end -- whether it comes so far would hang on the order
  local text, is_bag = stream(g)
  if way == 1 then return text .. ":count()" end
  if way == 2 then return completed(g, text .. ":for_each_concurrent(N, F)", g.random(3)) end
  if way == 3 then -- cut off in the middle: what it had got is nobody's affair, but it has ended
    return ("(ebb.timeout(P, function() %s:collect() end) and nil)"):format(text)
  end
  if way == 4 then return ("(function() for _ in %s:each() do ebb.yield() break end end)()"):format(text) end
  return (is_bag and "sorted(%s:collect())" or "%s:collect()"):format(text)
end

local function flow(body)
  return function(g) return ("flow(#, function() return %s end)"):format(body(g)) end
end

--- Times at which things end in a group: no two alike.
local function member(g, i)
  return ("bound(#, 1, function() local _ <close> = closing(function() ebb.sleep(P) end) ebb.sleep(%g) return %d end)")
    :format(0.1 * i + pick(g, { 0, 1 }), i)
end

local function group(g)
  local list = {}
  for i = 1, 1 + g.random(3) do list[i] = member(g, i) end
  local how, members = pick(g, { "ebb.join", "ebb.try_join", "ebb.race", "ebb.game.parallel" }), table.concat(list, ", ")
  if how == "ebb.game.parallel" then members = "{ " .. members .. " }" end
  return ("%s(%s)"):format(how, members)
end

local function map(g)
  local n = g.random(3)
  return completed(g, "ebb.map({ 5, 4, 3, 2, 1 }, F, N)", n)
end

local function retry(g)
  local fails = pick(g, { "error('boom #', 0)", "return nil, 'no #'" })
  return "ebb.retry(bound(#, 1, function(n) ebb.sleep(P) if n < K then " .. fails .. " end return n end), "
    .. "{ attempts = K, delay = P, factor = 1 })"
end

--- One child fails a few times, at times when nothing else happens; how often each has begun is the result.
local function supervise(g)
  local n = g.random(3)
  return ("(function() local n1, n2, n3 = 0, 0, 0 ebb.supervise({ strategy = '%s', max_restarts = 9, "):format(
      pick(g, { "one_for_one", "one_for_all", "rest_for_one" }))
    .. "{ restart = 'transient', run = bound(#, 1, function() n1 = n1 + 1 ebb.sleep(2.3) end) }, "
    .. ("{ restart = 'transient', run = bound(#, 1, function() n2 = n2 + 1 ebb.sleep(0.7) if n2 <= %d then "):format(n)
    .. "error('boom #', 0) end end) }, "
    .. "{ restart = 'transient', run = bound(#, 1, function() n3 = n3 + 1 local _ <close> = "
    .. "closing(function() ebb.sleep(0.05) end) ebb.sleep(9.9) end) }, on = function() end }) "
    .. "return n1, n2, n3 end)()"
end

--- Children with cleanups that wait; the scope is cancelled, cut off, or fails.
local function scope(g)
  local how = pick(g, { "s:cancel('r#')", "error('boom #', 0)", "ebb.sleep(P)", "ebb.yield()" })
  return "ebb.timeout(2.6, ebb.scope, function(s) for i = 1, 1 + K do s:spawn(bound(#, 9, function() "
    .. "local _ <close> = closing(function() ebb.sleep(P) end) ebb.sleep(i) end)) end ebb.sleep(P) " .. how .. " end)"
end

local function ways_of(g, list)
  local ways = {}
  for i = 1, 1 + g.random(3) do ways[i] = ("'%s'"):format(pick(g, list)) end
  return "{ " .. table.concat(ways, ", ") .. " }"
end

local function cancels(g)
  local list = {}
  for i = 1, g.random(4) - 1 do list[i] = ("{ %d, %g }"):format(g.random(4), 0.25 * g.random(6)) end
  return "{ " .. table.concat(list, ", ") .. " }"
end

local function pass(g)
  return ("pass(#, %s, %s, %s, %s)"):format(pick(g, { "0", "0", "1", "2", "math.huge" }),
    ways_of(g, { "send", "reserve", "select", "timeout", "try" }),
    ways_of(g, { "recv", "many", "select", "timeout", "op", "try" }), cancels(g))
end

local function spread(g)
  return ("spread(#, %d, %s, {})"):format(g.random(3), ways_of(g, { "recv", "timeout", "slow" }))
end

local function hold(g)
  return ("hold(#, '%s', %d, %s, %s)"):format(pick(g, { "mutex", "semaphore", "rwlock", "pool" }), g.random(2),
    ways_of(g, { "wait", "try", "op", "select", "read", "downgrade" }), cancels(g))
end

local forms = { flow(pipeline), flow(pipeline), flow(pipeline), flow(group), flow(map), flow(retry), flow(supervise),
  flow(scope), pass, pass, spread, hold, hold }

--- The statements of a program: tasks with a few flows each, one of which may be cancelled in the end.
function loose.add(g)
  local id = 0
  for n = 1, 1 + g.random(3) do
    local list = {}
    for i = 1, g.random(4) do
      id = id + 1
      g.fails = false
      list[i] = { filled(g, pick(g, forms)(g), nil, id) }
    end
    g.body[#g.body + 1] = { ("T[%d] = ebb.spawn(task(%d, function()\n"):format(n, n), list, "end))" }
  end
  g.body[#g.body + 1] = { "join_all()" }
end

return loose
