--- Source text as a syntax tree, by the parser of luacheck.
--
-- Every node has `tag`, `line`, `offset` (in bytes, from 1); a declared name has `attr` ("close",
-- "const") when the source says so. luacheck is looked for as any module is, then where Debian's
-- package lua-check puts it; the search path is as before afterwards.
local parse = {}

local DEBIAN = "/usr/share/lua/5.1/?.lua;/usr/share/lua/5.1/?/init.lua"
local MISSING = "ebb lint needs the parser of luacheck: apt install lua-check, or "
  .. "luarocks --lua-version 5.4 install luacheck"

local function require_both()
  return require "luacheck.decoder", require "luacheck.parser"
end

-- The decoder and the parser, or nil and a message.
local function modules()
  local found, decoder, parser = pcall(require_both)
  if found then return decoder, parser end
  local path = package.path
  package.path = path .. ";" .. DEBIAN
  found, decoder, parser = pcall(require_both)
  package.path = path
  if not found then return nil, MISSING end
  return decoder, parser
end

-- The attribute written after the name that ends at byte `last`. The parser reads over it.
local function attribute(text, last)
  local at = last + 1
  while true do
    at = text:find("%S", at)
    if not at then return nil end
    if text:sub(at, at + 1) ~= "--" then break end
    local equals = text:match("^%-%-%[(=*)%[", at)
    local _, stop = text:find(equals and "]" .. equals .. "]" or "\n", at, equals ~= nil)
    at = (stop or #text) + 1
  end
  return text:match("^<%s*(%a+)%s*>", at)
end

local function set_attributes(text, node)
  if node.tag == "Local" then
    for _, name in ipairs(node[1]) do name.attr = attribute(text, name.end_offset) end
  end
  for _, child in ipairs(node) do
    if type(child) == "table" then set_attributes(text, child) end
  end
end

-- Where each line begins.
local function line_starts(text)
  local starts = { 1 }
  for after in text:gmatch "\r?\n()" do starts[#starts + 1] = after end
  return starts
end

--- The text as { ast=, comments=, text=, starts= }; or nil and { message=, line=, offset= }, or nil
-- and { message= } when there is no parser.
function parse.parse(text)
  local decoder, parser = modules()
  if not decoder then return nil, { message = parser } end
  text = text:gsub("^\239\187\191", "   "):gsub("^ *#[^\n]*", function(first)
    return (" "):rep(#first)
  end)
  -- Bytes above 127 stand in strings and comments only; with a sign of one byte for each of them
  -- an offset is the place in the text.
  text = text:gsub("[\128-\255]", "?")
  local ok, ast, comments = pcall(parser.parse, decoder.decode(text))
  local starts = line_starts(text)
  if not ok then
    if type(ast) ~= "table" or not ast.msg then error(ast, 0) end
    return nil, { message = ast.msg, line = ast.line, column = ast.offset - starts[ast.line] + 1 }
  end
  set_attributes(text, ast)
  return { ast = ast, comments = comments, text = text, starts = starts }
end

return parse
