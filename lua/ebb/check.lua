--- Argument checks of ebb's Lua files: errors in the words of luaL_argerror, at the position of
-- the caller.
local core = require "ebb.core"

local error, getmetatable, tostring, type = error, getmetatable, tostring, type
local find, format, match, sub = string.find, string.format, string.match, string.sub
local tointeger = math.tointeger
local getinfo = debug and debug.getinfo
local own_files = getinfo and match(getinfo(1, "S").source, "^(.*)check%.lua$")

local check = {}

--- The level of the first function that is not ebb's own; 0, no position, when there is none: it
-- was left by a tail call, or the task runs a function of ebb's.
local function users_level()
  if not own_files then return 3 end
  local level = 3
  while true do
    local info = getinfo(level, "S")
    if not info then return 0 end
    if info.what ~= "C" and sub(info.source, 1, #own_files) ~= own_files then return level - 1 end
    level = level + 1
  end
end

--- Throws the formatted message with the position of the user's call.
function check.fail(text, ...)
  error(format(text, ...), users_level())
end

--- What came instead, in words: the type; of a number where another one is expected, the number.
function check.came(expected, value)
  if type(value) ~= "number" or not (find(expected, "number") or find(expected, "integer")) then
    return core._typename(value)
  end
  return value ~= value and "NaN" or tostring(value)
end

--- "bad argument #1 to 'map' (list expected, got nil)"
function check.bad(name, position, expected, value)
  local message = "bad argument #%s to '%s' (%s expected, got %s)"
  local came = check.came(expected, value)
  error(format(message, position, name, expected, came), users_level())
end

function check.is_callable(value)
  if type(value) == "function" then return true end
  local meta = type(value) == "table" and getmetatable(value)
  return type(meta) == "table" and meta.__call ~= nil
end

function check.callable(name, position, value)
  if not check.is_callable(value) then check.bad(name, position, "function", value) end
end

function check.seconds(name, position, value)
  if type(value) ~= "number" then check.bad(name, position, "number of seconds", value) end
  if value ~= value then
    check.fail("bad argument #%s to '%s' (number of seconds expected, got NaN)", position, name)
  end
end

--- Text for the system, where a zero would be its end; `what` it is: "host", "path".
function check.text(name, position, what, value)
  if type(value) ~= "string" then check.bad(name, position, "string", value) end
  if find(value, "\0", 1, true) then
    check.fail("bad argument #%d to '%s' (%s without zeros expected)", position, name, what)
  end
end

function check.is_port(value)
  local port = type(value) == "number" and tointeger(value)
  return port and port >= 0 and port <= 65535
end

function check.port(name, position, value)
  if not check.is_port(value) then check.bad(name, position, "port from 0 to 65535", value) end
end

--- As check.callable, for an option that may be nil.
function check.callable_option(name, position, opts, key)
  local value = opts[key]
  if value ~= nil and not check.is_callable(value) then
    check.bad(name, position, format("option '%s': function", key), value)
  end
end

return check
