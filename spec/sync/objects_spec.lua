-- What holds for every object of channels and locks: its name, its metatable, wrong selves.
local ebb = require "ebb"
local helper = require "spec.helper"
local it_runs = helper.it

-- { name, maker, methods }
local kinds = {
  { "ebb.semaphore", function() return ebb.semaphore(1) end,
    "acquire try_acquire acquire_op add forget available close is_closed" },
  { "ebb.semaphorepermit", function() return ebb.semaphore(1):acquire() end,
    "close forget split merge count" },
  { "ebb.mutex", function() return ebb.mutex() end, "lock lock_op try_lock with is_locked" },
  { "ebb.lock", function() return ebb.mutex():lock() end, "close adopt downgrade" },
  { "ebb.rwlock", function() return ebb.rwlock() end,
    "read write try_read try_write read_op write_op" },
  { "ebb.notify", function() return ebb.notify() end, "wait notify_one notify_all" },
  { "ebb.barrier", function() return ebb.barrier(1) end, "wait" },
  { "ebb.latch", function() return ebb.latch(0) end, "wait count_down count" },
  { "ebb.once", function() return ebb.once(print) end, "get is_done" },
  { "ebb.oneshot", function() return ebb.oneshot() end,
    "send fail recv try_recv close is_closed" },
  { "ebb.watch", function() return ebb.watch() end, "set get update subscribe close is_closed" },
  { "ebb.watchsub", function() return ebb.watch():subscribe() end,
    "changed changed_op has_changed get wait_for close" },
  { "ebb.broadcast", function() return ebb.broadcast(1) end,
    "send subscribe close is_closed capacity" },
  { "ebb.broadcastsub", function() return ebb.broadcast(1):subscribe() end,
    "recv recv_op try_recv close" },
}

for _, kind in ipairs(kinds) do
  local name, make = kind[1], kind[2]
  describe(name, function()
    it_runs("says its name, and its metatable is locked", function()
      local object = make()
      assert.equal(name .. ": ", tostring(object):sub(1, #name + 2))
      assert.equal(name, getmetatable(object))
      assert.is_false(pcall(setmetatable, object, {}))
      if name == "ebb.lock" then object:close() end
    end)

    it_runs("R146 refuses what is not its own as self", function()
      local object = make()
      for method in kind[3]:gmatch "%S+" do
        local fn = assert(object[method], method)
        for _, self in ipairs { 1, "x", {}, io.stdout, ebb.channel(), ebb.token(), print } do
          local err = helper.throws(name .. " expected", fn, self)
          assert.matches("^[^:]+:%d+: ", err)
        end
        helper.throws(name .. " expected", fn)
      end
      if name == "ebb.lock" then object:close() end
    end)

    it_runs("is closed, and closed again, by a block", function()
      local object = make()
      if not kind[3]:find "close" then return end
      do local _ <close> = object end
      object:close()
      do local _ <close> = object end
    end)
  end)
end

describe("an object of channels and locks", function()
  it_runs("that is one to wait for has the methods of ops", function()
    for _, kind in ipairs(kinds) do
      local object = kind[2]()
      if kind[1] == "ebb.lock" then
        object:close()
      elseif object.await then
        for _, method in ipairs { "map", "and_then", "or_else" } do
          assert.is_truthy(object[method], kind[1])
        end
      end
    end
    assert.equal(7, ebb.latch(0):map(function(open) return open and 7 end):await())
  end)

  it("does not keep its state from closing while tasks wait at it", function()
    local rt = ebb.runtime { clock = "virtual" }
    local m, sem, b = ebb.mutex(), ebb.semaphore(0), ebb.broadcast(1)
    local guard = m:lock()
    for _, fn in ipairs {
      function() m:lock() end,
      function() sem:acquire(2) end,
      function() b:subscribe():recv() end,
      function() ebb.select(m, sem, b:subscribe(), ebb.notify(), ebb.barrier(2)) end,
    } do rt:spawn(fn) end
    rt:step(1)
    assert.equal(2, b:send(0))
    rt:close()
    guard:close()
    sem:add(3)
    for _ = 1, 2 do collectgarbage() end -- the subscriptions, which nobody closes
    assert.equal(0, b:send(1))
    assert.equal("ebb.mutex: unlocked", tostring(m))
    assert.equal(3, sem:available())
  end)
end)
