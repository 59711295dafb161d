-- A hook of the user's in a task that computes for too long: ebb borrows the hook and gives it back; every event that it
-- was for still reaches it.
local ebb = require "ebb"
local helper = require "spec.helper"

local function callee(n) return n + 1 end
local function tail(n) return callee(n) end

--- Computes, with calls, returns, tail calls and lines, until done() (at most 20 s).
local function compute(done)
  local n, stop = 0, os.time() + 20
  repeat
    for _ = 1, 200 do n = callee(tail(n)) end
  until done() or os.time() > stop
  return n
end

local masks = {
  { "call", "c", 0, { "call", "tail call" } },
  { "return", "r", 0, { "return" } },
  { "line", "l", 0, { "line" } },
  { "count", "", 10, { "count" } },
  { "many instructions", "", 20000, { "count" } },
  { "all", "crl", 10, { "call", "tail call", "return", "line", "count" } },
}

describe("a hook of the user's", function()
  for _, row in ipairs(masks) do
    for _, on_slice in ipairs { "yield", "report" } do
      it("for " .. row[1] .. " works on in a task that is interrupted (" .. on_slice .. ") #fifo", function()
        local rt = ebb.runtime { slice = 0.001, on_slice = on_slice }
        local told = 0
        ebb.debug.slow(0.001, function() told = told + 1 end)
        rt:run(function()
          local seen, n_other, ended = {}, 0, false
          local function hook(event) seen[event] = (seen[event] or 0) + 1 end
          local task = ebb.spawn(function()
            debug.sethook(hook, row[2], row[3])
            local turns = 0
            compute(function()
              turns = turns + 1
              return turns > 100 and (on_slice == "yield" and n_other >= 3 or on_slice == "report" and told >= 1)
            end)
            local before = {}
            for event, n in pairs(seen) do before[event] = n end
            compute(function() -- and it is still there
              for _, event in ipairs(row[4]) do
                if (seen[event] or 0) <= (before[event] or 0) then return false end
              end
              return true
            end)
            local own, mask, count = debug.gethook()
            debug.sethook()
            ended = true
            for _, event in ipairs(row[4]) do
              assert.is_true((seen[event] or 0) > (before[event] or 0), event)
            end
            for event in pairs(seen) do assert.truthy(table.concat(row[4], " "):find(event, 1, true), event) end
            return own, mask, count
          end)
          while not ended do
            n_other = n_other + 1
            if on_slice == "yield" then ebb.yield() else ebb.sleep(0.001) end
          end
          task:await()
        end)
        ebb.debug.slow()
        rt:close()
      end)
    end
  end

  helper.it("may be changed and taken away in its own call #fifo", function()
    local n = 0
    local task = ebb.spawn(function()
      debug.sethook(function()
        n = n + 1
        if n == 3 then debug.sethook() end
      end, "l")
      for _ = 1, 100 do callee(1) end
      return n
    end)
    assert.equal(3, task:await())
  end)
end)
