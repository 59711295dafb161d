-- ebb.timeout of an op; times that are no ordinary ones.
local ebb = require "ebb"
local helper = require "spec.helper"
local it_runs = helper.it
local pack = table.pack

describe("timeout of an op", function()
  it_runs("gives its values when it happens in time", function()
    local ch = ebb.channel()
    ebb.spawn(function()
      ebb.sleep(1)
      ch:send("v")
    end)
    assert.same({ n = 1, "v" }, pack(ebb.timeout(5, ch)))
    assert.same({ n = 3, 1, nil, 3 }, pack(ebb.timeout(5, ebb.ready(1, nil, 3))))
  end)

  it_runs("R70 loses nothing when it does not", function()
    local ch = ebb.channel(1)
    assert.same({ n = 3, nil, "timeout", 1 }, pack(ebb.timeout(1, ch)))
    assert.is_true(ch:try_send("kept"))
    assert.equal("kept", ch:try_recv())
  end)

  it_runs("of a task leaves the task alone", function()
    local task = ebb.spawn(function()
      ebb.sleep(3)
      return "result"
    end)
    assert.same({ n = 3, nil, "timeout", 1 }, pack(ebb.timeout(1, task)))
    assert.equal("result", ebb.timeout(10, task))
  end)

  it_runs("refuses what is neither a function nor an op", function()
    for _, bad in ipairs { 1, "x", true, {} } do
      helper.throws("bad argument #2", ebb.timeout, 1, bad)
    end
    helper.throws("bad argument #2", ebb.timeout, 1)
  end)
end)

describe("the seconds of a timeout", function()
  it_runs("TM8 0 or negative: what is ready at once wins", function()
    local ch = ebb.channel(3)
    for i = 1, 3 do ch:send(i) end
    for i, s in ipairs { 0, -1, -math.huge } do
      assert.equal(i, ebb.timeout(s, function() return ch:recv() end))
    end
    assert.equal("ready", ebb.timeout(0, ebb.ready("ready")))
    assert.equal("plain", ebb.timeout(0, function() return "plain" end))
  end)

  it_runs("TM8 0 or negative: the next await that would wait is struck, in no time", function()
    local start = ebb.now()
    for _, s in ipairs { 0, -1 } do
      local reached = false
      local v, why = ebb.timeout(s, function()
        ebb.sleep(10)
        reached = true
      end)
      assert.is_nil(v)
      assert.equal("timeout", why)
      assert.is_false(reached)
    end
    assert.equal(start, ebb.now())
  end)

  it_runs("R76 TM10 math.huge never strikes", function()
    assert.equal("done", ebb.timeout(math.huge, function()
      ebb.sleep(1e7)
      return "done"
    end))
  end)

  it_runs("R77 TM10 huge ones do not strike early", function()
    for _, s in ipairs { 2 ^ 31, 2 ^ 53, 1e300, math.maxinteger } do
      assert.equal("done", ebb.timeout(s, function()
        ebb.sleep(1e5)
        return "done"
      end))
    end
  end)

  it_runs("R75 are no NaN and no other type", function()
    for _, bad in ipairs { 0 / 0, "x", {}, true } do
      helper.throws("bad argument #1", ebb.timeout, bad, print)
      helper.throws("bad argument #1", ebb.timeout_at, bad, print)
    end
  end)

  it_runs("TM11 YC7 a body that never has to wait is struck all the same", function()
    local rounds = 0
    local ready = ebb.ready()
    local v, why = ebb.timeout(0, function()
      while rounds < 100000 do
        ebb.await(ready)
        rounds = rounds + 1
      end
      return "never"
    end)
    assert.is_nil(v)
    assert.equal("timeout", why)
    assert.is_true(rounds < 100000)
  end)
end)
