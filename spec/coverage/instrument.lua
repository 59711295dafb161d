--- Copies lua/ to a folder, with a mark before every statement that says that it was reached:
--
--   lua5.4 spec/coverage/instrument.lua build/coverage/lua
--
-- The marks stand on the lines of their statements, so that errors name the right ones. What was reached is written to
-- FOLDER/reached when the state that ran it closes, FOLDER/statements has all there are.
local to = assert(arg[1], "where to?")

--- Tokens ----------------------------------------------------------------------------------------

--- Where the long bracket that begins at `at` ends, or nil.
local function long_bracket(text, at)
  local equals = text:match("^%[(=*)%[", at)
  if not equals then return nil end
  local _, last = text:find("]" .. equals .. "]", at, true)
  return last or error "a long bracket has no end"
end

local function short_string(text, at)
  local quote, i = text:sub(at, at), at + 1
  while true do
    local c = text:sub(i, i)
    if c == "\\" then
      i = text:match("^z%s*()", i + 1) or i + 2
    elseif c == quote then
      return i
    else
      i = i + 1
    end
  end
end

--- Calls fn(kind, text, first) for each token: "name", "value" (strings, numbers), "symbol".
local function tokens(text, fn)
  local at = 1
  while true do
    at = text:match("^%s*()", at)
    if at > #text then return end
    local c = text:sub(at, at)
    local last
    if text:find("^%-%-", at) then
      last = long_bracket(text, at + 2) or (text:find("\n", at, true) or #text + 1) - 1
    elseif c:find "[%a_]" then
      last = text:match("^[%w_]+()", at) - 1
      fn("name", text:sub(at, last), at)
    elseif c:find "%d" or text:find("^%.%d", at) then
      last = (text:match("^0[xX][%x.pP]+[+-]?%x*()", at) or text:match("^[%d.]+[eE][+-]?%d+()", at)
        or text:match("^[%d.]+()", at)) - 1
      fn("value", text:sub(at, last), at)
    elseif c == '"' or c == "'" then
      last = short_string(text, at)
      fn("value", text:sub(at, last), at)
    elseif c == "[" and long_bracket(text, at) then
      last = long_bracket(text, at)
      fn("value", text:sub(at, last), at)
    else
      last = (text:match("^%.%.%.()", at) or text:match("^[=~<>:]=()", at) or text:match("^::()", at)
        or text:match("^%.%.()", at) or at + 1) - 1
      fn("symbol", text:sub(at, last), at)
    end
    at = last + 1
  end
end

--- Statements ------------------------------------------------------------------------------------

local function set(words)
  local result = {}
  for word in words:gmatch "%S+" do result[word] = true end
  return result
end

local keywords =
  set "and break do else elseif end false for function goto if in local nil not or repeat return then true until while"
local begins = set "break do for goto if local repeat return while" -- always a statement, or the `do` of a loop
-- After these a statement may follow: they open a block, or end an expression or a statement.
local leads = set "do then else repeat ; end nil true false break ) ] } ... attribute label"

--- The places where statements begin: a keyword that begins one, or a name (or `function`) after something that cannot
-- go on with it.
local function statements(text)
  local found = {}
  local before, before_kind = ";", "symbol" -- the token before
  local loops = 0 -- heads of loops that wait for their `do`
  local in_attribute, in_label = false, false -- <close>, ::label::

  local function begins_one(kind, word)
    if in_attribute or in_label or before == "goto" then return false end
    local leads_on = leads[before] or before_kind == "value" or (before_kind == "name" and not keywords[before])
    if kind ~= "name" then return false end
    if begins[word] then return not (word == "do" and loops > 0) end
    return leads_on and (word == "function" or not keywords[word])
  end

  tokens(text, function(kind, word, at)
    if begins_one(kind, word) then found[#found + 1] = at end
    if word == "while" or word == "for" then loops = loops + 1 end
    if word == "do" and loops > 0 then loops = loops - 1 end
    if word == "<" and text:find("^<%s*close%s*>", at) or word == "<" and text:find("^<%s*const%s*>", at) then
      in_attribute = true
    elseif in_attribute and word == ">" then
      in_attribute, word = false, "attribute"
    elseif word == "::" then
      in_label = not in_label
      if not in_label then word = "label" end
    end
    before, before_kind = word, kind
  end)
  return found
end

--- Files -----------------------------------------------------------------------------------------

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

local function write(path, text)
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(text))
end

--- The text with its marks, and the line of each.
local function instrumented(path, text)
  local parts, list = {}, {}
  local line, last = 1, 1
  for i, at in ipairs(statements(text)) do
    local part = text:sub(last, at - 1)
    for _ in part:gmatch "\n" do line = line + 1 end
    list[i] = line
    parts[#parts + 1] = part
    parts[#parts + 1] = ("_REACHED[%d]=true "):format(i)
    last = at
  end
  parts[#parts + 1] = text:sub(last)
  text = ("local _REACHED<const> =require'ebb_reached'(%q) "):format(path) .. table.concat(parts)
  assert(load(text, "@" .. path))
  return text, list
end

local reached = [[
--- Who asks for a file's marks gets a table; they are written to a file when the state closes.
local files = {}
local open, pairs, tostring = io.open, pairs, tostring
local folder = %q

local function save()
  local name = tostring(files):match "0x%%x+" .. "-" .. os.time() .. "-" .. math.random(0)
  local file = open(folder .. "/" .. name, "a")
  if not file then return end
  for path, marks in pairs(files) do
    for i in pairs(marks) do file:write(i, " ", path, "\n") end
  end
  file:close()
end

local keeper = setmetatable({}, { __gc = save })
local exit = os.exit
os.exit = function(code, close)
  if not close then save() end
  return exit(code, close)
end

return function(path)
  local _ = keeper
  files[path] = files[path] or {}
  return files[path]
end
]]

os.execute(("rm -rf %s && mkdir -p %s/reached"):format(to, to))
local lines <close> = assert(io.open(to .. "/statements", "w"))
local list <close> = assert(io.popen "find lua -name '*.lua' | sort")
for path in list:lines() do
  local text, where = read(path), {}
  if not path:match "_meta" then text, where = instrumented(path, text) end
  local target = to .. path:gsub("^lua", "", 1)
  os.execute("mkdir -p " .. target:match "(.*)/")
  write(target, text)
  for i, line in ipairs(where) do lines:write(i, " ", line, " ", path, "\n") end
end
local root = io.popen "pwd":read "l"
write(to .. "/ebb_reached.lua", reached:format((to:match "^/" and to or root .. "/" .. to) .. "/reached"))
