-- ebb.runtime{ loop = "luv" }: tasks and luv's callbacks in one program, driven by ebb or by luv.
local ebb = require "ebb"
local helper = require "spec.helper"

local has_luv, uv = pcall(require, "luv")
local it = has_luv and it or function(name) pending(name .. " (luv is not installed)") end

--- Runs fn(rt) with a runtime beside luv's loop that is the current one; nothing of it stays in luv's loop.
local function beside(fn, opts)
  return function()
    opts = opts or {}
    opts.loop = "luv"
    local rt = ebb.runtime(opts)
    ebb.use(rt)
    local ok, err = xpcall(fn, debug.traceback, rt)
    ebb.use(nil)
    rt:close()
    uv.run "nowait" -- closed handles are gone one turn later
    if not ok then error(err, 0) end
    assert.is_falsy(uv.loop_alive())
  end
end

local function after(seconds, fn)
  uv.update_time()
  local timer = uv.new_timer()
  timer:start(math.floor(seconds * 1000), 0, function()
    timer:close()
    fn()
  end)
  return timer
end

--- A connected pair of luv's TCP sockets: fn(client, server).
local function connected(fn)
  local server, client = uv.new_tcp(), uv.new_tcp()
  assert(server:bind("127.0.0.1", 0))
  local peer
  server:listen(1, function()
    peer = uv.new_tcp()
    server:accept(peer)
    fn(client, peer, server)
  end)
  client:connect("127.0.0.1", server:getsockname().port)
end

