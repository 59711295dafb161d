--- The reference model's channels: bounded, rendezvous and unbounded ones, oneshot, broadcast, watch.
local pack, unpack = table.pack, table.unpack

local function add_channel(w, ebb)
  local Permit = {}
  Permit.__index = Permit

  function ebb.channel(capacity)
    capacity = capacity or 0
    local ch = { closed = false }
    local values, receivers, senders, permits = {}, {}, {}, 0

    --- A rendezvous has no slots: it grants one permit at a time, and only while somebody else is there to take the value.
    local function grant()
      if capacity > 0 or permits > 0 or ch.closed then return end
      for _, arm in ipairs(senders) do
        for _, receiver in ipairs(arm.leaf.value == nil and receivers or {}) do
          if receiver.wait ~= arm.wait then
            permits = 1
            w.wake(arm, ch.permit())
            return
          end
        end
      end
    end

    --- What can happen now, happens: the longest-waiting first.
    local function pump()
      local again = true
      while again do
        again = false
        local first = senders[1]
        if receivers[1] and values[1] ~= nil then
          w.wake(receivers[1], table.remove(values, 1))
          again = true
        elseif first and ch.closed then
          w.tell(first, nil, "closed")
          again = true
        elseif first and #values + permits < capacity then
          if first.leaf.value == nil then
            permits = permits + 1
            w.wake(first, ch.permit())
          else
            values[#values + 1] = first.leaf.value
            w.wake(first, true)
          end
          again = true
        elseif receivers[1] then
          for _, arm in ipairs(senders) do
            if arm.leaf.value ~= nil and arm.wait ~= receivers[1].wait then
              local receiver = receivers[1]
              w.wake(receiver, arm.leaf.value)
              w.wake(arm, true)
              again = true
              break
            end
          end
          if not again and ch.closed and permits == 0 then
            w.tell(receivers[1], nil, "closed")
            again = true
          end
        end
      end
      grant()
    end

    function ch.permit()
      local permit = setmetatable({ open = true }, Permit)
      function permit.send(_, v)
        if not permit.open then error("the permit was used", 0) end
        permit.open = false
        permits = permits - 1
        values[#values + 1] = v
        pump()
        return true
      end
      function permit.close()
        if not permit.open then return end
        permit.open = false
        permits = permits - 1
        pump()
      end
      return permit
    end

    --- A sender (of a value that waits, or of whatever a permit will send) that could be met at once.
    local function waiting_sender(task)
      for _, arm in ipairs(senders) do
        if arm.leaf.value ~= nil and arm.wait.task ~= task then return arm end
      end
    end

    local recv = { takes = true }
    function recv.ready(task)
      return values[1] ~= nil or waiting_sender(task) ~= nil or (ch.closed and permits == 0)
    end
    function recv.take(task)
      local v = table.remove(values, 1)
      if v == nil then
        local sender = waiting_sender(task)
        if not sender then return pack(nil, "closed") end
        v = sender.leaf.value
        w.wake(sender, true)
      end
      pump()
      return pack(v)
    end
    function recv.link(arm)
      w.join_queue(arm, receivers)
      grant()
    end

    local function send_leaf(v)
      local leaf = { value = v, takes = true }
      function leaf.ready()
        return ch.closed or #values + permits < capacity or receivers[1] ~= nil
      end
      function leaf.take()
        if ch.closed then return pack(nil, "closed") end
        values[#values + 1] = v
        pump()
        return pack(true)
      end
      function leaf.link(arm) w.join_queue(arm, senders) end
      return leaf
    end

    local reserve = { takes = true }
    function reserve.ready()
      if capacity == 0 and permits == 0 and receivers[1] then return true end
      return ch.closed or #values + permits < capacity
    end
    function reserve.take()
      if ch.closed then return pack(nil, "closed") end
      permits = permits + 1
      return pack(ch.permit())
    end
    function reserve.link(arm) w.join_queue(arm, senders) end

    ch.leaf = recv
    function ch.recv_op() return w.leaf_op(recv) end
    function ch.send_op(_, v) return w.leaf_op(send_leaf(v)) end
    function ch.reserve_op() return w.leaf_op(reserve) end
    function ch.recv() return w.await(recv) end
    function ch.send(_, v) return w.await(send_leaf(v)) end
    function ch.reserve() return w.await(reserve) end

    function ch.try_recv()
      if recv.ready() then
        local got = recv.take()
        return unpack(got, 1, got.n)
      end
      return nil, "empty"
    end
    function ch.try_send(_, v)
      local leaf = send_leaf(v)
      if leaf.ready() then
        local got = leaf.take()
        return unpack(got, 1, got.n)
      end
      return nil, "full"
    end

    function ch.recv_many(_, max)
      local v, why = w.await(recv)
      if v == nil then return nil, why end
      local list = { v }
      while #list < max do
        v = ch.try_recv()
        if v == nil then break end
        list[#list + 1] = v
      end
      return list
    end
    function ch.send_many(_, list)
      w.check(false)
      for i, v in ipairs(list) do
        local leaf = send_leaf(v)
        local ok, why
        if leaf.ready() then
          local got = leaf.take()
          ok, why = got[1], got[2]
        else
          w.current.silent = i < #list -- woken to wait for the next
          ok, why = w.await(leaf)
          w.current.silent = false
        end
        if not ok then return i - 1, why end
      end
      return #list
    end

    --- Counted senders: the last one to close closes the channel.
    local n_senders = 0
    function ch.sender()
      local tx, open = setmetatable({}, { __name = "model.sender" }), true
      n_senders = n_senders + 1
      local function over() return not open end
      local function handle(leaf)
        local own = setmetatable({}, { __index = leaf })
        function own.ready(task) return over() or leaf.ready(task) end
        function own.take(task)
          if over() then return pack(nil, "closed") end
          return leaf.take(task)
        end
        return own
      end
      local function check() if not open then error("the handle is closed", 0) end end
      function tx.send_op(_, v)
        check()
        return w.leaf_op(handle(send_leaf(v)))
      end
      function tx.reserve_op()
        check()
        return w.leaf_op(handle(reserve))
      end
      function tx.send(_, v) return ebb.await(tx:send_op(v)) end
      function tx.reserve() return ebb.await(tx:reserve_op()) end
      function tx.try_send(_, v)
        check()
        return ch:try_send(v)
      end
      function tx.is_closed() return over() or ch.closed end
      function tx.clone()
        check()
        return ch:sender()
      end
      function tx.close()
        if not open then return end
        open, n_senders = false, n_senders - 1
        if n_senders == 0 then ch.close() end
      end
      return tx
    end

    function ch.close()
      ch.closed = true
      pump()
    end
    function ch.is_closed() return ch.closed end
    function ch.capacity() return capacity end
    function ch.waiters() return #receivers, #senders end
    return setmetatable(ch, { __len = function() return #values end, __call = ch.recv })
  end
end

local function add_oneshot(w, ebb)
  function ebb.oneshot()
    local o, queue = {}, {}
    local message, sent, received, closed = nil, false, false, false
    o.leaf = { takes = true }
    function o.leaf.throws() return message and message.throws and message[1] end
    function o.leaf.ready() return message ~= nil or received or closed end
    function o.leaf.take()
      if not message then return pack(nil, "closed") end
      local got = message
      message, received = nil, true
      return got
    end
    function o.leaf.link(arm) w.join_queue(arm, queue) end
    local function deliver(values)
      if closed or sent then return nil, "closed" end
      sent, message = true, values
      local first = queue[1]
      if first then
        w.wake(first)
        first.wait.task.woken.values = o.leaf.take()
        w.tell_all(queue, nil, "closed")
      end
      return true
    end
    function o.send(_, ...) return deliver(pack(...)) end
    function o.fail(_, err) return deliver { n = 1, err, throws = true } end
    function o.recv() return w.await(o.leaf) end
    function o.try_recv()
      if not o.leaf.ready() then return nil, "empty" end
      local values = o.leaf.take()
      if values.throws then error(values[1], 0) end
      return unpack(values, 1, values.n)
    end
    function o.close()
      closed = true
      w.tell_all(queue, nil, "closed")
    end
    function o.is_closed() return closed or received end
    return o
  end
end

local function add_broadcast(w, ebb)
  function ebb.broadcast(capacity)
    local b, subs, queue, closed = {}, {}, {}, false

    function b.subscribe()
      local sub, behind, missed, gone = {}, {}, 0, false
      sub.leaf = { takes = true }
      function sub.leaf.ready() return gone or closed or missed > 0 or behind[1] ~= nil end
      function sub.leaf.take()
        if gone then return pack(nil, "closed") end
        if missed > 0 then
          local n = missed
          missed = 0
          return pack(nil, "lagged", n)
        end
        if behind[1] ~= nil then return pack(table.remove(behind, 1)) end
        return pack(nil, "closed")
      end
      function sub.leaf.link(arm) w.join_queue(arm, queue) end
      function sub.put(v)
        behind[#behind + 1] = v
        if #behind > capacity then
          table.remove(behind, 1)
          missed = missed + 1
        end
      end
      function sub.recv() return w.await(sub.leaf) end
      function sub.recv_op() return w.leaf_op(sub.leaf) end
      function sub.try_recv()
        if not sub.leaf.ready() then return nil, "empty" end
        local values = sub.leaf.take()
        return unpack(values, 1, values.n)
      end
      function sub.close()
        gone = true
        w.remove(subs, sub)
        for _, arm in ipairs { unpack(queue) } do
          if arm.leaf == sub.leaf and arm.queue then w.tell(arm, nil, "closed") end
        end
      end
      subs[#subs + 1] = sub
      return sub
    end

    function b.send(_, v)
      if closed then return nil, "closed" end
      for _, sub in ipairs(subs) do sub.put(v) end
      for _, arm in ipairs { unpack(queue) } do
        if arm.queue and arm.leaf.ready() then
          w.wake(arm)
          arm.wait.task.woken.values = arm.leaf.take()
        end
      end
      return #subs
    end
    function b.close()
      closed = true
      w.tell_all(queue, nil, "closed")
    end
    function b.is_closed() return closed end
    return b
  end
end

local function add_watch(w, ebb)
  function ebb.watch(value)
    local watch, queue, closed, version = {}, {}, false, 0
    local function changed()
      version = version + 1
      w.wake_all(queue, true)
    end
    function watch.get() return value end
    function watch.set(_, v)
      if closed then return nil, "closed" end
      value = v
      changed()
      return true
    end
    function watch.update(_, fn)
      if closed then return nil, "closed" end
      value = fn(value)
      changed()
      return value
    end
    function watch.close()
      if closed then return end
      closed = true
      w.tell_all(queue, nil, "closed")
    end
    function watch.is_closed() return closed end

    function watch.subscribe()
      local sub, seen, gone = { waits = {} }, version, false
      sub.leaf = {}
      function sub.leaf.ready() return gone or closed or seen < version end
      function sub.leaf.take()
        if not gone and seen < version then
          seen = version
          return pack(true)
        end
        return pack(nil, "closed")
      end
      function sub.leaf.outcome(values)
        seen = version
        return values
      end
      function sub.leaf.link(arm) w.join_queue(arm, queue) end
      function sub.changed() return w.await(sub.leaf) end
      function sub.changed_op() return w.leaf_op(sub.leaf) end
      function sub.has_changed() return not gone and seen < version end
      function sub.get()
        seen = version
        return value
      end
      function sub.wait_for(_, pred)
        w.check(false)
        while not pred(value) do
          local looked_at = version
          local later = { link = sub.leaf.link }
          function later.ready() return gone or closed or looked_at < version end
          function later.take() return pack(looked_at < version and not gone or nil, "closed") end
          sub.waits[later] = true
          w.current.silent = true -- woken by a value that is not the right one
          local ok = w.await(later)
          w.current.silent = false
          sub.waits[later] = nil
          if not ok and not pred(value) then return nil, "closed" end
        end
        return sub.get()
      end
      function sub.close()
        gone = true
        for _, arm in ipairs { unpack(queue) } do
          local ours = arm.leaf == sub.leaf or sub.waits[arm.leaf]
          if ours and arm.queue then w.tell(arm, nil, "closed") end
        end
      end
      return sub
    end
    return watch
  end
end

return function(w, ebb)
  add_channel(w, ebb)
  add_oneshot(w, ebb)
  add_broadcast(w, ebb)
  add_watch(w, ebb)
end
