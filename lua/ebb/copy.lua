--- From one stream of bytes to another, in pieces: never more than one is in memory.

local core = require "ebb.core"

local check = require "ebb.check"
local try_join = require("ebb.group").try_join

local pcall, type = pcall, type
local huge, min, tointeger = math.maxinteger, math.min, math.tointeger
local core_copy = core._copy

local copy = {}

local PIECE = 65536

local function has(value, name)
  local kind = type(value)
  if kind ~= "userdata" and kind ~= "table" then return false end
  local found, method = pcall(function() return value[name] end)
  return found and method ~= nil
end

local function check_streams(name, a, b, reads, writes)
  if not has(a, reads) then check.bad(name, 1, "stream", a) end
  if not has(b, writes) then check.bad(name, 2, "stream", b) end
end

--- nil, "closed", n or nil, message, code, n: as a write, with the n bytes copied so far.
local function failed(n, why, code)
  if code == nil then return nil, why, n end
  return nil, why, code, n
end

local function copy_pieces(from, to, max)
  local n = 0
  while true do
    if n == max then return n end
    local piece, why, code = from:read_some(max and min(max - n, PIECE) or PIECE)
    if not piece then
      if why == "eof" then return n end
      return failed(n, why, code)
    end
    local done, n_part
    done, why, code, n_part = to:write(piece)
    if not done then
      if why == "closed" then return failed(n + (code or 0), why) end
      return failed(n + (n_part or 0), why, code)
    end
    n = n + #piece
  end
end

--- Sockets and pairs in memory need no strings in between.
local function copy_all(from, to, max)
  local n, why, code, n_part = core_copy(from, to, max or huge)
  if n == false then return copy_pieces(from, to, max) end
  if n then return n end
  return nil, why, code, n_part
end

--- Copies until `from` ends, or `max` bytes: how many.
function copy.copy(from, to, max)
  check_streams("copy", from, to, "read_some", "write")
  if max ~= nil and (type(max) ~= "number" or not tointeger(max) or max < 0) then
    check.bad("copy", 3, "number of bytes", max)
  end
  return copy_all(from, to, max)
end

local function copy_and_shut(from, to)
  local n, why, code = copy_all(from, to)
  if not n then return nil, why, type(code) == "string" and code or nil end
  local ok, message
  ok, message, code = to:shutdown()
  if not ok and code then return nil, message, code end -- the other side would wait for its end
  return n
end

--- Copies both ways at once until both have ended; the end of one is passed on to the other,
-- which may still send. How many bytes went from a to b, and from b to a. The first failure
-- ends both.
function copy.copy_both(a, b)
  check_streams("copy_both", a, b, "read_some", "shutdown")
  check_streams("copy_both", a, b, "shutdown", "read_some")
  return try_join(function() return copy_and_shut(a, b) end,
    function() return copy_and_shut(b, a) end)
end

return copy
