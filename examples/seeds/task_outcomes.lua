-- A task can return a value, return an error, throw one, or be cancelled. All four look different.
local ebb = require "ebb"

local outcomes = {
  { "a value", function() return "success" end },
  { "a returned error", function() return nil, "sold out" end },
  { "a thrown error", function() error("disk on fire", 0) end },
  { "a thrown table", function() error { code = 503 } end },
  { "cancelled", function() ebb.sleep(3600) end },
}

local function describe(ok, value, err)
  if ok and value ~= nil then return "returned " .. value end
  if ok then return "returned the error " .. err end
  if type(value) == "table" and value.cancelled_task then return "was cancelled" end
  if type(value) == "table" then return "threw code " .. value.code end
  return "threw " .. value
end

local rt <close> = ebb.runtime { clock = "virtual" }
rt:run(function()
  for _, outcome in ipairs(outcomes) do
    local name, fn = outcome[1], outcome[2]
    local task = ebb.spawn(fn)
    ebb.sleep(0.1)
    task:cancel "no time" -- does nothing to a task that has ended
    print(("%-17s %-9s %s"):format(name, task:status(), describe(task:join())))
  end

  -- Errors travel up through ordinary calls, and a caller may have another way.
  local function primary() error("primary is down", 0) end
  local function fallback() return "yesterday's copy" end
  local ok, result = pcall(primary)
  if not ok then
    print("warning:", result)
    result = fallback()
  end
  print("result:", result)

  -- A running task ends at its next wait, after its cleanups, and join waits for that.
  local ticker = ebb.spawn(function()
    local n <close> = setmetatable({ 0 }, { __close = function(self)
      ebb.sleep(0.05)
      print("ticked " .. self[1] .. " times")
    end })
    for _ in ebb.interval(0.1) do n[1] = n[1] + 1 end
  end)
  ebb.sleep(1)
  ticker:cancel "enough"
  print(ticker:status(), ticker:join())
  print(ticker:status())
end)
