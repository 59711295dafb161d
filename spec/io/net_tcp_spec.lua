-- TCP on the loopback: connecting, listening, reading, writing, ends and errors.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.io.net_support"

local net = ebb.net
local failing, pair, listener = support.failing, support.pair, support.listener

describe("net.connect and listen", function()
  helper.it("a connection carries bytes both ways (NT1)", function()
    local _ <close>, a, b = pair()
    assert.equal(a, a:write("hello ", 42, "\n"))
    assert.equal("hello 42", b:read())
    assert.equal(b, b:write "back")
    assert.equal("back", a:read_exactly(4))
  end)

  helper.it("port 0 gives a free port, and both sides know their addresses (NT1)", function()
    local l <close> = listener()
    local host, port = l:local_address()
    assert.equal("127.0.0.1", host)
    assert.is_true(port > 0)
    local a <close> = assert(net.connect("127.0.0.1", port))
    local b <close> = assert(l:accept())
    assert.same({ "127.0.0.1", port }, { a:peer() })
    assert.same({ a:local_address() }, { b:peer() })
    assert.same({ b:local_address() }, { a:peer() })
  end)

  helper.it("a closed port is refused (NT1)", function()
    local l, port = listener()
    l:close()
    failing("ECONNREFUSED: connection refused", "ECONNREFUSED", net.connect("127.0.0.1", port))
  end)

  helper.it("a port that is taken is in use", function()
    local _ <close>, port = listener()
    failing("EADDRINUSE: address already in use", "EADDRINUSE", net.listen("127.0.0.1", port))
  end)

  helper.it("an address that is not ours cannot be listened on", function()
    failing("EADDRNOTAVAIL: address not available", "EADDRNOTAVAIL", net.listen("192.0.2.1", 0))
  end)

  helper.it("what cannot be reached says so", function()
    local sock, message, code = net.connect("127.0.0.1", 1, { local_host = "::1" })
    assert.is_nil(sock)
    assert.is_string(message)
    assert.equal(code, message:match "^%u+")
    local _, _, unreachable = net.connect("255.255.255.255", 9)
    assert.truthy(({ ENETUNREACH = true, EACCES = true, EHOSTUNREACH = true })[unreachable])
  end)

  helper.it("a name that does not exist is not found (R123)", function()
    local sock, message, code = net.connect("no.such.host.invalid", 80)
    assert.is_nil(sock)
    assert.equal(code, message:match "^[%u_]+")
    assert.truthy(code:find "^EAI_")
  end)

  helper.it("names are resolved (NT7)", function()
    local list = assert(net.resolve "localhost")
    assert.truthy(#list > 0)
    assert.same({ "127.0.0.1" }, net.resolve "127.0.0.1")
    local l <close>, port = listener()
    local a <close> = assert(net.connect("localhost", port))
    local b <close> = assert(l:accept())
    a:write "x"
    assert.equal("x", b:read_some())
  end)

  helper.it("many clients before the first accept are all served (NT6)", function()
    local l <close>, port = listener()
    local clients = {}
    for i = 1, 50 do
      clients[i] = assert(net.connect("127.0.0.1", port))
      clients[i]:write(i, "\n")
    end
    local seen = {}
    for i = 1, 50 do
      local sock <close> = assert(l:accept())
      seen[sock:read "n"] = i
    end
    assert.equal(50, #seen)
    for _, client in ipairs(clients) do client:close() end
  end)

  helper.it("a listener is an op and an iterator", function()
    local l, port = listener()
    ebb.spawn(function()
      for _ = 1, 3 do assert(net.connect("127.0.0.1", port)):close() end
    end)
    local index, sock = ebb.select(l, ebb.never())
    assert.equal(1, index)
    sock:close()
    local n = 0
    for other in l do
      other:close()
      n = n + 1
      if n == 2 then l:close() end
    end
    assert.equal(2, n)
  end)

  helper.it("an accept that is timed out loses no connection (NT1)", function()
    local l <close>, port = listener()
    assert.same({ nil, "timeout", 0.01 }, { ebb.timeout(0.01, l) })
    local a <close> = assert(net.connect("127.0.0.1", port))
    local b <close> = assert(l:accept())
    a:write "x"
    assert.equal("x", b:read_some())
  end)

  helper.it("close wakes those who accept, each once (NT6, R125)", function()
    local l = listener()
    local tasks = {}
    for i = 1, 3 do tasks[i] = ebb.spawn(function() return l:accept() end) end
    helper.settle()
    l:close()
    l:close()
    for i = 1, 3 do assert.same({ nil, "closed" }, { tasks[i]:await() }) end
    assert.same({ nil, "closed" }, { l:accept() })
    assert.same({ nil, "closed" }, { l:local_address() })
  end)

  helper.it("the options of a socket", function()
    local _ <close>, a, b = pair()
    assert.equal(a, a:nodelay(false))
    assert.equal(a, a:nodelay())
    assert.equal(a, a:keepalive(true, 60, 10, 3))
    assert.equal(a, a:linger(0))
    assert.equal(a, a:linger())
    assert.equal(a, a:send_buffer(65536))
    assert.equal(b, b:receive_buffer(65536))
    a:close()
    assert.same({ nil, "closed" }, { a:nodelay() })
    assert.same({ nil, "closed" }, { a:peer() })
  end)

  helper.it("say what they are", function()
    local l <close> = listener()
    local _ <close>, a, b = pair()
    assert.truthy(tostring(l):find "^ebb%.listener: 127%.0%.0%.1 port %d+, open$")
    assert.equal("ebb.socket: open", tostring(a))
    local task = ebb.spawn(b.read, b)
    helper.settle()
    assert.equal("ebb.socket: open, being read", tostring(b))
    b:close()
    task:await()
    assert.equal("ebb.socket: closed", tostring(b))
    a:shutdown()
    assert.equal("ebb.socket: open, shut down", tostring(a))
  end)

  it("wrong arguments are named", function()
    helper.throws("bad argument #1 to 'connect' (string expected, got nil)", net.connect)
    helper.throws("bad argument #2 to 'connect' (port from 0 to 65535 expected", net.connect, "h",
      65536)
    helper.throws("bad argument #3 to 'connect' (unknown option 'time')", net.connect, "h", 1,
      { time = 1 })
    helper.throws("option 'timeout': number expected, got string", net.connect, "h", 1,
      { timeout = "1" })
    helper.throws("bad argument #1 to 'listen' (host without zeros", net.listen, "a\0b", 1)
    helper.throws("option 'backlog': 1 to 65535", net.listen, nil, 0, { backlog = 0 })
    helper.throws("bad argument #1 to 'connect' (string expected", net.unix.connect, 1)
    helper.throws("bad argument #3 to 'serve'", net.serve, "127.0.0.1", 0)
    helper.throws("unknown option 'max'", net.serve, "127.0.0.1", 0, print, { max = 1 })
    helper.throws("(integer from 1 to 1099511627776 expected, got 0)", net.duplex, 0)
  end)
end)

describe("a read from a socket", function()
  helper.it("in every format of Lua's files", function()
    local _ <close>, a, b = pair()
    a:write("one\ntwo\r\n\n 12 0x1p4rest\nabcdef")
    a:shutdown()
    assert.same({ "one", "two\r\n", "" }, { b:read("l", "L", "l") })
    assert.same({ 12, 16.0, "rest" }, { b:read("n", "n", "l") })
    assert.equal("abc", b:read(3))
    assert.equal("def", b:read "a")
    assert.equal("", b:read "a")
    assert.same({ nil, "eof" }, { b:read "l" })
    assert.same({ nil, "eof" }, { b:read(0) })
  end)

  helper.it("that is timed out leaves what had come for the next", function()
    local _ <close>, a, b = pair()
    a:write "abc"
    assert.same({ nil, "timeout", 0.02 }, { ebb.timeout(0.02, b.read_exactly, b, 6) })
    assert.same({ nil, "timeout", 0.02 }, { ebb.timeout(0.02, b.read, b, "l") })
    local index = ebb.select(b:read_op "l", ebb.after(0.02))
    assert.equal(2, index)
    a:write "def\n"
    assert.equal("abcdef", b:read_exactly(6))
    assert.equal("", b:read "l")
  end, { clock = "system" })

  helper.it("that is cancelled leaves what had come for the next", function()
    local _ <close>, a, b = pair()
    a:write "abc"
    local task = ebb.spawn(b.read, b, "a")
    ebb.sleep(0.02)
    task:cancel()
    assert.is_false(task:join())
    assert.equal("abc", b:read(3))
  end, { clock = "system" })

  helper.it("is selectable, and loses nothing when another branch wins", function()
    local _ <close>, a, b = pair()
    local ch = ebb.channel(1)
    ch:send "first"
    assert.same({ 1, "first" }, { ebb.select_first(ch, b) })
    a:write "second"
    assert.same({ 2, "second" }, { ebb.select_first(ch, b) })
  end)

  helper.it("stops when the delimiter or the limit is there (IO5, R122)", function()
    local _ <close>, a, b = pair()
    a:write "GET / HTTP/1.1\r\nHost: x\r\n\r\nrest"
    assert.equal("GET / HTTP/1.1\r\nHost: x\r\n\r\n", b:read_until "\r\n\r\n")
    assert.same({ nil, "too long", "res" }, { b:read_until("\n", 3) })
    a:shutdown()
    assert.same({ nil, "eof", "t" }, { b:read_until "\n" })
  end)

  helper.it("of n bytes gives those that came before the end (IO3)", function()
    local _ <close>, a, b = pair()
    a:write "abc"
    a:shutdown()
    assert.equal("", b:read_exactly(0))
    assert.same({ nil, "eof", "abc" }, { b:read_exactly(5) })
    assert.same({ nil, "eof", "" }, { b:read_exactly(5) })
  end)

  helper.it("goes into a buffer of memory", function()
    local _ <close>, a, b = pair()
    local guard <close> = ebb.guard()
    local buffer = guard:buffer(16)
    a:write "abcdef"
    assert.equal(4, b:read_into(buffer, 4))
    assert.equal(2, b:read_into(buffer))
    assert.equal("abcdef", buffer:get())
  end)

  helper.it("by line ends with the data, the last line without its end too (IO4)", function()
    local _ <close>, a, b = pair()
    a:write "one\n\ntwo\r\nthree"
    a:close()
    local lines = {}
    for line in b:lines() do lines[#lines + 1] = line end
    assert.same({ "one", "", "two\r", "three" }, lines)
  end)

  helper.it("by two tasks at once is a mistake (EBB046)", function()
    local _ <close>, a, b = pair()
    local task = ebb.spawn(b.read, b)
    helper.settle()
    helper.throws("EBB046: another task reads from this stream", b.read, b)
    a:write "x\n"
    assert.equal("x", task:await())
  end)

  helper.it("goes on after the other side has shut down (NT3, R119)", function()
    local _ <close>, a, b = pair()
    a:write "question"
    assert.is_true(a:shutdown())
    assert.is_true(a:shutdown())
    failing("EPIPE: broken pipe", "EPIPE", a:write "more")
    assert.equal("question", b:read "a")
    b:write "answer"
    b:close()
    assert.equal("answer", a:read "a")
  end)

  helper.it("is woken by close, once, and so is a write (R125)", function()
    local _ <close>, a, b = pair()
    local reader = ebb.spawn(a.read, a)
    local writer = ebb.spawn(function() return a:write(("x"):rep(8000000)) end)
    ebb.sleep(0.01)
    a:close()
    assert.same({ nil, "closed" }, { reader:await() })
    local none, why, n = writer:await()
    assert.is_nil(none)
    assert.equal("closed", why)
    assert.equal(a:written(), n)
    assert.is_true(n < 8000000)
    assert.equal(n, #b:read "a")
    assert.same({ nil, "closed" }, { a:read() })
    assert.same({ nil, "closed", 0 }, { a:write "x" })
    assert.same({ nil, "closed" }, { a:flush() })
    assert.same({ nil, "closed" }, { a:shutdown() })
  end, { clock = "system" })
end)

describe("a write to a socket", function()
  helper.it("of 64 MiB to a slow reader is complete and ordered (R120, R121)", function()
    local _ <close>, a, b = pair()
    local piece = {}
    for i = 0, 255 do piece[i + 1] = string.char(i) end
    piece = table.concat(piece):rep(4096) -- 1 MiB
    local crc, n = 0, 0
    local writer = ebb.spawn(function()
      for _ = 1, 64 do assert(a:write(piece)) end
      a:shutdown()
    end)
    local before = collectgarbage "count"
    while true do
      local data, why = b:read_some(65536)
      if not data then
        assert.equal("eof", why)
        break
      end
      assert.equal(n % 256, data:byte())
      assert.equal((n + #data - 1) % 256, data:byte(-1))
      n = n + #data
      crc = crc + 1
      if crc % 64 == 0 then
        collectgarbage()
        assert.is_true(collectgarbage "count" - before < 8192)
      end
    end
    assert.equal(64 * 1048576, n)
    writer:await()
  end)

  helper.it("waits for a reader that does not read, and can be timed out (R121)", function()
    local _ <close>, a, b = pair()
    local data = ("x"):rep(16000000)
    assert.same({ nil, "timeout", 0.05 }, { ebb.timeout(0.05, a.write, a, data) })
    local n = a:written()
    assert.is_true(n > 0 and n < #data)
    a:shutdown()
    assert.equal(n, #b:read "a")
  end, { clock = "system" })

  helper.it("of many pieces", function()
    local _ <close>, a, b = pair()
    local pieces = {}
    for i = 1, 200 do pieces[i] = i % 7 == 0 and "" or i .. "," end
    a:write(table.unpack(pieces))
    a:write()
    a:write ""
    a:close()
    assert.equal(table.concat(pieces), b:read "a")
  end)

  helper.it("to an end nobody reads is a broken pipe, not a signal (R117, R118)", function()
    local _ <close>, a, b = pair()
    b:close()
    local code
    for _ = 1, 5000 do
      local done, _, why = a:write(("x"):rep(1000))
      if not done then
        code = why
        break
      end
      ebb.sleep(0.001)
    end
    assert.truthy(code == "EPIPE" or code == "ECONNRESET")
    failing("EPIPE: broken pipe", "EPIPE", a:write "x")
  end, { clock = "system" })

  helper.it("and a read of what was reset say so (R117)", function()
    local _ <close>, a, b = pair()
    b:linger(0)
    b:close()
    failing("ECONNRESET: connection reset by peer", "ECONNRESET", a:read())
  end)

  helper.it("by two tasks at once is a mistake (EBB046)", function()
    local _ <close>, a, b = pair()
    local writer = ebb.spawn(function() return a:write(("x"):rep(8000000)) end)
    ebb.sleep(0.01)
    helper.throws("EBB046: another task writes to this stream", a.write, a, "y")
    a:close()
    assert.is_nil(writer:await())
    assert.is_string(b:read "a")
  end, { clock = "system" })
end)
