--- What the specs of the house share: the files of the tree, programs run in a process of their own.
local common = require "spec.runtime.support"

local support = { quote = common.quote, slurp = require("spec.system").slurp }

--- The lines that a command of the shell prints.
function support.lines(command)
  local pipe <close> = assert(io.popen(command))
  local lines = {}
  for line in pipe:lines() do lines[#lines + 1] = line end
  return lines
end

--- The files below a folder whose names end so, sorted; none when the folder is not there.
function support.files(folder, ending)
  return support.lines(("find %s -type f -name '*%s' 2>/dev/null | LC_ALL=C sort")
    :format(common.quote(folder), ending))
end

function support.exists(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

-- Children find ebb where this process does, also when busted's own settings say where.
local function environment()
  return ("LUA_PATH=%s LUA_CPATH=%s"):format(common.quote(package.path),
    common.quote(package.cpath))
end

--- Runs a script with the specs' interpreter; `words` come after it. See spec.runtime.support.shell.
function support.script(path, words)
  return common.shell(("%s exec %s %s %s"):format(environment(), common.interpreter(),
    common.quote(path), words or ""))
end

--- Runs the text of a script.
function support.program(text)
  local path = common.file(text)
  local result = support.script(path)
  os.remove(path)
  return result
end

support.shell = common.shell

local function trimmed(text)
  return (text:gsub("[ \t]+\n", "\n"):gsub("%s+$", ""))
end

--- Fails unless a program ended with code 0 and, if `expected` is given, printed that; blanks at the
-- ends of lines do not count. What it wrote to standard error is in the message.
function support.check(result, expected)
  if result.code ~= 0 then
    error(("exit code %d\n%s%s"):format(result.code, result.out, result.err), 2)
  end
  if expected and trimmed(result.out) ~= trimmed(expected) then
    error(("expected:\n%s\ngot:\n%s\nstandard error:\n%s"):format(expected, result.out,
      result.err), 2)
  end
end

return support
