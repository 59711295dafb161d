--- The reference model's streams: a stream is a function that pulls one item (its values; nil, err for one that failed;
-- nil at the end), the streams it reads, and what ends the tasks it has started.
local pack, unpack = table.pack, table.unpack

local function at_end(v, err) return v == nil and err == nil end

--- An item as one value.
local function one(v, ...)
  if select("#", ...) == 0 then return v end
  return pack(v, ...)
end

return function(w, ebb)
  local Stream, S = {}, {}
  Stream.__index = Stream
  ebb.stream = S
  local try_select = ebb.try_select

  local function closing(fn)
    return setmetatable({}, { __close = function(_, err) w.cleanup(fn, err) end })
  end

  --- Closes it and what it reads, all of them whatever fails.
  local function close(s)
    if s.is_closed then return end
    s.is_closed, s.pull = true, function() end
    local function close_from(i)
      local up = s.ups[i]
      if not up then return end
      if i == #s.ups then return close(up) end
      local _ <close> = closing(function() close_from(i + 1) end)
      close(up)
    end
    if not s.stop then return close_from(1) end
    local _ <close> = closing(function() close_from(1) end)
    s.stop()
  end

  local function new(pull, ups, stop)
    return setmetatable({ pull = pull, ups = ups or {}, stop = stop }, Stream)
  end

  function Stream.__close(s, err) w.cleanup(function() close(s) end, err) end
  function Stream.close(s) close(s) end

  --- Throws the error of a task that has ended, if it has not done so well; a cancel of the caller's waits for its next
  -- await.
  local function failure_of(task)
    if task:status() ~= "done" then error(w.failure(task), 0) end
  end

  -- sources ----------------------------------------------------------------------------------------

  function S.iter(list)
    local i, stopped = 0, false
    return new(function()
      i = i + 1
      if not stopped then return list[i] end
    end, nil, function() stopped = true end)
  end

  function S.range(a, b)
    local list = {}
    for i = a, b do list[#list + 1] = i end
    return S.iter(list)
  end

  function S.from(op)
    local over = false
    return new(function()
      if over then return end
      local values = pack(ebb.await(op))
      over = values[1] == nil and (values[2] == nil or values[2] == "closed")
      if not over then return unpack(values, 1, values.n) end
    end, nil, function() over = true end)
  end

  function S.interval(period)
    local iv, stopped
    return new(function()
      if stopped then return end
      iv = iv or ebb.interval(period)
      return (iv:tick())
    end, nil, function() stopped = true end)
  end

  local function opened(list)
    local streams = {}
    for i, x in ipairs(list) do
      streams[i] = getmetatable(x) == Stream and x or w.is_op(x) and S.from(x) or S.iter(x)
    end
    return streams
  end

  -- several streams --------------------------------------------------------------------------------

  --- Children that each pull an item when asked to, and keep it until it is taken.
  local function pullers()
    local p = { n_open = 0, late = false }
    local children, out, last = ebb.scope { collect = true }, ebb.channel(math.huge), nil

    function p.add(pull, stream)
      local member = { ask = ebb.channel(math.huge), stream = stream }
      p.n_open = p.n_open + 1
      member.ask:try_send(true)
      member.task = children:spawn(function()
        local _ <close> = setmetatable({}, { __close = function()
          member.ended = true
          out:try_send(member)
        end })
        while member.ask:recv() do
          member.item = pack(pull())
          if at_end(member.item[1], member.item[2]) then return end
          out:try_send(member)
        end
      end)
    end

    --- The next item of any; with `due` nil and p.late when that passes first.
    function p.take(due)
      p.late = false
      if last then
        last.ask:try_send(true)
        last = nil
      end
      while p.n_open > 0 do
        local member
        if due then member = ebb.timeout_at(due, out) else member = out:recv() end
        if not member then
          p.late = true
          return nil
        end
        if not member.ended then
          last = member
          return unpack(member.item, 1, member.item.n)
        end
        p.n_open = p.n_open - 1
        failure_of(member.task)
        if member.stream then close(member.stream) end
      end
    end

    function p.close()
      p.n_open, last = 0, nil
      children:close()
    end
    return p
  end

  --- Starts them with the first pull; add(p) adds what is to be pulled.
  local function with_pullers(streams, add, take)
    local p, stopped
    return new(function()
      if stopped then return end
      if not p then
        p = pullers()
        add(p)
      end
      return take(p)
    end, streams, function()
      stopped = true
      if p then p.close() end
    end)
  end

  function S.merge(list)
    local streams = opened(list)
    return with_pullers(streams, function(p)
      for _, s in ipairs(streams) do p.add(s.pull, s) end
    end, function(p) return p.take() end)
  end
  function Stream.merge(s, other) return S.merge { s, other } end

  function Stream.timeout(s, seconds)
    local up = s.pull
    return with_pullers({ s }, function(p) p.add(up) end, function(p)
      if p.late then return p.take() end
      local item = pack(p.take(w.later(w.now, seconds)))
      if p.late then return nil, "timeout" end
      return unpack(item, 1, item.n)
    end)
  end

  function Stream.chunks_timeout(s, n, seconds)
    local up, batch, due, failed = s.pull, {}, nil, nil
    local function flush()
      local full = batch
      batch, due = {}, nil
      return full
    end
    return with_pullers({ s }, function(p) p.add(up) end, function(p)
      if failed then
        local item = failed
        failed = nil
        return unpack(item, 1, item.n)
      end
      while true do
        local item = pack(p.take(due))
        if item[1] == nil then
          if #batch == 0 then return unpack(item, 1, item.n) end
          if not p.late and item[2] ~= nil then failed = item end
          return flush()
        end
        batch[#batch + 1] = one(unpack(item, 1, item.n))
        if #batch == n then return flush() end
        due = due or w.later(w.now, seconds)
      end
    end)
  end

  function S.zip(list)
    local streams = opened(list)
    local held, over = {}, false
    return new(function()
      if over then return end
      while #held < #streams do
        local item = pack(streams[#held + 1].pull())
        if at_end(item[1], item[2]) then
          over = true
          return
        end
        held[#held + 1] = item
      end
      local tuple, failed = { n = #held }, nil
      for i, item in ipairs(held) do
        if item[1] == nil then failed = failed or item end
        tuple[i] = one(unpack(item, 1, item.n))
      end
      held = {}
      tuple = failed or tuple
      return unpack(tuple, 1, tuple.n)
    end, streams)
  end
  function Stream.zip(s, other) return S.zip { s, other } end

  function S.concat(list)
    local streams, at = opened(list), 1
    return new(function()
      while streams[at] do
        local item = pack(streams[at].pull())
        if not at_end(item[1], item[2]) then return unpack(item, 1, item.n) end
        at = at + 1
        close(streams[at - 1])
      end
    end, streams)
  end
  function Stream.chain(s, other) return S.concat { s, other } end

  -- stages -----------------------------------------------------------------------------------------

  --- A stage: next(pull) gives its next item.
  local function stage(name, make)
    Stream[name] = function(s, ...)
      local up, next_item = s.pull, make(...)
      return new(function() return next_item(up) end, { s })
    end
  end

  stage("map", function(fn)
    local function map(v, ...)
      if v == nil then return nil, ... end
      return fn(v, ...)
    end
    return function(pull) return map(pull()) end
  end)

  stage("filter", function(pred)
    return function(pull)
      while true do
        local item = pack(pull())
        if item[1] == nil or pred(unpack(item, 1, item.n)) then return unpack(item, 1, item.n) end
      end
    end
  end)

  stage("take", function(n)
    return function(pull)
      if n == 0 then return end
      local item = pack(pull())
      n = n - 1
      return unpack(item, 1, item.n)
    end
  end)

  stage("skip", function(n)
    return function(pull)
      while n > 0 do
        if at_end(pull()) then return end
        n = n - 1
      end
      return pull()
    end
  end)

  stage("take_while", function(pred)
    local over = false
    return function(pull)
      if over then return end
      local item = pack(pull())
      over = item[1] ~= nil and not pred(unpack(item, 1, item.n))
      if not over then return unpack(item, 1, item.n) end
    end
  end)

  stage("enumerate", function()
    local i = 0
    local function numbered(v, ...)
      if at_end(v, (...)) then return end
      i = i + 1
      if v == nil then return nil, ... end
      return i, v, ...
    end
    return function(pull) return numbered(pull()) end
  end)

  stage("scan", function(state, fn)
    local function next_state(v, ...)
      if v == nil then return nil, ... end
      state = fn(state, v, ...)
      return state
    end
    return function(pull) return next_state(pull()) end
  end)

  stage("chunks", function(n)
    local batch, failed = {}, nil
    local function flush()
      local full = batch
      batch = {}
      return full
    end
    return function(pull)
      if failed then
        local item = failed
        failed = nil
        return unpack(item, 1, item.n)
      end
      while true do
        local item = pack(pull())
        if item[1] == nil then
          if #batch == 0 then return unpack(item, 1, item.n) end
          if item[2] ~= nil then failed = item end
          return flush()
        end
        batch[#batch + 1] = one(unpack(item, 1, item.n))
        if #batch == n then return flush() end
      end
    end
  end)

  stage("throttle", function(seconds)
    local due
    return function(pull)
      if due then ebb.sleep_until(due) end
      local item = pack(pull())
      if item[1] ~= nil then due = w.later(w.now, seconds) end
      return unpack(item, 1, item.n)
    end
  end)

  --- A child waits for the op and strikes the pull.
  function Stream.take_until(s, op)
    local up, over, children, watcher, stop = s.pull, false, nil, nil, nil
    local function finish()
      over = true
      if watcher and watcher:status() == "failed" then failure_of(watcher) end
    end
    return new(function()
      if over then return end
      if (stop and stop:is_cancelled()) or try_select(op) then return finish() end
      if not watcher then
        stop, children = ebb.token(), ebb.scope { collect = true }
        watcher = children:spawn(function()
          local _ <close> = setmetatable({}, { __close = function() stop:cancel() end })
          ebb.await(op)
        end)
      end
      local item = pack(stop:run(up))
      if item[1] == nil and stop:is_cancelled() then return finish() end
      return unpack(item, 1, item.n)
    end, { s }, function()
      if watcher then children:close() end
    end)
  end

  -- several items at a time ------------------------------------------------------------------------

  --- A pump pulls and starts a child for each item, at most n at a time. `ends` has the children in the order of their
  -- items or as they end, tables for items that failed, and false when the pump has ended. finish(results) for each.
  local function concurrent(s, n, fn, is_ordered, finish)
    local up, stopped, children, pump = s.pull, false, nil, nil
    local places, ends = ebb.channel(n), ebb.channel(math.huge)
    local n_started, n_taken, pump_ended, head = 0, 0, false, nil

    local function child(...)
      local _ <close> = setmetatable({}, { __close = function()
        if not is_ordered then ends:try_send(ebb.current()) end
      end })
      return fn(...)
    end

    local function start(...)
      local v, err = ...
      if at_end(v, err) or stopped then return false end
      if v == nil then
        ends:try_send { is_item = true, item = pack(...) }
      else
        local task = children:spawn(child, ...)
        if is_ordered then ends:try_send(task) end
      end
      n_started = n_started + 1
      return true
    end

    local function open()
      children = ebb.scope { collect = true }
      pump = children:spawn(function()
        local _ <close> = setmetatable({}, { __close = function() ends:try_send(false) end })
        repeat places:send(true) until not start(up())
      end)
    end

    local function give_back()
      head = nil
      n_taken = n_taken + 1
      places:try_recv()
    end

    return new(function()
      if stopped then return end
      if not children then open() end
      while true do
        if head == nil then
          if pump_ended and n_taken == n_started then
            failure_of(pump)
            return nil
          end
          head = ends:recv()
        end
        if head == false then
          pump_ended, head = true, nil
        elseif head.is_item then
          local item = head.item
          give_back()
          return unpack(item, 1, item.n)
        else
          local task = head
          local results = pack(task:join())
          if not results[1] then
            head = nil
            task:await()
          end
          give_back()
          return finish(unpack(results, 2, results.n))
        end
      end
    end, { s }, function()
      stopped = true
      if children then children:close() end
    end)
  end

  local function its_results(...)
    if at_end(...) then error("an item became nothing", 0) end
    return ...
  end

  function Stream.buffered(s, n, fn) return concurrent(s, n, fn, true, its_results) end
  function Stream.buffer_unordered(s, n, fn) return concurrent(s, n, fn, false, its_results) end

  -- sinks ------------------------------------------------------------------------------------------

  --- Calls visit for each item until it gives true; one that failed is thrown.
  local function consume(s, visit)
    local pull = s.pull
    local _ <close> = s
    while true do
      local item = pack(pull())
      if item[1] == nil then
        if item[2] ~= nil then error(item[2], 0) end
        return
      end
      if visit(unpack(item, 1, item.n)) then return end
    end
  end

  function Stream.collect(s)
    local list = {}
    consume(s, function(...) list[#list + 1] = one(...) end)
    return list
  end

  function Stream.count(s)
    local n = 0
    consume(s, function() n = n + 1 end)
    return n
  end

  function Stream.fold(s, acc, fn)
    consume(s, function(...) acc = fn(acc, ...) end)
    return acc
  end

  function Stream.find(s, pred)
    local found = pack(nil)
    consume(s, function(...)
      if not pred(...) then return false end
      found = pack(...)
      return true
    end)
    return unpack(found, 1, found.n)
  end

  function Stream.for_each(s, fn) consume(s, function(...) fn(...) end) end

  function Stream.for_each_concurrent(s, n, fn)
    consume(concurrent(s, n, fn, false, function() return true end), function() end)
  end

  function Stream.try_collect(s)
    local pull, list = s.pull, {}
    local _ <close> = s
    while true do
      local item = pack(pull())
      if at_end(item[1], item[2]) then return list end
      if item[1] == nil then return nil, item[2] end
      list[#list + 1] = one(unpack(item, 1, item.n))
    end
  end

  function Stream.to_channel(s, ch, keep_open)
    local pull, n = s.pull, 0
    local _ <close> = closing(function()
      if not keep_open then ch:close() end
      local _ <close> = s
    end)
    while true do
      local item = pack(pull())
      if item[1] == nil and item[2] ~= nil then error(item[2], 0) end
      if item[1] == nil then return n end
      if not ch:send(one(unpack(item, 1, item.n))) then return n, "closed" end
      n = n + 1
    end
  end

  function Stream.each(s)
    return function()
      local item = pack(s.pull())
      if item[1] ~= nil then return unpack(item, 1, item.n) end
      if item[2] ~= nil then error(item[2], 0) end
      close(s)
      return nil
    end, nil, nil, s
  end

  --- Left by an error it is closed; a cancel leaves it as it was.
  function Stream.next(s)
    local _ <close> = setmetatable({}, { __close = function(_, err)
      if err ~= nil and not w.is_cancel(err) then w.cleanup(function() close(s) end, err) end
    end })
    local item = pack(s.pull())
    if at_end(item[1], item[2]) then
      close(s)
      return nil
    end
    return unpack(item, 1, item.n)
  end

  w.streams = { Stream = Stream, new = new, stage = stage, consume = consume, close = close, opened = opened, one = one }
end