describe("loop = 'luv', driven by ebb:", function()
  it("luv's callbacks run while tasks wait", beside(function(rt)
    local ch = ebb.channel(10)
    after(0.01, function() ch:try_send "from luv" end)
    assert.equal("from luv", rt:run(function() return (ch:recv()) end))
  end))

  it("a callback of luv becomes an awaitable with ebb.callback", beside(function(rt)
    local code = rt:run(function()
      local cb, op = ebb.callback()
      local handle
      handle = uv.spawn("true", {}, function(code)
        handle:close()
        cb(code)
      end)
      return (ebb.await(op))
    end)
    assert.equal(0, code)
  end))

  it("luv's sockets are read by tasks", beside(function(rt)
    local text = rt:run(function()
      local lines = ebb.channel(10)
      connected(function(client, peer, server)
        client:read_start(function(_, data)
          if data then lines:try_send(data) else
            lines:close()
            client:close()
          end
        end)
        peer:write("one", function() peer:write("two", function()
          peer:close()
          server:close()
        end) end)
      end)
      local got = {}
      for part in lines do got[#got + 1] = part end
      return table.concat(got)
    end)
    assert.equal("onetwo", text)
  end))

  it("luv's callbacks get their turn beside tasks that never wait", beside(function(rt)
    local done = false
    after(0.01, function() done = true end)
    rt:run(function() while not done do ebb.yield() end end)
  end))

  -- Timers that a slow machine looks at together are in no order: it tries again.
  it("ebb's timers and luv's fire in the order of time", beside(function(rt)
    local expected, got = "ebb 1 luv 20 ebb 120 luv 220", nil
    for _ = 1, 8 do
      local log = helper.log()
      rt:run(function()
        local last = ebb.oneshot()
        after(0.02, function() log "luv 20" end)
        after(0.22, function() log "luv 220" last:send(true) end)
        local task = ebb.delay(0.12, function() log "ebb 120" end)
        ebb.sleep(0.001)
        log "ebb 1"
        last:recv()
        task:await()
      end)
      got = log:text()
      if got == expected then break end
    end
    assert.equal(expected, got)
  end))

  it("files and other requests of ebb go on as ever", beside(function(rt)
    assert.is_true(#rt:run(ebb.fs.read, "spec/runtime/luv_spec.lua") > 100)
  end))

  it("a task that nobody can wake is a deadlock only when luv has nothing left", beside(function(rt)
    local ch, fired = ebb.channel(), false
    after(0.01, function() fired = true end)
    local ok, err = pcall(rt.run, rt, function() ch:recv() end)
    assert.is_false(ok)
    assert.is_true(fired)
    assert.is_truthy(tostring(err):find("deadlock", 1, true))
  end))

  it("await outside of tasks lets luv run too", beside(function()
    local ch = ebb.channel(1)
    after(0.01, function() ch:try_send(7) end)
    assert.equal(7, (ch:recv()))
  end))

  it("what a callback spawns runs", beside(function(rt)
    local ch = ebb.channel(1)
    after(0, function() ebb.spawn(function() ch:send(ebb.current() ~= nil) end) end)
    assert.is_true((rt:run(ch.recv, ch)))
  end))
end)

describe("loop = 'luv', driven by uv.run():", function()
  it("tasks run, sleep and end", beside(function(rt)
    local log = helper.log()
    rt:spawn(function()
      log "begins"
      ebb.sleep(0.2)
      log "slept"
    end)
    after(0.01, function() log "luv" end)
    uv.run()
    assert.equal("begins luv slept", log:text())
    assert.equal(0, rt:metrics().alive)
  end))

  it("returns when no task can go on, and later goes on with them", beside(function(rt)
    local ch, got = ebb.channel(), nil
    rt:spawn(function() got = ch:recv() end)
    uv.run()
    assert.is_nil(got)
    after(0, function() ch:try_send "late" end)
    uv.run()
    assert.equal("late", got)
  end))

  it("a task and a callback hand values to each other", beside(function(rt)
    local sum = 0
    rt:spawn(function()
      for i = 1, 5 do
        local cb, op = ebb.callback()
        after(0.001, function() cb(i) end)
        sum = sum + ebb.await(op)
      end
    end)
    uv.run()
    assert.equal(15, sum)
  end))

  it("a file request of ebb holds it, a task that yields is not held up", beside(function(rt)
    local text, n
    rt:spawn(function() text = ebb.fs.read "spec/runtime/luv_spec.lua" end)
    rt:spawn(function() for i = 1, 1000 do ebb.yield() n = i end end)
    uv.run()
    assert.is_true(#text > 100)
    assert.equal(1000, n)
  end))

  it("timers of ebb are exact to a millisecond of luv", beside(function(rt)
    local late
    rt:spawn(function()
      local due = ebb.now() + 0.005
      ebb.sleep_until(due)
      late = ebb.now() - due
    end)
    uv.run()
    assert.is_true(late >= 0)
  end))

  it("an error of a task is reported, and luv goes on", function()
    local errors = {}
    beside(function(rt)
      rt:spawn(function() error("lost", 0) end)
      local seen = false
      after(1.1, function() seen = true end)
      uv.run()
      assert.is_true(seen)
    end, { on_task_error = function(_, err) errors[#errors + 1] = err end })()
    assert.same({ "lost" }, errors)
  end)

  it("then ebb, then luv again", beside(function(rt)
    local n = 0
    local function count() for _ = 1, 3 do ebb.sleep(0.001) n = n + 1 end end
    rt:spawn(count)
    uv.run()
    rt:run(count)
    rt:spawn(count)
    uv.run()
    assert.equal(9, n)
  end))
end)

describe("loop = 'luv':", function()
  it("R141 a runtime that is closed or dropped leaves luv's loop as it was", function()
    local n_before, n_after = 0, 0
    uv.walk(function() n_before = n_before + 1 end)
    for i = 1, 20 do
      local rt = ebb.runtime { loop = "luv" }
      rt:spawn(ebb.sleep, 10)
      if i % 2 == 0 then rt:close() end
    end
    collectgarbage()
    for rt in pairs {} do rt:close() end
    uv.run "nowait"
    collectgarbage()
    uv.run "nowait"
    uv.walk(function() n_after = n_after + 1 end)
    assert.is_true(n_after <= n_before + 10 * 5) -- those with a live task stay until they are closed
  end)

  it("has no virtual clock", function()
    helper.throws("virtual clock", ebb.runtime, { loop = "luv", clock = "virtual" })
    helper.throws("option 'loop'", ebb.runtime, { loop = 12 })
    helper.throws("option 'loop'", ebb.runtime, { loop = "uv" })
  end)
end)
