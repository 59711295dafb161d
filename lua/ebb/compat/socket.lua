--- LuaSocket's TCP on ebb.net: client libraries that are written for it run in tasks unchanged.
-- Calls that LuaSocket would block in suspend their task; results are LuaSocket's. There is no
-- socket.select and no UDP: use ebb.select and ebb.net.udp.
local core = require "ebb.core"
local net = require "ebb.net"

local error, getmetatable, os, package = error, getmetatable, os, package
local pcall, require = pcall, require
local select, setmetatable, tonumber, type = select, setmetatable, tonumber, type
local concat, pack, unpack = table.concat, table.pack, table.unpack
local max, min = math.max, math.min
local timeout = core.timeout

local socket = { _VERSION = "LuaSocket 3.1.0", BLOCKSIZE = 2048 }

local words = {
  ECONNREFUSED = "connection refused", EADDRINUSE = "address already in use",
  EACCES = "permission denied", ECONNRESET = "closed", EPIPE = "closed",
  ECONNABORTED = "closed", ETIMEDOUT = "timeout", eof = "closed",
  EAI_NONAME = "host or service not provided, or not known",
}

--- LuaSocket's word for what ebb says of a failure.
local function word(message, code)
  return words[code or message] or code and message:match ": (.*)$" or message
end

local Tcp = { __name = "ebb.compat.socket.tcp" }
Tcp.__index = Tcp

local function new(sock)
  return setmetatable({
    sock = sock, rest = "", state = sock and "client" or "master",
    n_received = 0, n_sent = 0, born = core.now(),
  }, Tcp)
end

-- Waiting ----------------------------------------------------------------------------------------

--- The time at which a call that begins now has to end; nil for never.
local function deadline_of(self)
  local limit = self.total or self.block
  return limit and core.now() + limit
end

--- Calls fn within what is left.
local function within(self, deadline, fn, ...)
  if not deadline then return fn(...) end
  local left = max(deadline - core.now(), 0)
  if self.total and self.block then left = min(left, self.block) end
  return timeout(left, fn, ...)
end

function Tcp:settimeout(value, mode)
  local key = mode and mode:find "^[tr]" and "total" or "block"
  self[key] = value and value >= 0 and value or nil
  return 1
end

-- Receiving --------------------------------------------------------------------------------------

--- One more piece into parts: its bytes; nil and a word at the end of data or time.
local function more(self, deadline)
  if self.rest ~= "" then
    local piece = self.rest
    self.rest = ""
    return piece
  end
  local piece, message, code = within(self, deadline, self.sock.read_some, self.sock, 8192)
  if not piece then return nil, word(message, type(code) == "string" and code or nil) end
  self.n_received = self.n_received + #piece
  return piece
end

