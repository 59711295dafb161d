-- The keys of select and choice: lists, names, numbers that are no list, and what is left out.
local ebb = require "ebb"
local helper = require "spec.helper"
local it_runs = helper.it

local never = ebb.never()

describe("select by keys", function()
  it_runs("gives the key of the arm, whatever it is", function()
    for _, key in ipairs { 1, 2, 3, 0, -1, 7, 1.5, "name", math.maxinteger, math.mininteger } do
      local arms = { never, never, a = never, [0] = never, [1.25] = never, [12] = never }
      arms[key] = ebb.ready "v"
      local got, v = ebb.select(arms)
      assert.equal(key, got)
      assert.equal("v", v)
      got, v = ebb.await(ebb.choice(arms))
      assert.equal(key, got)
      assert.equal("v", v)
      got, v = ebb.try_select(arms)
      assert.equal(key, got)
      assert.equal("v", v)
    end
  end)

  it_runs("looks at named arms in an order of their own, the same each time", function()
    local arms = {}
    for i = 1, 30 do arms["n" .. i] = ebb.ready(i) end
    for i = 1, 5 do arms[i] = ebb.ready(-i) end
    local seen = {}
    for _ = 1, 300 do seen[ebb.select(arms)] = true end
    local n = 0
    for _ in pairs(seen) do n = n + 1 end
    assert.is_true(n > 10, n)
    local names = {}
    for name in pairs(arms) do names[#names + 1] = name end
    assert.equal(35, #names)
  end)

  it_runs("arms that are false are left out, keys stay", function()
    assert.equal(3, (ebb.select { false, false, ebb.ready() }))
    assert.equal(3, (ebb.select(false, false, ebb.ready())))
    assert.equal("b", (ebb.select { a = false, b = ebb.ready(), false }))
    assert.equal("b", (ebb.await(ebb.choice { a = false, b = ebb.ready(), false })))
    assert.equal(2, (ebb.await(ebb.choice(false, ebb.ready()))))
  end)

  it_runs("a task that waits for many says the first of them", function()
    local arms = {}
    for i = 1, 12 do arms[i] = ebb.channel() end
    local task = ebb.spawn(ebb.select, arms)
    helper.settle()
    local text = task:waiting_on()
    assert.truthy(text:find("…", 1, true), text)
    local _, n = text:gsub("channel recv", "")
    assert.equal(8, n)
    task:cancel()
    local choice = ebb.choice(arms)
    assert.truthy(tostring(choice):find("…", 1, true), tostring(choice))
  end)
end)

describe("a deadlock of very many tasks", function()
  it("names a thousand", function()
    local rt = helper.runtime()
    local ok, err = pcall(rt.run, rt, function()
      local ch = ebb.channel()
      for _ = 1, 1200 do ebb.go(ch.recv, ch) end
      ch:recv()
    end)
    assert.is_false(ok)
    local _, n = err:gsub("\n\ttask ", "")
    assert.equal(1000, n)
    assert.truthy(err:find("\n\t…", 1, true))
    rt:close()
  end)
end)
