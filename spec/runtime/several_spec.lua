-- Several runtimes in one state: what they share (channels, tokens) and what they do not (tasks, time).
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.runtime.support"
local near = support.near

--- Runs fn(one, two, errors_one, errors_two) with two fresh runtimes and closes them.
local function with_two(fn)
  local one, errors_one = helper.runtime()
  local two, errors_two = helper.runtime()
  local ok, err = xpcall(fn, debug.traceback, one, two, errors_one, errors_two)
  one:close()
  two:close()
  if not ok then error(err, 0) end
end

describe("two runtimes", function()
  it("BO8 R132 step only their own tasks", function()
    with_two(function(one, two)
      local log = helper.log()
      one:spawn(support.call, log, "one")
      two:spawn(support.call, log, "two")
      one:step(1)
      assert.equal("one", log:text())
      two:step(1)
      assert.equal("one two", log:text())
      assert.equal(1, one:metrics().spawned)
      assert.equal(1, two:metrics().spawned)
    end)
  end)

  it("BO8 a task of a runtime spawns on its own", function()
    with_two(function(one, two)
      local log = helper.log()
      one:spawn(function() ebb.go(support.call, log, "one") end)
      two:spawn(function() ebb.go(support.call, log, "two") end)
      two:step(1)
      two:step(1)
      assert.equal("two", log:text())
      one:step(1)
      one:step(1)
      assert.equal("two one", log:text())
    end)
  end)

  it("R131 interleaved steps are independent", function()
    with_two(function(one, two)
      local a, b = 0, 0
      one:spawn(function()
        while true do
          ebb.next_frame()
          a = a + 1
        end
      end)
      two:spawn(function()
        while true do
          ebb.next_frame()
          b = b + 1
        end
      end)
      one:step(1, 1)
      two:step(1, 1)
      for i = 1, 10 do
        one:step(1, 1)
        one:step(1, 1)
        two:step(1, 1)
        assert.equal(2 * i, a)
        assert.equal(i, b)
      end
    end)
  end)

  it("R132 each has its own time", function()
    with_two(function(one, two)
      local log = helper.log()
      for name, rt in pairs { one = one, two = two } do
        rt:spawn(function()
          ebb.sleep(10)
          log(name)
        end)
        rt:step(1)
      end
      one:advance(10)
      two:step(1)
      assert.equal("", log:text())
      one:step(1)
      assert.equal("one", log:text())
      near(10, two:step(1).next_deadline)
      two:advance(10)
      two:step(1)
      assert.equal("one two", log:text())
    end)
  end)

  it("BO8 ebb.now and ebb.current are those of the running task", function()
    with_two(function(one, two)
      one:advance(100)
      two:advance(5)
      local a, b, task
      one:spawn(function() a = ebb.now() end)
      task = two:spawn(function()
        b = ebb.now()
        return ebb.current()
      end)
      one:step(1)
      two:step(1)
      assert.is_true(a ~= b)
      assert.is_true(rawequal(task, select(2, task:join())))
    end)
  end)

  it("ids of tasks alive at the same time can be told from each other within a runtime", function()
    with_two(function(one, two)
      local seen = {}
      for i = 1, 5 do
        local task = one:spawn(ebb.sleep, i)
        two:spawn(ebb.sleep, i)
        assert.is_nil(seen[task:id()])
        seen[task:id()] = true
      end
    end)
  end)

  it("a runtime's errors go to its own handler", function()
    with_two(function(one, two, errors_one, errors_two)
      one:spawn(function() ebb.go(error, "of one") end)
      two:spawn(function() ebb.go(error, "of two") end)
      for _ = 1, 2 do
        one:step(1)
        two:step(1)
      end
      assert.equal(1, #errors_one)
      assert.equal(1, #errors_two)
      assert.equal("of one", errors_one[1].err)
      assert.equal("of two", errors_two[1].err)
    end)
  end)

  it("one can be run while the other holds waiting tasks", function()
    with_two(function(one, two)
      local got
      local ch = ebb.channel()
      one:spawn(function() got = ch:recv() end)
      one:step(1)
      assert.equal("result", two:run(function()
        ebb.sleep(5)
        return "result"
      end))
      ch:try_send("value")
      assert.is_nil(got)
      one:step(1)
      assert.equal("value", got)
    end)
  end)

  it("closing one leaves the other's tasks alone", function()
    local one, two = helper.runtime(), helper.runtime()
    local ch, got = ebb.channel(), nil
    one:spawn(function() ch:recv() end)
    two:spawn(function() got = ch:recv() end)
    one:step(1)
    two:step(1)
    assert.equal(2, (ch:waiters()))
    one:close()
    assert.equal(1, (ch:waiters()))
    assert.is_true(ch:try_send("value"))
    two:step(1)
    assert.equal("value", got)
    two:close()
  end)
end)

describe("what belongs to no runtime", function()
  it("a rendezvous passes from one to the other", function()
    with_two(function(one, two)
      local ch, got, sent = ebb.channel(), nil, nil
      one:spawn(function() sent = ch:send("value") end)
      one:step(1)
      two:spawn(function() got = ch:recv() end)
      two:step(1)
      assert.equal("value", got)
      assert.is_nil(sent)
      one:step(1)
      assert.is_true(sent)
    end)
  end)

  it("a waiting receiver gets the value, and runs in its own runtime's step", function()
    with_two(function(one, two)
      local ch, got = ebb.channel(), nil
      one:spawn(function() got = ch:recv() end)
      one:step(1)
      two:spawn(ch.send, ch, "value")
      two:step(1)
      assert.is_nil(got)
      one:step(1)
      assert.equal("value", got)
    end)
  end)

  it("a bounded channel holds back a sender of the other runtime, all in order", function()
    with_two(function(one, two)
      local ch, got = ebb.channel(3), {}
      one:spawn(function()
        for i = 1, 50 do ch:send(i) end
        ch:close()
      end)
      two:spawn(function()
        for v in ch do got[#got + 1] = v end
        got.done = true
      end)
      one:step(1)
      assert.equal(3, #ch)
      for _ = 1, 200 do
        if got.done then break end
        two:step(1)
        one:step(1)
      end
      assert.is_true(got.done)
      assert.equal(50, #got)
      for i = 1, 50 do assert.equal(i, got[i]) end
    end)
  end)

  it("SE a select of one runtime takes from one channel only", function()
    with_two(function(one, two)
      local a, b = ebb.channel(1), ebb.channel(1)
      local which, value
      one:spawn(function() which, value = ebb.select(a, b, ebb.after(10)) end)
      one:step(1)
      two:spawn(function()
        b:send("b")
        a:send("a")
      end)
      two:step(1)
      one:step(1)
      assert.equal(2, which)
      assert.equal("b", value)
      assert.equal("a", a:try_recv())
      assert.equal("empty", select(2, b:try_recv()))
      assert.equal(0, one:metrics().timers)
    end)
  end)

  it("close wakes the waiters of both", function()
    with_two(function(one, two)
      local ch, log = ebb.channel(), helper.log()
      for name, rt in pairs { one = one, two = two } do
        rt:spawn(function() log(name, select(2, ch:recv())) end)
        rt:step(1)
      end
      ch:close()
      one:step(1)
      two:step(1)
      assert.equal("one:closed two:closed", log:text())
    end)
  end)

  it("a token strikes tasks of both", function()
    with_two(function(one, two)
      local tok, log = ebb.token(), helper.log()
      for name, rt in pairs { one = one, two = two } do
        rt:spawn(function() log(name, tok:run(ebb.sleep, 1000)) end)
        rt:step(1)
      end
      tok:cancel("both")
      one:step(1)
      assert.equal("one:nil:cancelled:both", log:text())
      two:step(1)
      assert.equal("one:nil:cancelled:both two:nil:cancelled:both", log:text())
    end)
  end)
end)

-- ebb.use changes the whole state, so these run in a process of their own.
describe("ebb.use", function()
  it("names the runtime that is the current one where no task runs", function()
    support.prints("true true\ntrue 105\n", [[
      local ebb = require "ebb"
      local one, two = ebb.runtime { clock = "virtual" }, ebb.runtime { clock = "virtual" }
      ebb.use(one)
      local start = ebb.now()
      one:advance(100)
      two:advance(7)
      local there = ebb.now() - start
      local a = ebb.spawn(function() return true end)
      io.write(tostring(one:metrics().alive == 1), " ", tostring(two:metrics().alive == 0), "\n")
      ebb.sleep(5)
      io.write(tostring(a:finished()), " ", math.floor(ebb.now() - start + 0.5), "\n")
      assert(math.floor(there + 0.5) == 100)
    ]])
  end)

  it("changes nothing for a task that runs: its runtime is the current one", function()
    support.prints("true true 3\n", [[
      local ebb = require "ebb"
      local one, two = ebb.runtime { clock = "virtual" }, ebb.runtime { clock = "virtual" }
      ebb.use(two)
      one:spawn(function()
        ebb.use(two)
        ebb.spawn(function() end)
        ebb.sleep(3)
      end)
      one:step(1)
      io.write(tostring(one:metrics().spawned == 2), " ", tostring(two:metrics().spawned == 0), " ",
        math.floor(one:step(1).next_deadline + 0.5), "\n")
    ]])
  end)

  it("timers and intervals belong to the runtime that was current when they were made", function()
    support.prints("false true\nfalse true\n", [[
      local ebb = require "ebb"
      local one, two = ebb.runtime { clock = "virtual" }, ebb.runtime { clock = "virtual" }
      ebb.use(one)
      local tm = ebb.timer(10)
      ebb.use(two)
      local other = ebb.timer(10)
      two:advance(10)
      io.write(tostring(tm:fired()), " ", tostring(other:fired()), "\n")
      ebb.use(one)
      local ticked = false
      local iv = ebb.interval(10)
      one:spawn(function() iv:tick() ticked = true end)
      one:step(1)
      two:advance(100)
      two:step(1)
      one:step(1)
      io.write(tostring(ticked), " ")
      one:advance(10)
      one:step(1)
      io.write(tostring(ticked), "\n")
    ]])
  end)

  it("ebb.run is on the default runtime all the same", function()
    support.prints("true\n", [[
      local ebb = require "ebb"
      local one = ebb.runtime { clock = "virtual" }
      ebb.use(one)
      ebb.run(function() ebb.yield() end)
      print(one:metrics().spawned == 0)
    ]])
  end)

  it("wants a runtime", function()
    for _, wrong in ipairs { 1, "x", true, {}, print, ebb.channel() } do
      helper.throws("bad argument", ebb.use, wrong)
    end
  end)
end)
