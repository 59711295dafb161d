-- What can be seen of a channel, and that it keeps nothing of what has passed.
local ebb = require "ebb"
local helper = require "spec.helper"

describe("a channel's state", function()
  helper.it("MP16 is_closed is true from close on, items left or not, permits out or not", function()
    local ch = ebb.channel(2)
    ch:send(1)
    local permit = ch:reserve()
    assert.is_false(ch:is_closed())
    ch:close()
    assert.is_true(ch:is_closed())
    permit:send(2)
    assert.is_true(ch:is_closed())
    assert.equal(1, ch:recv())
    assert.equal(2, ch:recv())
    assert.same({ nil, "closed" }, { ch:recv() })
    assert.is_true(ch:is_closed())
  end)

  helper.it("MP26 outcomes are bare words that say what happened", function()
    local ch = ebb.channel(1)
    assert.equal("empty", select(2, ch:try_recv()))
    ch:send(1)
    assert.equal("full", select(2, ch:try_send(2)))
    ch:close()
    assert.equal("closed", select(2, ch:try_send(2)))
    assert.equal("closed", select(2, ch:send(2)))
    assert.equal(1, ch:recv())
    assert.equal("closed", select(2, ch:try_recv()))
    assert.equal("ebb.channel: 0/1, closed", tostring(ch))
  end)

  helper.it("MP27 MP28 neither a burst of values nor one of waiters is kept in memory", function(_, rt)
    local burst, full = ebb.channel(math.huge), ebb.channel(1)
    local function wave()
      for i = 1, 20000 do burst:send(i) end
      for _ = 1, 20000 do burst:recv() end
      full:send(0)
      for i = 1, 500 do ebb.go(function() full:send(i) end) end
      ebb.yield()
      for _ = 0, 500 do full:recv() end
      ebb.yield()
      collectgarbage()
      collectgarbage()
      return collectgarbage "count" * 1024, rt:metrics().alloc_bytes
    end
    for _ = 1, 3 do wave() end
    local lua_bytes, core_bytes = wave()
    for _ = 1, 3 do
      -- a burst kept would be 320 kB of slots, waiters kept 500 nodes
      local lua_now, core_now = wave()
      assert.is_true(lua_now <= lua_bytes + 100000, lua_now - lua_bytes)
      assert.is_true(core_now <= core_bytes + 4096, core_now - core_bytes)
    end
  end)
end)
