--- The public functions as lua/ebb/_meta defines them: names, parameters, types.
--
-- definitions.functions: a list of { name = "ebb.sleep" or "Channel:send", holder =, method = (of a class: its name),
-- class = "ebb.Channel", params = { { name =, type = "integer | nil", optional = }, … } }; "..." is a parameter, too.
-- definitions.accepts(type, value): "yes" (of that type), "no" (of another one), "either" (it is a matter of range).
local support = require "spec.house.support"

local definitions = { functions = {}, aliases = {}, fields = {} }

-- The end of a type that begins at `from`: brackets are balanced, a union goes on after " | ".
local CLOSING = { ["("] = ")", ["{"] = "}", ["["] = "]", ["<"] = ">" }
local function type_end(text, from)
  local depth, i = 0, from
  while i <= #text do
    local c = text:sub(i, i)
    if CLOSING[c] then
      depth = depth + 1
    elseif c == ")" or c == "}" or c == "]" or c == ">" then
      if depth == 0 then return i - 1 end
      depth = depth - 1
    elseif c == "," and depth == 0 then
      return i - 1
    elseif c == '"' then
      i = text:find('"', i + 1, true) or #text
    elseif c == " " and depth == 0 then
      local before, after = text:sub(from, i - 1), text:sub(i)
      local goes_on = after:match "^%s*|%s*" or before:match ":$" and " " or before == "async" and " "
      if not goes_on then return i - 1 end
      i = i + #goes_on - 1
    end
    i = i + 1
  end
  return #text
end

