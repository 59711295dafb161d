-- Every function and method with wrong arguments: an error or a documented result, never a crash.
local ebb = require "ebb"
local helper = require "spec.helper"
local misuse = require "spec.reliability.misuse"
local support = require "spec.runtime.support"
local kinds, names, junk, attempt = misuse.kinds, misuse.names, misuse.junk, misuse.attempt
local it_survives, keep_alive, contains = misuse.it_survives, misuse.keep_alive, support.contains
local function noop() end

-- Functions of the module, without those that change the whole state.
local functions = {
  "run", "spawn", "go", "spawn_with", "current", "yield", "scope", "join", "try_join", "join_all",
  "try_join_all", "race", "map", "shield", "token", "is_cancelled", "await", "select",
  "select_first", "try_select", "after", "at", "timer", "ready", "never", "map_op", "choice",
  "defer_op", "sleep", "sleep_until", "timeout", "timeout_at", "deadline", "interval",
  "next_frame", "channel",
  "guard", "task_guard", "now",
}
local nested = {
  coroutine = { "wrap", "create", "resume", "status", "close", "isyieldable", "running" },
  fs = { "stat", "list", "read", "walk" },
}

describe("methods with wrong arguments:", function()
  for _, name in ipairs(names) do
    local kind = kinds[name]
    for _, method in ipairs(kind.methods) do
      it_survives("R146 " .. name .. ":" .. method .. " survives them all", function()
        local values, n = junk()
        for i = 1, n do
          local object, keep = kind.make()
          attempt(object[method], object, values[i])
          attempt(object[method], object, values[i], values[i])
          for _ = 1, 4 do
            local second, third = values[math.random(n)], values[math.random(n)]
            attempt(object[method], object, values[i], second, third)
          end
          assert.equal("string", type(tostring(object)))
          if kind.close then pcall(object[kind.close], object) end
          keep_alive(keep)
        end
      end)
    end
  end
end)

