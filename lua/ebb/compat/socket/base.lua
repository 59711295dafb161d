--- What sockets of all kinds share in ebb.compat.socket: LuaSocket's words for errors, its
-- timeouts, addresses, the methods that all of them have.
local core = require "ebb.core"
local net = require "ebb.net"

local error, pairs, setmetatable = error, pairs, setmetatable
local find, format, gsub = string.find, string.format, string.gsub
local match, sub = string.match, string.sub
local tonumber, tostring, type = tonumber, tostring, type
local io = io
local max, min = math.max, math.min
local now, timeout, await = core.now, core.timeout, core.await
local raw = core._descriptor

local base = { INVALID = -1 }

-- Errors -----------------------------------------------------------------------------------------

local words = {
  EADDRINUSE = "address already in use", EISCONN = "already connected",
  EACCES = "permission denied", ECONNREFUSED = "connection refused", ECONNABORTED = "closed",
  ECONNRESET = "closed", ETIMEDOUT = "timeout", EPIPE = "closed", EAGAIN = "timeout",
  EAI_AGAIN = "temporary failure in name resolution",
  EAI_BADFLAGS = "invalid value for ai_flags",
  EAI_FAIL = "non-recoverable failure in name resolution",
  EAI_FAMILY = "ai_family not supported", EAI_MEMORY = "memory allocation failure",
  EAI_NONAME = "host or service not provided, or not known",
  EAI_SERVICE = "service not supported for socket type",
}

--- LuaSocket's word for an error of the system: its text and its name.
function base.word(text, code) return words[code] or text end

--- The word for the three values of an ebb.net call.
local function resolver_word(message, code)
  return words[code] or (gsub(message, "^[%u_]+: ", ""))
end

--- Calls of a method on something that is no such socket throw, as LuaSocket's do.
function base.checker(...)
  local classes = { ... }
  local expected = #classes > 1 and classes.group or classes[1]
  return function(self, name)
    local class = type(self) == "table" and self.class
    for i = 1, #classes do
      if class == classes[i] then return self end
    end
    error(format("calling '%s' on bad self (%s expected)", name, expected), 3)
  end
end

function base.check_string(name, position, value)
  if type(value) == "string" then return value end
  if type(value) == "number" then return tostring(value) end
  error(format("bad argument #%d to '%s' (string expected, got %s)", position, name,
    value == nil and "no value" or type(value)), 3)
end

-- Descriptors ------------------------------------------------------------------------------------

--- Which descriptor object has a number: socket.select is given numbers.
base.by_fd = setmetatable({}, { __mode = "v" })

function base.keep(descriptor)
  base.by_fd[descriptor:fd()] = descriptor
  return descriptor
end

--- A new socket of a family, "inet" or "inet6".
function base.open(family, is_datagram)
  local descriptor, text, code = raw.open(family == "inet6", is_datagram)
  if not descriptor then return nil, base.word(text, code) end
  if family == "inet6" then
    local constants = raw.constants
    descriptor:setopt(constants.IPPROTO_IPV6, constants.IPV6_V6ONLY, ("i4"):pack(1))
  end
  return base.keep(descriptor)
end

-- Timeouts ---------------------------------------------------------------------------------------

--- A call begins: what it waits counts from here.
function base.start(self) self.started = now() end

--- Waits until op happens: nil, or "timeout" when there is no time left, "closed".
function base.wait(self, op)
  local block, total = self.block, self.total
  local left
  if total >= 0 then
    left = max(self.started + total - now(), 0)
    if block >= 0 then left = min(block, left) end
  elseif block >= 0 then
    left = max(self.started + block - now(), 0)
  else
    local ok = await(op)
    return not ok and "closed" or nil
  end
  if left == 0 then return "timeout" end
  local ok, why = timeout(left, op)
  return not ok and why or nil
end

local Methods = {}
base.Methods = Methods

function Methods:settimeout(value, mode)
  local letter = mode and sub(mode, 1, 1) or "b"
  if letter == "b" then
    self.block = tonumber(value) or -1
  elseif letter == "t" or letter == "r" then
    self.total = tonumber(value) or -1
  else
    error("bad argument #3 to 'settimeout' (invalid timeout mode)", 2)
  end
  return 1
end

function Methods:gettimeout() return self.block, self.total end

-- What all have ----------------------------------------------------------------------------------

function Methods:getfd()
  return self.descriptor and self.descriptor:fd() or base.INVALID
end

