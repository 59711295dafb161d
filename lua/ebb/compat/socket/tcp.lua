--- LuaSocket's TCP objects: a master that binds or connects, a server that accepts, a client that
-- sends and receives.
local base = require "ebb.compat.socket.base"
local options = require "ebb.compat.socket.options"
local core = require "ebb.core"

local error, setmetatable, tonumber, type = error, setmetatable, tonumber, type
local find, format, gsub = string.find, string.format, string.gsub
local match, sub = string.match, string.sub
local concat, max, min = table.concat, math.max, math.min
local now, start, wait, word = core.now, base.start, base.wait, base.word

local CLIENT <const>, SERVER <const>, MASTER <const> = "tcp{client}", "tcp{server}", "tcp{master}"
local check_client, check_server = base.checker(CLIENT), base.checker(SERVER)
local check_master = base.checker(MASTER)

local tcp, Tcp = {}, nil

local function new(class, descriptor, family)
  return setmetatable({
    class = class, descriptor = descriptor, family = family, block = -1, total = -1, started = 0,
    buffer = "", from = 1, n_received = 0, n_sent = 0, born = now(),
  }, Tcp)
end

local methods = options.methods(options.tcp, word)

-- Receiving --------------------------------------------------------------------------------------

local BUFFER <const> = 8192

--- What is buffered, or the next piece that comes; nil and a word when there is none.
local function fill(self)
  if self.from <= #self.buffer then return true end
  local descriptor = self.descriptor
  while descriptor do
    local piece, text, code = descriptor:recv(BUFFER)
    if piece == "" then return nil, "closed" end
    if piece then
      self.buffer, self.from = piece, 1
      return true
    end
    if code ~= "EAGAIN" then return nil, word(text, code) end
    local why = wait(self, self.ready_to_read)
    if why then return nil, why end
    descriptor = self.descriptor
  end
  return nil, "closed"
end

--- The bytes up to and with `last` are taken.
local function take(self, last)
  local from = self.from
  self.n_received = self.n_received + last - from + 1
  self.from = last + 1
  return sub(self.buffer, from, last)
end

--- What a call has taken is there again when it is cancelled while it waits for more.
local unfinished = { __close = function(parts, err)
  if err == nil then return end
  local self, taken = parts.socket, concat(parts)
  self.buffer, self.from = taken .. sub(self.buffer, self.from), 1
  self.n_received = self.n_received - #taken
end }

