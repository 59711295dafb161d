-- ebb.compat.socket: LuaSocket's results on ebb's sockets.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.runtime.support"

local socket = require "ebb.compat.socket"

local function pair()
  local server = assert(socket.bind("127.0.0.1", 0))
  local _, port = server:getsockname()
  local a = assert(socket.connect("127.0.0.1", port))
  local b = assert(server:accept())
  server:close()
  return a, b
end

describe("compat.socket", function()
  helper.it("lines, counts and the end, as LuaSocket gives them", function()
    local a, b = pair()
    assert.equal(12, a:send "one\r\ntwo\nabc")
    assert.equal("one", b:receive())
    assert.equal("two", b:receive "*l")
    assert.equal("xabc", b:receive(4, "x"))
    a:send "tail"
    a:close()
    assert.same({ nil, "closed", "tail" }, { b:receive "*l" })
    assert.same({ nil, "closed", 0 }, { a:send "x" })
  end)

  helper.it("a timeout gives what has come", function()
    local a, b = pair()
    a:send "part"
    b:settimeout(0.02)
    assert.same({ nil, "timeout", "part" }, { b:receive "*l" })
    a:send " two\n"
    assert.equal("part two", b:receive("*l", "part"))
  end)

  helper.it("nobody listens: connection refused", function()
    local server = assert(socket.bind("127.0.0.1", 0))
    local _, port = server:getsockname()
    server:close()
    assert.same({ nil, "connection refused" }, { socket.connect("127.0.0.1", port) })
  end)

  helper.it("what waits lets other tasks run", function()
    local a, b = pair()
    local t = ebb.spawn(function() return b:receive() end)
    a:send "x\n"
    assert.equal("x", t:await())
  end)
end)

-- The same program with LuaSocket and with ebb ----------------------------------------------------

describe("a program for LuaSocket", function()
  local program = "spec/io/luasocket.lua"

  it("has the same results in every call, in a task and outside of one", function()
    local interpreter = support.interpreter()
    local theirs = support.shell(("exec lua5.4 %s"):format(program))
    if theirs.err:find "module 'socket'" then return pending "LuaSocket is not installed" end
    assert.equal("", theirs.err)
    for _, how in ipairs { "dofile(arg[2])", "ebb.run(dofile, arg[2])" } do
      local path = support.file("ebb = require 'ebb' " .. how)
      local ours = support.shell(("exec %s %s ebb %s"):format(interpreter, path, program))
      os.remove(path)
      assert.equal("", ours.err)
      assert.equal(theirs.out, ours.out)
    end
  end)
end)

