-- A program for LuaSocket that tells what every call gives: run with LuaSocket and with ebb it has to say
-- the same. `luasocket.lua ebb` takes ebb.compat.socket.
local socket
if arg[1] == "ebb" then
  socket = require "ebb.compat.socket"
else
  socket = require "socket"
end

--- What varies from run to run is replaced: ports, addresses of objects, descriptors.
local known = {}
local function show(value)
  if known[tonumber(value)] then return known[tonumber(value)] end
  if type(value) == "string" then return ("%q"):format((value:gsub("0x%x+", "0x"):gsub(": %a.*$", ""))) end
  if type(value) == "number" then return ("%g"):format(value) end
  if type(value) == "table" and not value.getfd then
    local parts = {}
    for k, v in pairs(value) do parts[#parts + 1] = tostring(k) .. "=" .. show(v) end
    table.sort(parts)
    return "{" .. table.concat(parts, ",") .. "}"
  end
  if type(value) == "userdata" or type(value) == "table" then return (tostring(value):match "^%a+{%a+}") or type(value) end
  return tostring(value)
end

local function say(label, ...)
  local parts = table.pack(...)
  for i = 1, parts.n do parts[i] = show(parts[i]) end
  print(label .. ": " .. table.concat(parts, " "))
end

--- What a call that throws expected: the words around it depend on how it is called.
local function throws(label, fn, ...)
  local ok, err = pcall(fn, ...)
  say(label, ok, tostring(err):match "%((.*)%)$" or tostring(err))
end

local function server_and_port()
  local server = assert(socket.bind("127.0.0.1", 0))
  local _, port = server:getsockname()
  known[tonumber(port)] = "PORT"
  return server, port
end

local function pair()
  local server, port = server_and_port()
  local a = assert(socket.connect("127.0.0.1", port))
  local b = assert(server:accept())
  server:close()
  known[tonumber((select(2, a:getsockname())))] = "PORT"
  return a, b
end

-- tcp: masters, servers, clients -----------------------------------------------------------------

do
  local m = assert(socket.tcp())
  say("master", m)
  throws("receive of a master", m.receive, m)
  throws("accept of a master", m.accept, m)
  say("bind", m:bind("127.0.0.1", 0))
  say("listen", m:listen(5))
  say("server", m)
  local host, port, family = m:getsockname()
  known[tonumber(port)] = "PORT"
  say("getsockname", host, port, family)
  throws("send of a server", m.send, m, "x")
  m:settimeout(0)
  say("accept of nobody", m:accept())
  m:settimeout(0.02)
  say("accept of nobody", m:accept())
  say("timeouts", m:gettimeout())
  m:settimeout(nil)
  local c = assert(socket.tcp())
  say("connect", c:connect("127.0.0.1", port))
  say("connect again", c:connect("127.0.0.1", port))
  local d = assert(m:accept())
  say("client", c, d)
  host, port, family = c:getpeername()
  say("getpeername", host, port, family)
  say("family", c:getfamily())
  say("close", m:close())
  say("close again", m:close())
  say("accept of a closed one", m:accept())
  say("getfd of a closed one", m:getfd())
  say("send", c:send("0123456789"))
  say("send a part", c:send("0123456789", 3, 5))
  say("send from behind", c:send("0123456789", -2))
  say("send nothing", c:send("", 1, 0))
  say("send far", c:send("0123456789", 9, 100))
  say("send backwards", c:send("0123456789", 5, 2))
  say("receive a count", d:receive(10))
  say("receive with a prefix", d:receive(5, "ab"))
  say("receive no more than the prefix", d:receive(2, "abc"))
  say("receive the rest", d:receive(4))
  c:send("one\r\ntwo\n\nthree\rx\nrest")
  say("line", d:receive())
  say("line", d:receive("*l"))
  say("dirty", d:dirty())
  say("line", d:receive("*l", "prefix "))
  say("line", d:receive("*l"))
  d:settimeout(0)
  say("part of a line", d:receive("*l"))
  say("dirty", d:dirty())
  say("nothing", d:receive("*l"))
  say("nothing", d:receive(3))
  say("nothing", d:receive("*a"))
  d:settimeout(0.02, "t")
  say("nothing", d:receive("*a"))
  say("timeouts", d:gettimeout())
  d:settimeout(-1, "t")
  d:settimeout(-1)
  c:send("all of it")
  say("shutdown", c:shutdown("send"))
  say("all", d:receive("*a"))
  say("all again", d:receive("*a"))
  say("closed", d:receive("*l"))
  say("closed", d:receive(1))
  local received, sent = d:getstats()
  say("stats", received, sent)
  say("setstats", d:setstats(1, 2, 3))
  received, sent = d:getstats()
  say("stats", received, sent)
  d:send("back")
  say("half-closed", c:receive(4))
  d:close()
  c:close()
  say("send to a closed one", c:send("x"))
  say("receive from a closed one", c:receive())
  say("getpeername of a closed one", c:getpeername())
  throws("bad pattern", c.receive, c, "*x")
  throws("bad timeout mode", c.settimeout, c, 1, "x")
end

do
  local server, port = server_and_port()
  server:close()
  say("refused", socket.connect("127.0.0.1", port))
  local again = assert(socket.bind("127.0.0.1", port))
  say("in use", socket.bind("127.0.0.1", port))
  again:close()
  say("no such host", socket.connect("no.such.host.invalid", 80) == nil)
  local server4 = socket.tcp4()
  say("tcp4", server4, server4:getfamily())
  say("bound", server4:bind("*", 0))
  say("its name", (server4:getsockname()))
  server4:close()
  local a, b = pair()
  b:close()
  a:send("x")
  socket.sleep(0.02)
  say("send to nobody", a:send("y"))
  a:close()
end

-- connecting without waiting ---------------------------------------------------------------------

do
  local server, port = server_and_port()
  local c = assert(socket.tcp4())
  c:settimeout(0)
  local ok, why = c:connect("127.0.0.1", port)
  say("connect without waiting", ok == 1 or why == "timeout")
  local _, writable, timed_out = socket.select(nil, { c }, 5)
  say("writable", #writable, writable[c], timed_out)
  say("connected", c:connect("127.0.0.1", port))
  say("error", c:getoption("error"))
  c:settimeout(5)
  local d = server:accept()
  d:send("x")
  say("receive", c:receive(1))
  c:close()
  d:close()
  server:close()
  local r = assert(socket.tcp4())
  r:settimeout(0)
  r:connect("127.0.0.1", port)
  socket.select(nil, { r }, 5)
  say("refused later", (select(2, r:connect("127.0.0.1", port))) ~= "timeout")
  r:close()
end

-- select -----------------------------------------------------------------------------------------

do
  local a, b = pair()
  local c, d = pair()
  local r, w, why = socket.select({ b, d }, nil, 0)
  say("select none", #r, #w, why)
  r, w, why = socket.select({ b, d }, nil, 0.02)
  say("select none", #r, #w, why)
  say("select nothing", #socket.select({}, {}, 0))
  c:send("x")
  r, w, why = socket.select({ b, d }, { a }, 5)
  say("select two", #r, r[1] == d, r[d], #w, w[1] == a, w[a], why)
  a:send("1\n2\n")
  say("line", b:receive())
  r, w, why = socket.select({ b, d }, {}, 5)
  say("select a dirty one", #r, r[1] == b, r[b], r[d], #w, why)
  r, w, why = socket.select({ { getfd = function() return d:getfd() end } }, nil, 5)
  say("select an object", #r, #w, why)
  r, w, why = socket.select({ { getfd = function() return -1 end } }, nil, 0)
  say("select an invalid one", #r, #w, why)
  throws("select no table", socket.select, 1)
  say("setsize", socket._SETSIZE, socket._SOCKETINVALID)
  for _, each in ipairs { a, b, c, d } do each:close() end
end

-- descriptors ------------------------------------------------------------------------------------

do
  local a, b = pair()
  local other = socket.tcp4()
  local fd = a:getfd()
  say("getfd", fd >= 0)
  other:close()
  other:setfd(fd)
  say("setfd", other:getfd() == fd)
  a:setfd(-1)
  say("getfd after setfd", a:getfd())
  local host = other:getpeername()
  say("its peer", host)
  other:close()
  say("closed", b:receive())
  b:close()
end

-- options ----------------------------------------------------------------------------------------

do
  local a, b = pair()
  for _, name in ipairs { "keepalive", "reuseaddr", "tcp-nodelay" } do
    say(name, a:setoption(name, true))
    say(name, a:getoption(name))
    say(name, a:setoption(name, false))
    say(name, a:getoption(name))
  end
  for _, name in ipairs { "tcp-keepidle", "tcp-keepcnt", "tcp-keepintvl" } do
    local ok, set = pcall(a.setoption, a, name, 7)
    say(name, ok and set, ok and a:getoption(name))
  end
  say("linger", a:setoption("linger", { on = true, timeout = 3 }))
  say("linger", a:getoption("linger"))
  say("linger", a:setoption("linger", { on = false, timeout = 0 }))
  throws("bad linger", a.setoption, a, "linger", { on = true })
  say("error", a:getoption("error"))
  throws("unknown", a.setoption, a, "no-such-option", 1)
  throws("unknown", a.getoption, a, "no-such-option")
  a:close()
  say("of a closed one", a:getoption("keepalive"))
  say("of a closed one", a:setoption("keepalive", true))
  b:close()
  local u = socket.udp4()
  for _, name in ipairs { "dontroute", "broadcast", "reuseaddr", "reuseport", "ip-multicast-loop" } do
    say(name, u:setoption(name, true))
    say(name, u:getoption(name))
  end
  say("ttl", u:setoption("ip-multicast-ttl", 3))
  say("if", u:setoption("ip-multicast-if", "127.0.0.1"))
  say("if", u:getoption("ip-multicast-if"))
  say("if", u:setoption("ip-multicast-if", "*"))
  say("member", u:setoption("ip-add-membership", { multiaddr = "239.1.2.3", interface = "127.0.0.1" }))
  say("member", u:setoption("ip-drop-membership", { multiaddr = "239.1.2.3", interface = "127.0.0.1" }))
  say("member", u:setoption("ip-drop-membership", { multiaddr = "239.1.2.3", interface = "127.0.0.1" }))
  throws("bad member", u.setoption, u, "ip-add-membership", { multiaddr = "x", interface = "*" })
  u:close()
end

-- udp --------------------------------------------------------------------------------------------

do
  local a, b = assert(socket.udp()), assert(socket.udp4())
  say("udp", a)
  say("setsockname", a:setsockname("127.0.0.1", 0))
  say("setsockname", b:setsockname("127.0.0.1", 0))
  local host, port, family = a:getsockname()
  local _, b_port = b:getsockname()
  known[tonumber(port)], known[tonumber(b_port)] = "PORT", "PORT"
  say("getsockname", host, port, family)
  throws("send unconnected", a.send, a, "x")
  throws("peer unconnected", a.getpeername, a)
  say("sendto", b:sendto("hello", "127.0.0.1", port))
  say("receivefrom", a:receivefrom())
  say("sendto", b:sendto("hello", "127.0.0.1", port))
  say("receive", a:receive())
  say("sendto", b:sendto("hello", "127.0.0.1", port))
  say("receive a part", a:receive(2))
  a:settimeout(0)
  say("nothing", a:receive())
  a:settimeout(0.02)
  say("nothing", a:receivefrom())
  say("empty", b:sendto("", "127.0.0.1", port))
  say("empty", a:receive())
  say("setpeername", b:setpeername("127.0.0.1", port))
  say("connected", b)
  say("getpeername", b:getpeername())
  throws("sendto connected", b.sendto, b, "x", "127.0.0.1", port)
  throws("receivefrom connected", b.receivefrom, b)
  say("send", b:send("again"))
  say("receivefrom", a:receivefrom())
  say("no peer", b:setpeername("*"))
  say("unconnected", b)
  say("sendto no host", (b:sendto("x", "nohost", 1)))
  a:close()
  b:close()
  local c, d = socket.udp4(), socket.udp4()
  d:setsockname("127.0.0.1", 0)
  local _, gone = d:getsockname()
  d:close()
  c:setpeername("127.0.0.1", gone)
  c:send("x")
  c:settimeout(1)
  say("refused", c:receive())
  c:close()
end

-- the rest ---------------------------------------------------------------------------------------

do
  local t = socket.gettime()
  say("gettime", math.abs(t - os.time()) < 5)
  socket.sleep(0.02)
  say("sleep", socket.gettime() - t >= 0.02)
  say("toip", socket.dns.toip("127.0.0.1"))
  say("toip", (socket.dns.toip("localhost")))
  say("toip", socket.dns.toip("no.such.host.invalid") == nil)
  say("getaddrinfo", socket.dns.getaddrinfo("127.0.0.1")[1])
  say("gethostname", socket.dns.gethostname())
  local closed = 0
  local try = socket.newtry(function() closed = closed + 1 end)
  local guarded = socket.protect(function(...) return try(...) end)
  say("protect", guarded(1, 2))
  say("protect", guarded(nil, "failed"))
  say("finalizer", closed)
  throws("protect lets others through", socket.protect(function() error("other", 0) end))
  say("skip", socket.skip(2, 1, 2, 3, 4))
  say("try", socket.try(5, 6))
  local a, b = pair()
  local sink = socket.sink("close-when-done", a)
  say("sink", sink("some text"))
  say("sink", sink(nil))
  local source = socket.source("until-closed", b)
  say("source", source())
  say("source", source())
  a, b = pair()
  a:send("1234567890")
  source = socket.source("by-length", b, 4)
  say("source", source())
  say("source", source())
  say("fd of a source", type(source.getfd()))
  a:close()
  b:close()
end
