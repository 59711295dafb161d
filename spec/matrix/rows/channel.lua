--- Channels of all kinds.
local ebb = require "ebb"

local function nobody_waits(ch)
  local receivers, senders = ch:waiters()
  assert(receivers == 0 and senders == 0, "somebody waits")
end

--- A row about a channel: make() gives its case and the channel.
local function row_of(name, of, numbers, make, extra)
  local row = {
    name = name, of = of, numbers = numbers, carries = true, closes = true,
    make = function()
      local case, ch = make()
      case.close = case.close or function() ch:close() end
      case.objects = { ch }
      return case
    end,
  }
  for k, v in pairs(extra or {}) do row[k] = v end
  return row
end

--- A wait that takes a value out of ch.
local function receiving(name, of, numbers, make, extra)
  return row_of(name, of, numbers, function()
    local case, ch = make()
    case.complete = case.complete or function() assert(ch:try_send "v") end
    case.expect = case.expect or { "v" }
    case.check = case.check or function(taken, completed)
      nobody_waits(ch)
      local v, why = ch:try_recv()
      if completed and not taken then
        assert(v == "v", "the value is lost")
      else
        assert(v == nil and (why == "empty" or why == "closed"), "the value came twice")
      end
    end
    return case, ch
  end, extra)
end

--- A wait that puts a value into a full channel; complete() makes room.
local function sending(name, of, numbers, wait_of, extra)
  return row_of(name, of, numbers, function()
    local ch = ebb.channel(1)
    assert(ch:try_send "first")
    local case = wait_of(ch)
    case.complete = function() assert(ch:try_recv() == "first") end
    case.expect = case.expect or { true }
    case.check = case.check or function(taken, completed)
      nobody_waits(ch)
      if not completed then assert(ch:try_recv() == "first") end
      assert((ch:try_recv() == "v") == taken, "sent, and not told; or told, and not sent")
      assert(ch:try_recv() == nil)
    end
    return case, ch
  end, extra)
end

--- A wait for a slot of a full channel.
local function reserving(name, of, numbers, maker, extra)
  return sending(name, of, numbers, function(ch)
    local case = maker(ch)
    case.expect = function(permit) return permit == "a permit" end
    case.check = function(_, completed)
      nobody_waits(ch)
      if not completed then assert(ch:try_recv() == "first") end
      assert(ch:is_closed() or ch:try_send "again", "a slot is lost")
    end
    return case
  end, extra)
end

local function let_go(permit, why)
  if not permit then return permit, why end
  permit:close()
  return "a permit"
end