describe("functions with wrong arguments:", function()
  local function survive(fn)
    local values, n = junk()
    attempt(fn)
    for i = 1, n do
      attempt(fn, values[i])
      attempt(fn, values[i], values[i])
      for j = 1, n do attempt(fn, values[i], values[j]) end
      for _ = 1, 5 do
        local second, third = values[math.random(n)], values[math.random(n)]
        attempt(fn, values[i], second, third, values[math.random(n)])
      end
    end
  end

  for _, name in ipairs(functions) do
    it_survives("R146 ebb." .. name, function()
      assert.equal("function", type(ebb[name]) == "table" and "function" or type(ebb[name]))
      survive(ebb[name])
    end)
  end

  for module, list in pairs(nested) do
    for _, name in ipairs(list) do
      it_survives("R146 R157 ebb." .. module .. "." .. name, function()
        assert.equal("function", type(ebb[module][name]))
        survive(ebb[module][name])
      end)
    end
  end

  --- What must be refused: { call, text in the error }.
  local refused = {
    ["sleep(nan)"] = function() ebb.sleep(0 / 0) end,
    ["sleep()"] = function() ebb.sleep() end,
    ["sleep('x')"] = function() ebb.sleep("x") end,
    ["sleep({})"] = function() ebb.sleep({}) end,
    ["sleep_until(nan)"] = function() ebb.sleep_until(0 / 0) end,
    ["after(nan)"] = function() ebb.await(ebb.after(0 / 0)) end,
    ["after('x')"] = function() ebb.after("x") end,
    ["at({})"] = function() ebb.at({}) end,
    ["timer(nan)"] = function() ebb.timer(0 / 0) end,
    ["timer({})"] = function() ebb.timer({}) end,
    ["timeout(nan)"] = function() ebb.timeout(0 / 0, noop) end,
    ["timeout('x')"] = function() ebb.timeout("x", noop) end,
    ["timeout(1)"] = function() ebb.timeout(1) end,
    ["timeout(1, 'x')"] = function() ebb.timeout(1, "x") end,
    ["timeout_at(nan)"] = function() ebb.timeout_at(0 / 0, noop) end,
    ["interval(0)"] = function() ebb.interval(0) end,
    ["interval(-1)"] = function() ebb.interval(-1) end,
    ["interval(nan)"] = function() ebb.interval(0 / 0) end,
    ["interval('x')"] = function() ebb.interval("x") end,
    ["interval(1, { missed = 'never' })"] = function() ebb.interval(1, { missed = "never" }) end,
    ["channel(-1)"] = function() ebb.channel(-1) end,
    ["channel(1.5)"] = function() ebb.channel(1.5) end,
    ["channel(nan)"] = function() ebb.channel(0 / 0) end,
    ["channel(-huge)"] = function() ebb.channel(-math.huge) end,
    ["channel('x')"] = function() ebb.channel("x") end,
    ["channel({})"] = function() ebb.channel({}) end,
    ["channel:send(nil)"] = function() ebb.channel(1):send(nil) end,
    ["channel:send()"] = function() ebb.channel(1):send() end,
    ["channel:try_send(nil)"] = function() ebb.channel(1):try_send(nil) end,
    ["channel:send_op(nil)"] = function() ebb.channel(1):send_op(nil) end,
    ["channel:recv_many('x')"] = function() ebb.channel(1):recv_many("x") end,
    ["channel:send_many(1)"] = function() ebb.channel(1):send_many(1) end,
    ["permit:send(nil)"] = function() ebb.channel(1):reserve():send(nil) end,
    ["spawn()"] = function() ebb.spawn() end,
    ["spawn(1)"] = function() ebb.spawn(1) end,
    ["spawn('x')"] = function() ebb.spawn("x") end,
    ["go(nil)"] = function() ebb.go(nil) end,
    ["go(1)"] = function() ebb.go(1) end,
    ["spawn_with(fn)"] = function() ebb.spawn_with(noop) end,
    ["spawn_with({}, 1)"] = function() ebb.spawn_with({}, 1) end,
    ["spawn_with({ name = {} })"] = function() ebb.spawn_with({ name = {} }, noop) end,
    ["scope('x')"] = function() ebb.scope("x") end,
    ["scope:spawn(1)"] = function() ebb.scope():spawn(1) end,
    ["scope:defer(1)"] = function() ebb.scope(function(s) s:defer(1) end) end,
    ["join(1)"] = function() ebb.join(1) end,
    ["join(fn, 'x')"] = function() ebb.join(noop, "x") end,
    ["try_join('x')"] = function() ebb.try_join("x") end,
    ["join_all(1)"] = function() ebb.join_all(1) end,
    ["race(1)"] = function() ebb.race(1) end,
    ["map(1, fn)"] = function() ebb.map(1, noop) end,
    ["map({1}, 1)"] = function() ebb.map({ 1 }, 1) end,
    ["map({1}, fn, 0)"] = function() ebb.map({ 1 }, noop, 0) end,
    ["map({1}, fn, 'x')"] = function() ebb.map({ 1 }, noop, "x") end,
    ["shield(1)"] = function() ebb.shield(1) end,
    ["token('x')"] = function() ebb.token("x") end,
    ["token:run(1)"] = function() ebb.token():run(1) end,
    ["await()"] = function() ebb.await() end,
    ["await(1)"] = function() ebb.await(1) end,
    ["await('x')"] = function() ebb.await("x") end,
    ["await({})"] = function() ebb.await({}) end,
    ["await(function)"] = function() ebb.await(noop) end,
    ["select(1)"] = function() ebb.select(1) end,
    ["select(ch, 'x')"] = function() ebb.select(ebb.channel(), "x") end,
    ["select{ a = 1 }"] = function() ebb.select { a = 1 } end,
    ["select_first(1)"] = function() ebb.select_first(1) end,
    ["try_select(1)"] = function() ebb.try_select(1) end,
    ["choice(1)"] = function() ebb.choice(1) end,
    ["map_op(1, fn)"] = function() ebb.map_op(1, noop) end,
    ["map_op(op, 1)"] = function() ebb.map_op(ebb.ready(), 1) end,
    ["op:and_then(1)"] = function() ebb.ready():and_then(1) end,
    ["op:or_else(1)"] = function() ebb.ready():or_else(1) end,
    ["defer_op(1)"] = function() ebb.defer_op(1) end,
    ["task:name({})"] = function() ebb.current():name({}) end,
    ["on_task_error(1)"] = function() ebb.on_task_error(1) end,
    ["runtime(1)"] = function() ebb.runtime(1) end,
    ["runtime{ on_task_error = 1 }"] = function() ebb.runtime { on_task_error = 1 } end,
    ["runtime{ cleanup_timeout = 'x' }"] = function() ebb.runtime { cleanup_timeout = "x" } end,
    ["runtime{ name = {} }"] = function() ebb.runtime { name = {} } end,
    ["coroutine.wrap(1)"] = function() ebb.coroutine.wrap(1) end,
    ["fs.stat()"] = function() ebb.fs.stat() end,
    ["fs.stat({})"] = function() ebb.fs.stat({}) end,
    ["fs.read(nil)"] = function() ebb.fs.read(nil) end,
    ["fs.write('x', {})"] = function() ebb.fs.write("/nonexistent/x", {}) end,
  }
  for name, call in pairs(refused) do
    it_survives("R74 R75 R92 refused: " .. name, function()
      local ok, err = pcall(call)
      assert.is_false(ok)
      assert.equal("string", type(err))
    end)
  end

  it_survives("EBB061 an empty selection", function()
    helper.throws("EBB061", ebb.select)
    helper.throws("EBB061", ebb.select, {})
    helper.throws("EBB061", ebb.select, { a = false })
    helper.throws("EBB061", ebb.select_first)
    helper.throws("EBB061", ebb.try_select)
    helper.throws("EBB061", ebb.try_select, {})
  end)

  it_survives("argument errors name the argument, what was expected and what came", function()
    local err = helper.throws("bad argument #1", ebb.sleep, {})
    contains("number", err)
    contains("expected, got table", err)
    err = helper.throws("bad argument #1", ebb.spawn, 12)
    contains("expected, got number", err)
  end)

  it_survives("argument errors are at the place of the caller #fifo", function()
    for _, call in ipairs {
      function() ebb.sleep({}) end,
      function() ebb.spawn(12) end,
      function() ebb.channel(-1) end,
      function() ebb.channel(1):send(nil) end,
      function() ebb.timeout("x", noop) end,
      function() ebb.interval(0) end,
      function() ebb.select(1) end,
      function() ebb.await(1) end,
      function() ebb.map(1, noop) end,
      function() ebb.join(1) end,
      function() ebb.scope("x") end,
      function() ebb.race(1) end,
      function() ebb.runtime(1) end,
      function() ebb.fs.stat({}) end,
      function() ebb.guard():bytes(-1) end,
    } do
      local _, err = pcall(call)
      local line = debug.getinfo(call, "S").linedefined
      contains(("wrong_arguments_spec.lua:%d:"):format(line), err)
    end
  end)

  it_survives("R157 a path with a zero byte is an error, not another file", function()
    for _, name in ipairs { "stat", "read", "list" } do
      local ok, value = pcall(ebb.fs[name], "spec\0/x")
      assert.is_true(not ok or value == nil, name)
    end
  end)

  it_survives("R77 huge times neither wrap nor fire early", function()
    for _, s in ipairs { 2 ^ 31, 2 ^ 31 / 1000, 2 ^ 53, 2 ^ 63, 2 ^ 64, 1e18, 1e300, math.huge } do
      local fired = false
      local task = ebb.spawn(function()
        ebb.sleep(s)
        fired = true
      end)
      ebb.sleep(1000)
      assert.is_false(fired)
      assert.equal("waiting", task:status())
      task:cancel()
      task:join()
      assert.equal(2, (ebb.select(ebb.after(s), ebb.after(1))))
      assert.equal(1, (ebb.timeout(s, function()
        ebb.sleep(1)
        return 1
      end)))
    end
  end)

  it_survives("R74 times that are past are over at once", function()
    local start = ebb.now()
    for _, s in ipairs { 0, -0.0, -1, -1e300, -math.huge, math.mininteger } do
      ebb.sleep(s)
      ebb.await(ebb.after(s))
      ebb.sleep_until(start + s)
    end
    assert.equal(start, ebb.now())
  end)

  it_survives("R4 R59 very many arguments and results: exact, or an error", function()
    local list = {}
    for i = 1, 100000 do list[i] = i end
    local task
    local ok, err = pcall(function()
      task = ebb.spawn(function(...)
        ebb.yield()
        return ...
      end, table.unpack(list))
    end)
    if ok then
      local results = table.pack(task:join())
      if results[1] then
        assert.equal(100001, results.n)
        assert.equal(100000, results[100001])
      else
        assert.equal("string", type(results[2]))
      end
    else
      assert.equal("string", type(err))
    end
  end)

  it_survives("R159 very long names", function()
    local task = ebb.spawn_with({ name = ("n"):rep(1e6) }, ebb.sleep, 1)
    assert.is_true(#tostring(task) < 1e4)
    task:name(("m"):rep(1e6))
    assert.is_true(#tostring(task) < 1e4)
    task:name("a\0b\nc")
    assert.equal("string", type(tostring(task)))
    task:await()
  end)
end)