--- A union as a list of its members.
function definitions.members(text)
  local list, from, depth, quoted = {}, 1, 0, false
  for i = 1, #text do
    local c = text:sub(i, i)
    if c == '"' then quoted = not quoted end
    if not quoted then
      if CLOSING[c] then depth = depth + 1 end
      if c == ")" or c == "}" or c == "]" or c == ">" then depth = depth - 1 end
      if c == "|" and depth == 0 then
        list[#list + 1] = text:sub(from, i - 1)
        from = i + 1
      end
    end
  end
  list[#list + 1] = text:sub(from)
  local results = false -- of a function type may be unions themselves: they are no members
  for i, member in ipairs(list) do
    member = member:match "^%s*(.-)%s*$"
    if results then member = list[1] end
    results = results or member:match "^fun%(" and member:match "%):" ~= nil
    if member:match "^%(.*%)$" then member = member:sub(2, -2) end
    list[i] = member
  end
  return list
end

local function parameter(name, text)
  local kind = text:sub(1, type_end(text, 1))
  local optional = name:match "%?$" ~= nil
  if kind:match "%?$" and not kind:match "^fun%(" and not kind:match "^async" then
    kind, optional = kind:sub(1, -2), true
  elseif kind:match "^fun%(.*%)%?$" then
    kind, optional = kind:sub(1, -2), true
  end
  return { name = name:gsub("%?$", ""), type = kind, optional = optional }
end

-- "self: ebb.Stream, fn: fun(...): ..., n?: integer"
local function parameters(text)
  local list, at = {}, 1
  while at <= #text do
    local name, from = text:match("^%s*([%w_.]+%??):%s*()", at)
    if not name then
      name, from = text:match("^%s*([%w_.]+)()", at)
      if not name then break end
      list[#list + 1] = { name = name, type = "any" }
      at = (text:find(",", from, true) or #text) + 1
    else
      local stop = type_end(text, from)
      list[#list + 1] = parameter(name, text:sub(from, stop))
      at = (text:find(",", stop + 1, true) or #text) + 1
    end
  end
  return list
end

local class_of, short_of = {}, {} -- of a variable, and the other way round

local function read(path)
  local class, params, alias
  for line in (support.slurp(path) .. "\n"):gmatch "(.-)\n" do
    local new_class = line:match "^%-%-%-@class%s+([%w_.]+)"
    if new_class then class = new_class end
    local new_alias, meaning = line:match "^%-%-%-@alias%s+([%w_.]+)%s*(.*)$"
    if new_alias then
      alias = new_alias
      definitions.aliases[alias] = meaning
    end
    local more = line:match "^%-%-%-|%s*(.*)$"
    if more and alias then
      definitions.aliases[alias] = definitions.aliases[alias] .. " | " .. more
    elseif not new_alias then
      alias = nil
    end
    local field, text = line:match "^%-%-%-@field%s+([%w_]+%??)%s+(.*)$"
    if field then
      local inner = text:match "^a?s?y?n?c?%s?fun(%b())"
      if inner and inner:match "^%(self" then
        local list = parameters(inner:sub(2, -2))
        table.remove(list, 1)
        definitions.functions[#definitions.functions + 1] =
          { name = class:match "[%w_]+$" .. ":" .. field, method = field, class = class, params = list }
      else
        definitions.fields[class] = definitions.fields[class] or {}
        table.insert(definitions.fields[class], parameter(field, text))
      end
    end
    local variable = line:match "^local%s+(%w+)%s*=%s*{}"
    if variable and class then
      class_of[variable], short_of[class] = class, variable
      class = nil
    end
    local name, kind = line:match "^%-%-%-@param%s+([%w_.]+%??)%s+(.*)$"
    if name then
      params = params or {}
      params[#params + 1] = parameter(name, kind)
    end
    local holder, dot, fn = line:match "^function%s+([%w_.]+)([.:])([%w_]+)%("
    if holder then
      definitions.functions[#definitions.functions + 1] = {
        name = holder .. dot .. fn, holder = holder, method = dot == ":" and fn or nil, fn = fn,
        class = class_of[holder], params = params or {},
      }
      params = nil
    elseif line == "" then
      params = nil
    end
  end
end

for _, path in ipairs(support.files("lua/ebb/_meta", ".lua")) do read(path) end

--- Is it the class of an object, with methods? Else a table of options.
function definitions.is_object(class)
  return short_of[class] ~= nil
end

--- The fields of a table of options, by the class or as written: a list as of parameters; nil for other types.
function definitions.options(kind)
  if definitions.fields[kind] and not definitions.is_object(kind) then return definitions.fields[kind] end
  local inner = kind:match "^{(.*)}$"
  return inner and parameters(inner)
end

local function callable(value)
  local meta = type(value) == "table" and getmetatable(value)
  return type(value) == "function" or type(meta) == "table" and meta.__call ~= nil
end

local function whole(value)
  local n = tonumber(value)
  return n ~= nil and math.tointeger(n) ~= nil
end

-- What Lua's own functions take for a type: numbers for strings, and the other way round.
local basic = {
  any = function() return "yes" end,
  string = function(v) return type(v) == "string" and "yes" or type(v) == "number" and "either" or "no" end,
  boolean = function(v) return type(v) == "boolean" and "yes" or "either" end,
  -- where there may be any number math.huge is one
  integer = function(v) return (whole(v) or v == math.huge) and "either" or "no" end,
  number = function(v)
    return tonumber(v) == nil and "no" or "either"
  end,
  ["function"] = function(v) return callable(v) and "yes" or "no" end,
  thread = function(v) return type(v) == "thread" and "yes" or "no" end,
  table = function(v) return type(v) == "table" and "either" or "no" end,
  ["nil"] = function(v) return v == nil and "yes" or "no" end,
  ["false"] = function(v) return v == false and "yes" or "no" end,
  ["ebb.seconds"] = function(v)
    if v ~= v then return "no" end
    return tonumber(v) == nil and "no" or "either"
  end,
}
basic.T, basic.R = basic.any, basic.any

local accepts

local function accepts_member(kind, value)
  if basic[kind] then return basic[kind](value) end
  if kind:match '^"' then return type(value) == "string" and "either" or "no" end
  if kind:match "^fun%(" or kind:match "^async fun%(" then return basic["function"](value) end
  if kind:match "%[%]$" or kind:match "^table<" or kind:match "^{" then return basic.table(value) end
  if definitions.aliases[kind] then return accepts(definitions.aliases[kind], value) end
  if definitions.is_object(kind) then return type(value) == "userdata" and value ~= io.stdout and "either" or "no" end
  if definitions.fields[kind] or kind:match "Options$" or kind:match "_options$" then return basic.table(value) end
  return "either"
end

--- May a value be given for a type?
function accepts(kind, value)
  local answer = "no"
  for _, member in ipairs(definitions.members(kind)) do
    if member ~= "" then
      local one = accepts_member(member, value)
      if one == "yes" then return "yes" end
      if one == "either" then answer = "either" end
    end
  end
  return answer
end
definitions.accepts = accepts

return definitions
