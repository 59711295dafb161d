-- What may be made before any runtime runs, and what a runtime says of itself.
local ebb = require "ebb"
local helper = require "spec.helper"

describe("outside of a running runtime", function()
  it("BO4 timers, intervals, channels, tokens, scopes and ops can be made; they work later", function()
    local rt = helper.runtime()
    ebb.use(rt)
    local timer, interval = ebb.timer(2), ebb.interval(3)
    local ch, token, op = ebb.channel(1), ebb.token(), ebb.after(1)
    ebb.use(nil)
    local log = rt:run(function()
      local seen = helper.log()
      local start = ebb.now()
      op:await()
      seen("after", ebb.now() - start)
      timer:await()
      seen("timer", ebb.now() - start)
      interval:tick()
      seen("tick", ebb.now() - start)
      ch:send "value"
      seen(ch:recv(), token:is_cancelled())
      return seen
    end)
    assert.equal("after:1.0 timer:2.0 tick:3.0 value:false", log:text())
    rt:close()
  end)

  it("BO7 a runtime may have a name; each is only itself", function()
    local a, b = ebb.runtime { name = "world", clock = "virtual" }, ebb.runtime { clock = "virtual" }
    assert.equal('ebb.runtime: "world" virtual clock, 0 task(s)', tostring(a))
    assert.not_equal(a, b)
    assert.equal(a, a)
    a:run(function() assert.equal(a, ebb.current_runtime()) end)
    ebb.use(b)
    assert.equal(b, ebb.current_runtime())
    ebb.use(nil)
    a:close()
    b:close()
    assert.equal('ebb.runtime: "world" closed', tostring(a))
  end)
end)
