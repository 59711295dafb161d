-- A task's handle: error values, status, name, id, what it tells about a waiting task.
local ebb = require "ebb"
local helper = require "spec.helper"
local it_runs = helper.it

describe("errors of a task", function()
  local userdata = io.stdout
  local unprintable = setmetatable({}, { __tostring = function() error("no") end })
  local values = {
    { "a string", "text" }, { "a number", 42 }, { "false", false }, { "true", true },
    { "a table", {} }, { "a function", print }, { "a userdata", userdata },
    { "a table whose __tostring fails", unprintable },
  }
  for _, case in ipairs(values) do
    it_runs("TS8 R53 arrive unchanged: " .. case[1], function()
      local task = ebb.spawn(function() error(case[2], 0) end)
      local results = table.pack(task:join())
      assert.equal(2, results.n)
      assert.is_false(results[1])
      assert.is_true(rawequal(case[2], results[2]))
      local ok, err = pcall(task.await, task)
      assert.is_false(ok)
      assert.is_true(rawequal(case[2], err))
    end)
  end

  if _VERSION == "Lua 5.4" then
    it_runs("TS8 R53 arrive unchanged: nil", function()
      local task = ebb.spawn(function() error(nil) end)
      assert.same({ n = 2, false, nil }, table.pack(task:join()))
      assert.same({ n = 2, false, nil }, table.pack(pcall(task.await, task)))
      assert.equal("failed", task:status())
    end)
  end

  it_runs("TS8 keep the position of the failing line, once", function()
    local line
    local task = ebb.spawn(function()
      line = debug.getinfo(1, "l").currentline + 1
      error("boom")
    end)
    local _, err = task:join()
    assert.equal("string", type(err))
    local where, rest = err:match("handle_spec%.lua:(%d+): (.*)$")
    assert.equal(line, tonumber(where))
    assert.equal("boom", rest)
  end)

  it_runs("R54 a stack overflow fails its task only", function()
    local function deep(n) return 1 + deep(n + 1) end
    local task = ebb.spawn(deep, 1)
    local ok, err = task:join()
    assert.is_false(ok)
    assert.truthy(tostring(err):find("stack overflow", 1, true))
    assert.equal("fine", ebb.spawn(function() return "fine" end):await())
  end)
end)

describe("a task handle", function()
  it_runs("tells the status at each point of its life", function()
    local inside
    local task
    task = ebb.spawn(function()
      inside = task:status()
      ebb.sleep(1)
      helper.settle()
    end)
    assert.equal("ready", task:status())
    helper.settle()
    assert.equal("running", inside)
    assert.equal("waiting", task:status())
    task:await()
    assert.equal("done", task:status())
    local bad = ebb.spawn(error, "x")
    bad:join()
    assert.equal("failed", bad:status())
    local gone = ebb.spawn(ebb.sleep, 10)
    helper.settle()
    gone:cancel()
    gone:join()
    assert.equal("cancelled", gone:status())
  end)

  it_runs("tells whether it has finished", function()
    local task = ebb.spawn(ebb.sleep, 1)
    assert.is_false(task:finished())
    ebb.yield()
    assert.is_false(task:finished())
    task:await()
    assert.is_true(task:finished())
  end)

  it_runs("TS21 has an id of its own, the same inside", function()
    local seen = {}
    for _ = 1, 100 do
      local task
      task = ebb.spawn(function()
        assert.equal(task:id(), ebb.current():id())
        ebb.sleep(1)
      end)
      local id = task:id()
      assert.equal("integer", math.type(id))
      assert.is_nil(seen[id])
      seen[id] = true
    end
    assert.is_nil(seen[ebb.current():id()])
    ebb.sleep(2)
  end)

  it_runs("is ebb.current() inside the task", function()
    local task
    task = ebb.spawn(function()
      assert.is_true(rawequal(task, ebb.current()))
      ebb.yield()
      assert.is_true(rawequal(task, ebb.current()))
      return true
    end)
    assert.is_true(task:await())
  end)

  it("ebb.current() is nil outside", function()
    assert.is_nil(ebb.current())
  end)

  it_runs("name sets and gets", function()
    local task = ebb.spawn(ebb.sleep, 1)
    task:name("first")
    assert.equal("first", task:name())
    task:name("second")
    assert.equal("second", task:name())
    task:await()
    assert.equal("second", task:name())
  end)

  it_runs("tostring says what it is, and its state", function()
    local ch = ebb.channel()
    local task = ebb.spawn_with({ name = "loader" }, function() return ch:recv() end)
    helper.settle()
    local prefix = ('ebb.task: %d "loader" '):format(task:id())
    assert.equal(prefix .. "waiting (channel recv)", tostring(task))
    ch:send(1)
    task:await()
    assert.equal(prefix .. "done", tostring(task):sub(1, #prefix + 4))
  end)

  it_runs("waiting_on names what the task waits for, and is nil when it does not wait", function()
    local ch = ebb.channel()
    local task = ebb.spawn(function() return ch:recv() end)
    assert.is_nil(task:waiting_on())
    helper.settle()
    assert.truthy(tostring(task:waiting_on()):find("channel recv", 1, true))
    ch:send(1)
    task:await()
    assert.is_nil(task:waiting_on())
  end)

  it_runs("R58 traceback shows where a waiting task stands, and is text afterwards too", function()
    local function parked_here() ebb.sleep(1) return 1 end
    local task = ebb.spawn(function() return 0 + parked_here() end)
    assert.equal("string", type(task:traceback()))
    helper.settle()
    assert.truthy(task:traceback():find("parked_here", 1, true))
    assert.truthy(task:traceback():find("handle_spec.lua", 1, true))
    task:await()
    assert.equal("string", type(task:traceback()))
  end)

  it_runs("has a protected, named metatable", function()
    local task = ebb.spawn(function() end)
    local mt = getmetatable(task)
    assert.is_true(mt == false or type(mt) == "string")
    assert.is_false((pcall(setmetatable, task, {})))
    assert.truthy(tostring(task):find("^ebb%.task: "))
    task:await()
  end)
end)
