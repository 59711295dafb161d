-- Tasks that always find something to do keep neither I/O nor timers waiting (R68, R71).
local ebb = require "ebb"

--- Two tasks that wake each other until fn has returned; 20 seconds at most.
local function beside_busy_tasks(fn)
  ebb.run(function()
    local done, ping, pong = false, ebb.channel(), ebb.channel()
    local limit = os.time() + 20
    ebb.go(function()
      for _ in ping do pong:send(true) end
    end)
    local task = ebb.spawn(function()
      fn()
      done = true
    end)
    while not done and os.time() < limit do
      ping:send(true)
      pong:recv()
    end
    ping:close()
    assert.is_true(done)
    task:await()
  end)
end

describe("beside tasks that are always ready", function()
  it("a file request ends", function()
    beside_busy_tasks(function() assert(ebb.fs.stat ".") end)
  end)

  it("a sleep ends", function()
    beside_busy_tasks(function() ebb.sleep(0.01) end)
  end)

  it("a process is read from, and waited for", function()
    beside_busy_tasks(function()
      local result = assert(ebb.process.output { "echo", "heard" })
      assert.equal("heard\n", result.stdout)
    end)
  end)

  it("a blocking job ends", function()
    beside_busy_tasks(function() assert.equal(3, ebb.blocking(function() return 1 + 2 end)) end)
  end)
end)
