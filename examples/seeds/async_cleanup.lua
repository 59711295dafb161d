-- A resource whose cleanup has to wait: it is finished before the block's end, in every case.
local ebb = require "ebb"

local Resource = {}
Resource.__index = Resource

function Resource.open(name)
  ebb.sleep(0.05)
  return setmetatable({ name = name }, Resource)
end

function Resource:process()
  ebb.sleep(0.1)
  if self.name == "bad" then error("bad data", 0) end
  return "processed " .. self.name
end

function Resource:__close(err)
  ebb.sleep(0.05) -- flush, say goodbye, wait for the answer
  print(("  %s cleaned up%s"):format(self.name, err and " after an error" or ""))
end

local function use(name)
  local resource <close> = Resource.open(name)
  return resource:process()
end

local rt <close> = ebb.runtime { clock = "virtual" }
rt:run(function()
  print(use "good")
  print(pcall(use, "bad"))
  print(ebb.timeout(0.1, use, "slow"))

  local task = ebb.spawn(use, "cancelled")
  ebb.sleep(0.1)
  task:cancel()
  print(task:join())

  -- Several, in reverse order, and one that is already closed by the time.
  do
    local g <close> = ebb.guard()
    for _, name in ipairs { "first", "second", "third" } do g:own(Resource.open(name)) end
    g:defer(function() print "  before all of them" end)
  end

  -- Even those whose owner is still at work when main returns.
  ebb.go(function()
    local _ <close> = Resource.open "left running"
    ebb.sleep(3600)
  end)
  ebb.sleep(0.1)
  print "main returns"
end)
print "and run has waited"
