-- What a seed explores besides the order of tasks, the trace, and what is said of a seed that failed.
local ebb = require "ebb"
local helper = require "spec.helper"
local runtime_support = require "spec.runtime.support"
local slurp = require("spec.system").slurp

-- Tasks that meet at a channel, a lock and a timer.
local function meeting()
  local ch, lock, n = ebb.channel(1), ebb.mutex(), 0
  ebb.scope(function(s)
    for i = 1, 3 do
      s:spawn(function()
        for k = 1, 3 do
          ch:send(k)
          local _ <close> = lock:lock()
          ebb.sleep(i)
        end
      end)
    end
    s:spawn(function() for _ = 1, 9 do n = n + ch:recv() end end)
  end)
  assert(n == 18)
end

local function trace_of(seed, opts)
  local path = os.tmpname()
  local all = { seed = seed, trace = path }
  for key, value in pairs(opts or {}) do all[key] = value end
  ebb.test(meeting, all)
  local text = slurp(path)
  os.remove(path)
  return text
end

describe("a seed", function()
  it("gives the same trace again, byte for byte (point 4)", function()
    local different = {}
    for seed = 1, 30 do
      local text = trace_of(seed)
      assert.equal(text, trace_of(seed))
      assert.is_true(#text > 500)
      different[text] = true
    end
    local n = 0
    for _ in pairs(different) do n = n + 1 end
    assert.equal(30, n)
  end)

  it("gives the same trace in another process, where tables are in another order", function()
    local program = [[
      local ebb = require "ebb"
      local sums = ebb.test.explore(function()
        local arms, choice = {}, {}
        for i = 1, 8 do
          arms["arm " .. i] = ebb.channel(1)
          arms["arm " .. i]:try_send(i)
          choice["choice " .. i] = ebb.ready(i)
        end
        for _ = 1, 8 do io.write(ebb.select(arms), ", ", ebb.await(ebb.choice(choice)), "\n") end
      end, { seeds = 5 })
      print(sums.digest)
    ]]
    local first = runtime_support.child(program)
    assert.equal("", first.err)
    assert.is_truthy(first.out:find "arm %d, choice %d")
    for _ = 1, 3 do assert.equal(first.out, runtime_support.child(program).out) end
  end)

  it("gives the same digest as often as it is run", function()
    local one = ebb.test.explore(meeting, { seeds = 60, seed = 5 })
    local two = ebb.test.explore(meeting, { seeds = 60, seed = 5 })
    assert.same(one, two)
    assert.equal(60, one.schedules)
    assert.is_true(one.orders > 50)
    assert.is_true(one.switches > 60 * 20)
    assert.is_true(one.spurious > 60)
    assert.is_true(one.yields > 60)
    assert.is_true(one.collections > 0)
  end)

  it("explores what is asked for", function()
    local sums = ebb.test.explore(meeting,
      { seeds = 60, spurious = false, collector = false, yields = false })
    assert.equal(0, sums.spurious + sums.collections + sums.yields)
    assert.is_true(sums.orders > 50)
    sums = ebb.test.explore(meeting, { seeds = 60, collector = false, yields = false })
    assert.equal(0, sums.collections + sums.yields)
    assert.is_true(sums.spurious > 60)
  end)

  it("a trace says who runs, why, and what it waits for then", function()
    local texts = {}
    for seed = 1, 60 do texts[seed] = trace_of(seed) end
    local text = table.concat(texts)
    for _, words in ipairs {
      "task 1 begins; waits for scope", "spec/test/shake_spec.lua:",
      "task 2 begins", "channel send", "mutex lock", "sleep; waits for", "; ends",
      "is woken for nothing; waits for channel recv", "collector: ", "goes on", ", hurried",
    } do
      assert.is_truthy(text:find(words, 1, true), words)
    end
  end)

  it("finalisers run where the seed says, and the collector is as before then", function()
    local mode = collectgarbage "incremental"
    collectgarbage(mode)
    assert.is_true(collectgarbage "isrunning")
    local n_within = 0
    ebb.test.explore(function()
      local over = false
      ebb.spawn(function()
        setmetatable({}, { __gc = function() n_within = n_within + (over and 0 or 1) end })
        for _ = 1, 30 do ebb.yield() end
      end):await()
      over = true
    end, { seeds = 60 })
    assert.is_true(n_within > 0)
    assert.is_true(collectgarbage "isrunning")
    assert.equal(mode, collectgarbage "incremental")
    assert.has_error(function() ebb.test(function() error "x" end, { seed = 3 }) end)
    assert.is_true(collectgarbage "isrunning")
    collectgarbage(mode)
  end)

  it("a task that is never first still gets its turn", function()
    ebb.test.explore(function()
      local over = false
      ebb.go(function() over = true end)
      for _ = 1, 200 do ebb.yield() end
      assert(over)
    end, { seeds = 200 })
  end)

  it("options that it does not understand are refused", function()
    local function refused(text, opts) helper.throws(text, ebb.test.explore, meeting, opts) end
    refused("option 'spurious': boolean expected, got number", { spurious = 1 })
    refused("option 'trace': string expected, got boolean", { trace = true })
    refused("option 'seed': integer expected, got 1.5", { seed = 1.5 })
  end)
end)

describe("a seed that fails", function()
  local program = [[
    local ebb = require "ebb"
    local n = 0
    ebb.test.explore(function()
      n = n + 1
      local value = 1
      ebb.join(function() value = value * 2 end, function() value = value + 3 end)
      assert(%s, "raced")
    end, { seeds = 50 })
  ]]

  it("is told with its trace and the line that runs it again", function()
    local result = runtime_support.child(program:format "value == 5", nil, "an argument")
    assert.equal(1, result.code)
    local seed = result.err:match "ebb.test: failed with seed (%d+)"
    assert.is_truthy(seed, result.err)
    assert.is_truthy(result.err:find("task 1 begins; waits for", 1, true))
    assert.is_truthy(result.err:find("again: EBB_SEED=" .. seed .. " ", 1, true))
    assert.is_truthy(result.err:find("'an argument'", 1, true))
    local again = runtime_support.child([[
      local getenv = os.getenv
      os.getenv = function(name) -- luacheck: ignore
        return name == "EBB_SEED" and "]] .. seed .. [[" or getenv(name)
      end
    ]] .. program:format "value == 5 or print(n)")
    assert.equal("1\n", again.out) -- the first run has failed
    assert.is_truthy(again.err:find("(seed " .. seed .. ")", 1, true))
  end)

  it("says so when it does not fail again", function()
    local result = runtime_support.child(program:format "n ~= 3")
    assert.is_truthy(result.err:find("it did not fail when it was run again", 1, true))
  end)

  it("a thread that its owner has lost is no wake-up", function()
    local failed = 0
    for seed = 1, 40 do
      local ok, err = pcall(ebb.test, function()
        local thread = ebb.coroutine.create(function() ebb.sleep(1) end)
        local task = ebb.spawn(function() ebb.coroutine.resume(thread) end)
        helper.settle()
        coroutine.close(thread)
        for _ = 1, 20 do ebb.yield() end
        task:cancel()
        task:join()
      end, { seed = seed })
      if not ok and tostring(err):find("woken for nothing took it for a wake-up", 1, true) then
        failed = failed + 1
      end
    end
    assert.is_true(failed > 0)
  end)
end)

describe("where tests are declared", function()
  local ran = 0
  local made = ebb.test(function() ran = ran + 1 end)
  local explores = ebb.test.explore(function() ran = ran + 1 end, { seeds = 3 })

  it("a test is made, not run", function()
    assert.equal(0, ran)
    made()
    assert.equal(1, ran)
    explores()
    assert.equal(4, ran)
  end)
end)
