--- What the scenarios share: counting what is delivered, cleaned up and held, and choices that depend on the schedule
-- only.
local ebb = require "ebb"

local support = {}

--- A to-be-closed value whose handler is fn(err).
function support.closer(fn)
  return setmetatable({}, { __close = function(_, err) fn(err) end })
end

--- Counts of cleanups: each opened one must run exactly once, however its block is left, and may await.
function support.cleanups()
  local self = { opened = 0, closed = 0 }
  --- A to-be-closed value; `wait` (optional) is done in the cleanup.
  function self.open(wait)
    self.opened = self.opened + 1
    local done = false
    return support.closer(function()
      assert(not done, "a cleanup ran twice")
      done = true
      if wait then wait() end
      self.closed = self.closed + 1
    end)
  end
  function self.check()
    assert(self.opened == self.closed,
      ("%d cleanup(s) for %d block(s)"):format(self.closed, self.opened))
  end
  return self
end

--- Values that must arrive once each: sent(v) when sending has succeeded, got(v) when one is received.
function support.ledger()
  local sent, got, n_sent, n_got = {}, {}, 0, 0
  local self = {}
  function self.sent(v)
    assert(not sent[v], "sent twice")
    sent[v] = true
    n_sent = n_sent + 1
  end
  function self.got(v)
    assert(v ~= nil, "nothing came")
    assert(not got[v], "delivered twice: " .. tostring(v))
    got[v] = true
    n_got = n_got + 1
  end
  function self.n_got() return n_got end
  function self.check()
    for v in pairs(sent) do assert(got[v], "lost: " .. tostring(v)) end
    for v in pairs(got) do assert(sent[v], "came from nowhere: " .. tostring(v)) end
    assert(n_sent == n_got)
  end
  return self
end

--- At most `max` are inside at a time.
function support.bounded(max)
  local self = { inside = 0, most = 0 }
  function self.enter()
    self.inside = self.inside + 1
    if self.inside > self.most then self.most = self.inside end
    assert(self.inside <= max, "too many inside")
  end
  function self.leave() self.inside = self.inside - 1 end
  return self
end

--- The task ends, by itself or cancelled: its outcome, never an error of another kind.
function support.ended(task)
  local ok, err = task:join()
  if not ok and task:status() ~= "cancelled" then error(err, 0) end
  return ok
end

--- Gives way n times.
function support.pass(n)
  for _ = 1, n do ebb.yield() end
end

return support