return {
  receiving("recv", { "Channel:recv", "Channel:recv_op", "ebb.Channel" }, "MP7 SE9", function()
    local ch = ebb.channel(1)
    return { wait = function() return ch:recv() end,
      ops = { recv_op = function() return ch:recv_op() end, itself = function() return ch end } }, ch
  end),
  receiving("recv at a rendezvous", { "Channel:recv", "Channel:recv_op" }, "MP2 MP7", function()
    local ch = ebb.channel()
    return { wait = function() return ch:recv() end, ops = { recv_op = function() return ch:recv_op() end },
      -- needs somebody who waits
      complete = function() return ch:try_send "v" == true end }, ch
  end, { ready = false }),
  receiving("recv of an unbounded channel", { "Channel:recv" }, "MU2", function()
    local ch = ebb.channel(math.huge)
    return { wait = function() return ch:recv() end, ops = { itself = function() return ch end } }, ch
  end),
  receiving("recv_many", { "Channel:recv_many" }, "MP17", function()
    local ch = ebb.channel(4)
    return { wait = function() return ch:recv_many(4) end,
      expect = function(list) return type(list) == "table" and #list == 1 and list[1] == "v" end }, ch
  end),
  receiving("the loop over a channel", { "Channel:recv" }, "MP6", function()
    local ch = ebb.channel(1)
    return { wait = function()
      for v in ch do return v end -- luacheck: ignore 512
      return nil, "closed"
    end }, ch
  end),
  sending("send to a full channel", { "Channel:send", "Channel:send_op" }, "MP3 MP25 SE17", function(ch)
    return { wait = function() return ch:send "v" end, ops = { send_op = function() return ch:send_op "v" end } }
  end),
  sending("send_many to a full channel", { "Channel:send_many" }, "MP3", function(ch)
    return { wait = function() return ch:send_many { "v" } end, expect = { 1 },
      closed = { n = 2, 0, "closed" } }
  end, { either = true }),
  reserving("reserve", { "Channel:reserve", "Channel:reserve_op" }, "MP11 MP14", function(ch)
    return { wait = function() return let_go(ch:reserve()) end,
      ops = { reserve_op = function() return ch:reserve_op():map(let_go) end } }
  end),
  sending("a sender's send", { "Sender:send", "Sender:send_op" }, "MP3 MP5", function(ch)
    local tx = ch:sender()
    return { wait = function() return tx:send "v" end, ops = { send_op = function() return tx:send_op "v" end },
      keep = tx }
  end),
  sending("a sender's send_many", { "Sender:send_many" }, "MP3", function(ch)
    local tx = ch:sender()
    return { wait = function() return tx:send_many { "v" } end, expect = { 1 },
      closed = { n = 2, 0, "closed" }, keep = tx }
  end, { either = true }),
  reserving("a sender's reserve", { "Sender:reserve", "Sender:reserve_op" }, "MP13", function(ch)
    local tx = ch:sender()
    return { wait = function() return let_go(tx:reserve()) end, keep = tx,
      ops = { reserve_op = function() return tx:reserve_op():map(let_go) end } }
  end),
  {
    name = "oneshot", of = { "Oneshot:recv", "ebb.Oneshot" }, numbers = "OS2 OS7", carries = true, closes = true,
    make = function()
      local o = ebb.oneshot()
      return {
        wait = function() return o:recv() end, ops = { itself = function() return o end },
        complete = function() assert(o:send("v", nil, 3)) end, expect = { n = 3, "v", nil, 3 },
        close = function() o:close() end, objects = { o },
        check = function(taken, completed)
          local v, why = o:try_recv()
          if completed and not taken then
            assert(v == "v", "lost")
          else
            assert(v == nil and (why == "closed" or why == "empty"), "twice")
          end
        end,
      }
    end,
  },
  {
    name = "oneshot that fails", of = { "Oneshot:recv" }, numbers = "OS2", carries = nil,
    make = function()
      local o = ebb.oneshot()
      return {
        wait = function()
          local ok, err = pcall(o.recv, o)
          if not ok and ebb.is_cancelled(err) then error(err, 0) end
          return ok, err
        end,
        complete = function() assert(o:fail "broken") end, expect = { false, "broken" },
        objects = { o },
      }
    end,
  },
  {
    name = "broadcast", of = { "BroadcastSub:recv", "BroadcastSub:recv_op", "ebb.BroadcastSub" },
    numbers = "BC12 BC1", carries = true, closes = true,
    make = function()
      local b = ebb.broadcast(4)
      local sub, other = b:subscribe(), b:subscribe()
      return {
        wait = function() return sub:recv() end,
        ops = { recv_op = function() return sub:recv_op() end, itself = function() return sub end },
        complete = function() assert(b:send "v" == 2) end, expect = { "v" },
        close = function() b:close() end, objects = { b, sub },
        check = function(taken, completed)
          assert((sub:try_recv() == "v") == (completed and not taken), "lost or twice")
          assert((other:try_recv() == "v") == completed)
        end,
      }
    end,
  },
  {
    name = "broadcast that lags", of = { "BroadcastSub:recv" }, numbers = "BC4", carries = nil,
    make = function()
      local b = ebb.broadcast(1)
      local sub = b:subscribe()
      return {
        wait = function()
          local v, why, n = sub:recv()
          if why == "lagged" then return "lagged", n end
          return v
        end,
        complete = function()
          for i = 1, 3 do b:send(i) end
        end,
        -- one who waits gets the first; one who comes later is told how many it missed
        expect = function(v, n) return v == 1 or (v == "lagged" and n == 2) end,
        objects = { b, sub },
        check = function(taken, completed)
          local v, why, n = sub:try_recv()
          if why == "lagged" then
            assert(completed and n >= 1 and n <= 2)
            v = sub:try_recv()
          end
          assert(v == (completed and 3 or nil) or taken)
        end,
      }
    end,
  },
  {
    name = "watch, changed", of = { "WatchSub:changed", "WatchSub:changed_op", "ebb.WatchSub" },
    numbers = "WA17 WA3", carries = nil, closes = true,
    make = function()
      local w = ebb.watch(0)
      local sub = w:subscribe()
      return {
        wait = function() return sub:changed() end,
        ops = { changed_op = function() return sub:changed_op() end },
        complete = function() return w:set(1) == true end, expect = { true },
        close = function() w:close() end, objects = { w, sub },
        check = function(taken, completed)
          assert(w:get() == (completed and 1 or 0))
          if not w:is_closed() then assert(sub:has_changed() == (completed and not taken), "seen, and not told") end
          assert(sub:get() == w:get())
        end,
      }
    end,
  },
  {
    name = "watch, wait_for", of = { "WatchSub:wait_for" }, numbers = "WA13 WA17", carries = nil, closes = true,
    make = function()
      local w = ebb.watch(0)
      local sub = w:subscribe()
      return {
        wait = function() return sub:wait_for(function(v) return v > 0 end) end,
        complete = function() return w:set(1) == true end, expect = { 1 },
        close = function() w:close() end, objects = { w, sub },
        check = function(_, completed) assert(sub:get() == (completed and 1 or 0)) end,
      }
    end,
  },
  {
    name = "callback", of = { "ebb.Callback" }, carries = nil, lets_go = true,
    make = function()
      local cb, op = ebb.callback()
      return {
        wait = function() return ebb.await(op) end, ops = { itself = function() return op end },
        complete = function() assert(cb("v", 2)) end, expect = { "v", 2 }, objects = { op },
      }
    end,
  },
}
