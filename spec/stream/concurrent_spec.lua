-- buffered, buffer_unordered: several items at a time, each a task.
local ebb = require "ebb"
local helper = require "spec.helper"
local task_support = require "spec.task.support"
local support = require "spec.stream.support"
local it_runs = helper.it
local stream, joined, failure = ebb.stream, support.joined, task_support.failure
local near, elapsed, closer = task_support.near, task_support.elapsed, task_support.closer

local BOTH = { "buffered", "buffer_unordered" }

for _, name in ipairs(BOTH) do
  describe(name, function()
    for _, n in ipairs { 1, 2, 3, 7, 100 } do
      it_runs("SA10 runs " .. n .. " at a time, exactly, and never more", function()
        local gauge = support.gauge()
        local probe = support.source(20)
        local s = probe.stream
        local got = {}
        local took = elapsed(function()
          for v in s[name](s, n, function(v)
            gauge.enter()
            ebb.sleep(1)
            gauge.leave()
            return v
          end):each() do got[#got + 1] = v end
        end)
        local expected = {}
        for i = 1, 20 do expected[i] = i end
        if name == "buffer_unordered" then table.sort(got) end
        assert.same(expected, got)
        assert.equal(math.min(n, 20), gauge.most)
        near(math.ceil(20 / n), took)
        assert.equal(1, probe.closed)
      end)
    end

    it_runs("SA10 pulls at most n items ahead of the consumer", function()
      local probe = support.source()
      local s = probe.stream
      local taken, most = 0, 0
      for _ in s[name](s, 3, function(v) return v end):each() do
        taken = taken + 1
        ebb.sleep(1)
        most = math.max(most, probe.pulls - taken)
        if taken == 10 then break end
      end
      assert.equal(3, most)
    end)

    it_runs("SA11 items go on while the consumer's body awaits", function()
      local ends = {}
      local start = ebb.now()
      local s = stream.range(1, 20)
      local took = elapsed(function()
        for _ in s[name](s, 10, function(v)
          ebb.sleep(0.02)
          ends[#ends + 1] = ebb.now() - start
          return v
        end):each() do ebb.sleep(0.1) end
      end)
      for i = 1, 10 do near(0.02, ends[i]) end
      -- then one for each item taken: it starts as soon as the body waits
      for i = 1, 10 do near(0.02 + (i - 1) * 0.1 + 0.02, ends[10 + i]) end
      near(0.02 + 20 * 0.1, took)
    end)

    it_runs("a source that has nothing holds no result back", function()
      local ch = ebb.channel(5)
      for i = 1, 2 do ch:send(i) end
      local s = stream.from(ch)
      s = s[name](s, 5, function(v) ebb.sleep(1) return v end)
      near(1, elapsed(function()
        assert.equal(3, s:next() + s:next())
      end))
      s:close()
      assert.equal(0, (ch:waiters()))
    end)

    it_runs("SK5 leaving the loop has cancelled and cleaned all before the next statement", function()
      local log = helper.log()
      local cleaned, started = 0, 0
      local probe = support.source()
      local s = probe.stream
      near(4, elapsed(function()
        for _ in s[name](s, 10, function(v)
          started = started + 1
          local _ <close> = closer(function() ebb.sleep(v > 1 and 3 or 0) cleaned = cleaned + 1 end)
          if v > 1 then ebb.sleep(1000) end
          ebb.sleep(1)
          return v
        end):each() do
          log("first")
          if started then break end
        end
        log("after", cleaned == started, probe.closed)
      end))
      assert.equal("first after:true:1", log:text())
      assert.equal(10, started)
    end)

    it_runs("SK5 so does an error of the body, a return, and a cancel of the consumer", function()
      local cleaned = 0
      local function endless()
        local s = stream.repeat_(1)
        return s[name](s, 10, function()
          local _ <close> = closer(function() ebb.sleep(1) cleaned = cleaned + 1 end)
          ebb.sleep(1000)
        end)
      end
      local function consume(s) for _ in s:each() do ebb.yield() end end
      local task = ebb.spawn(consume, endless())
      ebb.sleep(1)
      task:cancel()
      near(1, elapsed(task.join, task))
      assert.equal(10, cleaned)
      assert.same({ n = 3, nil, "timeout", 2 }, table.pack(ebb.timeout(2, consume, endless())))
      assert.equal(20, cleaned)
      local err = failure(function()
        local s <close> = endless()
        local group <close> = ebb.scope()
        group:spawn(function() ebb.sleep(1) error("x", 0) end)
        group:wait()
        s:next()
      end)
      assert.equal("x", err)
      assert.equal(20, cleaned) -- never pulled: nothing was started
    end)

    it_runs("SK6 the error of a function is thrown at the consumer, all has been closed", function(errors)
      local value, cleaned = {}, 0
      local probe = support.source()
      local s = probe.stream
      local seen = {}
      local err = failure(function()
        for v in s[name](s, 3, function(v)
          local _ <close> = closer(function() cleaned = cleaned + 1 end)
          ebb.sleep(v)
          if v == 2 then error(value) end
          return v
        end):each() do seen[#seen + 1] = v end
      end)
      assert.is_true(rawequal(value, err))
      assert.same({ 1 }, seen)
      assert.equal(4, cleaned)
      assert.equal(1, probe.closed)
      assert.equal(0, #errors)
    end)

    it_runs("the error of the source comes after the items before it", function()
      local s = stream.range(1, 5):map(function(v)
        if v == 4 then error("source", 0) end
        return v
      end)
      local seen = {}
      assert.equal("source", failure(function()
        for v in s[name](s, 10, function(v) ebb.sleep(v) return v end):each() do seen[#seen + 1] = v end
      end))
      assert.same({ 1, 2, 3 }, seen)
    end)

    it_runs("failures that nobody took are reported when the stream is closed", function(errors)
      local s = stream.range(1, 3)
      s = s[name](s, 3, function(v)
        ebb.sleep(v)
        if v > 1 then error("e" .. v, 0) end
        return v
      end)
      assert.equal(1, s:next())
      ebb.sleep(10)
      s:close()
      local reports = task_support.take(errors)
      assert.equal(2, #reports)
      assert.equal("e2e3", reports[1].err .. reports[2].err)
    end)

    it_runs("a source that failed is reported when the stream is closed before that is thrown", function(errors)
      local s = stream.range(1, 3):map(function(v)
        if v == 3 then error("source", 0) end
        return v
      end)
      s = s[name](s, 5, function(v) ebb.sleep(v) return v end)
      assert.equal(1, s:next())
      s:close()
      local reports = task_support.take(errors)
      assert.equal(1, #reports)
      assert.equal("source", reports[1].err)
    end)

    it_runs("a wait that is cancelled loses no result", function()
      local s = stream.range(1, 3)
      s = s[name](s, 3, function(v) ebb.sleep(v * 2) return v end)
      assert.same({ n = 3, nil, "timeout", 1 }, table.pack(ebb.timeout(1, function() return s:next() end)))
      assert.same({ n = 3, nil, "timeout", 0.5 }, table.pack(ebb.timeout(0.5, s.next, s)))
      assert.equal("1 2 3", joined(s))
    end)

    it_runs("takes functions, tasks and ops as items, without fn", function()
      local task = ebb.spawn(function() ebb.sleep(2) return "task", "more" end)
      local s = stream.iter { function() ebb.sleep(1) return "fn" end, task, ebb.ready "op" }
      local list = s[name](s, 1):map(function(...) return table.concat({ ... }, "+") end):collect()
      assert.same({ "fn", "task+more", "op" }, list)
      helper.throws(("an item of '%s' is no function, task or operation but a number"):format(name), function()
        local numbers = stream.range(1, 2)
        numbers[name](numbers, 1):collect()
      end)
    end)

    it_runs("gives several values, and items that failed", function()
      local s = stream.range(1, 3)
      s = s[name](s, 1, function(v)
        if v == 2 then return nil, "e", "more" end
        return v, nil, v
      end)
      assert.same({ n = 3, 1, nil, 1 }, table.pack(s:next()))
      assert.same({ n = 3, nil, "e", "more" }, table.pack(s:next()))
      assert.same({ n = 3, 3, nil, 3 }, table.pack(s:next()))
      assert.is_nil(s:next())
    end)

    it_runs("a function that gives nil is an error", function()
      local s = stream.range(1, 3)
      helper.throws(("a function of '%s' gave nil"):format(name), function()
        s[name](s, 2, function() end):collect()
      end)
    end)

    it_runs("an item cancelled alone throws that", function()
      local s = stream.range(1, 3)
      helper.throws("was cancelled", function()
        s[name](s, 2, function(v)
          if v == 2 then ebb.current():cancel() end
          ebb.sleep(1)
          return v
        end):collect()
      end)
    end)

    it_runs("nested, each level has its own limit", function()
      local inner, outer = support.gauge(), support.gauge()
      local s = stream.range(1, 12)
      s = s[name](s, 4, function(v) inner.enter() ebb.sleep(1) inner.leave() return v end)
      s = s[name](s, 2, function(v) outer.enter() ebb.sleep(1) outer.leave() return v end)
      assert.equal(12, s:count())
      assert.equal(4, inner.most)
      assert.equal(2, outer.most)
    end)

    it_runs("a stream that is dropped is collected, and its tasks are cancelled", function()
      local cleaned = 0;
      (function()
        local s = stream.repeat_(1)
        s = s[name](s, 3, function()
          local _ <close> = closer(function() cleaned = cleaned + 1 end)
          ebb.sleep(1000)
        end)
        ebb.timeout(1, s.next, s)
      end)()
      collectgarbage()
      collectgarbage()
      ebb.sleep(1)
      assert.equal(3, cleaned)
    end)

    it("runs outside of tasks too #fifo", function()
      local s = stream.range(1, 5)
      assert.same({ 1, 2, 3 }, s[name](s, 2, function(v) ebb.sleep(0.001) return v end):take(3):collect())
    end)
  end)
end

describe("order:", function()
  it_runs("SA10 buffered gives the order of the items; a slow first delays output, not starts", function()
    local log = helper.log()
    local s = stream.range(1, 4):buffered(3, function(v)
      if v == 4 then log("start", v) end
      ebb.sleep(v == 1 and 10 or v)
      log("end", v)
      return v
    end)
    for v in s:each() do log("got", v) end
    local text, started = log:text():gsub(" start:4", "") -- when there is room, whatever else is ready
    assert.equal("end:2 end:3 end:1 got:1 got:2 got:3 end:4 got:4", text)
    assert.equal(1, started)
    assert.matches("got:1.* start:4", log:text())
  end)

  it_runs("SA10 buffer_unordered gives the order of completion", function()
    assert.equal("1 2 3 4", joined(stream.iter { 4, 3, 2, 1 }:buffer_unordered(4, function(v)
      ebb.sleep(v)
      return v
    end)))
  end)
end)

describe("for_each_concurrent", function()
  it_runs("SA12 runs at most n bodies, and ends after all of them", function()
    local gauge = support.gauge()
    near(4, elapsed(function()
      assert.equal(0, select("#", stream.range(1, 20):for_each_concurrent(5, function()
        gauge.enter()
        ebb.sleep(1)
        gauge.leave()
      end)))
    end))
    assert.equal(5, gauge.most)
    assert.equal(20, gauge.started)
    assert.equal(0, gauge.inside)
  end)

  it_runs("SA12 the first error cancels the others and stops pulling", function(errors)
    local cleaned, probe = 0, support.source()
    near(3, elapsed(function()
      assert.equal("x", failure(function()
        probe.stream:for_each_concurrent(4, function(v)
          local _ <close> = closer(function() ebb.sleep(1) cleaned = cleaned + 1 end)
          ebb.sleep(v == 3 and 1 or 100)
          error("x", 0)
        end)
      end))
    end))
    assert.equal(4, cleaned)
    assert.equal(4, probe.pulls)
    assert.equal(1, probe.closed)
    assert.equal(0, #errors)
  end)

  it_runs("SA12 cancelled, cancels the bodies", function()
    local gauge = support.gauge()
    local task = ebb.spawn(function()
      stream.repeat_(1):for_each_concurrent(3, function()
        gauge.enter()
        local _ <close> = closer(gauge.leave)
        ebb.sleep(1000)
      end)
    end)
    ebb.sleep(1)
    assert.equal(3, gauge.inside)
    task:cancel()
    task:join()
    assert.equal(0, gauge.inside)
  end)

  it_runs("throws an item that failed", function()
    assert.equal("e", failure(function()
      support.items { 1, { err = "e" } }:for_each_concurrent(2, function() end)
    end))
  end)
end)