describe("compat.socket", function()
  helper.it("select waits as a task: others run, and end it", function()
    local a, b = pair()
    local c, d = pair()
    local waiting = ebb.spawn(socket.select, { b, d }, nil)
    helper.settle()
    assert.equal("waiting", waiting:status())
    c:send "x"
    local readable = waiting:await()
    assert.equal(d, readable[1])
    assert.equal(1, readable[d])
    assert.is_nil(readable[b])
    waiting = ebb.spawn(socket.select, { b }, nil)
    helper.settle()
    waiting:cancel()
    waiting:join()
    waiting = ebb.spawn(socket.select, { b }, nil, 5)
    helper.settle()
    b:close()
    assert.equal(b, waiting:await()[1])
    for _, each in ipairs { a, c, d } do each:close() end
  end)

  helper.it("select takes the descriptors of others too, and leaves them open", function()
    local a, b = pair()
    local other = { getfd = function() return b:getfd() end }
    assert.equal(0, #(socket.select({ other }, nil, 0)))
    a:send "x"
    local readable = socket.select({ other, b }, nil, 5)
    assert.equal(1, readable[readable[1]])
    assert.equal("x", b:receive(1))
    a:close()
    b:close()
  end, { clock = "system" })

  helper.it("a slow reader stops the writer, which may give up and tells how far it came", function()
    local a, b = pair()
    a:settimeout(0.05)
    local data = ("x"):rep(1 << 24)
    local ok, why, last = a:send(data)
    assert.is_nil(ok)
    assert.equal("timeout", why)
    assert.is_true(last > 0 and last < #data)
    local reader = ebb.spawn(function() return b:receive "*a" end)
    a:settimeout(nil)
    assert.equal(#data, a:send(data, last + 1))
    a:close()
    assert.equal(#data, #reader:await())
  end)

  helper.it("closing wakes who receives and accepts", function()
    local server = assert(socket.bind("127.0.0.1", 0))
    local accepting = ebb.spawn(server.accept, server)
    local a, b = pair()
    local receiving = ebb.spawn(b.receive, b)
    helper.settle()
    server:close()
    b:close()
    assert.same({ nil, "closed" }, { accepting:await() })
    assert.same({ nil, "closed", "" }, { receiving:await() })
    a:close()
  end)

  helper.it("datagrams over IPv6, where there is any", function()
    local a, b = socket.udp6(), socket.udp6()
    if not a or not a:setsockname("::1", 0) then return pending "no IPv6" end
    local _, port, family = a:getsockname()
    assert.equal("inet6", family)
    assert.equal(2, b:sendto("hi", "::1", port))
    assert.equal("hi", (a:receivefrom()))
    assert.equal(1, a:setoption("ipv6-unicast-hops", 3))
    assert.equal(3, a:getoption "ipv6-unicast-hops")
    a:close()
    b:close()
  end)
end)

-- Libraries of others, where they are installed -------------------------------------------------

--- Debian keeps some only for the versions before; none of them needs one of those.
local function find(module)
  local path = package.path
  package.path = path .. ";/usr/share/lua/5.3/?.lua;/usr/share/lua/5.1/?.lua"
  local ok, found = pcall(require, module)
  package.path = path
  return ok and found
end

local function can_run(program)
  return os.execute("command -v " .. program .. " >/dev/null 2>&1")
end

describe("libraries for LuaSocket run on compat.socket:", function()
  local saved = {}
  local names = { "socket", "socket.core", "socket.http", "socket.url", "redis" }
  setup(function()
    for _, name in ipairs(names) do saved[name] = package.loaded[name] end
    socket.install()
  end)
  teardown(function()
    for _, name in ipairs(names) do package.loaded[name] = saved[name] end
  end)

  local real = { clock = "system" }

  helper.it("socket.http fetches a page, others run meanwhile", function()
    local http = find "socket.http"
    if not http then return pending "socket.http is not installed" end
    local listener <close> = assert(ebb.net.listen("127.0.0.1", 0))
    local _, port = listener:local_address()
    local page, ticks = ("page "):rep(5000), 0
    ebb.go(function()
      for sock in listener do
        local request = sock:read_until "\r\n\r\n"
        assert(request:find "^GET /page HTTP/1.1")
        while ticks < 2 do ebb.sleep(0.005) end
        sock:write(("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"):format(#page), page)
        sock:close()
      end
    end)
    local ticker = ebb.spawn(function() while true do ebb.sleep(0.005) ticks = ticks + 1 end end)
    local body, code = http.request(("http://127.0.0.1:%d/page"):format(port))
    ticker:cancel()
    assert.equal(200, code)
    assert.equal(page, body)
    assert.is_true(ticks > 1)
  end, real)

  helper.it("redis-lua talks to a Redis server, many tasks at a time", function()
    local redis = find "redis"
    if not redis or not can_run "redis-server" then
      return pending "redis-lua or redis-server is not installed"
    end
    local probe <close> = assert(ebb.net.listen("127.0.0.1", 0))
    local _, port = probe:local_address()
    probe:close()
    local server <close> = assert(ebb.process.spawn { "redis-server", "--port", tostring(port),
      "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", "/tmp",
      stdout = "null", stderr = "null" })
    local function connect()
      local client
      for _ = 1, 400 do
        local ok, found = pcall(redis.connect, "127.0.0.1", port)
        client = ok and found
        if client then break end
        ebb.sleep(0.025)
      end
      return assert(client, "no server")
    end
    connect():set("greeting", "hello")
    local answers = ebb.map({ 1, 2, 3, 4, 5 }, function(i)
      local client = connect()
      for n = 1, 20 do client:set("key" .. i, n * i) end
      local answer = client:get("key" .. i) .. client:get "greeting"
      client:quit()
      return answer
    end)
    assert.same({ "20hello", "40hello", "60hello", "80hello", "100hello" }, answers)
    server:kill "term"
    server:wait()
  end, real)
end)
