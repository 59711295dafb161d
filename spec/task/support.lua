--- Small helpers that the specs of tasks and of structure share.
local ebb = require "ebb"

local helper = require "spec.helper"
local common = require "spec.runtime.support"

local support = { closer = common.closer, near = common.near }

--- A function that ends after so many seconds, with these results.
function support.after(seconds, ...)
  local results = table.pack(...)
  return function()
    ebb.sleep(seconds)
    return table.unpack(results, 1, results.n)
  end
end

--- One that waits long, and takes so many seconds to clean up, which it logs.
function support.slow_to_end(log, name, seconds)
  return function()
    local _ <close> = support.closer(function() ebb.sleep(seconds) log(name, "cleaned") end)
    ebb.sleep(100)
  end
end

--- Seconds of the runtime's clock that fn(...) takes.
function support.elapsed(fn, ...)
  local start = ebb.now()
  fn(...)
  return ebb.now() - start
end

support.settle = helper.settle

--- Takes what was reported so far: returns the list and empties `errors`.
function support.take(errors)
  local taken = table.move(errors, 1, #errors, 1, {})
  for i = #errors, 1, -1 do errors[i] = nil end
  return taken
end

--- Calls fn(...), which must throw; returns the error value, whatever its type.
function support.failure(fn, ...)
  local ok, err = pcall(fn, ...)
  if ok then error("expected an error", 2) end
  return err
end

--- Packs the results, so that their number can be compared too.
support.pack = table.pack

return support
