-- Every function and every method, called with what it was not made for: an error or a documented
-- result, never a crash, and the runtime works afterwards.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.runtime.support"
local contains = support.contains

local unpack = table.unpack

-- Makers of one object of every kind, and the methods that the kind has.
local kinds = {
  task = {
    make = function() return ebb.spawn(ebb.sleep, 1) end,
    methods = { "await", "join", "cancel", "status", "finished", "name", "id", "traceback",
      "waiting_on", "join_op" },
  },
  channel = {
    make = function() return ebb.channel(2) end,
    methods = { "send", "recv", "try_send", "try_recv", "reserve", "recv_many", "send_many",
      "close", "is_closed", "capacity", "waiters", "sender", "send_op", "recv_op", "reserve_op" },
    close = "close",
  },
  sender = {
    make = function() return ebb.channel(2):sender() end,
    methods = { "send", "try_send", "clone", "close" },
    close = "close",
  },
  permit = {
    make = function() return ebb.channel(2):reserve() end,
    methods = { "send", "close" },
    close = "close",
  },
  scope = {
    make = function() return ebb.scope() end,
    methods = { "spawn", "cancel", "defer", "wait", "close" },
    close = "close",
  },
  token = {
    make = function() return ebb.token() end,
    methods = { "cancel", "is_cancelled", "cancelled", "child", "run", "close" },
    close = "close",
  },
  timer = {
    make = function() return ebb.timer(1) end,
    methods = { "reset", "deadline", "fired", "close" },
    close = "close",
  },
  interval = {
    make = function() return ebb.interval(1) end,
    methods = { "tick", "reset", "close" },
    close = "close",
  },
  op = {
    make = function() return ebb.after(1) end,
    methods = { "await", "map", "and_then", "or_else" },
  },
  choice = {
    make = function() return ebb.choice(ebb.after(1), ebb.never()) end,
    methods = { "await", "map", "and_then", "or_else" },
  },
  send_op = {
    make = function() return ebb.channel():send_op(1) end,
    methods = { "await", "map", "and_then", "or_else" },
  },
  guard = {
    make = function() return ebb.guard() end,
    methods = { "bytes", "array", "buffer", "own", "defer", "release", "guard", "stats", "reset",
      "close" },
    close = "close",
  },
  bytes = {
    make = function()
      local g = ebb.guard()
      return g:bytes(8), g
    end,
    methods = { "sub", "set", "fill", "copy", "view", "string" },
  },
  array = {
    make = function()
      local g = ebb.guard()
      return g:array("i32", 8), g
    end,
    methods = { "fill", "copy", "view", "sum", "min", "max", "add", "mul" },
  },
  buffer = {
    make = function()
      local g = ebb.guard()
      return g:buffer(8), g
    end,
    methods = { "put", "get", "peek", "skip", "pack", "unpack", "append_from", "clear" },
  },
}

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

