--- The reference model's other sources, stages and sinks of streams, which start nothing of their own.
local pack, unpack = table.pack, table.unpack

local function failed(v, err) return v == nil and err ~= nil end

return function(w, ebb)
  local S, Stream, own = ebb.stream, w.streams.Stream, w.streams
  local new, stage, consume, close = own.new, own.stage, own.consume, own.close

  -- sources

  function S.unfold(state, fn)
    local over = false
    return new(function()
      if over then return end
      local v, after = fn(state)
      state, over = after, v == nil
      return v
    end, nil, function() over = true end)
  end
  function S.once(v) return S.iter { v } end
  function S.empty() return S.iter {} end
  function S.repeat_(v) return S.unfold(v, function() return v, v end) end

  -- stages

  stage("filter_map", function(fn)
    return function(pull)
      while true do
        local item = pack(pull())
        if item[1] ~= nil then item = pack(fn(unpack(item, 1, item.n))) else return unpack(item, 1, item.n) end
        if item[1] ~= nil or item[2] ~= nil then return unpack(item, 1, item.n) end
      end
    end
  end)

  stage("inspect", function(fn)
    return function(pull)
      local item = pack(pull())
      if item[1] ~= nil then fn(unpack(item, 1, item.n)) end
      return unpack(item, 1, item.n)
    end
  end)

  stage("skip_while", function(pred)
    local skips = true
    return function(pull)
      while true do
        local item = pack(pull())
        if not skips or item[1] == nil then return unpack(item, 1, item.n) end
        skips = pred(unpack(item, 1, item.n))
        if not skips then return unpack(item, 1, item.n) end
      end
    end
  end)

  stage("step_by", function(n)
    local over = 0
    return function(pull)
      while over > 0 do
        local v, err = pull()
        if v == nil and err == nil then return end
        over = over - 1
      end
      local item = pack(pull())
      over = n - 1
      return unpack(item, 1, item.n)
    end
  end)

  stage("dedup", function()
    local last = pack()
    local function is_same(item)
      if item.n ~= last.n then return false end
      for i = 1, item.n do
        if item[i] ~= last[i] then return false end
      end
      return true
    end
    return function(pull)
      while true do
        local item = pack(pull())
        if item[1] == nil then return unpack(item, 1, item.n) end
        if not is_same(item) then
          last = item
          return unpack(item, 1, item.n)
        end
      end
    end
  end)

  stage("fuse", function()
    local over = false
    return function(pull)
      if over then return end
      local item = pack(pull())
      over = item[1] == nil and item[2] == nil
      return unpack(item, 1, item.n)
    end
  end)

  stage("cycle", function()
    local kept, at = {}, nil
    return function(pull)
      if not at then
        local item = pack(pull())
        if item[1] ~= nil then kept[#kept + 1] = item end
        if item[1] ~= nil or item[2] ~= nil then return unpack(item, 1, item.n) end
        at = 0
      end
      if not kept[1] then return end
      at = at % #kept + 1
      return unpack(kept[at], 1, kept[at].n)
    end
  end)

  --- Each item becomes a stream, which is read to its end before the next item is asked for.
  function Stream.flat_map(s, fn)
    local up, inner = s.pull, nil
    return new(function()
      while true do
        if not inner then
          local item = pack(up())
          if item[1] == nil then return unpack(item, 1, item.n) end
          inner = own.opened({ fn(unpack(item, 1, item.n)) })[1]
        end
        local item = pack(inner.pull())
        if item[1] ~= nil or item[2] ~= nil then return unpack(item, 1, item.n) end
        local ended = inner
        inner = nil
        close(ended)
      end
    end, { s }, function()
      if inner then close(inner) end
    end)
  end
  function Stream.flatten(s) return s:flat_map(function(v) return v end) end

  -- sinks

  function Stream.reduce(s, fn)
    local acc
    consume(s, function(...)
      if acc == nil then acc = own.one(...) else acc = fn(acc, ...) end
    end)
    return acc
  end

  function Stream.any(s, pred)
    local found = false
    consume(s, function(...)
      found = pred(...) and true or false
      return found
    end)
    return found
  end

  function Stream.all(s, pred)
    return not s:any(function(...) return not pred(...) end)
  end

  function Stream.try_fold(s, acc, fn)
    local pull = s.pull
    local _ <close> = s
    while true do
      local item = pack(pull())
      if failed(item[1], item[2]) then return nil, item[2] end
      if item[1] == nil then return acc end
      local err
      acc, err = fn(acc, unpack(item, 1, item.n))
      if failed(acc, err) then return nil, err end
    end
  end

  function Stream.try_for_each(s, fn)
    local _, err = s:try_fold(nil, function(_, ...) return fn(...) end)
    if err ~= nil then return nil, err end
    return true
  end
end
