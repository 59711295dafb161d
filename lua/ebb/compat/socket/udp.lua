--- LuaSocket's UDP objects, connected or not.
local base = require "ebb.compat.socket.base"
local options = require "ebb.compat.socket.options"

local setmetatable, tonumber = setmetatable, tonumber
local find = string.find
local start, wait = base.start, base.wait

local CONNECTED <const>, UNCONNECTED <const> = "udp{connected}", "udp{unconnected}"
local check_connected = base.checker(CONNECTED)
local check_unconnected = base.checker(UNCONNECTED)

local SIZE <const> = 8192 -- of a datagram unless more is asked for

local udp = { _DATAGRAMSIZE = SIZE }

local function word(text, code)
  local said = base.word(text, code)
  return said == "closed" and "refused" or said
end

local methods = options.methods(options.udp, base.word)

-- Sending ----------------------------------------------------------------------------------------

--- send(descriptor) until it does not want to wait.
local function attempt(self, send, ...)
  start(self)
  while self.descriptor do
    local n, text, code = send(self.descriptor, ...)
    if n then return n end
    if code ~= "EAGAIN" then return nil, word(text, code) end
    local why = wait(self, self.descriptor:writable_op())
    if why then return nil, why end
  end
  return nil, "refused"
end

function methods:send(data)
  check_connected(self, "send")
  data = base.check_string("send", 1, data)
  return attempt(self, function(descriptor) return descriptor:send(data) end)
end

function methods:sendto(data, host, port)
  check_unconnected(self, "sendto")
  data = base.check_string("sendto", 1, data)
  host = base.check_string("sendto", 2, host)
  port = tonumber((base.check_string("sendto", 3, port)))
  local list = port and find(host, "^[%x.:]+$") and base.resolve(host, port, self.family, "udp")
  if not list then return nil, "Name or service not known" end -- numbers only, as in LuaSocket
  if not self.descriptor and not self.family then
    local why
    self.family = base.family_of(list[1])
    self.descriptor, why = base.open(self.family, true)
    if not self.descriptor then return nil, why end
  end
  return attempt(self, function(descriptor) return descriptor:sendto(data, list[1], port) end)
end

-- Receiving --------------------------------------------------------------------------------------

local function receive(self, max, with_sender)
  start(self)
  max = (max or SIZE) // 1 | 0
  while self.descriptor do
    local data, host, port = self.descriptor:recv(max, with_sender)
    if data then return data, host, port end
    if port ~= "EAGAIN" then return nil, word(host, port) end
    local why = wait(self, self.descriptor:readable_op())
    if why then return nil, why == "closed" and "refused" or why end
  end
  return nil, "refused"
end

function methods:receive(max)
  local data, why = receive(self, max, false)
  if data then return data end
  return nil, why
end

function methods:receivefrom(max)
  check_unconnected(self, "receivefrom")
  local data, host, port = receive(self, max, true)
  if data then return data, host, port end
  return nil, host
end

function methods.dirty() return false end

-- Names ------------------------------------------------------------------------------------------

function methods:setpeername(host, port)
  host = base.check_string("setpeername", 1, host)
  if host == "*" then
    if self.descriptor then self.descriptor:connect() end
    self.class = UNCONNECTED
    return 1
  end
  local ok, why = base.connect(self, host, base.check_string("setpeername", 2, port), true)
  if not ok then return nil, why end
  self.class = CONNECTED
  return 1
end

function methods:setsockname(host, port)
  check_unconnected(self, "setsockname")
  return base.bind(self, base.check_string("setsockname", 1, host),
    base.check_string("setsockname", 2, port), true)
end

function methods:getpeername()
  check_connected(self, "getpeername")
  return base.Methods.getpeername(self)
end

local Udp = base.class(methods)

local function create(family)
  local self = setmetatable({
    class = UNCONNECTED, family = family, block = -1, total = -1, started = 0,
  }, Udp)
  if not family then return self end
  local descriptor, why = base.open(family, true)
  if not descriptor then return nil, why end
  self.descriptor = descriptor
  return self
end

function udp.udp() return create() end
function udp.udp4() return create "inet" end
function udp.udp6() return create "inet6" end

return udp
