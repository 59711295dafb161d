--- Child processes. One whose handle closes or is collected is ended, and its status taken.
local core = require "ebb.core"

local check = require "ebb.check"
local group = require "ebb.group"
require "ebb.io" -- the streams' methods that are written in Lua

local pairs, tostring, type = pairs, tostring, type
local find = string.find
local tointeger = math.tointeger
local sort = table.sort
local descriptor, spawn_args, methods = core._file.fd, core._process.spawn, core._process.methods
local kill, wait = methods.kill, methods.wait
local select_first, after = core.select_first, core.after

local process = {}

local options = { env = true, cwd = true, stdin = true, stdout = true, stderr = true, group = true,
  uid = true, gid = true }
local words = { null = -1, pipe = -2 }
local numbers = { stdin = 0, stdout = 1, stderr = 2 }

local function fail_option(name, option, expected, value)
  check.fail("bad argument #1 to '%s' (option '%s': %s expected, got %s)", name, option, expected,
    type(value) == "string" and '"' .. value .. '"' or core._typename(value))
end

local function has_zero(s)
  return find(s, "\0", 1, true) ~= nil
end

--- The program and its arguments: strings and numbers, at least one.
local function check_args(name, opts)
  local args = {}
  for i = 1, #opts do
    local arg = opts[i]
    if type(arg) == "number" then arg = tostring(arg) end
    if type(arg) ~= "string" or has_zero(arg) then
      check.fail("bad argument #1 to '%s' (item %d: string without zeros expected, got %s)", name,
        i, core._typename(arg))
    end
    args[i] = arg
  end
  if not args[1] then
    check.fail("bad argument #1 to '%s' (a program and its arguments expected)", name)
  end
  return args
end

--- The environment as a sorted list of NAME=value.
local function check_env(name, env)
  if env == nil then return nil end
  if type(env) ~= "table" then fail_option(name, "env", "table of names and values", env) end
  local list = {}
  for key, value in pairs(env) do
    if type(key) ~= "string" or key == "" or find(key, "=", 1, true) or has_zero(key) then
      fail_option(name, "env", "names without '='", key)
    end
    if type(value) == "number" then value = tostring(value) end
    if type(value) ~= "string" or has_zero(value) then
      fail_option(name, "env", "strings without zeros", value)
    end
    list[#list + 1] = key .. "=" .. value
  end
  sort(list)
  return list
end

local function check_stdio(name, option, value)
  if value == nil or value == "inherit" then return numbers[option] end
  if words[value] then return words[value] end
  if value == "stdout" and option == "stderr" then return -3 end
  local fd = type(value) == "userdata" and descriptor(value)
  if not fd then fail_option(name, option, '"inherit", "pipe", "null" or an open stream', value) end
  return fd
end

local function check_id(name, option, value)
  local id = value == nil and -1 or type(value) == "number" and tointeger(value)
  if not id or id < -1 or id > 0xffffffff then fail_option(name, option, "number", value) end
  return id
end

local function spawn(name, opts)
  local args = check_args(name, opts)
  local cwd = opts.cwd
  if cwd ~= nil and (type(cwd) ~= "string" or has_zero(cwd)) then
    fail_option(name, "cwd", "path", cwd)
  end
  return spawn_args(args, check_env(name, opts.env), cwd, check_stdio(name, "stdin", opts.stdin),
    check_stdio(name, "stdout", opts.stdout), check_stdio(name, "stderr", opts.stderr),
    opts.group and true or false, check_id(name, "uid", opts.uid), check_id(name, "gid", opts.gid))
end

local function check_options(name, opts, also)
  if type(opts) ~= "table" then check.bad(name, 1, "table of a program and its arguments", opts) end
  for key in pairs(opts) do
    if type(key) ~= "number" and not options[key] and key ~= also then
      check.fail("bad argument #1 to '%s' (unknown option '%s')", name, tostring(key))
    end
  end
end

--- Starts the program opts[1] with the arguments that follow. env: the whole environment; group: it
-- leads a group of its own, and signals are for all of that.
function process.spawn(opts)
  check_options("spawn", opts)
  return spawn("spawn", opts)
end

--- Asks it to end, waits at most `grace` seconds (5) and then kills it; the results of wait.
function methods:stop(grace)
  if grace ~= nil then check.seconds("stop", 1, grace) end
  kill(self, "term")
  select_first(self, after(grace or 5))
  kill(self, "kill")
  return wait(self)
end

-- What fails first is kept in `failure`: message, code.
local function fail(failure, message, code)
  if not failure.message then failure.message, failure.code = message, code end
end

local function read_all(stream, failure)
  if not stream then return nil end
  local data, message, code = stream:read "a"
  if not data then fail(failure, message, code) end
  return data
end

-- The child may end without having read all.
local unread = { EPIPE = true, ECONNRESET = true }

local function write_all(stream, data, failure)
  if not stream then return end
  if data then
    local ok, message, code = stream:write(data)
    if not ok and code and not unread[code] then fail(failure, message, code) end
  end
  stream:close()
end

--- Runs a program to its end: { code =, signal =, stdout =, stderr = }, what it wrote as strings.
-- Both are piped unless opts say otherwise; `input` is what it reads.
function process.output(opts)
  check_options("output", opts, "input")
  local input = opts.input
  if input ~= nil and type(input) ~= "string" then
    fail_option("output", "input", "string", input)
  end
  local copy = {}
  for key, value in pairs(opts) do copy[key] = value end
  copy.stdout, copy.stderr = opts.stdout or "pipe", opts.stderr or "pipe"
  if input ~= nil then copy.stdin = "pipe" end
  local child <close>, message, code = spawn("output", copy)
  if not child then return nil, message, code end
  local failure = {}
  local stdout, stderr = group.join(
    function() return read_all(child.stdout, failure) end,
    function() return read_all(child.stderr, failure) end,
    function() return write_all(child.stdin, input, failure) end)
  if failure.message then return nil, failure.message, failure.code end
  local result = { stdout = stdout, stderr = stderr }
  result.code, result.signal = child:wait()
  return result
end

return process
