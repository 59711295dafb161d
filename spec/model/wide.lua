--- Statements of random programs about clocks, frames, streams, pools, supervisors and other things that are made of
-- tasks: a list of forms, like the ones of program.lua.
local words = require "spec.model.words"

local filled, op_text, pick = words.filled, words.op_text, words.pick

-- streams --------------------------------------------------------------------------------------------

--- What is called with an item.
local functions = {
  "function(v) return v end", "function(v) return { v } end", "function(v) ebb.sleep(P) return v end",
  "function(v) ebb.sleep(P) return v end", "function(v) log(#, 'fn', v) ebb.yield() return v end",
  "function(v) if v == 2 then error('boom #', 0) end return v end",
}

local predicates = { "function(v) return v ~= 2 end", "function(v) ebb.sleep(P) return v ~= 3 end" }

local stages = {
  "map(F)", "map(F)", "filter(Q)", "filter(Q)", "take(K)", "take(K)", "skip(1)", "enumerate()", "chunks(K)", "chunks(K)",
  "scan(0, function(n) return n + 1 end)", "take_while(Q)", "throttle(P)", "timeout(P)", "chunks_timeout(K, P)",
  "take_until(O)", "buffered(K, F)", "buffered(K, F)", "buffer_unordered(K, F)", "buffer_unordered(K, F)", "merge(S)",
  "chain(S)", "zip(S)", "filter_map(function(v) if v ~= 2 then return v end end)", "inspect(F)", "skip_while(Q)",
  "step_by(K)", "dedup()", "fuse()", "cycle():take(5)", "flat_map(function(v) return { v, v } end)",
  "flat_map(function() return S end)",
}

local sinks = {
  "collect()", "collect()", "collect()", "try_collect()", "count()", "fold(0, function(n) return n + 1 end)", "find(Q)",
  "for_each(F)", "for_each_concurrent(K, F)", "take(K):to_channel(C, true)", "take(K):to_channel(C)",
  "reduce(function(a) return a end)", "any(Q)", "all(Q)",
  "try_for_each(function(v) if v == 2 then return nil, 'no #' end end)",
  "try_fold(0, function(n, v) if v == 2 then return nil, 'no #' end return n + 1 end)",
}

local source_text

--- The text with its capital letters replaced: a function, a predicate, an op, a source, a channel.
local function completed(g, text, id, depth)
  text = text:gsub("[%(%s]%u[%),%s]", function(found)
    local letter = found:sub(2, 2)
    local by = letter == "F" and pick(g, functions) or letter == "Q" and pick(g, predicates)
      or letter == "O" and op_text(g, id, 2, true) or letter == "C" and pick(g, g.objects.c)
      or letter == "S" and source_text(g, id, depth + 1)
    return by and found:sub(1, 1) .. by .. found:sub(3)
  end)
  return filled(g, text, nil, id)
end

--- One whose items never end is cut off.
function source_text(g, id, depth)
  local way = g.random(depth < 3 and 9 or 6)
  if way == 1 then
    return pick(g, { "ebb.stream.range(1, 4)", "ebb.stream.range(1, 4)", "ebb.stream.once(2)", "ebb.stream.empty()",
      "ebb.stream.repeat_(2):take(3)", "ebb.stream.unfold(3, function(n) if n > 0 then return n, n - 1 end end)" })
  end
  if way == 2 then return "ebb.stream.iter({ 3, 2, 1 })" end
  if way == 3 then return filled(g, "ebb.stream.interval(P):take(3)", nil, id) end
  if way == 4 then return ("ebb.stream.from(%s):take(3)"):format(op_text(g, id, 2, true)) end
  if way > 6 then
    return ("ebb.stream.%s({ %s, %s })"):format(pick(g, { "merge", "merge", "merge", "zip", "concat" }),
      source_text(g, id, depth + 1), source_text(g, id, depth + 1))
  end
  return ("ebb.stream.from(%s)"):format(pick(g, g.objects.sb or g.objects.c))
end

local function stream_text(g, id)
  local text = source_text(g, id, 1)
  for _ = 1, g.random(4) - 1 do text = text .. ":" .. completed(g, pick(g, stages), id, 1) end
  return text
end

local function stream(g, id)
  local text = stream_text(g, id) .. ":" .. completed(g, pick(g, sinks), id, 1)
  local way = g.random(4)
  if way == 1 then return text end
  if way == 2 then return filled(g, "ebb.timeout(P, function() return ", nil, id) .. text .. " end)" end
  return ("pcall(function() return %s end)"):format(text)
end

--- Item by item, with a body in between; left after a few (each may send what is an item later).
local function stream_loop(make, g, depth)
  local id = make.new_id(g)
  return make.block(g, depth, ("do local n = 0 for v in %s:each() do n = n + 1 if n > %d then break end log(#, v)")
    :format(stream_text(g, id), 1 + g.random(4)), "end log(0, 'over', n) end")
end

local function stream_steps(make, g)
  local id = make.new_id(g)
  local again = filled(g, " log(#, ebb.timeout(P, st.next, st))", nil, id)
  return { ("do local st <close> = %s%s%s log(%d, st:next()) end"):format(stream_text(g, id), again, again, id) }
