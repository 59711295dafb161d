-- Mistakes in the arguments throw at the caller's line, name the argument, what was expected and
-- what came, and leave nothing behind.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.task.support"
local it_runs = helper.it

local nan = 0 / 0
local function f() end

-- A table whose numbers only count: a function, the argument's position, what must be in the
-- message besides.
local cases = {
  { "spawn(nil)", 1, "function", "nil", function() ebb.spawn(nil) end },
  { "spawn()", 1, "function", "no value", function() ebb.spawn() end },
  { "spawn(42)", 1, "function", "number", function() ebb.spawn(42) end },
  { "spawn('x')", 1, "function", "string", function() ebb.spawn("x") end },
  { "spawn({})", 1, "function", "table", function() ebb.spawn({}) end },
  { "go(nil)", 1, "function", "nil", function() ebb.go(nil) end },
  { "go(true)", 1, "function", "boolean", function() ebb.go(true) end },
  { "spawn_with(nil, f)", 1, "table", "nil", function() ebb.spawn_with(nil, f) end },
  { "spawn_with('name', f)", 1, "table", "string", function() ebb.spawn_with("name", f) end },
  { "spawn_with({}, nil)", 2, "function", "nil", function() ebb.spawn_with({}, nil) end },
  { "spawn_with({}, 42)", 2, "function", "number", function() ebb.spawn_with({}, 42) end },
  { "sleep(nil)", 1, "number", "nil", function() ebb.sleep(nil) end },
  { "sleep()", 1, "number", "no value", function() ebb.sleep() end },
  { "sleep('x')", 1, "number", "string", function() ebb.sleep("x") end },
  { "sleep({})", 1, "number", "table", function() ebb.sleep({}) end },
  { "sleep(NaN)", 1, "number", "nan", function() ebb.sleep(nan) end },
  { "sleep_until(NaN)", 1, "number", "nan", function() ebb.sleep_until(nan) end },
  { "sleep_until(nil)", 1, "number", "nil", function() ebb.sleep_until(nil) end },
  { "timeout(nil, f)", 1, "number", "nil", function() ebb.timeout(nil, f) end },
  { "timeout(f, 1)", 1, "number", "function", function() ebb.timeout(f, 1) end },
  { "timeout(NaN, f)", 1, "number", "nan", function() ebb.timeout(nan, f) end },
  { "timeout(1)", 2, "function", "no value", function() ebb.timeout(1) end },
  { "timeout(1, 42)", 2, "function", "number", function() ebb.timeout(1, 42) end },
  { "timeout_at(NaN, f)", 1, "number", "nan", function() ebb.timeout_at(nan, f) end },
  { "scope(42)", 1, "function", "number", function() ebb.scope(42) end },
  { "scope('x')", 1, "function", "string", function() ebb.scope("x") end },
  { "join(42)", 1, "function", "number", function() ebb.join(42) end },
  { "join(nil)", 1, "function", "nil", function() ebb.join(nil) end },
  { "join(f, {})", 2, "function", "table", function() ebb.join(f, {}) end },
  { "try_join(f, 'x')", 2, "function", "string", function() ebb.try_join(f, "x") end },
  { "join_all(nil)", 1, "expected", "nil", function() ebb.join_all(nil) end },
  { "join_all(f)", 1, "expected", "function", function() ebb.join_all(f) end },
  { "try_join_all(42)", 1, "expected", "number", function() ebb.try_join_all(42) end },
  { "race(42)", 1, "function", "number", function() ebb.race(42) end },
  { "race(f, nil)", 2, "function", "nil", function() ebb.race(f, nil) end },
  { "map(nil, f)", 1, "expected", "nil", function() ebb.map(nil, f) end },
  { "map({1}, nil)", 2, "function", "nil", function() ebb.map({ 1 }, nil) end },
  { "map({1}, 42)", 2, "function", "number", function() ebb.map({ 1 }, 42) end },
  { "map({1}, f, 'x')", 3, "", "string", function() ebb.map({ 1 }, f, "x") end },
  { "map({1}, f, 0)", 3, "", "0", function() ebb.map({ 1 }, f, 0) end },
  { "map({1}, f, -1)", 3, "", "-1", function() ebb.map({ 1 }, f, -1) end },
  { "map({1}, f, NaN)", 3, "", "nan", function() ebb.map({ 1 }, f, nan) end },
  { "map({1}, f, 1.5)", 3, "", "", function() ebb.map({ 1 }, f, 1.5) end },
  { "delay(nil, f)", 1, "number", "nil", function() ebb.delay(nil, f) end },
  { "delay(NaN, f)", 1, "number", "nan", function() ebb.delay(nan, f) end },
  { "delay(1, nil)", 2, "function", "nil", function() ebb.delay(1, nil) end },
  { "shield(nil)", 1, "function", "nil", function() ebb.shield(nil) end },
  { "shield(42)", 1, "function", "number", function() ebb.shield(42) end },
  { "token(42)", 1, "ebb.token", "number", function() ebb.token(42) end },
  { "token({})", 1, "ebb.token", "table", function() ebb.token({}) end },
  { "await(nil)", 1, "", "nil", function() ebb.await(nil) end },
  { "await(42)", 1, "", "number", function() ebb.await(42) end },
  { "await({})", 1, "", "table", function() ebb.await({}) end },
  { "await(f)", 1, "", "function", function() ebb.await(f) end },
  { "select(ch, 42)", 2, "", "number", function() ebb.select(ebb.channel(), 42) end },
  { "on_task_error(42)", 1, "function", "number", function() ebb.on_task_error(42) end },
}

