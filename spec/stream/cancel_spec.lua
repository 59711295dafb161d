-- A consumer that is cancelled before it starts, while it waits, in the turn in which its item comes,
-- and twice: the stream has been closed, and nothing of it is left, when the consumer has ended.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.stream.support"
local it_runs = helper.it
local stream = ebb.stream

local function id(v) return v end

local stages = {
  none = id,
  map = function(s) return s:map(id) end,
  buffered = function(s) return s:buffered(3, id) end,
  buffer_unordered = function(s) return s:buffer_unordered(3, id) end,
  nested = function(s) return s:buffered(2, id):merge({}):buffer_unordered(2, id):timeout(1000) end,
  merge = function(s) return s:merge(stream.from(ebb.channel())) end,
  timeout = function(s) return s:timeout(1000) end,
  chunks = function(s) return s:chunks(2) end,
  chunks_timeout = function(s) return s:chunks_timeout(2, 1000) end,
  debounce = function(s) return s:debounce(1000) end,
  throttle = function(s) return s:throttle(1000) end,
  take_until = function(s) return s:take_until(ebb.never()) end,
  zip = function(s) return s:zip(stream.from(ebb.channel())) end,
  flat_map = function(s) return s:flat_map(function(v) return { v } end) end,
}

-- A channel, a stream of it that counts its closings, and a task that consumes what `stage` makes of it.
local function setup(stage)
  local ch = ebb.channel()
  local probe = support.source()
  local source = probe.stream:map(function() return (ch:recv()) end)
  local s = stage(source)
  local seen = { n = 0 }
  local task = ebb.spawn(function()
    for _ in s:each() do seen.n = seen.n + 1 end
  end)
  return ch, probe, task, s, seen
end

for name, stage in pairs(stages) do
  describe("a consumer of " .. name .. " that is cancelled", function()
    it_runs("before it starts never pulls", function()
      local _, probe, task, s = setup(stage)
      task:cancel()
      task:join()
      assert.equal("cancelled", task:status())
      assert.equal(0, probe.pulls)
      s:close()
      assert.equal(1, probe.closed)
    end)

    it_runs("while it waits has closed the stream", function()
      local ch, probe, task = setup(stage)
      ebb.sleep(1)
      assert.equal(1, probe.pulls)
      task:cancel()
      task:join()
      assert.equal("cancelled", task:status())
      assert.equal(1, probe.closed)
      assert.equal(0, (ch:waiters()))
    end)

    it_runs("in the turn in which its item comes has closed the stream", function()
      local ch, probe, task = setup(stage)
      ebb.sleep(1)
      ch:send "v"
      task:cancel()
      task:join()
      assert.equal("cancelled", task:status())
      assert.equal(1, probe.closed)
      assert.equal(0, (ch:waiters()))
    end)

    it_runs("just before its item comes leaves the item, or has taken it", function()
      local ch, probe, task = setup(stage)
      ebb.sleep(1)
      task:cancel()
      local sender = ebb.spawn(ch.send, ch, "v")
      task:join()
      assert.equal(1, probe.closed)
      if not sender:finished() then assert.equal("v", ch:recv()) end
    end)

    it_runs("twice is cancelled once", function()
      local _, probe, task = setup(stage)
      ebb.sleep(1)
      task:cancel "first"
      task:cancel "second"
      task:join()
      task:cancel "third"
      assert.equal("cancelled", task:status())
      assert.equal(1, probe.closed)
    end)

    it_runs("by a timeout around the loop, or by its scope", function()
      local _, probe, task, s = setup(stage)
      task:cancel()
      task:join()
      local function consume() for _ in s:each() do ebb.yield() end end
      assert.same({ n = 3, nil, "timeout", 2 }, table.pack(ebb.timeout(2, consume)))
      assert.equal(1, probe.closed)
      local ch, other = ebb.channel(), support.source()
      s = stage(other.stream:map(function() return (ch:recv()) end))
      assert.same({ n = 3, nil, "cancelled", "over" }, table.pack(ebb.scope(function(scope)
        scope:spawn(consume)
        ebb.sleep(1)
        scope:cancel "over"
        ebb.sleep(1)
      end)))
      assert.equal(1, other.closed)
      assert.equal(0, (ch:waiters()))
    end)
  end)
end
