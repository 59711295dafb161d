-- For clone_fuzz.c: returns what compares the first half of its arguments, values that were read, with the second, those
-- that were written and read again; and checks that no code of a message was run.
-- luacheck: globals ran examples
local ebb = require "ebb"
local bytes = ebb.guard():bytes(1)
local memory = getmetatable(bytes).__name

-- Only modules that are there: a message must not load files here.
package.searchers = {}
package.loaded.fuzzed = { field = function() end, ["a b"] = setmetatable({}, { __name = "fuzzed" }) }

local shared = { 1 }
local circle = { "x" }
circle[circle] = circle
local up, down = 1, 2
local function counts() up = up + down return up end
examples = {
  1, -1, 1 << 40, 0.5, -0.0, 1e300, true, false, "", "a string", { 1, 2, 3 }, { a = 1, [true] = 2, [1.5] = {} },
  { shared, shared }, circle, setmetatable({ 1 }, { __index = { x = 1 } }), counts, function() return ebb end,
  { counts, function() return up end }, ebb, string.format, { string = string }, ("x"):rep(100), { {}, { {} }, { { {} } } },
}

local seen

local function same(a, b)
  if a == nil or b == nil then return a == b end
  if seen[a] ~= nil then return seen[a] == b end
  local kind = math.type(a) or type(a)
  if kind ~= (math.type(b) or type(b)) then return false end
  if kind == "table" then
    if a == b then return true end -- a module
    seen[a] = b
    local n = 0
    for k, v in next, a do
      n = n + 1
      if type(k) ~= "table" and type(k) ~= "function" and type(k) ~= "userdata" then
        if not same(v, rawget(b, k)) then return false end
      end
    end
    for _ in next, b do n = n - 1 end
    return n == 0 and same(debug.getmetatable(a), debug.getmetatable(b))
  elseif kind == "function" then
    if a == b then return true end
    seen[a] = b
    if string.dump(a, true) ~= string.dump(b, true) then return false end
    for i = 1, 255 do
      local name, value = debug.getupvalue(a, i)
      local other, copy = debug.getupvalue(b, i)
      if (name == nil) ~= (other == nil) then return false end
      if not name then break end
      -- _ENV becomes the globals, whatever it was
      if not (name == "_ENV" and copy == _G) and not same(value, copy) then return false end
    end
    return true
  elseif kind == "userdata" then
    local meta = debug.getmetatable(a)
    if not meta then return a == b end -- light
    return meta == debug.getmetatable(b) and (meta.__name ~= memory or #a == #b)
  elseif kind == "float" then
    return string.pack("n", a) == string.pack("n", b)
  end
  return rawequal(a, b)
end

return function(...)
  local n = select("#", ...) // 2
  local values = { ... }
  if ran then error "code of a message was run" end
  for i = 1, n do
    seen = {}
    if not same(values[i], values[n + i]) then error("value " .. i .. " is not the same") end
  end
end
