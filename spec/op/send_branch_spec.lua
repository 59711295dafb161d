-- Sends as arms of a select: the value leaves only when the arm happens.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.task.support"
local it_runs = helper.it
local pack = table.pack

describe("a send arm", function()
  it_runs("SE17 happens at once when there is room", function()
    local ch = ebb.channel(1)
    assert.same({ n = 2, 1, true }, pack(ebb.select(ch:send_op("v"), ebb.never())))
    assert.equal(1, #ch)
    assert.equal("v", ch:recv())
  end)

  it_runs("SE17 waits for room and keeps its value until then", function()
    local ch = ebb.channel(1)
    ch:send("first")
    local task = ebb.spawn(ebb.select, ebb.never(), ch:send_op("second"))
    ebb.sleep(1)
    assert.equal(1, #ch)
    assert.equal("waiting", task:status())
    assert.equal("first", ch:recv())
    assert.same({ n = 2, 2, true }, pack(task:await()))
    assert.equal("second", ch:recv())
  end)

  it_runs("SE17 that loses sent nothing", function()
    local full, free = ebb.channel(1), ebb.channel()
    full:send("first")
    for _ = 1, 10 do
      assert.equal(3, (ebb.select(full:send_op("x"), free:send_op("y"), ebb.after(1))))
    end
    assert.equal("first", full:recv())
    assert.same({ n = 2, nil, "empty" }, pack(full:try_recv()))
    assert.same({ n = 2, nil, "empty" }, pack(free:try_recv()))
  end)

  it_runs("SE17 ready beside another ready one: exactly one value leaves", function()
    local a, b, counts = ebb.channel(math.huge), ebb.channel(math.huge), { 0, 0 }
    for i = 1, 4000 do
      local index, ok = ebb.select(a:send_op(i), b:send_op(i))
      assert(ok == true)
      counts[index] = counts[index] + 1
    end
    assert.equal(counts[1], #a)
    assert.equal(counts[2], #b)
    assert.equal(4000, #a + #b)
    assert.is_true(counts[1] > 1600 and counts[1] < 2400)
  end)

  it_runs("on a closed channel gives nil and closed", function()
    local ch = ebb.channel(1)
    ch:close()
    assert.same({ n = 3, 1, nil, "closed" }, pack(ebb.select(ch:send_op("v"), ebb.never())))
  end)

  it_runs("MP5 of a channel that is closed while it waits", function()
    local ch = ebb.channel()
    local task = ebb.spawn(ebb.select, ebb.after(100), ch:send_op("v"))
    ebb.sleep(1)
    ch:close()
    assert.same({ n = 3, 2, nil, "closed" }, pack(task:await()))
  end)

  it_runs("meets receivers in the order they came", function()
    local ch, tasks = ebb.channel(), {}
    for i = 1, 3 do
      tasks[i] = ebb.spawn(ch.recv, ch)
      helper.settle()
    end
    for i = 1, 3 do assert.equal(1, (ebb.select(ch:send_op(i), ebb.never()))) end
    for i = 1, 3 do assert.equal(i, tasks[i]:await()) end
  end)

  it_runs("keeps its place among waiting senders", function()
    local ch = ebb.channel()
    local one = ebb.spawn(ch.send, ch, 1)
    helper.settle()
    local two = ebb.spawn(ebb.select, ch:send_op(2), ebb.never())
    helper.settle()
    local three = ebb.spawn(ch.send, ch, 3)
    helper.settle()
    for i = 1, 3 do assert.equal(i, ch:recv()) end
    ebb.join(one, two, three)
  end)

  it_runs("an arm that leaves the queue lets those behind it through", function()
    local ch = ebb.channel()
    local one = ebb.spawn(ebb.select, ch:send_op(1), ebb.after(1))
    ebb.yield()
    local two = ebb.spawn(ch.send, ch, 2)
    ebb.sleep(2)
    assert.equal(2, (one:await()))
    assert.equal(2, ch:recv())
    assert.is_true(two:await())
  end)

  it_runs("of one value to whichever of several channels takes it first", function()
    local list = { ebb.channel(), ebb.channel(), ebb.channel() }
    for want = 1, 3 do
      local receiver = ebb.spawn(function()
        ebb.sleep(1)
        return list[want]:recv()
      end)
      local ops = {}
      for i, ch in ipairs(list) do ops[i] = ch:send_op("job" .. want) end
      assert.same({ n = 2, want, true }, pack(ebb.select(ops)))
      assert.equal("job" .. want, receiver:await())
      for _, ch in ipairs(list) do assert.same({ n = 2, 0, 0 }, pack(ch:waiters())) end
    end
  end)

  it_runs("a relay that selects between taking in and giving out loses nothing", function()
    local input, output = ebb.channel(), ebb.channel()
    local relay = ebb.spawn(function()
      local queue, open = {}, true
      while open or #queue > 0 do
        local which, v = ebb.select {
          take = open and input,
          give = #queue > 0 and output:send_op(queue[1]),
        }
        if which == "give" then
          table.remove(queue, 1)
        elseif v == nil then
          open = false
        else
          queue[#queue + 1] = v
        end
      end
      output:close()
    end)
    ebb.spawn(function()
      for i = 1, 200 do
        input:send(i)
        if i % 7 == 0 then ebb.sleep(0.1) end
      end
      input:close()
    end)
    local n = 0
    for v in output do
      n = n + 1
      assert.equal(n, v)
      if n % 11 == 0 then ebb.sleep(0.2) end
    end
    assert.equal(200, n)
    relay:await()
  end)

  it_runs("send and receive on two rendezvous channels crosswise do not lock", function()
    local a, b = ebb.channel(), ebb.channel()
    local function side(mine, other, name)
      local sent, got = 0, 0
      while sent < 50 or got < 50 do
        local index, v = ebb.select(sent < 50 and mine:send_op(name .. sent), got < 50 and other)
        if index == 1 then
          sent = sent + 1
        else
          assert(v:sub(2) == tostring(got))
          got = got + 1
        end
      end
      return "done"
    end
    local one, two = ebb.spawn(side, a, b, "x"), ebb.spawn(side, b, a, "y")
    assert.equal("done", one:await())
    assert.equal("done", two:await())
  end)

  it_runs("R69 cancelled before the value was taken has not sent", function()
    local ch = ebb.channel()
    local task = ebb.spawn(ebb.select, ch:send_op("v"), ebb.never())
    ebb.yield()
    task:cancel()
    assert.same({ n = 2, nil, "empty" }, pack(ch:try_recv()))
    task:join()
  end)

  it_runs("R69 whose value was taken before the cancel tells so", function()
    local ch, got = ebb.channel(), nil
    local task = ebb.spawn(function()
      got = pack(ebb.select(ch:send_op("v"), ebb.never()))
      helper.settle()
      got = "never"
    end)
    helper.settle()
    assert.equal("v", ch:try_recv())
    task:cancel()
    task:join()
    assert.same({ n = 2, 1, true }, got)
  end)

  it_runs("a value is not held alive by a select that is over", function()
    local ch = ebb.channel()
    local weak = setmetatable({}, { __mode = "v" })
    local function lose()
      local value = {}
      weak[1] = value
      return (ebb.select(ch:send_op(value), ebb.after(1)))
    end
    assert.equal(2, lose())
    support.settle()
    collectgarbage()
    collectgarbage()
    assert.is_nil(weak[1])
  end)
end)
