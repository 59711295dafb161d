-- What a task is told where Lua cannot yield, and when it yields by hand.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.runtime.support"
local it_runs = helper.it
local closer, contains, here = support.closer, support.contains, support.here

-- Where Lua cannot yield: { name, words that the message must have, run(await) }.
local boundaries = {
  { "table.sort's comparator", { "sort" }, function(await)
    table.sort({ 3, 1, 2 }, function(a, b)
      await()
      return a < b
    end)
  end },
  { "string.gsub's callback", { "gsub" }, function(await)
    return (("abc"):gsub("%a", function() await() end))
  end },
  { "__tostring under tostring", { "tostring" }, function(await)
    return tostring(setmetatable({}, { __tostring = function()
      await()
      return "text"
    end }))
  end },
  { "a chunk that is required", { "require", "ebb.require" }, function(await)
    package.preload["spec.boundary"] = function()
      await()
      return true
    end
    package.loaded["spec.boundary"] = nil
    local ok, err = pcall(require, "spec.boundary")
    package.preload["spec.boundary"] = nil
    package.loaded["spec.boundary"] = nil
    if not ok then error(err, 0) end
  end },
  { "a plain coroutine.wrap", { "coroutine", "ebb.coroutine" }, function(await)
    coroutine.wrap(function() await() end)()
  end },
  { "a plain coroutine.resume", { "coroutine", "ebb.coroutine" }, function(await)
    local ok, err = coroutine.resume(coroutine.create(function() await() end))
    if not ok then error(err, 0) end
  end },
  { "a plain coroutine, two deep", { "coroutine", "ebb.coroutine" }, function(await)
    coroutine.wrap(function() coroutine.wrap(function() await() end)() end)()
  end },
  { "string.format's %s", { "format" }, function(await)
    return ("%s"):format(setmetatable({}, { __tostring = function()
      await()
      return "text"
    end }))
  end },
}

-- What is awaited there; each gets a channel that nobody serves and a task that sleeps.
local awaits = {
  sleep = function() ebb.sleep(1) end,
  recv = function(ch) ch:recv() end,
  send = function(ch) ch:send(1) end,
  await = function(_, task) task:await() end,
  join = function(_, task) task:join() end,
  select = function(ch) ebb.select(ch, ebb.after(1)) end,
  timeout = function(ch) ebb.timeout(1, ch) end,
}

describe("an await that cannot be", function()
  for _, boundary in ipairs(boundaries) do
    for name, wait in pairs(awaits) do
      it_runs("R35 R38 EBB051 " .. name .. " in " .. boundary[1], function(_, rt)
        local ch = ebb.channel()
        local task = ebb.spawn(ebb.sleep, 5)
        ebb.yield()
        local timers = rt:metrics().timers
        local err = helper.throws("EBB051", boundary[3], function() wait(ch, task) end)
        for _, word in ipairs(boundary[2]) do contains(word, err) end
        assert.equal("string", type(err))
        local receivers, senders = ch:waiters()
        assert.equal(0, receivers)
        assert.equal(0, senders)
        assert.equal(timers, rt:metrics().timers)
        ebb.go(ch.send, ch, "value")
        assert.equal("value", ch:recv())
        task:await()
      end)
    end

    it_runs("R35 EBB051 names the line, in " .. boundary[1], function()
      local place
      local _, err = pcall(boundary[3], function()
        place = here(1)
        ebb.sleep(1)
        return 1
      end)
      contains(place .. ":", err)
    end)

    it_runs("R35 EBB051 can be caught on the spot, in " .. boundary[1], function()
      local seen
      boundary[3](function()
        local ok, err = pcall(ebb.sleep, 1)
        seen = not ok and err
      end)
      contains("EBB051", seen)
      ebb.sleep(1)
    end)
  end

  it_runs("R35 what is no await works there: try_recv, try_send, spawn, cancel, close", function()
    local ch, list = ebb.channel(1), { 3, 1, 2 }
    local ran = false
    table.sort(list, function(a, b)
      ch:try_send(a)
      ch:try_recv()
      ebb.spawn(function() ran = true end)
      ebb.spawn(function() error("never") end):cancel()
      ebb.channel():close()
      return a < b
    end)
    assert.same({ 1, 2, 3 }, list)
    helper.settle()
    assert.is_true(ran)
  end)

  it_runs("R36 in a reader of load: nil and the message", function(_, rt)
    local timers = rt:metrics().timers
    local chunk, err = load(function()
      ebb.sleep(1)
      return nil
    end)
    assert.is_nil(chunk)
    contains("EBB051", err)
    assert.equal(timers, rt:metrics().timers)
    ebb.sleep(1)
  end)

  it_runs("R38 in a finaliser", function(_, rt)
    local timers = rt:metrics().timers
    local seen
    setmetatable({}, { __gc = function() seen = table.pack(pcall(ebb.sleep, 1)) end })
    collectgarbage()
    collectgarbage()
    assert.is_false(seen[1])
    assert.equal("string", type(seen[2]))
    assert.equal(timers, rt:metrics().timers)
    ebb.sleep(1)
  end)

  it_runs("R39 in a __close that the plain coroutine.close runs", function(_, rt)
    local timers = rt:metrics().timers
    local thread = coroutine.create(function()
      local _ <close> = closer(function() ebb.sleep(1) end)
      coroutine.yield()
    end)
    coroutine.resume(thread)
    local ok, err = coroutine.close(thread)
    assert.is_false(ok)
    contains("EBB051", err)
    assert.equal("dead", coroutine.status(thread))
    assert.equal(timers, rt:metrics().timers)
    ebb.sleep(1)
  end)

  it_runs("R35 uncaught it fails the task alone", function(errors)
    local task = ebb.spawn(function()
      table.sort({ 2, 1 }, function() ebb.sleep(1) end)
    end)
    local ok, err = task:join()
    assert.is_false(ok)
    contains("EBB051", err)
    assert.equal(0, #errors)
    ebb.sleep(1)
  end)
end)

describe("a raw coroutine.yield of a task", function()
  it_runs("R50 EBB054 is thrown in that task, at the yield", function()
    local reached = false
    local ok, err = pcall(function()
      coroutine.yield()
      reached = true
    end)
    assert.is_false(ok)
    assert.is_false(reached)
    contains("EBB054", err)
    ebb.sleep(1)
  end)

  for name, value in pairs { number = 1, string = "x", table = {}, boolean = false,
    ["function"] = print, userdata = io.stdout } do
    it_runs("R50 EBB054 whatever it yields: a " .. name, function()
      helper.throws("EBB054", function()
        local got = coroutine.yield(value)
        return got, 1
      end)
      helper.throws("EBB054", function()
        local got = coroutine.yield(value, value, value)
        return got, 1
      end)
      ebb.sleep(1)
    end)
  end

  it_runs("R50 EBB054 an op is no exception", function()
    for _, op in ipairs { ebb.after(1), ebb.channel(), ebb.ready() } do
      helper.throws("EBB054", function()
        local got = coroutine.yield(op)
        return got, 1
      end)
    end
    ebb.sleep(1)
  end)

  it_runs("R50 EBB054 uncaught it fails the task alone", function()
    local task = ebb.spawn(function()
      coroutine.yield(1)
      return 1
    end)
    local ok, err = task:join()
    assert.is_false(ok)
    contains("EBB054", err)
    ebb.sleep(1)
  end)

  it_runs("R50 EBB054 the same through ebb.coroutine.yield outside an ebb coroutine", function()
    helper.throws("EBB054", ebb.coroutine.yield, 1)
    ebb.sleep(1)
  end)
end)
