--- LuaSocket for tasks: programs and libraries that are written for it run unchanged, and what it
-- would block in suspends the task. The same names, results and words; `install` makes
-- `require "socket"` give it.
local base = require "ebb.compat.socket.base"
local core = require "ebb.core"
local net = require "ebb.net"
local socket_select = require "ebb.compat.socket.select"
local tcp = require "ebb.compat.socket.tcp"
local udp = require "ebb.compat.socket.udp"

local error, ipairs, package, pairs, pcall = error, ipairs, package, pairs, pcall
local format = string.format
local require, select, setmetatable, tostring, type =
  require, select, setmetatable, tostring, type
local pack, unpack = table.pack, table.unpack
local max, min = math.max, math.min
local raw = core._descriptor

local socket = { _VERSION = "LuaSocket 3.1.0", BLOCKSIZE = 2048 }

for _, part in ipairs { tcp, udp, socket_select } do
  for name, value in pairs(part) do socket[name] = value end
end

function socket.connect4(host, port, own_host, own_port)
  return tcp.connect(host, port, own_host, own_port, "inet")
end

function socket.connect6(host, port, own_host, own_port)
  return tcp.connect(host, port, own_host, own_port, "inet6")
end

--- A server at the first address of host that can be had.
function socket.bind(host, port, backlog)
  local list, why = base.resolve(host == "*" and "0.0.0.0" or host, port)
  if not list then return nil, why end
  for _, address in ipairs(list) do
    local server
    server, why = (base.family_of(address) == "inet6" and tcp.tcp6 or tcp.tcp4)()
    if not server then return nil, why end
    server:setoption("reuseaddr", true)
    local ok
    ok, why = server:bind(address, port)
    if ok then ok, why = server:listen(backlog) end
    if ok then return server end
    server:close()
  end
  return nil, why
end

-- Time -------------------------------------------------------------------------------------------

function socket.sleep(seconds) core.sleep(max(seconds, 0)) end

-- What a runtime's clock is behind the wall's when it is first asked.
local behind = setmetatable({}, { __mode = "k" })

--- Seconds since the epoch, by the runtime's clock: virtual time goes on in it.
function socket.gettime()
  local rt = core.current_runtime()
  local offset = behind[rt]
  if not offset then
    offset = raw.time() - core.now()
    behind[rt] = offset
  end
  return offset + core.now()
end

-- Names ------------------------------------------------------------------------------------------

local dns = {}
socket.dns = dns

--- The addresses of IPv4 that a host has.
local function v4_of(host)
  local list, found = net.resolve(host), {}
  for _, address in ipairs(list or {}) do
    if base.family_of(address) == "inet" then found[#found + 1] = address end
  end
  if #found == 0 then return nil, "host not found" end
  return found
end

function dns.toip(host)
  local list, why = v4_of(base.check_string("toip", 1, host))
  if not list then return nil, why end
  local name = list[1] == host and net.name_of(host) or host
  return list[1], { name = name, alias = {}, ip = list }
end

function dns.tohostname(host)
  local list, why = v4_of(base.check_string("tohostname", 1, host))
  if not list then return nil, why end
  local name = net.name_of(list[1])
  if not name then return nil, "host not found" end
  return name, { name = name, alias = {}, ip = list }
end

function dns.getaddrinfo(host)
  local list, message, code = net.resolve(base.check_string("getaddrinfo", 1, host))
  if not list then return nil, base.resolver_word(message, code) end
  local found = {}
  for i, address in ipairs(list) do
    found[i] = { addr = address, family = base.family_of(address) }
  end
  return found
end

--- The names of a host's addresses (and the service, as it was given).
function dns.getnameinfo(host, service)
  if not host and not service then error("host and serv cannot be both nil", 2) end
  if not host then return {}, service end
  local list, message, code = net.resolve(host)
  if not list then return nil, base.resolver_word(message, code) end
  local names = {}
  for i, address in ipairs(list) do names[i] = net.name_of(address) or address end
  return names, service
end

function dns.gethostname()
  local name, text, code = raw.hostname()
  if not name then return nil, base.word(text, code) end
  return name
end

-- Exceptions -------------------------------------------------------------------------------------

-- What try throws, and protect takes: nothing else is taken.
local Thrown = { __metatable = false }
local is_thrown = setmetatable({}, { __mode = "k" })

function socket.newtry(finalizer)
  return function(...)
    if (...) then return ... end
    if finalizer then finalizer() end
    local thrown = setmetatable({ (select(2, ...)) }, Thrown)
    is_thrown[thrown] = true
    error(thrown, 0)
  end
end
socket.try = socket.newtry()

function socket.protect(fn)
  return function(...)
    local results = pack(pcall(fn, ...))
    if results[1] then return unpack(results, 2, results.n) end
    local err = results[2]
    if is_thrown[err] then return nil, err[1] end
    error(err, 0)
  end
end

function socket.skip(n, ...) return select(n + 1, ...) end

function socket.__unload() end

-- Sources and sinks of LTN12 ---------------------------------------------------------------------

--- What the pumps of LTN12 call, which socket.select also takes for the socket.
local function filter(sock, call)
  return setmetatable({
    getfd = function() return sock:getfd() end,
    dirty = function() return sock:dirty() end,
  }, { __call = call })
end

--- make(name, …) by the names of a table; the name may be left out.
function socket.choose(makers)
  return function(name, a, b)
    if type(name) ~= "string" then name, a, b = "default", name, a end
    local make = makers[name or "nil"]
    if not make then error(format("unknown key (%s)", tostring(name)), 3) end
    return make(a, b)
  end
end

socket.sinkt = {
  ["close-when-done"] = function(sock)
    return filter(sock, function(_, chunk)
      if chunk then return sock:send(chunk) end
      sock:close()
      return 1
    end)
  end,
  ["keep-open"] = function(sock)
    return filter(sock, function(_, chunk)
      if chunk then return sock:send(chunk) end
      return 1
    end)
  end,
}
socket.sinkt.default = socket.sinkt["keep-open"]
socket.sink = socket.choose(socket.sinkt)

socket.sourcet = {
  ["by-length"] = function(sock, length)
    return filter(sock, function()
      if length <= 0 then return nil end
      local chunk, why = sock:receive(min(socket.BLOCKSIZE, length))
      if why then return nil, why end
      length = length - #chunk
      return chunk
    end)
  end,
  ["until-closed"] = function(sock)
    local ended = false
    return filter(sock, function()
      if ended then return nil end
      local chunk, why, partial = sock:receive(socket.BLOCKSIZE)
      if not why then return chunk end
      if why ~= "closed" then return nil, why end
      sock:close()
      ended = true
      return partial
    end)
  end,
}
socket.sourcet.default = socket.sourcet["until-closed"]
socket.source = socket.choose(socket.sourcet)

--- From now on `require "socket"` gives this: LuaSocket's own Lua part on top of it where that is
-- installed (so that socket.http and the like find what they need), else this alone.
function socket.install()
  package.loaded["socket.core"], package.loaded.socket = socket, nil
  local searched = package.searchpath("socket", package.path)
  if not searched then package.loaded.socket = socket end
  return require "socket"
end

return socket
