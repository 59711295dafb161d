--- Lua's io library, awaiting: files on libuv's thread pool, pipes and terminals on the loop.
-- Errors are those of ebb: nil, "ENOENT: no such file or directory", "ENOENT".
local core = require "ebb.core"

local check = require "ebb.check"

local error, setmetatable, type = error, setmetatable, type
local getenv, pack, unpack = os.getenv, table.pack, table.unpack
local file, request = core._file, core._fs
local methods, standard, state = file.methods, file.standard, file.state
local current_runtime = core.current_runtime

local fio = {}

-- Lines ------------------------------------------------------------------------------------------

local read = methods.read

local formats = { l = true, L = true, a = true, n = true }

local function check_formats(name, first, list)
  for i = 1, list.n do
    local format = list[i]
    if type(format) ~= "number" and not (type(format) == "string"
        and formats[format:match "^%*?(.)"]) then
      check.fail("bad argument #%d to '%s' (invalid format)", first + i - 1, name)
    end
  end
end

--- What a loop does with the results of a read: an error is thrown, the end is the end.
local function checked(value, message, code, ...)
  if value == nil and code then error(message, 3) end
  return value, message, code, ...
end

--- An iterator over what file:read(...) gives; it does not close the file.
function methods:lines(...)
  if not state(self) then check.bad("lines", "self", "ebb.file", self) end
  local list = pack(...)
  check_formats("lines", 1, list)
  return function()
    if state(self) == "closed" then error("file is already closed", 2) end
    return checked(read(self, unpack(list, 1, list.n)))
  end
end

-- Opening ----------------------------------------------------------------------------------------

--- A file; `mode` as in io.open.
function fio.open(path, mode)
  if type(path) ~= "string" then check.bad("open", 1, "string", path) end
  if mode == nil then mode = "r" end
  if type(mode) ~= "string" then check.bad("open", 2, "string", mode) end
  if not mode:find "^[rwa]%+?b*$" then
    check.fail("bad argument #2 to 'open' (invalid mode)")
  end
  return request.open(path, mode)
end

--- A file without a name, for reading and writing, that is gone when it is closed.
function fio.tmpfile()
  return request.tmpfile((getenv "TMPDIR" or "/tmp") .. "/ebb-")
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
    if not found then error(message, 3) end
    files[name] = found
  end
  return found
end

return setmetatable(fio, { __index = function(_, name)
  if numbers[name] then return standard_file(name) end
end })
