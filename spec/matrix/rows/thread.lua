--- Other threads. A completion sends what the other side waits for.
local ebb = require "ebb"

local LONG = 20

--- A wait for a call on another thread, which waits for a value itself.
local function call(name, of, numbers, make)
  return {
    name = name, of = of, numbers = numbers, carries = nil, ready = "either", outside = true,
    one_at_a_time = true, -- one that is cancelled runs on and takes what was sent
    make = function()
      local ch = ebb.thread.channel(1)
      local case = make(ch, function(from) return from:recv() end)
      case.complete = function() assert(ch:try_send "v") end
      case.expect = case.expect or { "v" }
      local finish = case.finish
      case.finish = function()
        ch:close() -- what has begun runs on: it ends now
        if finish then finish() end
      end
      return case
    end,
  }
end

return {
  {
    name = "a thread channel's recv", of = { "ThreadChannel:recv", "ThreadChannel:recv_op", "ebb.thread.Channel" },
    numbers = "MC1 MP7", carries = nil, outside = true, closes = true,
    make = function()
      local ch = ebb.thread.channel(1)
      return {
        wait = function() return ch:recv() end, expect = { "v" },
        ops = { recv_op = function() return ch:recv_op() end, itself = function() return ch end },
        complete = function() assert(ch:try_send "v") end, close = function() ch:close() end, objects = { ch },
        check = function(taken, completed)
          assert((ch:try_recv() == "v") == (completed and not taken), "lost, or twice")
          assert(ch:waiters() == 0)
        end,
      }
    end,
  },
  {
    name = "a thread channel's recv_many", of = { "ThreadChannel:recv_many" }, numbers = "MP17", carries = nil,
    outside = true, closes = true,
    make = function()
      local ch = ebb.thread.channel(1)
      return {
        wait = function() return ch:recv_many(4) end, complete = function() assert(ch:try_send "v") end,
        expect = function(list) return type(list) == "table" and list[1] == "v" and #list == 1 end,
        close = function() ch:close() end, objects = { ch },
        check = function(taken, completed)
          assert((ch:try_recv() == "v") == (completed and not taken), "lost, or twice")
        end,
      }
    end,
  },
  {
    name = "a thread channel's send", of = { "ThreadChannel:send", "ThreadChannel:send_op" }, numbers = "MP3 MP25",
    carries = nil, outside = true, closes = true,
    make = function()
      local ch = ebb.thread.channel(1)
      assert(ch:try_send "first")
      return {
        wait = function() return ch:send "v" end, expect = { true },
        ops = { send_op = function() return ch:send_op "v" end },
        complete = function() assert(ch:try_recv() == "first") end, close = function() ch:close() end,
        objects = { ch },
        check = function(taken, completed)
          if not completed then assert(ch:try_recv() == "first") end
          assert((ch:try_recv() == "v") == taken, "sent, and not told; or told, and not sent")
        end,
      }
    end,
  },
  {
    name = "a thread channel's send_many", of = { "ThreadChannel:send_many" }, numbers = "MP3", carries = nil,
    outside = true, closes = true,
    make = function()
      local ch = ebb.thread.channel(1)
      assert(ch:try_send "first")
      return {
        wait = function() return ch:send_many { "v" } end, expect = { 1 }, closed = { n = 2, 0, "closed" },
        complete = function() assert(ch:try_recv() == "first") end, close = function() ch:close() end,
        objects = { ch },
        check = function(taken, completed)
          if not completed then assert(ch:try_recv() == "first") end
          assert((ch:try_recv() == "v") == taken, "sent, and not told; or told, and not sent")
        end,
      }
    end,
  },
  call("blocking", { "ebb.blocking" }, "BL1 BL3", function(ch, fn)
    return { wait = function() return ebb.blocking(fn, ch) end }
  end),
  call("a thread's join", { "Thread:join", "Thread:join_op", "ebb.thread.Handle" }, "BL1", function(ch, fn)
    local t = ebb.thread.spawn(fn, ch)
    return {
      wait = function() return t:join() end, expect = { true, "v" }, objects = { t },
      ops = { join_op = function() return t:join_op() end },
      check = function(_, completed)
        if not completed then ch:try_send "v" end
        local ok, v = ebb.timeout(LONG, t.join, t)
        assert(ok and v == "v", "the result is lost")
      end,
      finish = function() t:join() end,
    }
  end),
  call("a thread pool's call", { "Pool:call" }, "BL1 BL3", function(ch, fn)
    local pool = ebb.thread.pool { workers = 1 }
    return { wait = function() return pool:call(fn, ch) end, finish = function() pool:close() end }
  end),
  call("a thread pool's map", { "Pool:map" }, "BL1", function(ch, fn)
    local pool = ebb.thread.pool { workers = 1 }
    return { wait = function() return pool:map({ ch }, fn)[1] end, finish = function() pool:close() end }
  end),
}