--- The number it had is nobody's afterwards, as in LuaSocket.
function Methods:setfd(fd)
  if self.descriptor then self.descriptor:detach() end
  self.descriptor = fd >= 0 and base.keep(raw.adopt(fd)) or nil
end

function Methods:getfamily() return self.family == "inet6" and "inet6" or "inet4" end

function Methods:close()
  local descriptor = self.descriptor
  if descriptor then
    base.by_fd[descriptor:fd()] = nil
    descriptor:close()
  end
  self.descriptor = nil
  return 1
end

local function name(self, of_peer)
  if not self.descriptor then return nil, "Bad file descriptor" end
  local host, port, family = self.descriptor:name(of_peer)
  if not host then return nil, base.word(port, family) end
  return host, port, family
end

function Methods:getsockname() return name(self, false) end
function Methods:getpeername() return name(self, true) end

--- A class of sockets: its name is what tostring shows, and what errors name.
function base.class(methods)
  local class = {}
  for key, value in pairs(Methods) do class[key] = value end
  for key, value in pairs(methods) do class[key] = value end
  class.__index = class
  class.__close = class.close
  class.__tostring = function(self)
    return format("%s: %s", self.class, tostring(self.descriptor or "closed"))
  end
  return class
end

-- Addresses --------------------------------------------------------------------------------------

--- A service's number in the system's list.
local function port_of(service, protocol)
  local number = tonumber(service)
  if number then return number >= 0 and number < 65536 and number // 1 | 0 or nil end
  local file <close> = io.open "/etc/services"
  if not file then return nil end
  for line in file:lines() do
    local found, port, of = match(line, "^(%S+)%s+(%d+)/(%a+)")
    if found == service and of == protocol then return tonumber(port) end
  end
end

local function family_of(address) return find(address, ":", 1, true) and "inet6" or "inet" end
base.family_of = family_of

--- The addresses of host, of one family if one is given, and the port; nil and a word.
function base.resolve(host, service, family, protocol)
  local port = port_of(service, protocol or "tcp")
  if not port then return nil, words.EAI_SERVICE end
  local list, message, code
  if host == "*" then
    list = family == "inet6" and { "::" } or family == "inet" and { "0.0.0.0" }
      or { "0.0.0.0", "::" }
  else
    list, message, code = net.resolve(host)
  end
  if not list then return nil, resolver_word(message, code) end
  local fitting = {}
  for i = 1, #list do
    if not family or family_of(list[i]) == family then fitting[#fitting + 1] = list[i] end
  end
  if #fitting == 0 then return nil, "Address family for hostname not supported" end
  return fitting, port
end
base.resolver_word = resolver_word

--- A descriptor of the family: the one that it has, if that fits; nil and a word.
local function need(self, family, is_datagram)
  if self.descriptor and self.family == family then return self.descriptor end
  if self.descriptor then self:close() end
  local why
  self.family = family
  self.descriptor, why = base.open(family, is_datagram)
  return self.descriptor, why
end

--- Binds the socket to the first address that can be had.
function base.bind(self, host, service, is_datagram)
  local list, port = base.resolve(host, service, self.family, is_datagram and "udp" or "tcp")
  if not list then return nil, port end
  local why
  for i = 1, #list do
    local descriptor
    descriptor, why = need(self, family_of(list[i]), is_datagram)
    if descriptor then
      local ok, text, code = descriptor:bind(list[i], port)
      if ok then return 1 end
      why = base.word(text, code)
    end
  end
  return nil, why
end

--- One attempt: nil, or a word.
local function connect(self, descriptor, address, port)
  local ok, text, code = descriptor:connect(address, port)
  if ok then return nil end
  if code ~= "EINPROGRESS" and code ~= "EAGAIN" then return base.word(text, code) end
  if self.block == 0 then return "timeout" end
  local why = base.wait(self, descriptor:writable_op())
  if why then return why end
  ok, text, code = descriptor:connected()
  return not ok and base.word(text, code) or nil
end

--- Connects to the first address that answers within the timeout; with a timeout of zero the first
-- one is begun with.
function base.connect(self, host, service, is_datagram)
  local list, port = base.resolve(host, service, self.family, is_datagram and "udp" or "tcp")
  if not list then return nil, port end
  local why
  for i = 1, #list do
    base.start(self)
    local descriptor
    descriptor, why = need(self, family_of(list[i]), is_datagram)
    if descriptor then
      why = connect(self, descriptor, list[i], port)
      if not why then return 1 end
    end
    if self.block == 0 or why == "closed" then break end
  end
  return nil, why
end

return base
