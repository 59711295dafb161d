-- Awaiting where no task runs (a prompt, a script without ebb.run, a host's own coroutine): the await drives
-- the current runtime until it is done.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.runtime.support"
local contains = support.contains

--- Every test runs in the main chunk and in a coroutine of the host; afterwards nothing may be left.
local function it_drives(name, fn)
  it(name .. " (main chunk)", function()
    assert.is_nil(ebb.current())
    fn()
    assert.is_nil(ebb.current())
  end)

  it(name .. " (a host's coroutine)", function()
    local co = coroutine.create(fn)
    local ok, err = coroutine.resume(co)
    if not ok then error(err, 0) end
    assert.equal("dead", coroutine.status(co))
    assert.is_nil(ebb.current())
  end)
end

describe("outside a task", function()
  it_drives("sleep sleeps", function()
    local start = ebb.now()
    ebb.sleep(0.02)
    local took = ebb.now() - start
    assert.is_true(took >= 0.02 and took < 5, tostring(took))
  end)

  it_drives("recv gets what a task sends", function()
    local ch = ebb.channel()
    ebb.spawn(function()
      ebb.sleep(0.001)
      ch:send("value")
    end)
    assert.equal("value", ch:recv())
  end)

  it_drives("send waits for a receiver", function()
    local ch = ebb.channel()
    local task = ebb.spawn(function()
      ebb.sleep(0.001)
      return ch:recv()
    end)
    assert.is_true(ch:send("value"))
    assert.equal("value", task:await())
  end)

  it_drives("what is ready needs no driving", function()
    local ch = ebb.channel(1)
    assert.is_true(ch:send(1))
    assert.equal(1, ch:recv())
    assert.equal(2, ebb.await(ebb.ready(2)))
    local _, why = ebb.channel(1):try_recv()
    assert.equal("empty", why)
  end)

  it_drives("a loop over a channel", function()
    local ch, sum = ebb.channel(2), 0
    ebb.spawn(function()
      for i = 1, 10 do ch:send(i) end
      ch:close()
    end)
    for v in ch do sum = sum + v end
    assert.equal(55, sum)
  end)

  it_drives("a task's await gives its results", function()
    local a, b, c = ebb.spawn(function(...)
      ebb.sleep(0.001)
      return ...
    end, 1, nil, 3):await()
    assert.equal(1, a)
    assert.is_nil(b)
    assert.equal(3, c)
  end)

  it_drives("BO2 a task's await throws its error, join returns it", function()
    local failure = {}
    local task = ebb.spawn(function() error(failure) end)
    local ok, err = pcall(task.await, task)
    assert.is_false(ok)
    assert.is_true(rawequal(failure, err))
    ok, err = task:join()
    assert.is_false(ok)
    assert.is_true(rawequal(failure, err))
  end)

  it_drives("select", function()
    local ch = ebb.channel()
    ebb.spawn(function()
      ebb.sleep(0.001)
      ch:send("value")
    end)
    local which, value = ebb.select(ebb.never(), ch, ebb.after(20))
    assert.equal(2, which)
    assert.equal("value", value)
    which = ebb.select { quit = ebb.never(), tick = ebb.after(0.001) }
    assert.equal("tick", which)
  end)

  it_drives("await of an op, of a choice and of a mapped one", function()
    assert.equal(3, ebb.await(ebb.map_op(ebb.after(0.001), function() return 3 end)))
    local which = ebb.await(ebb.choice(ebb.never(), ebb.after(0.001)))
    assert.equal(2, which)
  end)

  it_drives("timeout of a function and of an op", function()
    local value, why, after = ebb.timeout(0.01, function()
      ebb.sleep(30)
      return 1
    end)
    assert.is_nil(value)
    assert.equal("timeout", why)
    assert.equal(0.01, after)
    value, why = ebb.timeout(0.01, ebb.channel())
    assert.is_nil(value)
    assert.equal("timeout", why)
    assert.equal("fine", (ebb.timeout(30, function()
      ebb.sleep(0.001)
      return "fine"
    end)))
  end)

  it_drives("scope(fn) waits for its children and gives the body's results", function()
    local log = helper.log()
    local result = ebb.scope(function(s)
      for i = 1, 3 do
        s:spawn(function()
          ebb.sleep(0.001 * i)
          log(i)
        end)
      end
      return "result"
    end)
    assert.equal("result", result)
    table.sort(log) -- on a slow machine all may be due at once
    assert.equal("1 2 3", log:text())
  end)

  it_drives("scope(fn) throws the failure of a child", function()
    local failure = {}
    local ok, err = pcall(ebb.scope, function(s)
      s:spawn(function() error(failure) end)
      ebb.sleep(30)
    end)
    assert.is_false(ok)
    assert.is_true(rawequal(failure, err))
  end)

  it_drives("a scope object waits", function()
    local s = ebb.scope()
    local n = 0
    for _ = 1, 3 do
      s:spawn(function()
        ebb.sleep(0.001)
        n = n + 1
      end)
    end
    assert.is_true(s:wait())
    assert.equal(3, n)
    s:close()
  end)

  it_drives("join, race and map", function()
    local a, b = ebb.join(function() return 1 end, function()
      ebb.sleep(0.001)
      return 2
    end)
    assert.equal(1, a)
    assert.equal(2, b)
    local which, value = ebb.race(function() ebb.sleep(30) end, function() return "won" end)
    assert.equal(2, which)
    assert.equal("won", value)
    assert.same({ 2, 4, 6 }, ebb.map({ 1, 2, 3 }, function(x) return 2 * x end))
  end)

  it_drives("files", function()
    assert.equal("directory", ebb.fs.stat("spec").type)
    local value, err, code = ebb.fs.read("spec/no such file")
    assert.is_nil(value)
    assert.equal("ENOENT", code)
    contains("ENOENT", err)
  end)

  it_drives("a generator of ebb.coroutine awaits", function()
    local values = {}
    for v in ebb.coroutine.wrap(function()
      for i = 1, 3 do
        ebb.sleep(0.001)
        ebb.coroutine.yield(i)
      end
    end) do values[#values + 1] = v end
    assert.same({ 1, 2, 3 }, values)
  end)

  it_drives("an interval ticks", function()
    local start = ebb.now()
    local iv = ebb.interval(0.005)
    for _ = 1, 3 do iv:tick() end
    assert.is_true(ebb.now() - start >= 0.015)
    iv:close()
  end)

  it_drives("tasks go on in the background, and stay when the await is done", function()
    local n = 0
    local task = ebb.spawn(function()
      while true do
        ebb.sleep(0.001)
        n = n + 1
      end
    end)
    assert.equal(0, n)
    ebb.sleep(0.05)
    local first = n
    assert.is_true(first >= 1)
    support.burn(0.01)
    assert.equal(first, n)
    assert.equal("waiting", task:status())
    ebb.sleep(0.05)
    assert.is_true(n > first)
    task:cancel()
    local ok = task:join()
    assert.is_false(ok)
    assert.equal("cancelled", task:status())
  end)

  it_drives("awaits in pcall, metamethods and closing variables", function()
    local closed = false
    local proxy = setmetatable({}, { __index = function(_, key)
      ebb.sleep(0.001)
      return key
    end })
    do
      local _ <close> = support.closer(function()
        ebb.sleep(0.001)
        closed = true
      end)
      assert.is_true(pcall(ebb.sleep, 0.001))
      assert.equal("field", proxy.field)
    end
    assert.is_true(closed)
  end)

  it_drives("where Lua cannot yield it drives as well", function()
    local list = { 3, 1, 2 }
    table.sort(list, function(a, b)
      ebb.sleep(0.0005)
      return a < b
    end)
    assert.same({ 1, 2, 3 }, list)
    assert.equal("<a><b>", (("ab"):gsub("%a", function(c)
      ebb.sleep(0.0005)
      return "<" .. c .. ">"
    end)))
  end)

  it_drives("R84 a deadlock throws the report, and everything works afterwards", function()
    local place = support.here(2)
    local err = helper.throws("deadlock", function()
      ebb.channel():recv()
      return 1
    end)
    contains("deadlock: all tasks are waiting", err)
    contains(place, err)
    ebb.sleep(0.001)
    assert.equal(2, ebb.spawn(function() return 2 end):await())
  end)

  it_drives("a cancelled task's await throws an ordinary error", function()
    local task = ebb.spawn(ebb.sleep, 30)
    ebb.sleep(0.001)
    task:cancel("enough")
    local ok, err = pcall(task.await, task)
    assert.is_false(ok)
    assert.is_false(ebb.is_cancelled(err))
    assert.is_true(rawequal(task, err.cancelled_task))
    contains("was cancelled", err)
  end)

  it_drives("a token's cancel ends what it runs", function()
    local tok = ebb.token()
    ebb.spawn(function()
      ebb.sleep(0.001)
      tok:cancel("enough")
    end)
    local value, what, why = tok:run(ebb.sleep, 30)
    assert.is_nil(value)
    assert.equal("cancelled", what)
    assert.equal("enough", why)
  end)

  it_drives("ebb.run works, and drives nothing of the caller's", function()
    assert.equal(3, ebb.run(function()
      ebb.sleep(0.001)
      return 3
    end))
    ebb.sleep(0.001)
  end)
end)
