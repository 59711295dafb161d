-- What people write by hand: a ring of ready coroutines, channels with queues of waiters, select by
-- entries that go stale. No cancellation, no errors to speak of: the least a scheduler can do.
--
-- new(kick): kick() is called when something has become ready and the ring was empty before (a
-- host loop may have to be told); nil when nobody needs to know.

local create, resume, yield = coroutine.create, coroutine.resume, coroutine.yield

return function(kick)
  local S = {}
  local ready, first, last = {}, 1, 0
  local current -- record of the running coroutine

  -- A record is { co =, round =, value =, index = }. What waits somewhere remembers the round it
  -- waits in; a wake begins the next one, and what is left in other queues is stale.
  local function wake(record, value, index)
    record.round = record.round + 1
    record.value, record.index = value, index
    if kick and first > last then kick() end
    last = last + 1
    ready[last] = record
  end
  S.wake = wake
  function S.current() return current end

  function S.spawn(fn)
    local record = { round = 0, fn = fn }
    record.co = create(function()
      record.fn()
      record.ended = true
      if record.joiner then wake(record.joiner) end
    end)
    wake(record)
    return record
  end

  function S.join(record)
    if record.ended then return end
    record.joiner = current
    yield()
  end

  function S.yield()
    wake(current)
    yield()
  end

  -- Runs what is ready now, and no more than that.
  function S.turn()
    for at = first, last do
      local record = ready[at]
      ready[at] = nil
      first = at + 1
      current = record
      local ok, err = resume(record.co)
      if not ok then error(debug.traceback(record.co, err), 0) end
    end
    return last >= first
  end

  local Channel = {}
  Channel.__index = Channel

  function S.channel(capacity)
    return setmetatable({
      capacity = capacity, values = {}, head = 0, count = 0,
      takers = {}, take_round = {}, take_index = {}, take_first = 1, take_last = 0,
      givers = {}, given = {}, give_first = 1, give_last = 0,
    }, Channel)
  end

  local function next_taker(self)
    while self.take_first <= self.take_last do
      local at = self.take_first
      local record, round, index = self.takers[at], self.take_round[at], self.take_index[at]
      self.takers[at], self.take_round[at], self.take_index[at] = nil, nil, nil
      self.take_first = at + 1
      if record.round == round then return record, index end
    end
  end

  local function await_value(self, index)
    local at = self.take_last + 1
    self.take_last = at
    self.takers[at], self.take_round[at], self.take_index[at] = current, current.round, index
  end

  local function take(self)
    if self.count > 0 then
      local at = self.head
      local value = self.values[at]
      self.head = (at + 1) % self.capacity
      self.count = self.count - 1
      if self.give_first <= self.give_last then -- a sender was waiting for the slot
        local giver = self.give_first
        self.values[(self.head + self.count) % self.capacity] = self.given[giver]
        self.count = self.count + 1
        wake(self.givers[giver])
        self.givers[giver], self.given[giver] = nil, nil
        self.give_first = giver + 1
      end
      return value
    elseif self.give_first <= self.give_last then -- no buffer: hand over directly
      local giver = self.give_first
      local value = self.given[giver]
      wake(self.givers[giver])
      self.givers[giver], self.given[giver] = nil, nil
      self.give_first = giver + 1
      return value
    end
  end

  function Channel:send(value)
    local taker, index = next_taker(self)
    if taker then return wake(taker, value, index) end
    if self.count < self.capacity then
      self.values[(self.head + self.count) % self.capacity] = value
      self.count = self.count + 1
      return
    end
    local at = self.give_last + 1
    self.give_last = at
    self.givers[at], self.given[at] = current, value
    yield()
  end

  function Channel:recv()
    local value = take(self)
    if value ~= nil then return value end
    await_value(self, 1)
    yield()
    return current.value
  end

  -- Gives lock and unlock; the one who waits longest becomes the holder.
  function S.mutex()
    local locked, queue, head, tail = false, {}, 1, 0
    return function()
      if not locked then
        locked = true
        return
      end
      tail = tail + 1
      queue[tail] = current
      yield()
    end, function()
      local record = queue[head]
      if not record then
        locked = false
        return
      end
      queue[head] = nil
      head = head + 1
      wake(record)
    end
  end

  -- arm(seconds) must wake the record with index 0 if its round is still the same by then.
  function S.selector(channels, seconds, arm)
    return function()
      for i = 1, #channels do
        local value = take(channels[i])
        if value ~= nil then return i, value end
      end
      for i = 1, #channels do await_value(channels[i], i) end
      arm(current, current.round, seconds)
      yield()
      return current.index, current.value
    end
  end

  return S
end
