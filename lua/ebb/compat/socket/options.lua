--- LuaSocket's options of sockets.
local raw = require("ebb.core")._descriptor

local error, pairs, tostring, type = error, pairs, tostring, type
local byte, format, gsub = string.byte, string.format, string.gsub
local pack, unpack = string.pack, string.unpack
local constants, bytes = raw.constants, raw.bytes

local options = {}

local UNSET <const>, UNGOT <const> = "setsockopt failed", "getsockopt failed"

local function bad(method, position, text)
  error(format("bad argument #%d to '%s' (%s)", position, method, text), 4)
end

-- Kinds: how a value is read from the bytes that the system has, and made from Lua's.

local number = { size = 4,
  get = function(s) return (unpack("i4", s)) end,
  set = function(value)
    if type(value) ~= "number" then
      bad("setoption", 3, "number expected, got " .. type(value))
    end
    return pack("i4", value // 1 | 0)
  end,
}

local boolean = { size = 4,
  get = function(s) return unpack("i4", s) ~= 0 end,
  set = function(value)
    if type(value) ~= "boolean" then
      bad("setoption", 3, "boolean expected, got " .. type(value))
    end
    return pack("i4", value and 1 or 0)
  end,
}

local linger = { size = 8,
  get = function(s)
    local on, seconds = unpack("i4i4", s)
    return { on = on ~= 0, timeout = seconds }
  end,
  set = function(value)
    if type(value) ~= "table" then bad("setoption", 3, "table expected, got " .. type(value)) end
    if type(value.on) ~= "boolean" then bad("setoption", 3, "boolean 'on' field expected") end
    if type(value.timeout) ~= "number" then
      bad("setoption", 3, "number 'timeout' field expected")
    end
    return pack("i4i4", value.on and 1 or 0, value.timeout // 1 | 0)
  end,
}

local function text_of(s)
  return format("%d.%d.%d.%d", byte(s, 1, 4))
end

--- An address of IPv4; "*" for any.
local function address(value, field)
  local s = value == "*" and "\0\0\0\0" or type(value) == "string" and bytes(value)
  if not s or #s ~= 4 then
    bad("setoption", 3, field and format("invalid '%s' ip address", field) or "ip expected")
  end
  return s
end

local interface = { size = 4, get = text_of, set = function(value) return address(value) end }

local function check_fields(value)
  if type(value) ~= "table" then bad("setoption", 3, "table expected, got " .. type(value)) end
  if type(value.multiaddr) ~= "string" then
    bad("setoption", 3, "string 'multiaddr' field expected")
  end
end

local membership = { set = function(value)
  check_fields(value)
  if type(value.interface) ~= "string" then
    bad("setoption", 3, "string 'interface' field expected")
  end
  return address(value.multiaddr, "multiaddr") .. address(value.interface, "interface")
end }

local membership6 = { set = function(value)
  check_fields(value)
  local s = bytes(value.multiaddr)
  if not s or #s ~= 16 then bad("setoption", 3, "invalid 'multiaddr' ip address") end
  if value.interface ~= nil and type(value.interface) ~= "number" then
    bad("setoption", 3, "number 'interface' field expected")
  end
  return s .. pack("I4", (value.interface or 0) // 1 | 0)
end }

local device = { size = 64,
  get = function(s) return (gsub(s, "\0.*", "")) end,
  set = function(value)
    if type(value) ~= "string" then bad("setoption", 3, "string expected, got " .. type(value)) end
    return value .. "\0"
  end,
}

local SOCKET, IP = constants.SOL_SOCKET, constants.IPPROTO_IP
local V6, TCP = constants.IPPROTO_IPV6, constants.IPPROTO_TCP

--- name = { level, number, kind }; one without a number this system does not have.
local common = {
  ["reuseaddr"] = { SOCKET, constants.SO_REUSEADDR, boolean },
  ["reuseport"] = { SOCKET, constants.SO_REUSEPORT, boolean },
  ["recv-buffer-size"] = { SOCKET, constants.SO_RCVBUF, number },
  ["send-buffer-size"] = { SOCKET, constants.SO_SNDBUF, number },
  ["bindtodevice"] = { SOCKET, constants.SO_BINDTODEVICE, device },
  ["ipv6-v6only"] = { V6, constants.IPV6_V6ONLY, boolean },
}

local function with_common(list)
  for name, option in pairs(common) do list[name] = option end
  return list
end

options.tcp = with_common {
  ["keepalive"] = { SOCKET, constants.SO_KEEPALIVE, boolean },
  ["linger"] = { SOCKET, constants.SO_LINGER, linger },
  ["tcp-nodelay"] = { TCP, constants.TCP_NODELAY, boolean },
  ["tcp-keepidle"] = { TCP, constants.TCP_KEEPIDLE, number },
  ["tcp-keepcnt"] = { TCP, constants.TCP_KEEPCNT, number },
  ["tcp-keepintvl"] = { TCP, constants.TCP_KEEPINTVL, number },
  ["tcp-defer-accept"] = { TCP, constants.TCP_DEFER_ACCEPT, number },
  ["tcp-fastopen"] = { TCP, constants.TCP_FASTOPEN, number },
  ["tcp-fastopen-connect"] = { TCP, constants.TCP_FASTOPEN_CONNECT, number },
}

options.udp = with_common {
  ["dontroute"] = { SOCKET, constants.SO_DONTROUTE, boolean },
  ["broadcast"] = { SOCKET, constants.SO_BROADCAST, boolean },
  ["ip-multicast-if"] = { IP, constants.IP_MULTICAST_IF, interface },
  ["ip-multicast-ttl"] = { IP, constants.IP_MULTICAST_TTL, number },
  ["ip-multicast-loop"] = { IP, constants.IP_MULTICAST_LOOP, boolean },
  ["ip-add-membership"] = { IP, constants.IP_ADD_MEMBERSHIP, membership },
  ["ip-drop-membership"] = { IP, constants.IP_DROP_MEMBERSHIP, membership },
  ["ipv6-unicast-hops"] = { V6, constants.IPV6_UNICAST_HOPS, number },
  ["ipv6-multicast-hops"] = { V6, constants.IPV6_MULTICAST_HOPS, number },
  ["ipv6-multicast-loop"] = { V6, constants.IPV6_MULTICAST_LOOP, boolean },
  ["ipv6-add-membership"] = { V6, constants.IPV6_JOIN_GROUP, membership6 },
  ["ipv6-drop-membership"] = { V6, constants.IPV6_LEAVE_GROUP, membership6 },
}

local function find(list, name, method, way)
  local option = list[name]
  if not option or not option[2] or not option[3][way] then
    bad(method, 2, format("unsupported option `%.35s'", tostring(name)))
  end
  return option
end

--- The methods setoption and getoption for the options of a list.
function options.methods(list, word)
  local methods = {}
  function methods:setoption(name, value)
    local option = find(list, name, "setoption", "set")
    local s = option[3].set(value)
    if not self.descriptor or not self.descriptor:setopt(option[1], option[2], s) then
      return nil, UNSET
    end
    return 1
  end
  function methods:getoption(name)
    if name == "error" then
      if not self.descriptor then return nil, UNGOT end
      local ok, text, code = self.descriptor:connected()
      if ok then return nil end
      return word(text, code)
    end
    local option = find(list, name, "getoption", "get")
    local s = self.descriptor and self.descriptor:getopt(option[1], option[2], option[3].size)
    if not s then return nil, UNGOT end
    return option[3].get(s)
  end
  return methods
end

return options
