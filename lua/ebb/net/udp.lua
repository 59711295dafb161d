--- Datagram sockets: those of the core, with hosts given by name.
local core = require "ebb.core"

local check = require "ebb.check"

local require, type = require, type
local tointeger = math.tointeger
local find = string.find
local open, methods = core._udp.open, core._udp.methods
local connect, local_address, sendto = methods.connect, methods.local_address, methods.sendto

local udp = {}

--- The first address of `host` that fits; nil, message, code when there is none.
local function address_of(host, wants_v6)
  local list, message, code = require("ebb.net").resolve(host)
  if not list then return nil, message, code end
  for i = 1, #list do
    if wants_v6 or not find(list[i], ":", 1, true) then return list[i] end
  end
  return nil, "EAFNOSUPPORT: address family not supported", "EAFNOSUPPORT"
end

local function has_v6(socket)
  local host = local_address(socket)
  return host ~= nil and find(host, ":", 1, true) ~= nil
end

local function check_host(name, position, host)
  if type(host) ~= "string" then check.bad(name, position, "string", host) end
  if find(host, "\0", 1, true) then
    check.fail("bad argument #%d to '%s' (host without zeros expected)", position, name)
  end
end

local function check_port(name, position, port)
  local n = type(port) == "number" and tointeger(port)
  if not n or n < 0 or n > 65535 then
    check.bad(name, position, "port from 0 to 65535", port)
  end
end

--- A socket bound to host (all of IPv4 unless given) and port (a free one unless given).
function udp.open(host, port, opts)
  if host == nil then host = "0.0.0.0" end
  if port == nil then port = 0 end
  check_host("udp", 1, host)
  check_port("udp", 2, port)
  if opts ~= nil and type(opts) ~= "table" then check.bad("udp", 3, "table of options", opts) end
  local socket, message, code = open(host, port, opts)
  if socket == false then
    host, message, code = address_of(host, true)
    if not host then return nil, message, code end
    socket, message, code = open(host, port, opts)
  end
  return socket, message, code
end

function methods:sendto(data, host, port)
  if type(data) ~= "string" and type(data) ~= "number" then
    check.bad("sendto", 1, "string", data)
  end
  check_host("sendto", 2, host)
  check_port("sendto", 3, port)
  local done, message, code = sendto(self, data, host, port)
  if done == false then
    host, message, code = address_of(host, has_v6(self))
    if not host then return nil, message, code end
    return sendto(self, data, host, port)
  end
  return done, message, code
end

function methods:connect(host, port)
  if host ~= nil then
    check_host("connect", 1, host)
    check_port("connect", 2, port)
  end
  local done, message, code = connect(self, host, port)
  if done == false then
    host, message, code = address_of(host, has_v6(self))
    if not host then return nil, message, code end
    return connect(self, host, port)
  end
  return done, message, code
end

return udp