local function receive_line(self, parts)
  while true do
    local ok, why = fill(self)
    if not ok then return why end
    local at = find(self.buffer, "\n", self.from, true)
    parts[#parts + 1] = take(self, at or #self.buffer)
    if at then return end
  end
end

local function receive_count(self, parts, n)
  repeat
    local ok, why = fill(self)
    if not ok then return why end
    local piece = take(self, min(self.from + n - 1, #self.buffer))
    parts[#parts + 1] = piece
    n = n - #piece
  until n <= 0
end

local function receive_all(self, parts)
  local n = 0
  while true do
    local ok, why = fill(self)
    if not ok then return not (why == "closed" and n > 0) and why or nil end
    local piece = take(self, #self.buffer)
    n = n + #piece
    parts[#parts + 1] = piece
  end
end

--- "l", "a", or "n" and how many bytes.
local function kind_of(pattern)
  local n = tonumber(pattern)
  local kind = n and "n" or match(pattern or "*l", "^%*?([la])")
  if not kind or n and n < 0 then
    error("bad argument #1 to 'receive' (invalid receive pattern)", 3)
  end
  return kind, n
end

function methods:receive(pattern, prefix)
  check_client(self, "receive")
  start(self)
  if self.descriptor ~= self.ready_of then
    self.ready_of = self.descriptor
    self.ready_to_read = self.descriptor and self.descriptor:readable_op()
  end
  prefix = prefix and base.check_string("receive", 2, prefix) or ""
  local kind, n = kind_of(pattern)
  local parts <close>, why = setmetatable({ socket = self }, unfinished), nil
  if kind == "l" then
    why = receive_line(self, parts)
  elseif kind == "a" then
    why = receive_all(self, parts)
  elseif prefix == "" or n > #prefix then
    why = receive_count(self, parts, n // 1 - #prefix)
  end
  local all = concat(parts)
  if kind == "l" and find(all, "[\r\n]") then all = gsub(all, "[\r\n]", "") end
  all = prefix .. all
  if why then return nil, why, all end
  return all, nil, nil
end

function methods:dirty() return self.from <= #self.buffer end

-- Sending ----------------------------------------------------------------------------------------

--- Bytes first … last of data: the last that went, and a word if it is not the last one.
local function send(self, data, first, last)
  local sent = first - 1
  while sent < last do
    local descriptor = self.descriptor
    if not descriptor then return sent, "closed" end
    local n, text, code = descriptor:send(data, sent + 1, last)
    if n then
      sent = sent + n
    elseif code == "EAGAIN" then
      local why = wait(self, descriptor:writable_op())
      if why then return sent, why end
    else
      return sent, word(text, code)
    end
  end
  return sent
end

function methods:send(data, i, j)
  check_client(self, "send")
  data = base.check_string("send", 1, data)
  start(self)
  i, j = (i or 1) // 1, (j or -1) // 1
  if i < 0 then i = #data + i + 1 end
  if j < 0 then j = #data + j + 1 end
  i, j = max(i, 1), min(j, #data)
  if i > j then return i - 1, nil, nil end
  local sent, why = send(self, data, i, j)
  self.n_sent = self.n_sent + sent - i + 1
  if why then return nil, why, sent end
  return sent, nil, nil
end

-- Connecting, listening --------------------------------------------------------------------------

function methods:connect(host, port)
  host = base.check_string("connect", 1, host)
  port = base.check_string("connect", 2, port)
  local ok, why = base.connect(self, host, port)
  self.class = CLIENT -- also where it goes on connecting
  if ok then return 1 end
  return nil, why
end

function methods:bind(host, port)
  check_master(self, "bind")
  return base.bind(self, base.check_string("bind", 1, host), base.check_string("bind", 2, port))
end

function methods:listen(backlog)
  check_master(self, "listen")
  if not self.descriptor then return nil, "Bad file descriptor" end
  local ok, text, code = self.descriptor:listen((backlog or 32) // 1 | 0)
  if not ok then return nil, word(text, code) end
  self.class = SERVER
  return 1
end

function methods:accept()
  check_server(self, "accept")
  start(self)
  while self.descriptor do
    local accepted, text, code = self.descriptor:accept()
    if accepted then return new(CLIENT, base.keep(accepted), self.family) end
    if code ~= "EAGAIN" then return nil, word(text, code) end
    local why = wait(self, self.descriptor:readable_op())
    if why then return nil, why end
  end
  return nil, "closed"
end

local ways = { receive = true, send = true, both = true }

function methods:shutdown(how)
  check_client(self, "shutdown")
  if how ~= nil and not ways[how] then
    error(format("bad argument #1 to 'shutdown' (invalid option '%s')", how), 2)
  end
  if self.descriptor then self.descriptor:shutdown(how) end
  return 1
end

-- What has gone through it -----------------------------------------------------------------------

function methods:getstats()
  check_client(self, "getstats")
  return self.n_received, self.n_sent, now() - self.born
end

function methods:setstats(received, sent, age)
  check_client(self, "setstats")
  self.n_received, self.n_sent = received or self.n_received, sent or self.n_sent
  if type(age) == "number" then self.born = now() - age end
  return 1
end

methods.setpeername, methods.setsockname = methods.connect, methods.bind

Tcp = base.class(methods)

--- A master; a family makes its descriptor at once.
local function create(family)
  local self = new(MASTER, nil, family)
  if not family then return self end
  local descriptor, why = base.open(family, false)
  if not descriptor then return nil, why end
  self.descriptor = descriptor
  return self
end

function tcp.tcp() return create() end
function tcp.tcp4() return create "inet" end
function tcp.tcp6() return create "inet6" end

local families = { inet = "inet", inet6 = "inet6", unspec = false }

function tcp.connect(host, port, own_host, own_port, family)
  if family ~= nil and families[family] == nil then
    error(format("bad argument #5 to 'connect' (invalid option '%s')", family), 2)
  end
  local self = new(MASTER, nil, families[family or "unspec"] or nil)
  local ok, why
  if own_host then
    ok, why = base.bind(self, own_host, own_port or 0)
  end
  if ok or not own_host then ok, why = self:connect(host, port) end
  if ok then return self end
  self:close()
  return nil, why
end

return tcp
