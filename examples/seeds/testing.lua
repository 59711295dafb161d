-- Tests of code that waits: hours in milliseconds, leaks found, every order of tasks tried.
-- With busted: it("does so", ebb.test(function() … end)).
local ebb = require "ebb"

-- What is tested: the first answer of several servers, within a limit of time.
local function ask(servers, limit)
  return ebb.timeout(limit, function()
    local _, answer = ebb.race(table.unpack(servers))
    return answer
  end)
end

local function mock(seconds, answer)
  return function()
    ebb.sleep(seconds)
    return answer
  end
end

local function it(name, test)
  local ok, err = pcall(ebb.test, test)
  print((ok and "ok      " or "failed  ") .. name)
  if not ok then print("        " .. tostring(err):match "[^\n]*") end
end

it("takes hours, and no time", function()
  local started = ebb.now()
  local answer, why = ask({ mock(7200, "slow"), mock(9000, "slower") }, 3600)
  assert(answer == nil and why == "timeout")
  assert(ebb.now() - started == 3600)
end)

it("mocks servers by functions", function()
  assert(ask({ mock(3, "slow"), mock(1, "quick") }, 10) == "quick")
end)

it("waits for what never comes", function() ebb.channel():recv() end)

it("leaves a task behind", function() ebb.spawn(ebb.sleep, 60) end) -- ebb: ignore

it("has an error nobody looks at", function()
  ebb.go(function() error("lost in a task", 0) end)
  ebb.sleep(1)
end)

-- A thousand orders of tasks, the same thousand each time.
local orders = {}
ebb.test.explore(function()
  local log = {}
  ebb.scope(function(s)
    for i = 1, 4 do s:spawn(function() log[#log + 1] = i end) end
  end)
  orders[table.concat(log)] = true
end, { seeds = 1000 })
local n = 0
for _ in pairs(orders) do n = n + 1 end
print("orders seen", n)
