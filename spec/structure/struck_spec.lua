-- Regions that were struck: every await in them throws, again and again, what is ready or not; and only the region that
-- owns an error turns it into a result.
local ebb = require "ebb"
local helper = require "spec.helper"

describe("a struck region", function()
  helper.it("throws at every await, a ready one too, until it is left (R41, R44)", function()
    local ready = ebb.channel(10)
    for i = 1, 10 do ready:send(i) end
    local thrown, first = 0, nil
    local value, why = ebb.timeout(1, function()
      for i = 1, 5 do
        local ok, err = pcall(function()
          if i == 1 then ebb.sleep(10) else ready:recv() end
        end)
        if not ok then
          thrown, first = thrown + 1, first or err
          assert.equal(first, err)
        end
      end
      return "through"
    end)
    -- what the body returns normally is returned
    assert.same({ "through" }, { value, why })
    assert.equal(5, thrown)
    assert.equal(10, #ready)
  end)

  helper.it("leaves the error of an outer one alone, though it has thrown its own", function()
    local token, log = ebb.token(), helper.log()
    local value, why, reason = token:run(function()
      ebb.timeout(1, function()
        assert.is_false(pcall(ebb.sleep, 10))
        token:cancel "enough"
        ebb.sleep(1)
      end)
      log "went on"
    end)
    assert.same({ nil, "cancelled", "enough" }, { value, why, reason })
    assert.equal("", log:text())
  end)

  helper.it("and a task that is cancelled is cancelled, whatever timed out within", function()
    local log = helper.log()
    local task
    task = ebb.spawn(function()
      ebb.timeout(1, function()
        assert.is_false(pcall(ebb.sleep, 10))
        task:cancel()
        ebb.sleep(1)
      end)
      log "went on"
    end)
    task:join()
    assert.equal("cancelled", task:status())
    assert.equal("", log:text())
  end)
end)
