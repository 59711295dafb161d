-- ebb.blocking: a call on another thread. The jobs that have to last use the clock of the process
-- (os.clock) or files, never ebb's.
local ebb = require "ebb"
local helper = require "spec.helper"

local real = { clock = "system" }

-- Runs in workers: keeps the thread busy for so many seconds of its time.
local function busy(seconds, ...)
  local from = os.clock()
  while os.clock() - from < seconds do end
  return ...
end

-- Runs in workers: until the file is there, at most some seconds.
local function until_there(path)
  local from = os.time()
  repeat
    local file = io.open(path)
    if file then file:close() end
  until file or os.time() - from > 20
  return path
end

local function touch(path)
  assert(io.open(path, "w")):close()
end

-- The order in which tasks run may be shuffled by a seed.
local function parked(task)
  while task:status() ~= "waiting" do ebb.yield() end
  return task
end

local name

before_each(function() name = os.tmpname(); os.remove(name) end)
after_each(function() os.remove(name) end)

describe("ebb.blocking", function()
  helper.it("gives the results of the function (BL1)", function()
    assert.same({ 3, "x", nil, false, n = 4 },
      table.pack(ebb.blocking(function(a, b) return a + b, "x", nil, false end, 1, 2)))
    assert.same({ n = 0 }, table.pack(ebb.blocking(function() end)))
  end)

  helper.it("runs in a state of its own, with its globals (BL1)", function()
    ebb_spec_global = "mine" -- luacheck: ignore
    assert.is_nil(ebb.blocking(function() return rawget(_G, "ebb_spec_global") end))
    ebb_spec_global = nil -- luacheck: ignore
    assert.equal("function", ebb.blocking(function() return type(string.rep) end))
  end)

  helper.it("takes a function by its name, required there", function()
    assert.equal("ABC", ebb.blocking("string:upper", "abc"))
    helper.throws("EBB073: there is no function 'string:nope' in this thread", ebb.blocking, "string:nope")
    helper.throws("module 'no.such.module' not found", ebb.blocking, "no.such.module:f")
    for _, wrong in ipairs { "", "upper", ":upper", "string:", 7, {} } do
      helper.throws("bad argument #1", ebb.blocking, wrong)
    end
  end)

  helper.it("finds the modules that this state finds", function()
    assert.equal(package.path, ebb.blocking(function() return package.path end))
    assert.equal(package.cpath, ebb.blocking(function() return package.cpath end))
    assert.is_true(ebb.blocking(function() return require("spec.thread.support").is_here end))
  end)

  helper.it("keeps the loop free: other tasks go on meanwhile (BL1, JS12)", function()
    local done, turns = false, 0
    ebb.go(function()
      while not done do
        turns = turns + 1
        if turns == 20 then touch(name) end
        ebb.sleep(0.001)
      end
    end)
    assert.equal(name, ebb.blocking(until_there, name))
    done = true
    assert.is_true(turns >= 20)
  end, real)

  helper.it("throws what the function throws, whatever it is (BL4, R106)", function()
    local err = helper.throws("boom", ebb.blocking, function() error "boom" end)
    assert.matches("^.*blocking_spec.lua:%d+: boom$", err)
    for _, value in ipairs { 7, true, { code = 5 } } do
      local ok, got = pcall(ebb.blocking, function(v) error(v) end, value)
      assert.is_false(ok)
      assert.same(value, got)
    end
    local ok, got = pcall(ebb.blocking, function() error(nil) end)
    assert.is_false(ok)
    assert.is_nil(got)
  end)

  helper.it("an error that cannot be copied comes as its text", function()
    helper.throws("file (", ebb.blocking, function() error(io.stdout) end)
    helper.throws("spoken", ebb.blocking, function()
      error(setmetatable({}, { __gc = function() end, __tostring = function() return "spoken" end }))
    end)
  end)

  helper.it("the traceback of a failed task begins in the worker (R106)", function(errors)
    ebb.go(function() ebb.blocking(function() local function inner() error "deep" end inner() end) end)
    ebb.sleep(2)
    assert.equal(1, #errors)
    local traceback = errors[1].traceback
    errors[1] = nil
    assert.matches("in upvalue 'inner'.*in another thread; here:.*ebb.blocking", (traceback:gsub("local 'inner'",
      "upvalue 'inner'")))
  end)

  helper.it("what cannot be copied throws, and nothing has run (R109)", function()
    local function marked(path) assert(io.open(path, "w")):close() end
    helper.throws("EBB071: cannot be copied to a thread: argument 2: .callbacks[3]: userdata",
      ebb.blocking, marked, name, { callbacks = { 1, 2, io.stdout } })
    helper.throws("argument 1: coroutine", ebb.blocking, marked, coroutine.create(print))
    helper.throws("result 2: .x: userdata", ebb.blocking, function() return 1, { x = io.stdout } end)
    assert.is_nil(io.open(name))
  end)

  helper.it("holds virtual time while it runs (BL8)", function()
    local late = false
    ebb.go(function() ebb.sleep(1); late = true end)
    ebb.blocking(busy, 0.02)
    assert.is_false(late)
  end)

  helper.it("a timeout ends the waiting; what runs runs on and its result is dropped (BL3)", function()
    local begun = name .. ".begun"
    local limit = 0.02
    repeat -- one that a slow machine has not begun yet is taken back
      limit = 2 * limit
      assert.same({ nil, "timeout", limit, n = 3 },
        table.pack(ebb.timeout(limit, ebb.blocking, function(path, start, mark, wait)
          mark(start)
          wait(path)
          os.remove(path)
          return ("x"):rep(1000)
        end, name, begun, touch, until_there)))
    until ebb.fs.exists(begun)
    os.remove(begun)
    touch(name)
    ebb.timeout(20, function() while ebb.fs.exists(name) do ebb.sleep(0.002) end end)
    assert.is_false(ebb.fs.exists(name))
  end, real)

  helper.it("one that was cancelled before it began never runs (BL3, BL2)", function()
    local go, ran = name .. ".go", 0
    local fillers = {}
    for i = 1, 16 do fillers[i] = ebb.spawn(ebb.blocking, until_there, go) end
    for _, task in ipairs(fillers) do parked(task) end
    local queued = ebb.spawn(ebb.blocking, function(path) assert(io.open(path, "w")):close() end, name)
    local metrics
    for _ = 1, 2000 do -- until all threads have begun
      ebb.sleep(0.005)
      metrics = ebb.current_runtime():metrics()
      if metrics.blocking_queued == 1 then break end
    end
    assert.equal(1, metrics.blocking_queued)
    assert.equal(16, metrics.blocking_threads)
    queued:cancel()
    ebb.sleep(0.01)
    assert.equal(0, ebb.current_runtime():metrics().blocking_queued)
    touch(go)
    for _, task in ipairs(fillers) do
      assert.equal(go, task:await())
      ran = ran + 1
    end
    os.remove(go)
    assert.equal(16, ran)
    assert.is_nil(io.open(name))
  end, real)

  helper.it("more calls than threads are queued and all done, in the order of the callers (BL2)", function()
    local sum = 0
    local list = {}
    for i = 1, 200 do list[i] = i end
    for i, double in ipairs(ebb.map(list, function(i) return ebb.blocking(function(n) return 2 * n end, i) end)) do
      assert.equal(2 * i, double)
      sum = sum + double
    end
    assert.equal(40200, sum)
  end)

  helper.it("jobs that all threads run do not hold up files (BL1)", function()
    local jobs = {}
    for i = 1, 16 do jobs[i] = ebb.spawn(ebb.blocking, until_there, name) end
    assert.is_truthy(ebb.fs.stat "spec")
    assert(ebb.fs.write(name, "go"))
    for _, job in ipairs(jobs) do job:await() end
  end, real)

  helper.it("a job may await, and call ebb.blocking itself (BL6)", function()
    assert.equal(42, ebb.blocking(function()
      local inner = require "ebb"
      inner.sleep(0.001)
      return inner.run(function() return inner.blocking(function() return 42 end) end)
    end))
  end)

  it("drives the runtime outside of tasks", function()
    assert.equal(3, ebb.blocking(function(a, b) return a + b end, 1, 2))
  end)

  it("a runtime that closes does not wait for what runs (BL5, R111)", function()
    local rt = ebb.runtime()
    local task = rt:spawn(ebb.blocking, until_there, name)
    rt:step()
    rt:step(0.01)
    assert.equal(0, rt:shutdown())
    assert.equal("cancelled", task:status())
    touch(name)
  end)

  it("a thread that the system does not give is an error, and the next one comes (R115)", function()
    local programs = require "spec.runtime.support"
    if programs.interpreter():find "san" or not os.execute "command -v prlimit >/dev/null 2>&1" then
      return pending "needs prlimit, and memory that is not a sanitizer's"
    end
    programs.prints("nil\tEAGAIN\n7\n", [[
      local ebb = require "ebb"
      local function status(what)
        for line in io.lines "/proc/self/status" do
          local n = line:match("^" .. what .. ":%s*(%d+)")
          if n then return tonumber(n) end
        end
      end
      local function limit(bytes)
        assert(os.execute(("prlimit --pid %d --as=%s:"):format(status "Pid", bytes)))
      end
      ebb.run(function()
        ebb.sleep(0.001)
        local stack <const> = 64 -- KiB that are left: less than a thread's stack
        limit(("%d"):format((status "VmSize" + stack) * 1024))
        local result, _, code = ebb.blocking(function() return 6 end)
        limit "unlimited"
        print(result, code)
        print(ebb.blocking(function() return 7 end))
      end)
    ]])
  end)
end)
