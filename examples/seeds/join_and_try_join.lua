-- Several things at once: all of them, all or nothing, a list of any length.
local ebb = require "ebb"

local function fetch(what, seconds, fails)
  local _ <close> = setmetatable({}, { __close = function(_, err)
    if err then print("  " .. what .. " was given up") end
  end })
  ebb.sleep(seconds)
  if fails then return nil, what .. ": not found" end
  return what
end

local function timed(fn)
  local started = ebb.now()
  return (function(...)
    print(("  %.1f s"):format(ebb.now() - started), ...)
  end)(fn())
end

local rt <close> = ebb.runtime { clock = "virtual" }
rt:run(function()
  print "one after another"
  timed(function() return fetch("user", 0.1), fetch("posts", 0.2), (fetch("news", 0.3)) end)

  print "join: as long as the slowest"
  timed(function()
    return ebb.join(
      function() return fetch("user", 0.1) end,
      function() return fetch("posts", 0.2) end,
      function() return fetch("news", 0.3) end)
  end)

  print "try_join: the first failure ends the others"
  timed(function()
    return ebb.try_join(
      function() return fetch("user", 60) end,
      function() return fetch("rights", 0.2, true) end)
  end)

  print "join_all: a list, its results in the same order"
  local tasks = {}
  for i = 1, 5 do tasks[i] = ebb.spawn(fetch, "url" .. i, 0.6 - i / 10) end
  timed(function() return table.concat(ebb.join_all(tasks), " ") end)

  print "map: the same without the tasks; a failed item does not end the others"
  local results = ebb.map({ "a", "b", "c" }, function(name)
    local value, err = fetch(name, 0.1, name == "b")
    return value or "(" .. err .. ")"
  end)
  print("  " .. table.concat(results, " "))
end)
