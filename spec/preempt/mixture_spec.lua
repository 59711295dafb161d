-- Everything at once, preempted all the time: nothing is lost, left over or stuck, whatever the order.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.preempt.support"

local function burn(n)
  local t = {}
  for i = 1, n do t[i % 50] = { i, tostring(i) } end
  return t and n
end

-- What a task may do; each gives true when it came out as it must.
local function kinds(rnd)
  local wrap = ebb.coroutine.wrap
  return {
    function() return burn(rnd(5000)) > 0 end,
    function() return pcall(burn, rnd(5000)) end,
    function()
      local sum = 0
      for v in wrap(function()
        for i = 1, 3 do
          burn(rnd(1000))
          ebb.sleep(0)
          ebb.coroutine.yield(i)
        end
      end) do sum = sum + burn(v * 100) end
      return sum == 600
    end,
    function()
      return ebb.timeout(0.001, function() support.loop(function() pcall(burn, 1000) end) end) == nil
    end,
    function()
      local task = ebb.spawn(burn, rnd(5000))
      burn(rnd(2000))
      if rnd(2) == 1 then task:cancel() end
      task:join()
      return task:finished()
    end,
    function()
      local n = 0
      ebb.scope(function(s)
        for _ = 1, 3 do
          s:spawn(function()
            local done = burn(1000)
            ebb.exclusive(function() n = n + done end)
          end)
        end
        burn(500)
      end)
      return n == 3000
    end,
    function()
      local closed
      do
        local _ <close> = support.closing(function()
          burn(rnd(1000))
          ebb.sleep(0)
          closed = true
        end)
        burn(rnd(3000))
      end
      return closed
    end,
    function()
      local list = { 3, 1, 2 }
      table.sort(list, function(a, b) burn(300) return a < b end)
      return table.concat(list) == "123"
    end,
    function() return not xpcall(function() burn(500) error "x" end, function(e) burn(500) return e end) end,
    function() return not ebb.spawn_with({ cpu = 0.001 }, function() support.loop(function() burn(100) end) end):join() end,
    function() return ebb.shield(burn, 2000) == 2000 and ebb.exclusive(burn, 2000) == 2000 end,
    function()
      local ch, sum = ebb.channel(rnd(0, 2)), 0
      ebb.spawn(function()
        for i = 1, 10 do
          ch:send(i)
          burn(200)
        end
        ch:close()
      end)
      for v in ch do sum = sum + v + burn(10) - 10 end
      return sum == 55
    end,
  }
end

describe("a mixture of everything", function()
  for seed = 1, 6 do
    it("under the smallest slices, seed " .. seed, function()
      math.randomseed(seed)
      support.begin()
      local list = kinds(math.random)
      helper.run(function()
        local due, tasks = support.clock() + 0.3, {}
        for i = 1, 6 do
          tasks[i] = ebb.spawn(function()
            repeat
              local k = math.random(#list)
              assert(list[k](), "kind " .. k)
            until support.clock() > due
          end)
        end
        for i = 1, 6 do tasks[i]:await() end
      end, {
        clock = "system", slice = 0.0001 * seed, on_slice = "yield", seed = seed,
        slice_hook = seed == 6 or nil,
      })
    end)
  end
end)
