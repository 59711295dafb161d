-- Counted sender handles: the channel closes when the last one is gone.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.task.support"
local it_runs = helper.it
local pack = table.pack

describe("a sender handle", function()
  it_runs("sends into its channel", function()
    local ch = ebb.channel(1)
    local tx <close> = ch:sender()
    assert.same({ n = 1, true }, pack(tx:send("a")))
    assert.equal("a", ch:recv())
    local task = ebb.spawn(function()
      tx:send("b")
      tx:send("c")
    end)
    ebb.sleep(1)
    assert.same({ n = 2, 0, 1 }, pack(ch:waiters()))
    assert.equal("b", ch:recv())
    assert.equal("c", ch:recv())
    task:await()
    assert.truthy(tostring(tx):find("^ebb%."))
  end)

  it_runs("cannot send nil", function()
    local ch = ebb.channel(1)
    local tx <close> = ch:sender()
    helper.throws("bad argument #1 to 'send'", function() tx:send(nil) end)
  end)

  it_runs("R91 MP6 closed as the last one closes the channel, which is drained first", function()
    local ch = ebb.channel(3)
    local tx = ch:sender()
    tx:send("a")
    tx:send("b")
    assert.is_false(ch:is_closed())
    tx:close()
    assert.is_true(ch:is_closed())
    assert.equal("a", ch:recv())
    assert.equal("b", ch:recv())
    assert.same({ n = 2, nil, "closed" }, pack(ch:recv()))
  end)

  it_runs("MP7 closed as the last one wakes the waiting receivers with the end", function()
    local ch = ebb.channel()
    local tx = ch:sender()
    local one = ebb.spawn(function() return ch:recv() end)
    local two = ebb.spawn(function() return ch:recv() end)
    ebb.sleep(1)
    tx:close()
    assert.same({ n = 2, nil, "closed" }, pack(one:await()))
    assert.same({ n = 2, nil, "closed" }, pack(two:await()))
  end)

  it_runs("MP6 leaves the channel open while another one is open", function()
    local ch = ebb.channel(3)
    local one, two = ch:sender(), ch:sender()
    local three = two:clone()
    one:close()
    assert.is_false(ch:is_closed())
    two:close()
    assert.is_false(ch:is_closed())
    assert.is_true(three:send("v"))
    three:close()
    assert.is_true(ch:is_closed())
    assert.equal("v", ch:recv())
    assert.same({ n = 2, nil, "closed" }, pack(ch:recv()))
  end)

  it_runs("counts once, however often it is closed", function()
    local ch = ebb.channel(1)
    local one, two = ch:sender(), ch:sender()
    one:close()
    one:close()
    one:close()
    assert.is_false(ch:is_closed())
    two:close()
    assert.is_true(ch:is_closed())
    two:close()
  end)

  it_runs("closes at the end of its block", function()
    local ch = ebb.channel(10)
    local tasks = {}
    do
      local tx <close> = ch:sender()
      for i = 1, 3 do
        local mine = tx:clone()
        tasks[i] = ebb.spawn(function()
          local own <close> = mine
          for k = 1, 10 do
            own:send(i * 100 + k)
            ebb.sleep(0.1 * i)
          end
        end)
      end
    end
    assert.is_false(ch:is_closed())
    local count = 0
    for _ in ch do count = count + 1 end
    assert.equal(30, count)
    assert.is_true(ch:is_closed())
    ebb.join_all(tasks)
  end)

  it_runs("closes when its block fails or is cancelled", function()
    local ch = ebb.channel(10)
    local failed = ch:sender()
    local struck = failed:clone()
    pcall(function()
      local _ <close> = failed
      error("x")
    end)
    local task = ebb.spawn(function()
      local own <close> = struck
      own:send("v")
      ebb.sleep(100)
    end)
    ebb.sleep(1)
    assert.is_false(ch:is_closed())
    task:cancel()
    task:join()
    assert.is_true(ch:is_closed())
    assert.equal("v", ch:recv())
    assert.same({ n = 2, nil, "closed" }, pack(ch:recv()))
  end)

  it_runs("closes when it is collected", function()
    local ch = ebb.channel(1)
    local function lose() ch:sender():send("v") end
    lose()
    local task = ebb.spawn(function()
      local list = {}
      for v in ch do list[#list + 1] = v end
      return list
    end)
    support.settle()
    collectgarbage()
    collectgarbage()
    assert.same({ "v" }, task:await())
    assert.is_true(ch:is_closed())
  end)

  it_runs("kept by a waiting task is not collected", function()
    local ch = ebb.channel()
    local task = ebb.spawn(function()
      local tx = ch:sender()
      ebb.sleep(1)
      tx:send("late")
      tx:close()
    end)
    ebb.yield()
    collectgarbage()
    collectgarbage()
    assert.is_false(ch:is_closed())
    assert.equal("late", ch:recv())
    task:await()
    assert.is_true(ch:is_closed())
  end)

  it_runs("sees the channel closed by hand", function()
    local ch = ebb.channel(1)
    local tx = ch:sender()
    local task = ebb.spawn(function()
      tx:send("a")
      return tx:send("b")
    end)
    ebb.sleep(1)
    ch:close()
    assert.same({ n = 2, nil, "closed" }, pack(task:await()))
    assert.same({ n = 2, nil, "closed" }, pack(tx:send("c")))
    tx:close()
    assert.equal("a", ch:recv())
  end)

  it_runs("a channel that never had one stays open", function()
    local ch = ebb.channel(1)
    collectgarbage()
    collectgarbage()
    assert.is_false(ch:is_closed())
    assert.is_true(ch:send("v"))
  end)

  it_runs("100 clones: the last one closes the channel", function()
    local ch = ebb.channel(1)
    local list = { ch:sender() }
    for i = 2, 100 do list[i] = list[math.random(i - 1)]:clone() end
    for i = 1, 99 do
      list[i]:close()
      assert.is_false(ch:is_closed())
    end
    list[100]:close()
    assert.is_true(ch:is_closed())
  end)
end)