-- Checks message and place of a mistake, and that nothing was left behind.
local function check(rt, position, expected, got, call)
  local before = rt:metrics()
  local err = support.failure(call)
  assert.equal("string", type(err))
  assert.truthy(err:find("^[^\n]*badargs_spec%.lua:%d+: "), err)
  if position then
    assert.truthy(err:find(("bad argument #%d to"):format(position), 1, true), err)
  end
  assert.truthy(err:find(expected, 1, true), err)
  assert.truthy(err:lower():find(got, 1, true), err)
  local after = rt:metrics()
  assert.equal(before.alive, after.alive)
  assert.equal(before.timers, after.timers)
end

describe("a mistake in the arguments of", function()
  for _, case in ipairs(cases) do
    it_runs(case[1] .. " throws", function(_, rt)
      check(rt, case[2], case[3], case[4], case[5])
      assert.is_nil(ebb.deadline())
      support.near(1, support.elapsed(ebb.sleep, 1))
    end)
  end
end)

describe("R146 methods on the wrong object", function()
  local function objects()
    return {
      { "ebb.task", ebb.current(), { "await", "join", "cancel", "status", "finished", "name", "id",
        "traceback", "waiting_on", "join_op" } },
      { "ebb.token", ebb.token(), { "cancel", "is_cancelled", "cancelled", "child", "run",
        "close" } },
      { "ebb.scope", ebb.scope(), { "spawn", "cancel", "defer", "wait", "close" } },
    }
  end

  for index, name in ipairs { "ebb.task", "ebb.token", "ebb.scope" } do
    it_runs("name " .. name .. " and what came", function(_, rt)
      local object = objects()[index]
      local strangers = { ["nil"] = function() return nil end, table = function() return {} end,
        number = function() return 42 end, string = function() return "x" end,
        ["ebb.channel"] = ebb.channel, ["file"] = function() return io.stdout end }
      for _, method in ipairs(object[3]) do
        local fn = object[2][method]
        assert.equal("function", type(fn), method)
        for got, make in pairs(strangers) do
          local stranger = make()
          check(rt, nil, name, got, function() fn(stranger, f) end)
        end
      end
    end)
  end

  it_runs("the metatables cannot be reached or replaced", function()
    for _, object in ipairs(objects()) do
      assert.are_not.equal("table", type(getmetatable(object[2])))
      assert.is_false((pcall(setmetatable, object[2], {})))
    end
  end)

  it_runs("methods with wrong arguments throw too", function(_, rt)
    local task, token = ebb.current(), ebb.token()
    local s <close> = ebb.scope()
    check(rt, 1, "function", "nil", function() s:spawn(nil) end)
    check(rt, 1, "function", "number", function() s:spawn(42) end)
    check(rt, 1, "function", "nil", function() s:defer(nil) end)
    check(rt, 1, "function", "table", function() s:defer({}) end)
    check(rt, 1, "function", "nil", function() token:run(nil) end)
    check(rt, 1, "function", "string", function() token:run("x") end)
    check(rt, 1, "string", "table", function() task:name({}) end)
  end)
end)

describe("a mistake among several arguments", function()
  it_runs("starts none of the functions", function(_, rt)
    local ran = 0
    local function count() ran = ran + 1 end
    check(rt, 3, "", "number", function() ebb.join(count, count, 42) end)
    check(rt, 2, "", "number", function() ebb.try_join(count, 42) end)
    check(rt, 2, "", "number", function() ebb.race(count, 42) end)
    check(rt, nil, "", "number", function() ebb.join_all { count, 42 } end)
    check(rt, nil, "", "string", function() ebb.try_join_all { "x", count } end)
    support.settle()
    assert.equal(0, ran)
  end)

  it_runs("of a select takes nothing", function(_, rt)
    local ch = ebb.channel(1)
    ch:send("v")
    check(rt, 2, "", "number", function() ebb.select(ch, 42) end)
    check(rt, 2, "", "number", function() ebb.try_select(ch, 42) end)
    assert.equal("v", ch:try_recv())
  end)
end)

describe("a select over nothing", function()
  it_runs("SE6 throws EBB061", function()
    for _, fn in ipairs {
      function() ebb.select() end, function() ebb.select({}) end,
      function() ebb.select { false, false } end, function() ebb.select { a = false } end,
      function() ebb.try_select() end, function() ebb.try_select({}) end,
      function() ebb.select_first() end,
    } do
      local err = support.failure(fn)
      assert.truthy(tostring(err):find("EBB061", 1, true))
      assert.truthy(tostring(err):find("badargs_spec.lua:", 1, true))
    end
  end)
end)

describe("times that are strange but no mistakes", function()
  it_runs("R77 negative ones are zero, huge ones wait", function()
    support.near(0, support.elapsed(function()
      ebb.sleep(-1)
      ebb.sleep(-math.huge)
      ebb.sleep(-1e300)
      ebb.sleep_until(ebb.now() - 1e9)
    end))
    for _, seconds in ipairs { math.huge, 1e300, 2 ^ 63, 2 ^ 53 } do
      assert.same({ n = 3, nil, "timeout", 1 }, table.pack(ebb.timeout(1, ebb.sleep, seconds)))
      assert.equal(2, (ebb.select(ebb.after(seconds), ebb.after(1))))
    end
  end)
end)
