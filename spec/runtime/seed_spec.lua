-- opts.seed: ready tasks are picked by a seeded generator.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.runtime.support"

--- The order in which eight tasks run that are ready at the same time.
local function order(seed)
  local log = helper.log()
  helper.run(function()
    for i = 1, 8 do ebb.go(support.call, log, i) end
    for _ = 1, 20 do ebb.yield() end
  end, { seed = seed })
  return log:text()
end

--- The trace of workers, a bounded channel, sleeps and selects.
local function trace(seed)
  local log = helper.log()
  helper.run(function()
    local ch, other = ebb.channel(3), ebb.channel()
    for i = 1, 4 do
      ebb.go(function()
        for j = 1, 6 do
          ebb.sleep((i + j) % 3)
          local which = ebb.select(ch:send_op(i * 100 + j), other:send_op(-(i * 100 + j)))
          log("sent", i, which)
        end
      end)
    end
    for _ = 1, 24 do
      local which, v = ebb.select(ch, other)
      log(which, v)
      ebb.yield()
    end
  end, { seed = seed })
  return log:text()
end

describe("a seed", function()
  it("BO10 R85 same seed, same trace", function()
    for seed = 1, 10 do
      assert.equal(trace(seed), trace(seed))
      assert.equal(order(seed), order(seed))
    end
  end)

  it("BO10 another seed, another order", function()
    local orders, n = {}, 0
    for seed = 1, 30 do
      local text = order(seed)
      if not orders[text] then n = n + 1 end
      orders[text] = true
    end
    assert.is_true(n >= 20, n .. " orders of 30 seeds")
  end)

  it("BO10 another seed, another trace", function()
    local traces, n = {}, 0
    for seed = 1, 20 do
      local text = trace(seed)
      if not traces[text] then n = n + 1 end
      traces[text] = true
    end
    assert.is_true(n >= 15, n .. " traces of 20 seeds")
  end)

  it("YC1 without a seed the order is first in, first out #fifo", function()
    for _ = 1, 5 do assert.equal("1 2 3 4 5 6 7 8", order(nil)) end
  end)

  it("BO10 two runs of one runtime go on with its generator, two runtimes start anew", function()
    local function pair(seed)
      local rt = helper.runtime { seed = seed }
      local log = helper.log()
      for _ = 1, 2 do
        rt:run(function()
          for i = 1, 8 do ebb.go(support.call, log, i) end
          for _ = 1, 20 do ebb.yield() end
        end)
      end
      rt:close()
      return log:text()
    end
    assert.equal(pair(5), pair(5))
  end)

  it("BO10 the choice of select among ready arms follows the seed too", function()
    local function choices(seed)
      local log = helper.log()
      helper.run(function()
        for _ = 1, 64 do log((ebb.select(ebb.ready(), ebb.ready(), ebb.ready()))) end
      end, { seed = seed })
      return log:text()
    end
    local distinct, n = {}, 0
    for seed = 1, 10 do
      local text = choices(seed)
      assert.equal(text, choices(seed))
      if not distinct[text] then n = n + 1 end
      distinct[text] = true
    end
    assert.is_true(n >= 2)
  end)

  it("a seed changes no result: the values of a channel stay in order", function()
    for seed = 1, 50 do
      helper.run(function()
        local ch = ebb.channel(2)
        ebb.go(function()
          for i = 1, 20 do ch:send(i) end
          ch:close()
        end)
        local n = 0
        for v in ch do
          n = n + 1
          assert.equal(n, v)
        end
        assert.equal(20, n)
      end, { seed = seed })
    end
  end)

  it("a seed changes no result: waiters are served in the order in which they came", function()
    for seed = 1, 50 do
      helper.run(function()
        local ch, came, got = ebb.channel(), {}, {}
        for i = 1, 5 do
          ebb.go(function()
            came[#came + 1] = i
            got[i] = ch:recv()
          end)
        end
        ebb.sleep(1)
        for i = 1, 5 do ch:send(i) end
        ebb.sleep(1)
        for i = 1, 5 do assert.equal(i, got[came[i]]) end
      end, { seed = seed })
    end
  end)

  it("nobody starves: a task that waits for its turn gets it among others that yield", function()
    for seed = 1, 20 do
      helper.run(function()
        local ran, stop = false, false
        for _ = 1, 3 do
          ebb.go(function()
            while not stop do ebb.yield() end
          end)
        end
        ebb.go(function() ran = true end)
        for _ = 1, 1000 do ebb.yield() end
        stop = true
        assert.is_true(ran)
      end, { seed = seed })
    end
  end)

  it("any integer will do", function()
    for _, seed in ipairs { 0, -1, math.maxinteger, math.mininteger, 2 ^ 31 | 0 } do
      assert.equal(order(seed), order(seed))
    end
  end)

  it("what is no number is refused", function()
    for _, wrong in ipairs { "x", {}, true, print } do
      assert.is_false(pcall(ebb.runtime, { seed = wrong }))
    end
  end)
end)
