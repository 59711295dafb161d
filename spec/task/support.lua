--- Small helpers that the specs of tasks and of structure share.
local ebb = require "ebb"

local helper = require "spec.helper"

local support = {}

--- A to-be-closed value whose handler is fn(err).
function support.closer(fn)
  return setmetatable({}, { __close = function(_, err) fn(err) end })
end

--- Seconds of the runtime's clock that fn(...) takes.
function support.elapsed(fn, ...)
  local start = ebb.now()
  fn(...)
  return ebb.now() - start
end

--- Fails unless two times are the same but for the rounding of floats.
function support.near(expected, actual)
  if math.abs(expected - actual) > 1e-6 then
    error(("expected %.9f, got %.9f"):format(expected, actual), 2)
  end
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
