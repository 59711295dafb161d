--- Datagram sockets: those of the core, with hosts given by name.
local core = require "ebb.core"

local check = require "ebb.check"

local require, type = require, type
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

--- A socket bound to host (all of IPv4 unless given) and port (a free one unless given).
function udp.open(host, port, opts)
  if host == nil then host = "0.0.0.0" end
  if port == nil then port = 0 end
  check.text("udp", 1, "host", host)
  check.port("udp", 2, port)
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
  check.text("sendto", 2, "host", host)
  check.port("sendto", 3, port)
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
    check.text("connect", 1, "host", host)
    check.port("connect", 2, port)
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
