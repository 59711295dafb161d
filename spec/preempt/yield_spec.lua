-- opts.on_slice = "yield": a task that computes is preempted at a Lua instruction (YC12, RT slices).
local ebb = require "ebb"
local support = require "spec.preempt.support"
local it_in_time = support.it

local slice_hook

local function options() return { slice = 0.002, on_slice = "yield", slice_hook = slice_hook } end

local function run(fn, more)
  local opts = options()
  for key, value in pairs(more or {}) do opts[key] = value end
  return support.run(opts, fn)
end

-- Runs fn beside a task that wants to tick; how often it could.
local function ticks_beside(fn)
  local n, over = 0, false
  local ticker = ebb.spawn(function()
    while not over do
      ebb.yield()
      n = n + 1
    end
  end)
  local result = table.pack(ebb.spawn(fn):await())
  over = true
  ticker:await()
  return n, table.unpack(result, 1, result.n)
end

local function cases()
  it_in_time("two tasks that compute and a ticker share the loop (YC12)", function()
    run(function()
      local order = {}
      local function hog(name)
        local due = support.clock() + 0.15
        while support.clock() < due do
          if order[#order] ~= name then order[#order + 1] = name end
        end
      end
      local n = 0
      local a, b = ebb.spawn(hog, "a"), ebb.spawn(hog, "b")
      local ticker = ebb.spawn(function()
        while not (a:finished() and b:finished()) do
          ebb.sleep(0.001)
          n = n + 1
        end
      end)
      a:await()
      b:await()
      ticker:await()
      assert.is_true(#order >= 4, "they took turns only " .. #order .. " times")
      assert.is_true(n >= 3, "the ticker ticked only " .. n .. " times")
    end)
  end)

  it_in_time("without a slice nobody is preempted #fifo", function()
    support.run({}, function()
      assert.is_true(ticks_beside(function() support.compute(0.05) end) <= 2)
    end)
  end)

  it_in_time("locals, loops, varargs and results are what they were", function()
    run(function()
      local function work(...)
        local sum, text = 0, {}
        for round = 1, 40 do
          for i, v in ipairs { ... } do sum = sum + i * v end
          for key, value in pairs { a = 1, b = 2 } do sum = sum + #key * value end
          text[#text + 1] = ("%d"):format(round):rep(2)
          support.compute(0.001)
        end
        return sum, #table.concat(text), select("#", ...), ...
      end
      local n, sum, length, count, x, y, z = ticks_beside(function() return work(1, 2, 3) end)
      assert.is_true(n > 2)
      assert.same({ 40 * (14 + 3), 142, 3, 1, 2, 3 }, { sum, length, count, x, y, z })
    end)
  end)

  it_in_time("inside pcall, metamethods, iterators and __close #fifo", function()
    run(function()
      local object = setmetatable({}, {
        __index = function(_, key) support.compute(0.01) return key end,
        __call = function(_, _, i)
          support.compute(0.01)
          if not i or i < 2 then return (i or 0) + 1 end
        end,
      })
      local closed = false
      local n, index, steps = ticks_beside(function()
        local _ <close> = support.closing(function() support.compute(0.01) closed = true end)
        local ok, index = pcall(function() return object.name end)
        assert(ok)
        local steps = 0
        for _ in object do steps = steps + 1 end
        return index, steps
      end)
      assert.same({ "name", 2, true }, { index, steps, closed })
      assert.is_true(n > 8)
    end)
  end)

  it_in_time("inside ebb.coroutine, nested, and the values it yields are not mixed up", function()
    run(function()
      local co = ebb.coroutine
      local n, list = ticks_beside(function()
        local function inner()
          for i = 1, 3 do
            support.compute(0.01)
            co.yield(i)
          end
        end
        local outer = co.wrap(function()
          for i in co.wrap(inner) do
            support.compute(0.01)
            co.yield(i * 10)
          end
        end)
        local list = {}
        for v in outer do list[#list + 1] = v end
        return table.concat(list, " ")
      end)
      assert.equal("10 20 30", list)
      assert.is_true(n > 8)
    end)
  end)

  it_in_time("a coroutine whose task was preempted in it is normal for others", function()
    run(function()
      local co
      local task = ebb.spawn(function()
        co = ebb.coroutine.create(function() support.compute(0.05) end)
        ebb.coroutine.resume(co)
      end)
      while not co do ebb.yield() end
      assert.equal("normal", ebb.coroutine.status(co))
      assert.is_false((ebb.coroutine.resume(co)))
      task:await()
    end)
  end)

  it_in_time("where Lua cannot yield it goes on, and gives way afterwards", function()
    run(function()
      local n, sorted = ticks_beside(function()
        local list = { 3, 1, 2 }
        table.sort(list, function(a, b)
          support.compute(0.01)
          return a < b
        end)
        local text = ("abc"):gsub(".", function(c)
          support.compute(0.005)
          return c:upper()
        end)
        support.compute(0.02)
        return table.concat(list) .. text
      end)
      assert.equal("123ABC", sorted)
      assert.is_true(n > 2)
    end)
  end)

  it_in_time("ebb.exclusive keeps a section whole, and may not await", function()
    run(function()
      local seen, inside = 0, false
      local watcher = ebb.spawn(function()
        for _ = 1, 5 do
          ebb.yield()
          if inside then seen = seen + 1 end
        end
      end)
      local ok = ebb.spawn(function()
        return ebb.exclusive(function()
          inside = true
          support.compute(0.03)
          inside = false
          return "whole"
        end)
      end):await()
      watcher:await()
      assert.same({ "whole", 0 }, { ok, seen })
      local err = select(2, pcall(ebb.exclusive, ebb.sleep, 0))
      assert.matches("EBB051", err)
    end)
  end)

  it_in_time("a preempted task is ready, and its traceback is where it computes", function()
    run(function()
      local over = false
      local task = ebb.spawn(function()
        while not over do support.compute(0.01) end
      end)
      while task:status() ~= "ready" or not task:traceback():find "compute" do ebb.yield() end
      assert.matches("support.lua", task:traceback())
      over = true
      task:await()
    end)
  end)

  it_in_time("a timeout strikes a loop that never awaits", function()
    run(function()
      support.begin()
      assert.equal("timeout", (select(2, ebb.timeout(0.02, support.forever))))
    end)
  end)

  it_in_time("somebody who resumes the task's thread by hand gets nothing", function()
    run(function()
      local thread, result
      local task = ebb.spawn(function()
        thread = coroutine.running()
        return support.compute(0.05)
      end)
      while not thread do ebb.yield() end
      result = table.pack(coroutine.resume(thread))
      assert.same({ n = 1, true }, result)
      assert.is_true(task:await() > 0)
    end)
  end)

  it_in_time("works in rt:step: no step overruns by much more than a slice", function()
    local rt = ebb.runtime(options())
    local a, b = rt:spawn(support.compute, 0.1), rt:spawn(support.compute, 0.1)
    local steps = 0
    repeat
      local info = rt:step(0.002)
      steps = steps + 1
    until info.alive == 0
    assert.is_true(steps >= 3, "all in " .. steps .. " steps")
    assert.same({ "done", "done" }, { a:status(), b:status() })
    rt:close()
  end)

  it_in_time("works in the implicit drive, and with two runtimes", function()
    local one = ebb.runtime(options())
    local two = ebb.runtime(options())
    local n = 0
    for _, rt in ipairs { one, two } do
      local task = rt:spawn(support.compute, 0.03)
      rt:spawn(function()
        while not task:finished() do
          n = n + 1
          ebb.sleep(0)
        end
      end)
      rt:block_on(task)
    end
    assert.is_true(n > 4)
    one:close()
    two:close()
  end)

  it_in_time("measures real time on a virtual clock #fifo", function()
    run(function()
      assert.is_true(ticks_beside(function() support.compute(0.05) end) > 4)
    end, { clock = "virtual" })
  end)
end

-- The same by signals, and by a hook that counts.
for _, how in ipairs { "a signal", "a hook" } do
  describe("a slice that is over yields, by " .. how .. ",", function()
    local before
    setup(function() before, slice_hook = slice_hook, how == "a hook" or nil end)
    teardown(function() slice_hook = before end)
    cases()
  end)
end

describe("the options of slices", function()
  local function message(opts) return select(2, pcall(ebb.runtime, opts)) end

  it("are checked", function()
    assert.matches("option 'slice': seconds from 0.0001 to 3600 expected, got string", message { slice = "1" })
    assert.matches("option 'slice'", message { slice = 0 })
    assert.matches("option 'slice'", message { slice = 0 / 0 })
    assert.matches("option 'on_slice': \"report\", \"yield\" or \"throw\" expected, got string",
      message { slice = 1, on_slice = "x" })
    assert.matches("'on_slice' needs option 'slice'", message { on_slice = "yield" })
    assert.matches("option 'slice_signal': name or number", message { slice = 1, slice_signal = "nosuch" })
    assert.matches("option 'slice_signal': name or number", message { slice = 1, slice_signal = {} })
  end)
end)
