--- `ebb lint`: finds in Lua source what ebb would complain of when it runs, and what it could not
-- complain of. The rules are in lua/ebb/lint/, docs/lint.md describes them.
local parse = require "ebb.lint.parse"
local resolve = require "ebb.lint.resolve"
local calls = require "ebb.lint.calls"

local lint = {}

local RULES = {
  require "ebb.lint.held", require "ebb.lint.memory", (require "ebb.lint.waiting"),
}

-- The lines that a comment `-- ebb: ignore [codes]` silences: true, or the set of codes.
local function ignored_lines(source)
  local lines = {}
  for _, comment in ipairs(source.comments) do
    local rest = comment.contents:match "^%s*ebb:%s*ignore%f[%W](.*)"
    if rest then
      local codes, any = {}, false
      for code in rest:gmatch "EBB%d%d%d" do codes[code], any = true, true end
      local line = comment.line
      local before = source.text:sub(source.starts[line], comment.offset - 1)
      -- Alone on its line it speaks of the next one.
      lines[before:find "%S" and line or line + 1] = any and codes or true
    end
  end
  return lines
end

-- Whether the file has to do with ebb at all.
local function uses_ebb(tree, about)
  for _, call in ipairs(tree.calls) do
    local path = call.tag == "Call" and (about:path(call) or about:path(call[1]))
    if path and (path == "ebb" or path:find("^ebb%.")) then return true end
  end
  return false
end

local function by_place(a, b)
  if a.line ~= b.line then return a.line < b.line end
  if a.column ~= b.column then return a.column < b.column end
  return a.code < b.code
end

--- The findings in a text: a list of { line=, column=, code=, message= } in order, or nil and
-- { message=, line=, column= } when it cannot be parsed (without a line: there is no parser).
function lint.check(text)
  local source, failed = parse.parse(text)
  if not source then return nil, failed end
  local tree = resolve.resolve(source.ast)
  local about = calls.new(tree)
  local findings, seen = {}, {}
  if not uses_ebb(tree, about) then return findings end
  local ignored = ignored_lines(source)
  local function report(node, code, message, ...)
    local quiet, key = ignored[node.line], node.offset .. code
    if quiet == true or quiet and quiet[code] or seen[key] then return end
    seen[key] = true
    findings[#findings + 1] = {
      line = node.line, column = node.offset - source.starts[node.line] + 1, code = code,
      message = message:format(...),
    }
  end
  for _, rule in ipairs(RULES) do rule(tree, about, report) end
  table.sort(findings, by_place)
  return findings
end

-- The command -------------------------------------------------------------------------------------

local USAGE = [[
usage: ebb lint [--format=plain|json] FILE...

Finds mistakes in the use of ebb without running the files (- is standard input). A comment
"-- ebb: ignore" or "-- ebb: ignore EBB041" silences a line. docs/lint.md describes the rules.
Exit code 0: nothing found, 1: something found, 2: a file could not be read or parsed.
]]

local function read(path)
  if path == "-" then return io.read "a" end
  local file <close>, message = io.open(path, "rb")
  if not file then return nil, message end
  local text
  text, message = file:read "a"
  return text, message and path .. ": " .. message
end

local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\" }

local function quote(text)
  return '"' .. text:gsub('["\\]', ESCAPES):gsub("%c", function(c)
    return ("\\u%04x"):format(c:byte())
  end) .. '"'
end

local show = {}

function show.plain(list)
  for _, found in ipairs(list) do
    io.write(("%s:%d:%d: %s: %s\n"):format(found.file, found.line, found.column, found.code,
      found.message))
  end
  io.write(#list == 0 and "nothing found\n" or #list == 1 and "1 finding\n"
    or ("%d findings\n"):format(#list))
end

function show.json(list)
  local items = {}
  for i, found in ipairs(list) do
    items[i] = ('  {"file": %s, "line": %d, "column": %d, "code": %s, "message": %s}')
      :format(quote(found.file), found.line, found.column, quote(found.code), quote(found.message))
  end
  io.write(#items == 0 and "[]\n" or "[\n" .. table.concat(items, ",\n") .. "\n]\n")
end

-- The command line as a list of files and a format; nil and a message.
local function arguments(argv, first)
  local files, format, options = {}, "plain", true
  for i = first, #argv do
    local word = argv[i]
    if options and word == "--" then
      options = false
    elseif options and word:find "^%-." then
      format = word:match "^%-%-format=(.*)$"
      if word == "--help" or word == "-h" then return "help" end
      if not show[format] then return nil, ("unrecognized option '%s'"):format(word) end
    else
      files[#files + 1] = word
    end
  end
  if #files == 0 then return nil, "no file given" end
  return files, format
end

-- Adds what is found in a file to the list; false if it could not be read or parsed.
local function check_file(path, all)
  local text, message = read(path)
  if not text then
    io.stderr:write("ebb: ", message, "\n")
    return false
  end
  local name = path == "-" and "stdin" or path
  local found, failed = lint.check(text)
  if not found then
    local place = failed.line and ("%s:%d:%d: "):format(name, failed.line, failed.column) or ""
    io.stderr:write("ebb: ", place, failed.message, "\n")
    return false
  end
  for _, finding in ipairs(found) do
    finding.file = name
    all[#all + 1] = finding
  end
  return true
end

--- Runs `ebb lint` with argv[first…] as its arguments; returns the exit code.
function lint.main(argv, first)
  local files, format = arguments(argv, first)
  if not files then
    io.stderr:write("ebb: ", format, "\n", USAGE)
    return 2
  elseif files == "help" then
    io.write(USAGE)
    return 0
  end
  local all, clean = {}, true
  for _, path in ipairs(files) do clean = check_file(path, all) and clean end
  show[format](all)
  return not clean and 2 or #all > 0 and 1 or 0
end

return lint
