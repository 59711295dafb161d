-- Every call that awaits.
local ebb = require "ebb"
local unpack = table.unpack

-- wait(object): the call; wake(object): what ends it, in another task; expected: what it gives then. `ready` makes an
-- object whose wait is over at once, again and again.
return {
  ["channel:recv"] = {
    make = function() return ebb.channel(1) end,
    wait = function(ch) return ch:recv() end,
    wake = function(ch) ch:send "v" end,
    expected = { "v" },
    ready = function()
      local ch = ebb.channel(1000)
      for i = 1, 1000 do ch:send(i) end
      return ch
    end,
  },
  ["channel:send"] = {
    make = function() return ebb.channel() end,
    wait = function(ch) return ch:send "v" end,
    wake = function(ch) ch:recv() end,
    expected = { true },
    ready = function() return ebb.channel(1000) end,
  },
  ["channel:recv_many"] = {
    make = function() return ebb.channel(5) end,
    wait = function(ch) return unpack(ch:recv_many(5)) end,
    wake = function(ch) ch:send_many { "v" } end,
    expected = { "v" },
    ready = function()
      local ch = ebb.channel(1000)
      for i = 1, 1000 do ch:send(i) end
      return { recv_many = function() return ch:recv_many(1) end }
    end,
  },
  ["channel:send_many"] = {
    make = function() return ebb.channel() end,
    wait = function(ch) return ch:send_many { 1, 2 } end,
    wake = function(ch)
      ch:recv()
      ch:recv()
    end,
    expected = { 2 },
  },
  ["channel:reserve"] = {
    make = function()
      local ch = ebb.channel(1)
      ch:try_send(1)
      return ch
    end,
    wait = function(ch) return ch:reserve():send "v" end,
    wake = function(ch) ch:recv() end,
    expected = { true },
  },
  ["oneshot:recv"] = {
    make = ebb.oneshot,
    wait = function(once) return once:recv() end,
    wake = function(once) once:send(1, 2) end,
    expected = { 1, 2 },
  },
  ["watch:wait_for"] = {
    make = function()
      local watch = ebb.watch(1)
      return { watch = watch, sub = watch:subscribe() }
    end,
    wait = function(it) return it.sub:wait_for(function(v) return v == 2 end) end,
    wake = function(it) it.watch:set(2) end,
    expected = { 2 },
    ready = function()
      local watch = ebb.watch(2)
      return { watch = watch, sub = watch:subscribe() }
    end,
  },
  ["watch:changed"] = {
    make = function()
      local watch = ebb.watch(1)
      return { watch = watch, sub = watch:subscribe() }
    end,
    wait = function(it) return it.sub:changed() end,
    wake = function(it) it.watch:set(2) end,
    expected = { true },
  },
  ["mutex:with"] = {
    make = function()
      local mutex = ebb.mutex()
      return { mutex = mutex, locked = mutex:lock() }
    end,
    wait = function(it)
      if it.locked then it.locked:adopt() end
      return it.mutex:with(function() return "in" end)
    end,
    ready = function() return { mutex = ebb.mutex() } end,
    is_own = true,
  },
  ["once:get"] = {
    make = function()
      local gate = ebb.notify()
      local once = ebb.once(function()
        gate:wait()
        return "made"
      end)
      local maker = ebb.current_runtime():spawn(once.get, once)
      return { gate = gate, once = once, maker = maker }
    end,
    wait = function(it) return it.once:get() end,
    wake = function(it) it.gate:notify_one() end,
    expected = { "made" },
    ready = function() return { once = ebb.once(function() return 1 end) } end,
  },
  ["semaphore:acquire"] = {
    make = function() return ebb.semaphore(0) end,
    wait = function(sem) return sem:acquire():count() end,
    wake = function(sem) sem:add(1) end,
    expected = { 1 },
    ready = function() return ebb.semaphore(10000) end,
  },
  ["notify:wait"] = {
    make = ebb.notify,
    wait = function(n) return n:wait() end,
    wake = function(n) n:notify_all() end,
  },
  ["barrier:wait"] = {
    make = function() return ebb.barrier(2) end,
    wait = function(b) return (b:wait() ~= nil) end,
    wake = function(b) b:wait() end,
    expected = { true },
  },
  ["select"] = {
    make = function() return ebb.channel() end,
    wait = function(ch) return ebb.select(ch, ebb.never()) end,
    wake = function(ch) ch:send "v" end,
    expected = { 1, "v" },
    ready = function() return ebb.ready "v" end,
  },
  ["select by name"] = {
    make = function() return ebb.channel() end,
    wait = function(ch) return ebb.select { a = ch, b = ebb.never() } end,
    wake = function(ch) ch:send "v" end,
    expected = { "a", "v" },
    ready = function() return ebb.ready "v" end,
  },
  ["a choice"] = {
    make = function() return ebb.channel() end,
    wait = function(ch) return ebb.choice(ch, ebb.never()):await() end,
    wake = function(ch) ch:send "v" end,
    expected = { 1, "v" },
    ready = function() return ebb.ready "v" end,
  },
  ["task:await"] = {
    make = function()
      local gate = ebb.oneshot()
      return { gate = gate, task = ebb.current_runtime():spawn(gate.recv, gate) }
    end,
    wait = function(it) return it.task:await() end,
    wake = function(it) it.gate:send "v" end,
    expected = { "v" },
  },
  ["sleep_until"] = { wait = function() return ebb.sleep_until(ebb.now() + 10) end },
  ["sleep"] = { wait = function() return ebb.sleep(10) end },
  ["clock:sleep"] = { make = ebb.clock, wait = function(clk) return clk:sleep(10) end },
  ["clock:sleep_until"] = { make = ebb.clock, wait = function(clk) return clk:sleep_until(clk:now() + 10) end },
  ["clock:timeout of a function"] = {
    make = function() return { clock = ebb.clock(), ch = ebb.channel() } end,
    wait = function(it) return it.clock:timeout(10, function() return it.ch:recv() end) end,
    wake = function(it) it.ch:send "v" end,
    expected = { "v" },
  },
  ["clock:timeout of an op"] = {
    make = function() return { clock = ebb.clock(), ch = ebb.channel() } end,
    wait = function(it) return it.clock:timeout(10, it.ch) end,
    wake = function(it) it.ch:send "v" end,
    expected = { "v" },
    ready = function() return { clock = ebb.clock(), ch = ebb.ready "v" } end,
  },
  ["timeout of an op"] = {
    make = ebb.channel,
    wait = function(ch) return ebb.timeout(10, ch) end,
    wake = function(ch) ch:send "v" end,
    expected = { "v" },
    ready = function() return ebb.ready "v" end,
  },
  ["timeout_at"] = {
    make = ebb.channel,
    wait = function(ch) return ebb.timeout_at(ebb.now() + 10, ch) end,
    wake = function(ch) ch:send "v" end,
    expected = { "v" },
  },
  ["timeout_at of a function"] = {
    make = ebb.channel,
    wait = function(ch) return ebb.timeout_at(ebb.now() + 10, ch.recv, ch) end,
    wake = function(ch) ch:send "v" end,
    expected = { "v" },
  },
  ["shield"] = {
    make = ebb.channel,
    wait = function(ch) return ebb.shield(ch.recv, ch) end,
    wake = function(ch) ch:send "v" end,
    expected = { "v" },
  },
  ["broadcast:recv"] = {
    make = function()
      local broadcast = ebb.broadcast(1)
      return { broadcast = broadcast, sub = broadcast:subscribe() }
    end,
    wait = function(it) return it.sub:recv() end,
    wake = function(it) it.broadcast:send "v" end,
    expected = { "v" },
  },
  ["interval:tick"] = {
    make = function() return ebb.interval(10) end,
    wait = function(interval) return (interval:tick() ~= nil) end,
    expected = { true },
  },
}
