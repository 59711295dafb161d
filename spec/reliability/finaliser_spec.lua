-- A finaliser that runs in the middle of an await, because what the await allocates makes the
-- collector run, and lets go of what is waited for: it is not missed.
local ebb = require "ebb"
local helper = require "spec.helper"

local BATCH, ROUNDS = 200, 40

--- The collector has found what was dropped and now calls a few finalisers at every step.
local function until_finalising(objects, is_free)
  for _ = 1, 100000 do
    if is_free(objects[1]) then return true end
    collectgarbage "step"
  end
  error "the collector never gets to it"
end

--- One of many that were taken and dropped is waited for while they are being finalised; a full
-- collection later at the latest it can be had.
local function round(kind)
  local objects = {}
  for i = 1, BATCH do objects[i] = kind.make() end
  ebb.go(function() -- who holds them lives on
    for i = 1, BATCH do kind.take(objects[i]) end
    ebb.sleep(1000)
  end)
  helper.settle()
  until_finalising(objects, kind.is_free)
  local first = 1
  while first < BATCH and kind.is_free(objects[first]) do first = first + 1 end
  local wanted = objects[math.min(BATCH, first + math.random(0, 30))]
  ebb.delay(0.5, collectgarbage)
  return (ebb.timeout(1, kind.wait, wanted))
end

local function never_missed(name, kind)
  it(name, function()
    local pause, speed = collectgarbage("setpause", 200), collectgarbage("setstepmul", 100)
    collectgarbage("incremental", 100, 100, 1)
    local rt = helper.runtime()
    local ok, err = pcall(rt.run, rt, function()
      for i = 1, ROUNDS do assert.is_truthy(round(kind), "missed in round " .. i) end
    end)
    collectgarbage("incremental", pause, speed, 13)
    rt:close()
    if not ok then error(err, 0) end
  end)
end

local function closing(_, guard)
  guard:close()
  return true
end

local mutex = {
  make = ebb.mutex,
  take = function(m) m:lock() end,
  is_free = function(m) return not m:is_locked() end,
}
local function waiting(kind, wait)
  return setmetatable({ wait = wait }, { __index = kind })
end
local semaphore = {
  make = function() return ebb.semaphore(1) end,
  take = function(sem) sem:acquire() end,
  is_free = function(sem) return sem:available() == 1 end,
}

describe("a finaliser in the middle of an await is not missed by", function()
  never_missed("lock", waiting(mutex, function(m) return closing(nil, m:lock()) end))
  never_missed("with", waiting(mutex, function(m) return m:with(function() return true end) end))
  never_missed("select", waiting(mutex, function(m) return closing(ebb.select(m, ebb.never())) end))
  never_missed("a choice", waiting(mutex, function(m)
    return closing(ebb.await(ebb.choice(m:lock_op(), ebb.never())))
  end))
  never_missed("acquire", waiting(semaphore, function(sem) return closing(nil, sem:acquire()) end))
  never_missed("write", {
    make = ebb.rwlock,
    take = function(rw) rw:read() end,
    is_free = function(rw)
      local guard = rw:try_write()
      return guard and closing(nil, guard)
    end,
    wait = function(rw) return closing(nil, rw:write()) end,
  })
  never_missed("reserve", {
    make = function() return ebb.channel(1) end,
    take = function(ch) ch:reserve() end,
    is_free = function(ch)
      if not ch:try_send(1) then return false end
      ch:recv()
      return true
    end,
    wait = function(ch) return closing(nil, ch:reserve()) end,
  })
end)
