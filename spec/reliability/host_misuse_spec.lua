-- The methods of a runtime, misused by its host.
local ebb = require "ebb"
local helper = require "spec.helper"
local misuse = require "spec.reliability.misuse"
local junk, is_misuse = misuse.junk, misuse.is_misuse
local wrong_selves, canary = misuse.wrong_selves, misuse.canary
local function noop() end

describe("a runtime misused by its host:", function()
  local methods = { "run", "spawn", "block_on", "step", "advance", "metrics", "shutdown", "close" }

  local function make()
    return ebb.runtime { clock = "virtual", on_task_error = noop }
  end

  for _, method in ipairs(methods) do
    it("R146 rt:" .. method .. " with a wrong self", function()
      local rt = make()
      local selves = wrong_selves("runtime")
      selves[#selves + 1] = ebb.channel()
      selves[#selves + 1] = ebb.guard()
      selves[#selves + 1] = ebb.token()
      for i = 1, #selves do
        for _, argument in ipairs { false, 1, noop } do
          local ok, err = pcall(rt[method], selves[i], argument)
          assert.is_false(ok)
          assert.is_true(is_misuse(err), tostring(err))
        end
      end
      assert.is_false((pcall(rt[method])))
      assert.equal(1, rt:run(function() return 1 end))
      rt:close()
    end)

    it("R146 R135 rt:" .. method .. " with wrong arguments", function()
      local values, n = junk()
      for i = 1, n do
        local rt = make()
        pcall(rt[method], rt, values[i])
        pcall(rt[method], rt, values[i], values[math.random(n)])
        assert.equal("string", type(tostring(rt)))
        pcall(rt.close, rt)
      end
      helper.run(canary)
    end)

    it("R142 rt:" .. method .. " after close", function()
      local rt = make()
      rt:spawn(ebb.sleep, 1)
      rt:step(1)
      rt:close()
      pcall(rt[method], rt)
      pcall(rt[method], rt, 1)
      pcall(rt[method], rt, noop)
      pcall(rt[method], rt, ebb.ready())
      assert.equal("string", type(tostring(rt)))
      helper.run(canary)
    end)
  end
end)
