-- ebb.compat.socket: LuaSocket's results on ebb's sockets.
local ebb = require "ebb"
local helper = require "spec.helper"

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