end

-- what is made of tasks ------------------------------------------------------------------------------

--- log(ID, HEAD member, member … TAIL), each member a task: before .. task(n, function() … end) .. after.
local function members(make, g, depth, head, n, before, after, tail)
  local id, node = make.new_id(g), {}
  node[1] = ("log(%d, %s"):format(id, filled(g, head, nil, id))
  for i = 1, n do
    local task = make.new_task(g)
    node[#node + 1] = ("%stask(%d, function()\n"):format(before, task)
    node[#node + 1] = make.statements(g, depth + 1)
    if g.random(3) == 1 then
      node[#node + 1] = ("if begun(%d) < 3 then error('boom %d', 0) end\n"):format(task, id)
    end
    node[#node + 1] = ("return %d end)%s"):format(id * 10 + i, filled(g, after(), nil, id)) .. (i < n and ",\n" or "")
  end
  node[#node + 1] = filled(g, tail, nil, id) .. ")"
  return node
end

local function supervise(make, g, depth)
  return members(make, g, depth, "pcall(ebb.timeout, 4, ebb.supervise, { ", 1 + g.random(2), "{ run = ", function()
    return (", restart = '%s' }"):format(pick(g, { "permanent", "transient", "transient", "temporary" }))
  end, (", strategy = '%s', max_restarts = K, within = P%s })"):format(
    pick(g, { "one_for_one", "one_for_all", "rest_for_one" }),
    g.random(2) == 1 and ", on = function(e, who) log(#, 'on', e, who) end" or ""))
end

local function retry(make, g, depth)
  local fails = pick(g, { "error('boom #', 0)", "return nil, 'no #'" })
  return make.block(g, depth, "log(#, ebb.retry(function(n) log(#, 'try', n) if n < K and go then " .. fails .. " end",
    filled(g, "end, { attempts = K, delay = @, factor = K, on = function(e, n) log(0, 'on', e, n) end }))"))
end

local function clock_of(g)
  local list = g.objects[pick(g, { "clk", "man" })]
  return list and pick(g, list)
end

-- game time ------------------------------------------------------------------------------------------

local function game_members(make, g, depth)
  local how = pick(g, { "sequence", "parallel", "race" })
  return members(make, g, depth, "ebb.game." .. how .. "({ P, ", 2, "", function() return "" end, ", @ })")
end

local function every(make, g, depth)
  local n = make.new_task(g)
  local node = make.block(g, depth, ("T[%d] = ebb.game.every(P, limited(K, task(%d, function()"):format(n, n), "end)))")
  return node
end

--- { weight, fn(g, depth) → node or nil, is it a block, silent = it has turns that leave no trace }
return function(make)
  local function a_leaf(weight, text, silent)
    return { weight, function(g) return make.leaf(g, text) end, silent = silent }
  end
  local function a_block(weight, fn, silent)
    return { weight, function(g, depth) return fn(make, g, depth) end, true, silent = silent }
  end
  return {
    { 9, function(g) return make.leaf(g, stream) end, silent = true },
    { 3, function(g) return stream_steps(make, g) end, silent = true },
    a_block(4, stream_loop, true),
    a_block(3, supervise, true),
    a_block(3, retry, true),
    a_block(2, game_members, true),
    a_block(2, every, true),
    a_leaf(2, "ebb.next_frame()"),
    a_leaf(3, "ebb.game.wait(@)"),
    a_leaf(1, "ebb.frame_clock():now()"),
    { 2, function(g)
      local clk = clock_of(g)
      if clk then return make.leaf(g, ("ebb.game.on(%s).wait(@)"):format(clk)) end
    end },
    a_leaf(1, "ebb.game.wait_frames(K)", true),
    { 1, function(g)
      return { filled(g, "do local t = { v = 0, u = # } log(#, pcall(ebb.game.tween, 0.125, t, { v = 8 }), t.v, t.u) end",
        nil, make.new_id(g)) }
    end, silent = true },
    { 1, function(g)
      local c = pick(g, g.objects.c)
      local text = filled(g, "ebb.timeout(0.25, ebb.game.wait_until, function() return #$ > 0 end)", c, 0)
      return make.leaf(g, function() return text end)
    end, silent = true },
    { 3, function(g, depth)
      local clk = clock_of(g)
      if clk then return make.block(g, depth, ("log(#, %s:timeout(@, function()"):format(clk), "end))") end
    end, true },
    { 2, function(g)
      local clk = clock_of(g)
      if clk then return make.leaf(g, function(_, id) return ("%s:timeout(%s)"):format(clk, filled(g, "@, ", nil, id)
        .. op_text(g, id, 2)) end) end
    end },
    { 2, function(g, depth)
      local key = g.objects.key and pick(g, g.objects.key)
      if key then return make.block(g, depth, ("log(#, %s:with(#, function()"):format(key), "end))") end
    end, true },
    { 4, function(g, depth)
      local pool = g.objects.pool and pick(g, g.objects.pool)
      if not pool then return end
      return make.block(g, depth, ("do local g <close> = %s:acquire() log(#, g and g.value)"):format(pool), "end")
    end, true, silent = true },
  }
end
