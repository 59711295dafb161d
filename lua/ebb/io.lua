--- Lua's io library, awaiting: files on libuv's thread pool, pipes and terminals on the loop.
-- Errors are those of ebb: nil, "ENOENT: no such file or directory", "ENOENT".
local core = require "ebb.core"

local check = require "ebb.check"

local getmetatable, ipairs, require, setmetatable, type = getmetatable, ipairs, require,
  setmetatable, type
local getenv, pack, tointeger, unpack = os.getenv, table.pack, math.tointeger, table.unpack
local find, format, match = string.find, string.format, string.match
local file, request = core._file, core._fs
local methods, standard, state = file.methods, file.standard, file.state
local signal_number = core._process.signal_number
local current_runtime = core.current_runtime

local fio = {}

-- Lines ------------------------------------------------------------------------------------------

local close, flush, read, write = methods.close, methods.flush, methods.read, methods.write
local only_writes = file.only_writes

local formats = { l = true, L = true, a = true, n = true }

local function check_formats(name, first, list)
  for i = 1, list.n do
    local wanted = list[i]
    local kind = type(wanted)
    if kind == "number" then
      if not tointeger(wanted) or wanted < 0 then
        check.bad(name, first + i - 1, "integer of at least 0", wanted)
      end
    elseif kind ~= "string" then
      check.bad(name, first + i - 1, "format", wanted)
    elseif not formats[match(wanted, "^%*?(.)")] then
      check.fail("bad argument #%d to '%s' (invalid format)", first + i - 1, name)
    end
  end
end

--- What a loop does with the results of a read: an error is thrown, the end is the end.
local function checked(value, message, code, ...)
  if value == nil and code then check.fail("%s", message) end
  return value, message, code, ...
end

--- An iterator over what file:read(...) gives; it does not close the file.
function methods:lines(...)
  if not state(self) then check.bad("lines", "self", "ebb.file", self) end
  local list = pack(...)
  check_formats("lines", 1, list)
  return function()
    if state(self) == "closed" then check.fail("file is already closed") end
    return checked(read(self, unpack(list, 1, list.n)))
  end
end

--- No more will be written: what is buffered is; who reads the other end of a pipe sees the end.
function methods:shutdown()
  local done, message, code = flush(self)
  if done and only_writes(self) then return close(self) end
  return done, message, code
end

-- Opening ----------------------------------------------------------------------------------------

--- A file; `mode` as in io.open.
function fio.open(path, mode)
  if type(path) ~= "string" then check.bad("open", 1, "string", path) end
  if mode == nil then mode = "r" end
  if type(mode) ~= "string" then check.bad("open", 2, "string", mode) end
  if not find(mode, "^[rwa]%+?b*$") then
    check.fail("bad argument #2 to 'open' (invalid mode)")
  end
  return request.open(path, mode)
end

--- A file without a name, for reading and writing, that is gone when it is closed.
function fio.tmpfile()
  return request.tmpfile((getenv "TMPDIR" or "/tmp") .. "/ebb-")
end

--- Iterates over the lines of a file (or what the formats say), which is closed at its end and when
-- the loop is left; without a path over those of the standard input, which is not.
function fio.lines(path, ...)
  local list = pack(...)
  check_formats("lines", 2, list)
  if path == nil then return fio.input():lines(...) end
  if type(path) ~= "string" then check.bad("lines", 1, "string", path) end
  local source, message = fio.open(path)
  if not source then check.fail("%s: %s", path, message) end
  local function finish(value, ...)
    if value == nil then source:close() end
    return value, ...
  end
  return function()
    if state(source) == "closed" then check.fail("file is already closed") end
    return finish(checked(read(source, unpack(list, 1, list.n))))
  end, nil, nil, source
end

-- Programs ---------------------------------------------------------------------------------------

local popened = { __name = "ebb.popen" }
popened.__index = popened

for _, name in ipairs { "read", "read_op", "read_some", "read_exactly", "read_until", "read_into",
  "lines", "flush", "shutdown", "seek", "setvbuf" } do
  local method = methods[name]
  popened[name] = function(self, ...) return method(self.stream, ...) end
end

function popened:write(...)
  local done, message, code = write(self.stream, ...)
  if done then return self end
  return done, message, code
end

--- Waits for the program's end: true or nil, "exit" or "signal", and the number.
function popened:close()
  close(self.stream)
  local code, signal = self.child:wait()
  if code then return code == 0 or nil, "exit", code end
  return nil, "signal", signal_number(signal)
end

popened.__close = popened.close

function popened:__tostring()
  return format("ebb.popen: \"%s\" %s", self.command, state(self.stream))
end

--- Runs a command of the shell, whose output is read ("r") or input written ("w").
function fio.popen(command, mode)
  if type(command) ~= "string" then check.bad("popen", 1, "string", command) end
  if mode == nil then mode = "r" end
  if mode ~= "r" and mode ~= "w" then
    check.fail("bad argument #2 to 'popen' (invalid mode: 'r' or 'w' expected, got %s)",
      type(mode) == "string" and mode or core._typename(mode))
  end
  local child, message, code = require("ebb.process").spawn {
    "/bin/sh", "-c", command,
    stdin = mode == "w" and "pipe" or nil, stdout = mode == "r" and "pipe" or nil,
  }
  if not child then return nil, message, code end
  local stream = mode == "r" and child.stdout or child.stdin
  return setmetatable({ child = child, stream = stream, command = command }, popened)
end

-- Standard files ---------------------------------------------------------------------------------

local numbers = { stdin = 0, stdout = 1, stderr = 2 }
local opened = setmetatable({}, { __mode = "k" }) -- by runtime: name -> file

--- The standard file of the current runtime.
local function standard_file(name)
  local rt = current_runtime()
  local files = opened[rt]
  if not files then
    files = {}
    opened[rt] = files
  end
  local found = files[name]
  if not found or state(found) == "closed" then
    local message
    found, message = standard(numbers[name], name)
    if not found then check.fail("%s: %s", name, message) end
    files[name] = found
  end
  return found
end

local chosen = {} -- by io.input and io.output, instead of the standard files

local function is_file(value)
  return state(value) ~= nil or getmetatable(value) == popened
end

--- fio.input and fio.output: the default file, or sets it (by its path too).
local function chooser(name, standard_name, mode)
  return function(value)
    if value == nil then return chosen[name] or standard_file(standard_name) end
    if type(value) == "string" then
      local opened_file, message = fio.open(value, mode)
      if not opened_file then check.fail("%s: %s", value, message) end
      value = opened_file
    elseif not is_file(value) then
      check.bad(name, 1, "ebb.file or path", value)
    end
    chosen[name] = value
    return value
  end
end

fio.input = chooser("input", "stdin", "r")
fio.output = chooser("output", "stdout", "w")

function fio.read(...) return fio.input():read(...) end
function fio.write(...) return fio.output():write(...) end
function fio.flush() return fio.output():flush() end

--- The default output unless a file is given.
function fio.close(value)
  if value == nil then return fio.output():close() end
  if not is_file(value) then check.bad("close", 1, "ebb.file", value) end
  return value:close()
end

--- "file", "closed file", or nil for what is none.
function fio.type(value)
  local found = state(value)
  if getmetatable(value) == popened then found = state(value.stream) end
  return found and (found == "open" and "file" or "closed file") or nil
end

return setmetatable(fio, { __index = function(_, name)
  if numbers[name] then return standard_file(name) end
end })
