--- ebb.retry: another attempt after a while, and after twice that while, and so on.
local core = require "ebb.core"

local check = require "ebb.check"

local error, pcall, setmetatable, type = error, pcall, setmetatable, type
local pack, unpack = table.pack, table.unpack
local random, huge = math.random, math.huge
local is_cancelled, sleep = core.is_cancelled, core.sleep

local retry = {}

local function fail(key, expected, value)
  check.fail("bad argument #2 to 'retry' (option '%s': %s expected, got %s)", key, expected,
    type(value) == "number" and value or core._typename(value))
end

local function number_from(low, high, expected)
  return function(key, value)
    if type(value) ~= "number" or not (value >= low and value <= high) then
      fail(key, expected, value)
    end
  end
end

local seconds = number_from(0, huge, "seconds >= 0")
local options = {
  attempts = function(key, value)
    if type(value) ~= "number" or value ~= value or value < 1
      or (value ~= huge and value % 1 ~= 0) then
      fail(key, "whole number >= 1", value)
    end
  end,
  delay = seconds,
  max_delay = seconds,
  factor = number_from(0, huge, "number >= 0"),
  jitter = number_from(0, 1, "number from 0 to 1"),
  on = function(key, value)
    if not check.is_callable(value) then fail(key, "function", value) end
  end,
}

local function check_options(opts)
  if type(opts) ~= "table" then check.bad("retry", 2, "table of options", opts) end
  for key, value in pairs(opts) do
    if not options[key] then
      check.fail("bad argument #2 to 'retry' (unknown option '%s')", tostring(key))
    end
    options[key](key, value)
  end
end

--- The seconds after failed attempt number `attempt`.
local function pause(attempt, opts)
  local delay, max_delay = opts.delay or 0.1, opts.max_delay or 30
  if delay > 0 then delay = delay * (opts.factor or 2) ^ (attempt - 1) end
  if delay > max_delay or delay ~= delay then delay = max_delay end -- huge * 0 is no number
  local jitter = opts.jitter or 0
  if jitter > 0 then delay = delay * (1 + jitter * (2 * random() - 1)) end
  return delay
end

--- The last attempt is not caught, so that its error keeps its traceback.
local last = {
  __close = function(self, err)
    if err ~= nil and not is_cancelled(err) then self.on(err, self.attempt) end
  end,
}

local function run_last(fn, attempt, on)
  local _ <close> = on and setmetatable({ on = on, attempt = attempt }, last)
  return fn(attempt)
end

local function last_outcome(attempt, on, ...)
  local value, err = ...
  if on and value == nil and err ~= nil then on(err, attempt) end
  return ...
end

--- Calls fn(attempt) until it returns without an error or nil, err: its results then, or the last
-- outcome. Waits `delay` seconds after the first failure, `factor` times as long after each further
-- one, at most `max_delay`, give or take the fraction `jitter`. A cancel is never retried.
function retry.retry(fn, opts)
  check.callable("retry", 1, fn)
  if opts == nil then opts = {} end
  check_options(opts)
  local attempts, on, attempt = opts.attempts or 3, opts.on, 1
  while attempt < attempts do
    local ended = pack(pcall(fn, attempt))
    local err
    if ended[1] then
      if ended[2] ~= nil or ended[3] == nil then return unpack(ended, 2, ended.n) end
      err = ended[3]
    else
      err = ended[2]
      if is_cancelled(err) then error(err, 0) end
    end
    if on then on(err, attempt) end
    sleep(pause(attempt, opts))
    attempt = attempt + 1
  end
  return last_outcome(attempt, on, run_last(fn, attempt, on))
end

return retry