local function receive_line(self, parts, deadline)
  while true do
    local piece, err = more(self, deadline)
    if not piece then return nil, err, concat(parts) end
    local at = piece:find("\n", 1, true)
    if at then self.rest = piece:sub(at + 1) end
    parts[#parts + 1] = piece:sub(1, at and at - 1):gsub("\r", "")
    if at then return concat(parts) end
  end
end

local function receive_count(self, parts, deadline, n)
  while n > 0 do
    local piece, err = more(self, deadline)
    if not piece then return nil, err, concat(parts) end
    if #piece > n then self.rest = piece:sub(n + 1) end
    parts[#parts + 1] = piece:sub(1, n)
    n = n - #piece
  end
  return concat(parts)
end

local function receive_all(self, parts, deadline)
  while true do
    local piece, err = more(self, deadline)
    if not piece then
      local all = concat(parts)
      if err == "closed" and all ~= "" then return all end
      return nil, err, all
    end
    parts[#parts + 1] = piece
  end
end

function Tcp:receive(pattern, prefix)
  if self.state ~= "client" then return nil, self.state == "closed" and "closed" or
    "socket is not connected", "" end
  local parts, deadline = { prefix }, deadline_of(self)
  local n = tonumber(pattern)
  if n then return receive_count(self, parts, deadline, n - #(prefix or "")) end
  pattern = pattern and pattern:gsub("^%*", "") or "l"
  if pattern:find "^l" then return receive_line(self, parts, deadline) end
  if pattern:find "^a" then return receive_all(self, parts, deadline) end
  error("bad argument #1 to 'receive' (invalid receive pattern)", 2)
end

function Tcp:dirty() return self.rest ~= "" end

-- Sending ----------------------------------------------------------------------------------------

function Tcp:send(data, i, j)
  if self.state ~= "client" then return nil, self.state == "closed" and "closed" or
    "socket is not connected", 0 end
  data = type(data) == "number" and data .. "" or data
  i, j = i or 1, j or -1
  if i < 0 then i = max(#data + i + 1, 1) end
  if j < 0 then j = #data + j + 1 end
  i, j = max(i, 1), min(j, #data)
  if j < i then return i - 1 end
  local sock = self.sock
  local before = sock:written()
  local ok, message, code = within(self, deadline_of(self), sock.write, sock, data:sub(i, j))
  local n = sock:written() - before
  self.n_sent = self.n_sent + n
  if ok then return j end
  return nil, word(message, type(code) == "string" and code or nil), i - 1 + n
end

-- Connecting, listening --------------------------------------------------------------------------

function Tcp:connect(host, port)
  if self.state == "closed" then return nil, "closed" end
  if self.state == "client" then return nil, "already connected" end
  local sock, message, code = within(self, deadline_of(self), net.connect, host, tonumber(port))
  if not sock then return nil, word(message, type(code) == "string" and code or nil) end
  self.sock, self.state = sock, "client"
  return 1
end

function Tcp:bind(host, port)
  if self.state ~= "master" then return nil, "closed" end
  local listener, message, code = net.listen(host, tonumber(port))
  if not listener then return nil, word(message, code) end
  self.sock = listener
  return 1
end

function Tcp:listen()
  if not self.sock then return nil, "operation not supported" end
  self.state = "server"
  return 1
end

function Tcp:accept()
  if self.state ~= "server" then return nil, "closed" end
  local listener = self.sock
  local sock, message, code = within(self, deadline_of(self), listener.accept, listener)
  if sock then return new(sock) end
  return nil, word(message, type(code) == "string" and code or nil)
end

function Tcp:close()
  if self.sock then self.sock:close() end
  self.state, self.rest = "closed", ""
  return 1
end
Tcp.__close, Tcp.__gc = Tcp.close, Tcp.close

function Tcp:shutdown(how)
  if self.state ~= "client" then return nil, "closed" end
  if how ~= "receive" then self.sock:shutdown() end
  return 1
end

local function family(host, port)
  return host, port, host:find(":", 1, true) and "inet6" or "inet"
end

function Tcp:getsockname()
  if not self.sock or self.state == "closed" then return nil, "closed" end
  return family(self.sock:local_address())
end

function Tcp:getpeername()
  if self.state ~= "client" then return nil, "closed" end
  return family(self.sock:peer())
end

function Tcp:setoption(name, value)
  if self.state == "client" and name == "tcp-nodelay" then self.sock:nodelay(value) end
  if self.state == "client" and name == "keepalive" then self.sock:keepalive(value) end
  return 1
end

function Tcp:getstats() return self.n_received, self.n_sent, core.now() - self.born end

-- The module -------------------------------------------------------------------------------------

function socket.tcp() return new() end
socket.tcp4, socket.tcp6 = socket.tcp, socket.tcp

function socket.connect(host, port)
  local self = new()
  local ok, err = self:connect(host, port)
  if ok then return self end
  return nil, err
end

function socket.bind(host, port)
  local self = new()
  local ok, err = self:bind(host, port)
  if ok and self:listen() then return self end
  return nil, err
end

function socket.sleep(seconds) core.sleep(max(seconds, 0)) end

--- Seconds since the epoch. Only differences are exact.
local epoch = os.time() - core.now()
function socket.gettime() return epoch + core.now() end

socket.dns = {}
function socket.dns.toip(host)
  local list, message, code = net.resolve(host)
  if not list or not list[1] then return nil, word(message, code) end
  return list[1], { name = host, alias = {}, ip = list }
end

function socket.dns.getaddrinfo(host)
  if host == "*" then host = "0.0.0.0" end
  local list, message, code = net.resolve(host)
  if not list then return nil, word(message, code) end
  local found = {}
  for i = 1, #list do
    found[i] = { addr = list[i], family = list[i]:find(":", 1, true) and "inet6" or "inet" }
  end
  return found
end

-- What try throws, and protect takes: nothing else is taken.
local Thrown = {}

function socket.newtry(finalizer)
  return function(...)
    if (...) then return ... end
    if finalizer then pcall(finalizer) end
    error(setmetatable({ (select(2, ...)) }, Thrown), 0)
  end
end
socket.try = socket.newtry()

function socket.protect(fn)
  return function(...)
    local results = pack(pcall(fn, ...))
    if results[1] then return unpack(results, 2, results.n) end
    local err = results[2]
    if type(err) == "table" and getmetatable(err) == Thrown then return nil, err[1] end
    error(err, 0)
  end
end

function socket.skip(n, ...) return select(n + 1, ...) end

--- From now on `require "socket"` gives this: LuaSocket's own Lua part on top of it where that is
-- installed (so that socket.http and the like find what they need), else this alone.
function socket.install()
  package.loaded["socket.core"], package.loaded.socket = socket, nil
  local searched = package.searchpath("socket", package.path)
  if not searched then package.loaded.socket = socket end
  return require "socket"
end

return socket
