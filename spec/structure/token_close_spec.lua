-- Letting a token go, and tokens under the collector.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.task.support"
local it_runs = helper.it
local pack = table.pack

describe("a closed token", function()
  it_runs("gives nil, closed to who waits for it, now and later", function()
    local token = ebb.token()
    local task = ebb.spawn(function() return token:cancelled() end)
    ebb.yield()
    token:close()
    assert.same({ n = 2, nil, "closed" }, pack(task:await()))
    assert.same({ n = 2, nil, "closed" }, pack(ebb.await(token)))
    assert.same({ n = 2, nil, "closed" }, pack(token:run(error, "never")))
  end)

  it_runs("is cancelled no more, neither by cancel nor by its parent", function()
    local parent = ebb.token()
    local token = parent:child()
    token:close()
    parent:cancel()
    assert.is_false(token:is_cancelled())
    assert.is_false(token:cancel())
    assert.is_false(token:is_cancelled())
    assert.is_false(token:child():is_cancelled())
  end)

  it_runs("stays cancelled when it was, with its reason", function()
    local token = ebb.token()
    token:cancel("why")
    token:close()
    assert.is_true(token:is_cancelled())
    assert.same({ n = 2, true, "why" }, pack(token:cancelled()))
    assert.same({ n = 2, true, "why" }, pack(token:child():cancelled()))
    assert.same({ n = 3, nil, "cancelled", "why" }, pack(token:run(error, "never")))
  end)

  it_runs("leaves what runs under it alone", function()
    local parent = ebb.token()
    local token = parent:child()
    local task = ebb.spawn(function() return token:run(function() ebb.sleep(5) return "ended" end) end)
    helper.settle()
    token:close()
    parent:cancel()
    assert.equal("ended", task:await())
  end)

  it_runs("CT2 hands its children to its parent", function()
    local root = ebb.token()
    local middle = root:child()
    local a, b = middle:child(), middle:child()
    middle:close()
    root:cancel("root")
    assert.same({ n = 2, true, "root" }, pack(a:cancelled()))
    assert.same({ n = 2, true, "root" }, pack(b:cancelled()))
  end)

  it_runs("without a parent leaves its children on their own", function()
    local child
    do
      local root <close> = ebb.token()
      child = root:child()
    end
    assert.is_false(child:is_cancelled())
    assert.is_true(child:cancel("own"))
    assert.same({ n = 2, true, "own" }, pack(child:cancelled()))
  end)

  it_runs("says so", function()
    local token = ebb.token()
    assert.equal("ebb.token: open", tostring(token))
    token:close()
    assert.equal("ebb.token: closed", tostring(token))
    token = ebb.token()
    token:cancel("why")
    assert.equal("ebb.token: cancelled (why)", tostring(token))
  end)
end)

describe("tokens under the collector", function()
  it_runs("one that only a waiter or a run holds is kept", function()
    local parent = ebb.token()
    local log = helper.log()
    ebb.go(function() log("waited", parent:child():cancelled()) end)
    ebb.go(function() log("ran", parent:child():run(ebb.sleep, 100)) end)
    helper.settle()
    collectgarbage()
    collectgarbage()
    parent:cancel("p")
    support.settle()
    table.sort(log)
    assert.equal("ran:nil:cancelled:p waited:true:p", log:text())
  end)

  it_runs("a cancel with a finaliser that cancels again", function()
    local root = ebb.token()
    local tasks = {}
    for i = 1, 50 do
      tasks[i] = ebb.spawn(function() return select("#", root:child():run(ebb.sleep, 100)) end)
    end
    ebb.yield()
    for _ = 1, 20 do
      setmetatable({}, { __gc = function() root:child():cancel("finaliser") end })
      root:child()
    end
    root:cancel("root")
    collectgarbage()
    for i = 1, 50 do assert.equal(3, tasks[i]:await()) end
    assert.same({ n = 2, true, "root" }, pack(root:cancelled()))
  end)
end)
