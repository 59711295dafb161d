-- A finaliser that runs within a call of ebb, at the first thing which the call allocates, and does something to the
-- object: the call has its effect before or after that, never half of it, and nothing is lost or counted twice.
-- The generational collector makes it certain: with no debt left, the next allocation is a whole young collection
-- (unless an allocator that refuses requests has collected before).
local ebb = require "ebb"
local helper = require "spec.helper"
local collect, pack = collectgarbage, table.pack

if os.getenv "EBB_SPEC_TORTURE" then return end

local function forget(action)
  setmetatable({}, { __gc = action })
end

--- fn(...), with action() at its first allocation; then what it gave, and n = -1 if it did not allocate.
local function within(action, fn, ...)
  local ran = false
  collect "stop"
  forget(function()
    ran = true
    action()
  end)
  collect "restart"
  local a, b, c = fn(...)
  local ran_within = ran
  assert.is_true(ran_within, "it allocates nothing: the test tests nothing")
  return a, b, c
end

describe("a finaliser within", function()
  local mode

  local function it_runs(name, fn)
    it(name, function()
      mode = collect "generational"
      local ok, err = pcall(helper.run, function()
        ebb.delay(5, collect) -- what runs later than the call is no deadlock
        return fn()
      end)
      collect(mode)
      if not ok then error(err, 0) end
    end)
  end

  it_runs("recv_many closes the channel, or sends (R21 MP17)", function()
    local ch = ebb.channel(3)
    assert.same({ nil, "closed", n = 3 }, pack(within(function() ch:close() end, ch.recv_many, ch, 5)))
    ch = ebb.channel(3)
    assert.same({ "v" }, (within(function() ch:try_send "v" end, ch.recv_many, ch, 5)))
    assert.equal(0, #ch)
  end)

  it_runs("reserve closes the channel, or takes the last slot (R21)", function()
    local ch = ebb.channel(1)
    assert.same({ nil, "closed", n = 3 }, pack(within(function() ch:close() end, ch.reserve, ch)))
    ch = ebb.channel(1)
    local got
    ebb.go(function()
      ebb.sleep(1)
      got = ch:recv()
    end)
    local permit = within(function() ch:try_send "first" end, ch.reserve, ch)
    permit:send "second"
    assert.equal("first", got)
    assert.equal("second", ch:recv())
  end)

  it_runs("a sender's clone closes it, the channel stays open while one is (R21)", function()
    local ch = ebb.channel(1)
    local sender = ch:sender()
    local clone = within(function() sender:close() end, sender.clone, sender)
    if not clone:is_closed() then
      assert.is_true(clone:send(1))
    else
      assert.same({ nil, "closed" }, { ch:recv() })
    end
  end)

  it_runs("acquire closes the semaphore, gives back, or takes (R21)", function()
    local sem = ebb.semaphore(2)
    assert.same({ nil, "closed", n = 3 }, pack(within(function() sem:close() end, sem.acquire, sem, 2)))
    sem = ebb.semaphore(0)
    assert.equal(1, within(function() sem:add(1) end, sem.acquire, sem):count())
    sem = ebb.semaphore(2)
    local stolen
    ebb.go(function()
      ebb.sleep(1)
      stolen:close()
    end)
    local permit = within(function() stolen = sem:try_acquire() end, sem.acquire, sem, 2)
    assert.equal(2, permit:count())
    assert.equal(0, sem:available())
    permit:close()
    assert.equal(2, sem:available())
    assert.same({ nil, "empty", n = 3 }, pack(within(function() stolen = sem:try_acquire(2) end, sem.try_acquire, sem)))
    stolen:close()
  end)

  it_runs("split gives the permits back, or splits too: never more than there are (R21)", function()
    local sem = ebb.semaphore(3)
    local permit = sem:acquire(3)
    helper.throws("given back", within, function() permit:close() end, permit.split, permit, 1)
    assert.equal(3, sem:available())
    permit = sem:acquire(3)
    local other
    assert.is_nil((within(function() other = permit:split(2) end, permit.split, permit, 2)))
    assert.equal(1, permit:count())
    assert.equal(2, other:count())
    local third = within(function() other:close() end, permit.split, permit, 1)
    assert.equal(0, permit:count())
    third:close()
    permit:close()
    assert.equal(3, sem:available())
  end)

  for name, call in pairs {
    lock = function(m) return m:lock() end,
    with = function(m) return m:with(function(...) return select("#", ...) == 0 end) end,
    write = function(_, rw) return rw:write() end,
    read = function(_, rw) return rw:read() end,
  } do
    it_runs(name .. " lets the lock go (R21)", function()
      local mutex, rw, held = ebb.mutex(), ebb.rwlock(), nil
      ebb.go(function()
        held = pack(mutex:lock(), rw:write())
        ebb.sleep(1000)
      end)
      helper.settle()
      local lock = within(function()
        held[1]:adopt():close()
        held[2]:adopt():close()
      end, call, mutex, rw)
      if lock ~= true then lock:close() end
      assert.is_false(mutex:is_locked())
      rw:try_write():close()
    end)
  end

  it_runs("try_lock takes it (R21)", function()
    local mutex, stolen = ebb.mutex(), nil
    local lock, why = within(function() stolen = mutex:try_lock() end, mutex.try_lock, mutex)
    assert.is_nil(lock)
    assert.equal("locked", why)
    stolen:close()
    assert.is_false(mutex:is_locked())
  end)

  it_runs("a oneshot's send closes or fills it (R21)", function()
    local once = ebb.oneshot()
    assert.same({ nil, "closed", n = 3 }, pack(within(function() once:close() end, once.send, once, 1, 2)))
    once = ebb.oneshot()
    assert.same({ nil, "closed", n = 3 }, pack(within(function() once:send(3) end, once.send, once, 1, 2)))
    assert.equal(3, once:recv())
  end)

  it_runs("subscribe closes what it subscribes to (R21)", function()
    local watch, broadcast = ebb.watch(1), ebb.broadcast(1)
    local sub = within(function() watch:close() end, watch.subscribe, watch)
    assert.same({ nil, "closed" }, { sub:changed() })
    sub = within(function() broadcast:close() end, broadcast.subscribe, broadcast)
    assert.same({ nil, "closed" }, { sub:recv() })
  end)

  it_runs("a predicate of wait_for sets the value (R21)", function()
    local watch = ebb.watch(1)
    local sub = watch:subscribe()
    local seen = helper.log()
    assert.equal(2, within(function() watch:set(2) end, sub.wait_for, sub, function(v)
      seen(v)
      return v == 2
    end))
    assert.equal("1 2", seen:text())
  end)

  it_runs("a scope's spawn or defer cancels or closes it: nothing is forgotten (R21)", function()
    for _, method in ipairs { "cancel", "close" } do
      local scope, ran = ebb.scope(), false
      pcall(within, function() pcall(scope[method], scope) end, scope.spawn, scope, function() ran = true end)
      scope:close()
      helper.settle()
      assert.is_false(ran)
      scope = ebb.scope()
      local ok = pcall(within, function() pcall(scope[method], scope) end, scope.defer, scope, function() ran = true end)
      scope:close()
      assert.equal(ok, ran)
    end
  end)

  it_runs("a token's child cancels or closes it (R21)", function()
    local token = ebb.token()
    assert.is_true(within(function() token:cancel "x" end, token.child, token):is_cancelled())
    token = ebb.token()
    local ok, child = pcall(within, function() token:close() end, token.child, token)
    if ok then assert.is_false(child:is_cancelled()) end
  end)

  it_runs("a token's cancel cancels it: one reason, said once (R21)", function()
    local token = ebb.token()
    local first, second
    second = within(function() first = token:cancel "first" end, token.cancel, token, "second")
    assert.is_true(first ~= second)
    local _, _, reason = token:run(ebb.sleep, 1)
    assert.equal(first and "first" or "second", reason)
  end)

  local makers = {
    bytes = function(g) return g:bytes(8) end,
    array = function(g) return g:array("f64", 8) end,
    vec = function(g) return g:vec("u8", 8) end,
    buffer = function(g) return g:buffer(8) end,
    box = function(g) return g:box {} end,
    guard = function(g) return g:guard() end,
    own = function(g) return g:own(ebb.channel()) end,
    defer = function(g) return g:defer(function() end) end,
  }
  for name, make in pairs(makers) do
    it_runs("guard:" .. name .. " closes the guard, or makes something in it (R21 R96)", function()
      local guard = ebb.guard()
      helper.throws("closed", within, function() guard:close() end, make, guard)
      assert.equal(0, guard:stats().live)
      guard = ebb.guard()
      local other
      within(function() other = guard:bytes(3) end, make, guard)
      assert.equal(2, guard:stats().count)
      other[3] = 1
      guard:close()
      assert.equal(0, guard:stats().live)
    end)
  end

  it_runs("a buffer's get and unpack takes of it, puts, or frees it (R21)", function()
    local text = ("0123456789"):rep(12)
    for _, take in ipairs {
      function(b) return b:get(60) end,
      function(b) return (b:unpack "c60") end,
    } do
      local guard = ebb.guard()
      local buffer, other = guard:buffer():put(text), nil
      local got = within(function() other = buffer:get(50) end, take, buffer)
      assert.equal(text, other .. got .. buffer:tostring())
      buffer:clear()
      buffer:put(text)
      got = within(function() buffer:put "more" end, take, buffer)
      assert.equal(text .. "more", got .. buffer:tostring())
      buffer:clear()
      buffer:put(text)
      -- there is not enough left
      got = within(function() other = buffer:get(100) end, take, buffer)
      assert.equal(text, other .. (got or "") .. buffer:tostring())
      buffer:clear()
      buffer:put(text)
      local ok, result = pcall(within, function() guard:close() end, take, buffer)
      assert.is_true(ok and result == text:sub(1, 60) or tostring(result):find("EBB012", 1, true) ~= nil)
    end
  end)

  it_runs("string, peek and view frees the memory (R21 R96)", function()
    local guard = ebb.guard()
    local bytes, buffer = guard:bytes(50):fill(65), guard:buffer():put(("A"):rep(50))
    assert.equal(("A"):rep(50), (within(function() end, bytes.string, bytes)))
    local view = within(function() guard:close() end, bytes.view, bytes, 2, 3)
    helper.throws("EBB012", function() return view[1] end)
    helper.throws("EBB012", buffer.peek, buffer)
  end)

  it_runs("buffer:put frees it (R21 R96)", function()
    local guard = ebb.guard()
    local buffer = guard:buffer()
    helper.throws("EBB012", within, function() guard:close() end, buffer.put, buffer, math.random(), "x")
  end)

  it_runs("a timeout closes the channel it waits for (R21)", function()
    local ch = ebb.channel()
    assert.same({ nil, "closed", n = 3 }, pack(within(function() ch:close() end, ebb.timeout, 1, ch)))
  end)

  it_runs("once:get gets it too (R21)", function()
    local n, once = 0
    once = ebb.once(function()
      n = n + 1
      local t = {}
      ebb.yield()
      return t
    end)
    local other
    local value = within(function() other = pack(pcall(once.get, once)) end, once.get, once)
    assert.equal("table", type(value))
    assert.equal(1, n)
    assert.is_truthy(other)
  end)

  it_runs("a thread channel's calls closes it (R21)", function()
    for _, call in ipairs { "try_send", "send", "recv" } do
      local ch = ebb.thread.channel(1)
      assert.same({ nil, "closed", n = 3 }, pack(within(function() ch:close() end, ch[call], ch, "v")))
    end
  end)
end)

describe("a finaliser within a call outside of tasks", function()
  --- Each: what is called, given the runtime, a task of it that waits, and a scope in it.
  local calls = {
    ["task:cancel"] = function(_, task) return task.cancel, task, {} end,
    ["scope:cancel"] = function(_, _, scope) return scope.cancel, scope, {} end,
    ["scope:close"] = function(_, _, scope) return scope.close, scope end,
    ["rt:spawn"] = function(rt) return rt.spawn, rt, ebb.yield end,
    ["rt:run"] = function(rt) return rt.run, rt, ebb.yield end,
    ["rt:metrics"] = function(rt) return rt.metrics, rt end,
    ["ebb.sleep"] = function() return ebb.sleep, 1 end,
    ["ebb.timeout"] = function() return ebb.timeout, 1, ebb.sleep, 2 end,
    ["ebb.callback"] = function() return ebb.callback end,
  }

  for name, prepare in pairs(calls) do
    it(name .. " cannot end or run the runtime that is in use (R21 R44)", function()
      for _, action in ipairs { "close", "shutdown", "step", "run" } do
        local rt, scope = helper.runtime()
        rt:spawn(function()
          scope = ebb.scope()
          scope:spawn(ebb.sleep, 5)
          scope:wait()
        end)
        local task = rt:spawn(ebb.sleep, 10)
        rt:step()
        local outer = ebb.use(rt)
        local mode = collect "generational"
        local refused
        local ok, err = pcall(within, function()
          refused = pack(pcall(rt[action], rt, action == "run" and ebb.yield or nil))
        end, prepare(rt, task, scope))
        collect(mode)
        ebb.use(outer)
        rt:close()
        -- what a runtime that is stepped does not allow has nothing to do with this
        if not ok and not tostring(err):find "EBB055" then error(err, 0) end
        if refused then
          assert.is_false(refused[1], action)
          assert.is_truthy(tostring(refused[2]):find("EBB052.*finaliser"), refused[2])
        end
      end
    end)
  end

  it("may close another, and this one when Lua code was interrupted", function()
    local rt = helper.runtime()
    rt:spawn(ebb.sleep, 10)
    local mode = collect "generational"
    local ok, err
    within(function() ok, err = pcall(rt.close, rt) end, function() return {} end)
    collect(mode)
    assert.is_true(ok, err)
  end)
end)
