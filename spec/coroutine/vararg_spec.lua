-- Vararg functions lie higher on the stack than others: they are struck, and shielded, all the same.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.runtime.support"
local it_runs = helper.it
local closer, near = support.closer, support.near

-- How a function is called; each gets the function and calls it with so many arguments.
local callers = {
  ["the task itself"] = function(fn, ...) return fn(...) end,
  pcall = function(fn, ...) return pcall(fn, ...) end,
  ["pcall in pcall"] = function(fn, ...) return pcall(pcall, fn, ...) end,
  xpcall = function(fn, ...) return xpcall(fn, debug.traceback, ...) end,
  ["xpcall with a handler of one's own"] = function(fn, ...)
    return xpcall(fn, function(err) return err end, ...)
  end,
  timeout = function(fn, ...) return ebb.timeout(1000, fn, ...) end,
  shieldless = function(fn, ...) return select(2, pcall(ebb.timeout, 1000, pcall, fn, ...)) end,
  ["token:run"] = function(fn, ...) return ebb.token():run(fn, ...) end,
  scope = function(fn, ...)
    local arguments = table.pack(...)
    return ebb.scope(function() return fn(table.unpack(arguments, 1, arguments.n)) end)
  end,
  ["an ebb coroutine"] = function(fn, ...) return ebb.coroutine.wrap(fn)(...) end,
  ["a metamethod"] = function(fn, ...)
    return setmetatable({}, { __call = function(_, ...) return fn(...) end })(...)
  end,
  ["a vararg metamethod"] = function(fn, ...) return setmetatable({}, { __call = fn })(...) end,
  ["a vararg generator in pcall"] = function(fn, ...)
    return pcall(ebb.coroutine.wrap(function(...) return pcall(fn, ...) end), ...)
  end,
}

-- Functions that sleep long, in both shapes, with and without a variable to be closed.
local bodies = {
  fixed = function(a, b)
    ebb.sleep(500)
    return a, b
  end,
  vararg = function(...)
    ebb.sleep(500)
    return ...
  end,
  ["fixed and vararg"] = function(a, ...)
    ebb.sleep(500)
    return a, ...
  end,
  ["vararg with a variable to be closed"] = function(...)
    local _ <close> = closer(function() end)
    ebb.sleep(500)
    return ...
  end,
}

local arguments = { [0] = {}, { 1 }, { 1, 2 }, { 1, 2, 3, 4, 5 } }

for caller, call in pairs(callers) do
  describe("under " .. caller, function()
    for shape, body in pairs(bodies) do
      it_runs("TS10 R45 a cancel strikes at once: " .. shape, function()
        for n = 0, #arguments do
          local task = ebb.spawn(function(...)
            return call(body, ...)
          end, table.unpack(arguments[n]))
          ebb.sleep(1)
          local start = ebb.now()
          task:cancel()
          task:join()
          near(start, ebb.now())
        end
      end)

      it_runs("TM7 a timeout strikes at once: " .. shape, function()
        for n = 0, #arguments do
          local start = ebb.now()
          local value, why = ebb.timeout(3, function(...)
            call(body, ...)
            ebb.yield()
          end, table.unpack(arguments[n]))
          assert.is_nil(value)
          assert.equal("timeout", why)
          near(start + 3, ebb.now())
        end
      end)
    end

    it_runs("R39 a cleanup that awaits is shielded, a vararg one too", function()
      local log = helper.log()
      local task = ebb.spawn(function(...)
        return call(function(...)
          local _ <close> = setmetatable({}, { __close = function(_, err)
            ebb.sleep(1)
            log("fixed", err ~= nil)
          end })
          local _ <close> = setmetatable({}, { __close = function(...)
            ebb.sleep(1)
            log("vararg", select("#", ...))
          end })
          ebb.sleep(500)
          return ...
        end, ...)
      end, 1, 2, 3)
      ebb.sleep(1)
      local start = ebb.now()
      task:cancel()
      task:join()
      assert.equal("vararg:2 fixed:true", log:text())
      near(start + 2, ebb.now())
    end)

    it_runs("R39 an await after the block is struck again", function()
      local reached = false
      local task = ebb.spawn(function(...)
        call(function(...)
          local _ <close> = setmetatable({}, { __close = function(...)
            ebb.sleep(1)
            return ...
          end })
          ebb.sleep(500)
          return ...
        end, ...)
        ebb.yield()
        reached = true
      end, 1, 2)
      ebb.sleep(1)
      task:cancel()
      task:join()
      assert.is_false(reached)
      assert.equal("cancelled", task:status())
    end)
  end)
end
