-- A bounded channel for schedulers that offer only condition variables: wait while there is nothing
-- to do, signal one. It has no rendezvous; capacity 0 becomes one slot.
-- new(condition): condition() gives an object with wait and signal.
return function(condition)
  local Channel = {}
  Channel.__index = Channel

  function Channel:send(value)
    while self.count == self.capacity do self.not_full:wait() end
    self.values[(self.head + self.count) % self.capacity] = value
    self.count = self.count + 1
    self.not_empty:signal(1)
  end

  function Channel:recv()
    while self.count == 0 do self.not_empty:wait() end
    local value = self.values[self.head]
    self.head = (self.head + 1) % self.capacity
    self.count = self.count - 1
    self.not_full:signal(1)
    return value
  end

  return function(capacity)
    return setmetatable({ capacity = math.max(capacity, 1), values = {}, head = 0, count = 0,
      not_empty = condition(), not_full = condition() }, Channel)
  end
end
