-- for v in ch: receiving until the channel is closed.
local ebb = require "ebb"
local helper = require "spec.helper"
local it_runs = helper.it
local pack = table.pack

describe("for v in ch", function()
  it_runs("receives until the channel is closed and drained", function()
    for _, capacity in ipairs { 0, 1, 3, math.huge } do
      local ch = ebb.channel(capacity)
      local task = ebb.spawn(function()
        for i = 1, 20 do ch:send(i) end
        ch:close()
      end)
      local got = {}
      for v in ch do got[#got + 1] = v end
      assert.equal(20, #got)
      for i = 1, 20 do assert.equal(i, got[i]) end
      task:await()
    end
  end)

  it_runs("does not run at all on a closed channel", function()
    local ch = ebb.channel(1)
    ch:close()
    for _ in ch do error("ran") end
  end)

  it_runs("R89 goes on after false", function()
    local ch, got = ebb.channel(4), {}
    ch:send_many({ 1, false, 2, false })
    ch:close()
    for v in ch do got[#got + 1] = v end
    assert.same({ 1, false, 2, false }, got)
  end)

  it_runs("left by break closes nothing", function()
    local ch = ebb.channel(5)
    for i = 1, 5 do ch:send(i) end
    for v in ch do
      if v == 2 then break end
    end
    assert.is_false(ch:is_closed())
    assert.equal(3, #ch)
    assert.is_true(ch:send(6))
    for v in ch do
      if v == 4 then break end
    end
    assert.equal(5, ch:recv())
  end)

  it_runs("left by an error closes nothing", function()
    local ch = ebb.channel(5)
    for i = 1, 3 do ch:send(i) end
    assert.is_false(pcall(function()
      for _ in ch do error("x") end
    end))
    assert.is_false(ch:is_closed())
    assert.equal(2, ch:recv())
  end)

  it_runs("waits in between, other tasks run meanwhile", function()
    local ch, log = ebb.channel(), helper.log()
    local task = ebb.spawn(function()
      for v in ch do log("got", v) end
      log("end")
    end)
    for i = 1, 3 do
      ebb.sleep(1)
      log("send", i)
      ch:send(i)
    end
    ebb.sleep(1)
    log("close")
    ch:close()
    task:await()
    assert.equal("send:1 got:1 send:2 got:2 send:3 got:3 close end", log:text())
  end)

  it_runs("sees what was sent in its own body", function()
    local ch, got = ebb.channel(math.huge), {}
    ch:send(5)
    for v in ch do
      got[#got + 1] = v
      if v > 0 then ch:send(v - 1) else ch:close() end
    end
    assert.same({ 5, 4, 3, 2, 1, 0 }, got)
  end)

  it_runs("may be nested over one channel", function()
    local ch, got = ebb.channel(4), {}
    ch:send_many({ 1, 2, 3, 4 })
    ch:close()
    for v in ch do
      got[#got + 1] = v
      for w in ch do got[#got + 1] = w * 10 end
    end
    assert.same({ 1, 20, 30, 40 }, got)
  end)

  it_runs("R37 in a coroutine of ebb.coroutine passes its awaits through", function()
    local ch = ebb.channel()
    local double = ebb.coroutine.wrap(function()
      for v in ch do ebb.coroutine.yield(v * 2) end
    end)
    local task = ebb.spawn(function()
      for i = 1, 3 do
        ebb.sleep(1)
        ch:send(i)
      end
      ch:close()
    end)
    assert.equal(2, double())
    assert.equal(4, double())
    assert.equal(6, double())
    assert.same({ n = 0 }, pack(double()))
    task:await()
  end)

  it_runs("cancelled while it waits leaves the loop by the error", function()
    local ch, log = ebb.channel(), helper.log()
    local task = ebb.spawn(function()
      for _ in ch do log("value") end
      log("end")
    end)
    ebb.sleep(1)
    task:cancel()
    task:join()
    assert.equal("", log:text())
    assert.same({ n = 2, 0, 0 }, pack(ch:waiters()))
  end)

  it_runs("a pipeline of three stages passes everything on and ends in order", function()
    local a, b, c = ebb.channel(2), ebb.channel(), ebb.channel(5)
    local log = helper.log()
    ebb.spawn(function()
      for i = 1, 100 do a:send(i) end
      a:close()
      log("one")
    end)
    ebb.spawn(function()
      for v in a do b:send(v + 1) end
      b:close()
      log("two")
    end)
    ebb.spawn(function()
      for v in b do c:send(v * 2) end
      c:close()
      log("three")
    end)
    local sum = 0
    for v in c do sum = sum + v end
    ebb.sleep(0)
    assert.equal(2 * (5050 + 100), sum)
    assert.equal("one two three", log:text())
  end)
end)