local names = {}
for name in pairs(kinds) do names[#names + 1] = name end
table.sort(names)

local function noop() end
local function keep_alive() end
local null = assert(io.open("/dev/null"))

--- Values of every sort; fresh ones at each call.
local function junk()
  return {
    nil, true, false, 0, -1, 1, 2.5, 0 / 0, math.huge, -math.huge, math.maxinteger, math.mininteger,
    2 ^ 53, "", "x", "l", "a\0b", {}, { 1, 2 }, { x = 1 }, noop, null, coroutine.create(noop),
    setmetatable({}, { __index = function() return noop end }),
    setmetatable({}, { __name = "ebb.channel" }), ebb.channel(1), ebb.ready(1), ebb.token(),
  }, 28
end

--- Something that is not of the kind `name`, of every sort.
local function wrong_selves(name)
  local list = { true, 1, 0.5, "x", {}, noop, null, coroutine.create(noop),
    setmetatable({}, { __name = "ebb." .. name }),
    setmetatable({}, { __index = function() return 1 end }) }
  return list
end

--- Calls fn(...) in a task of its own and ends the task if it waits. Returns what pcall gave, or nil.
local function attempt(fn, ...)
  local results
  local task = ebb.spawn(function(...) results = table.pack(pcall(fn, ...)) end, ...)
  for _ = 1, 3 do
    if results then break end
    ebb.yield()
  end
  task:cancel()
  task:join()
  return results
end

--- Fails unless tasks, channels, timers and select still work.
local function canary()
  local ch = ebb.channel()
  local task = ebb.spawn(function()
    ebb.sleep(0.001)
    return ch:send("canary")
  end)
  local which, value = ebb.select(ebb.after(100), ch)
  assert.equal(2, which)
  assert.equal("canary", value)
  assert.is_true(task:await())
end

local function it_survives(name, fn)
  it(name, function()
    local rt = ebb.runtime { clock = "virtual", on_task_error = noop, cleanup_timeout = 1 }
    local ok, err = xpcall(rt.run, debug.traceback, rt, function()
      fn()
      canary()
    end)
    rt:close()
    collectgarbage()
    if not ok then error(err, 0) end
  end)
end

local function is_misuse(err)
  return type(err) == "string"
    and (err:find("bad argument", 1, true) or err:find("on bad self", 1, true)
      or err:find("EBB%d%d%d")) ~= nil
end

describe("methods with a wrong self:", function()
  for _, name in ipairs(names) do
    local kind = kinds[name]
    for _, method in ipairs(kind.methods) do
      it_survives("R146 " .. name .. ":" .. method .. " throws an argument error", function()
        local object, keep = kind.make()
        local fn = object[method]
        assert.is_truthy(fn, "no method " .. method)
        local selves = wrong_selves(name)
        for i = 1, #selves do
          for _, arguments in ipairs { {}, { 1 }, { noop }, { "x", "y" } } do
            local results = attempt(fn, selves[i], unpack(arguments))
            if not results then error(("%s waits with %s as self"):format(method, selves[i])) end
            assert.is_false(results[1], method .. " takes " .. tostring(selves[i]))
            if not is_misuse(results[2]) then
              error(("%s with %s as self: %s"):format(method, selves[i], results[2]))
            end
          end
        end
        local results = attempt(fn)
        assert.is_false(results[1])
        assert.is_true(is_misuse(results[2]), tostring(results[2]))
        results = attempt(fn, nil, 1)
        assert.is_false(results[1])
        keep_alive(keep)
      end)
    end

    it_survives("R146 " .. name .. ": its methods refuse the objects of other kinds", function()
      local object, keep = kind.make()
      for _, other in ipairs(names) do
        local op_like = kinds[other].methods == kind.methods or name == "op" or name == "choice"
          or name == "send_op"
        local shared = (name == "channel" and other == "sender")
          or (name == "sender" and other == "channel")
          or (name == "bytes" and other == "array") or (name == "array" and other == "bytes")
        if other ~= name and not op_like and not shared then
          local stranger, keep_stranger = kinds[other].make()
          for _, method in ipairs(kind.methods) do
            if method ~= "await" then
              local results = attempt(object[method], stranger, 1)
              local what = ("%s.%s(%s)"):format(name, method, other)
              assert.is_truthy(results, what .. " waits")
              assert.is_false(results[1], what .. " succeeds")
              assert.is_true(is_misuse(results[2]), what .. ": " .. tostring(results[2]))
            end
          end
          if kinds[other].close then pcall(stranger[kinds[other].close], stranger) end
          keep_alive(keep_stranger)
        end
      end
      keep_alive(keep)
    end)
  end
end)

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

describe("closed objects:", function()
  for _, name in ipairs(names) do
    local kind = kinds[name]
    if kind.close then
      it_survives("R142 " .. name .. ": every method throws or answers", function()
        local values, n = junk()
        for _, method in ipairs(kind.methods) do
          local object = kind.make()
          object[kind.close](object)
          local results = attempt(object[method], object)
          assert.equal("string", type(tostring(object)))
          for i = 1, n do attempt(object[method], object, values[i]) end
          object[kind.close](object)
          assert.is_true(results == nil or type(results[1]) == "boolean")
        end
      end)

      it_survives("R163 " .. name .. ": closing twice is harmless", function()
        local object = kind.make()
        assert.is_true(pcall(object[kind.close], object))
        assert.is_true(pcall(object[kind.close], object))
        assert.is_true(pcall(object[kind.close], object))
      end)

      if name ~= "channel" then
        it_survives("R163 " .. name .. ": a to-be-closed variable closes it", function()
          local kept
          do
            local object <close> = kind.make()
            kept = object
          end
          assert.is_true(pcall(kept.close, kept))
        end)
      end
    end
  end

  it_survives("R162 memory of a closed guard throws at every use and is never touched", function()
    local g = ebb.guard()
    local objects = { bytes = g:bytes(8), array = g:array("f64", 4), buffer = g:buffer() }
    g:close()
    for kind, object in pairs(objects) do
      for _, method in ipairs(kinds[kind].methods) do
        local results = attempt(function() return object[method](object, 1) end)
        assert.is_false(results[1], kind .. ":" .. method)
        contains("EBB012", results[2])
      end
      helper.throws("EBB012", function() return #object end)
      assert.equal("string", type(tostring(object)))
    end
    for _, kind in ipairs { "bytes", "array" } do
      helper.throws("EBB012", function() return objects[kind][1] end)
      helper.throws("EBB012", function() objects[kind][1] = 1 end)
    end
  end)

  it_survives("R161 released twice: EBB011; another's: EBB014", function()
    local g, other = ebb.guard(), ebb.guard()
    local bytes = g:bytes(8)
    helper.throws("EBB014", other.release, other, bytes)
    g:release(bytes)
    helper.throws("EBB011", g.release, g, bytes)
    g:close()
    other:close()
  end)

  it_survives("R166 sizes that cannot be are refused", function()
    local g <close> = ebb.guard()
    for _, n in ipairs { -1, 2.5, 0 / 0, math.huge, math.mininteger, math.maxinteger, "x", {} } do
      assert.is_false(pcall(g.bytes, g, n))
      assert.is_false(pcall(g.array, g, "f64", n))
    end
    assert.is_false(pcall(g.array, g, "f64", math.maxinteger // 8 + 1))
    assert.is_false(pcall(g.array, g, "f65", 1))
    assert.is_false(pcall(g.buffer, g, -1))
    assert.equal(8, #g:bytes(8))
  end)
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
    contains("number expected, got table", err)
    err = helper.throws("bad argument #1", ebb.spawn, 12)
    contains("expected, got number", err)
  end)

  it_survives("argument errors are at the place of the caller", function()
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
      contains(("misuse_spec.lua:%d:"):format(line), err)
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
      end, unpack(list))
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

describe("a runtime misused by its host:", function()
  local methods = { "run", "spawn", "block_on", "step", "advance", "metrics", "shutdown", "close" }

  local function make()
    return ebb.runtime { clock = "virtual", on_task_error = noop }
  end

  for _, method in ipairs(methods) do
    it("R146 rt:" .. method .. " with a wrong self", function()
      local rt = make()
      local selves = wrong_selves("runtime")
      selves[#selves + 1] = ebb.channel()
      selves[#selves + 1] = ebb.guard()
      selves[#selves + 1] = ebb.token()
      for i = 1, #selves do
        for _, argument in ipairs { false, 1, noop } do
          local ok, err = pcall(rt[method], selves[i], argument)
          assert.is_false(ok)
          assert.is_true(is_misuse(err), tostring(err))
        end
      end
      assert.is_false((pcall(rt[method])))
      assert.equal(1, rt:run(function() return 1 end))
      rt:close()
    end)

    it("R146 R135 rt:" .. method .. " with wrong arguments", function()
      local values, n = junk()
      for i = 1, n do
        local rt = make()
        pcall(rt[method], rt, values[i])
        pcall(rt[method], rt, values[i], values[math.random(n)])
        assert.equal("string", type(tostring(rt)))
        pcall(rt.close, rt)
      end
      helper.run(canary)
    end)

    it("R142 rt:" .. method .. " after close", function()
      local rt = make()
      rt:spawn(ebb.sleep, 1)
      rt:step(1)
      rt:close()
      pcall(rt[method], rt)
      pcall(rt[method], rt, 1)
      pcall(rt[method], rt, noop)
      pcall(rt[method], rt, ebb.ready())
      assert.equal("string", type(tostring(rt)))
      helper.run(canary)
    end)
  end
end)

describe("meddling with debug:", function()
  -- Metatables of ebb on what is not ebb's.
  for _, name in ipairs(names) do
    it("R149 the metatable of a " .. name .. " on a file and on a table", function()
      support.prints("fine\n", ([[
        local ebb = require "ebb"
        local makers = {
          task = function() return ebb.spawn(ebb.sleep, 0.001) end,
          channel = function() return ebb.channel(1) end,
          sender = function() return ebb.channel():sender() end,
          permit = function() return ebb.channel(1):reserve() end,
          scope = function() return ebb.scope() end,
          token = function() return ebb.token() end,
          timer = function() return ebb.timer(1) end,
          interval = function() return ebb.interval(1) end,
          op = function() return ebb.after(1) end,
          choice = function() return ebb.choice(ebb.never(), ebb.after(1)) end,
          send_op = function() return ebb.channel():send_op(1) end,
          guard = function() return ebb.guard() end,
          bytes = function() return ebb.guard():bytes(8) end,
          array = function() return ebb.guard():array("u8", 8) end,
          buffer = function() return ebb.guard():buffer() end,
        }
        local object = makers[%q]()
        local mt = debug.getmetatable(object)
        local methods = { %s }
        local file = assert(io.open("/dev/null"))
        local own = debug.getmetatable(file)
        for _, stranger in ipairs { {}, file } do
          debug.setmetatable(stranger, mt)
          for _, method in ipairs(methods) do
            local fn = object[method]
            for _, argument in ipairs { false, 1, print } do
              assert(not pcall(fn, stranger, argument), method)
            end
          end
          pcall(tostring, stranger)
          pcall(function() return #stranger end)
          pcall(function() return stranger[1] end)
          pcall(function() stranger[1] = 1 end)
        end
        debug.setmetatable(file, own)
        ebb.run(function() ebb.sleep(0.001) end)
        print("fine")
      ]]):format(name, '"' .. table.concat(kinds[name].methods, '", "') .. '"'))
    end)
  end

  it("R150 user values taken away", function()
    local result = support.child([[
      local ebb = require "ebb"
      local objects = { ebb.channel(2), ebb.channel(2):sender(), ebb.channel(2):reserve(),
        ebb.guard(), ebb.scope(), ebb.token(), ebb.timer(1), ebb.interval(1), ebb.after(1),
        ebb.choice(ebb.channel(), ebb.never()), ebb.channel():send_op({}), ebb.guard():bytes(8),
        ebb.guard():buffer(8), ebb.spawn(ebb.sleep, 0.001) }
      for _, x in ipairs(objects) do
        if type(x) == "userdata" then
          for n = 1, 8 do debug.setuservalue(x, nil, n) end
        end
      end
      collectgarbage()
      for _, x in ipairs(objects) do
        tostring(x)
        for _, name in ipairs { "try_send", "try_recv", "send", "close", "cancel", "put", "string",
          "fired", "stats" } do
          pcall(function() return x[name](x, 1) end)
        end
      end
      objects = nil
      collectgarbage()
      ebb.run(function() ebb.sleep(0.001) end)
    ]])
    assert.is_true(result.code < 2, result.err)
  end)
end)
