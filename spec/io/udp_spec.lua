-- ebb.net.udp: datagrams over the loopback.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.runtime.support"
local system = require "spec.system"

local real = { clock = "system" }

local function open(...)
  local socket = assert(ebb.net.udp(...))
  return socket, select(2, socket:local_address())
end

describe("ebb.net.udp", function()
  helper.it("sends and receives; boundaries are kept (NT7)", function()
    local a <close>, a_port = open("127.0.0.1", 0)
    local b <close>, b_port = open("127.0.0.1")
    assert.is_true(a:sendto("one", "127.0.0.1", b_port))
    assert.is_true(a:sendto("", "127.0.0.1", b_port))
    assert.is_true(a:sendto(123, "127.0.0.1", b_port))
    assert.same({ "one", "127.0.0.1", a_port }, { b:recvfrom() })
    assert.same({ "", "127.0.0.1", a_port }, { b:recvfrom() })
    assert.same({ "123", "127.0.0.1", a_port }, { b:recvfrom() })
    assert.is_nil(ebb.try_select(b))
    assert.same({ "127.0.0.1", a_port }, { a:local_address() })
    assert.equal(("ebb.udp: 127.0.0.1 port %d"):format(a_port), tostring(a))
  end, real)

  helper.it("waits for what comes; each of several that wait gets one", function()
    local a <close> = open("127.0.0.1")
    local b <close>, port = open("127.0.0.1")
    local tasks, got = {}, {}
    for i = 1, 5 do tasks[i] = ebb.spawn(b.recvfrom, b) end
    helper.settle()
    assert.equal("udp recvfrom", tasks[1]:waiting_on())
    for i = 1, 6 do assert(a:sendto("n" .. i, "127.0.0.1", port)) end
    for i = 1, 5 do got[i] = tasks[i]:await() end
    table.sort(got)
    assert.equal("n1 n2 n3 n4 n5", table.concat(got, " "))
    assert.equal("n6", (b:recvfrom()))
  end, real)

  helper.it("an oversize datagram is cut, and said to be (NT7)", function()
    local a <close> = open("127.0.0.1")
    local b <close>, port = open("127.0.0.1")
    for _ = 1, 2 do assert(a:sendto("0123456789", "127.0.0.1", port)) end
    local data, _, _, cut = b:recvfrom(4)
    assert.same({ "0123", "truncated" }, { data, cut })
    data, _, _, cut = b:recvfrom_op(4):await()
    assert.same({ "0123", "truncated" }, { data, cut })
    local task = ebb.spawn(b.recvfrom, b, 3)
    helper.settle()
    assert(a:sendto("abcdef", "127.0.0.1", port))
    data, _, _, cut = task:await()
    assert.same({ "abc", "truncated" }, { data, cut })
    assert(a:sendto("", "127.0.0.1", port))
    assert.equal("", (b:recvfrom(0)))
  end, real)

  helper.it("the largest datagram goes through; a larger one is refused", function()
    local a <close> = open("127.0.0.1")
    local b <close>, port = open("127.0.0.1")
    local data = ("x"):rep(65507)
    assert(a:sendto(data, "127.0.0.1", port))
    assert.equal(data, (b:recvfrom()))
    assert.same({ nil, "EMSGSIZE: message too long", "EMSGSIZE" },
      { a:sendto(data .. "y", "127.0.0.1", port) })
    assert.equal("EMSGSIZE", select(3, a:sendto(data .. data, "127.0.0.1", port)))
  end, real)

  helper.it("is an op: select, timeout, cancel; nothing is lost", function()
    local a <close> = open("127.0.0.1")
    local b <close>, b_port = open("127.0.0.1")
    local c <close>, c_port = open("127.0.0.1")
    assert.equal("timeout", select(2, ebb.timeout(0.01, b)))
    local task = ebb.spawn(b.recvfrom, b)
    helper.settle()
    task:cancel()
    task:join()
    assert(a:sendto("to c", "127.0.0.1", c_port))
    local which, data = ebb.select(b, c)
    assert.same({ 2, "to c" }, { which, data })
    assert(a:sendto("to b", "127.0.0.1", b_port))
    assert(a:sendto("to c", "127.0.0.1", c_port))
    ebb.sleep(0.005)
    which, data = ebb.select_first(b:recvfrom_op(2), c)
    assert.same({ 1, "to" }, { which, data })
    assert.equal("to c", (c:recvfrom()))
  end, real)

  helper.it("a burst waits in the system's buffer, not in ours", function()
    local a <close> = open("127.0.0.1")
    local b <close>, port = open("127.0.0.1")
    local task = ebb.spawn(b.recvfrom, b)
    helper.settle()
    local before = collectgarbage "count"
    local data = ("x"):rep(1000)
    for _ = 1, 20000 do assert(a:sendto(data, "127.0.0.1", port)) end
    ebb.sleep(0.01)
    assert.equal(data, (task:await()))
    assert.is_true(collectgarbage "count" - before < 1000)
    local n = 0
    while ebb.timeout(0.2, b) do n = n + 1 end
    assert.is_true(n > 10 and n < 19999)
    assert(a:sendto("after", "127.0.0.1", port))
    assert.equal("after", (b:recvfrom()))
  end, real)

  helper.it("connected: send, peer, refused, others are not heard (NT7)", function()
    local a <close>, a_port = open("127.0.0.1")
    local b <close>, b_port = open("127.0.0.1")
    local c <close> = open("127.0.0.1")
    assert.equal("ENOTCONN", select(3, a:send("x")))
    assert.equal("ENOTCONN", select(3, a:peer()))
    assert.is_true(a:connect("127.0.0.1", b_port))
    support.contains("connected", tostring(a))
    assert.same({ "127.0.0.1", b_port }, { a:peer() })
    assert.is_true(a:send("x"))
    assert.equal("x", (b:recvfrom()))
    assert(c:sendto("not heard", "127.0.0.1", a_port))
    assert(b:sendto("heard", "127.0.0.1", a_port))
    assert.equal("heard", (a:recvfrom()))
    b:close()
    assert(a:send("to nobody"))
    assert.equal("ECONNREFUSED", select(3, a:recvfrom()))
    assert(a:send("to nobody"))
    ebb.sleep(0.01)
    assert.same({ nil, "ECONNREFUSED: connection refused", "ECONNREFUSED" }, { a:recvfrom() })
    assert.is_true(a:connect())
    assert.equal("ENOTCONN", select(3, a:send("x")))
  end, real)

  helper.it("IPv6, and IPv4 through it", function()
    local a = ebb.net.udp("::1", 0)
    if not a then return pending "no IPv6 here" end
    local b <close>, port = open("::1")
    assert(a:sendto("six", "::1", port))
    assert.same({ "six", "::1" }, { table.unpack({ b:recvfrom() }, 1, 2) })
    a:close()
    local any <close>, any_port = open("::", 0)
    local four <close>, four_port = open("127.0.0.1")
    assert(any:sendto("mapped", "127.0.0.1", four_port))
    assert.same({ "mapped", "127.0.0.1", any_port }, { four:recvfrom() })
    assert(four:sendto("back", "127.0.0.1", any_port))
    assert.equal("back", (any:recvfrom()))
  end, real)

  helper.it("hosts by name", function()
    local a <close>, port = open("localhost")
    local b <close> = open("127.0.0.1")
    if a:local_address() == "127.0.0.1" then
      assert.is_true(b:sendto("by name", "localhost", port))
      assert.equal("by name", (a:recvfrom()))
      assert.is_true(b:connect("localhost", port))
      assert.is_true(b:send "connected")
      assert.equal("connected", (a:recvfrom()))
    end
    local done, message, code = b:sendto("x", "no such host.invalid", 1)
    assert.is_nil(done)
    assert.is_string(message)
    assert.is_string(code)
  end, real)

  helper.it("errors are three values: in use, no such address, arguments throw", function()
    local a <close>, port = open("127.0.0.1")
    assert.same({ nil, "EADDRINUSE: address already in use", "EADDRINUSE" },
      { ebb.net.udp("127.0.0.1", port) })
    assert.equal("EADDRNOTAVAIL", select(3, ebb.net.udp("203.0.113.7", 0)))
    helper.throws("helper.lua", a.sendto, a, "x", "127.0.0.1")
    helper.throws("port from 0 to 65535 expected, got nil", a.connect, a, "127.0.0.1")
    helper.throws("string expected", a.sendto, a, {}, "127.0.0.1", 1)
    helper.throws("65535", a.sendto, a, "x", "127.0.0.1", 65536)
    helper.throws("zeros", a.sendto, a, "x", "a\0b", 1)
    helper.throws("string expected", ebb.net.udp, 1)
    helper.throws("table of options", ebb.net.udp, "127.0.0.1", 0, 1)
  end, real)

  helper.it("broadcast and multicast", function()
    local a <close>, port = open("0.0.0.0")
    assert.is_true(a:broadcast(true))
    assert.is_true(a:ttl(3))
    assert.is_true(a:multicast_ttl(1))
    assert.is_true(a:multicast_loop(true))
    assert.equal("EINVAL", select(3, a:join("127.0.0.1", "127.0.0.1")))
    local joined, _, code = a:join("239.1.2.3", "127.0.0.1")
    if not joined then return pending("no multicast here: " .. code) end
    if a:sendto("all", "239.1.2.3", port) then
      local data = ebb.timeout(1, a)
      assert.is_true(data == "all" or data == nil)
    end
    assert.is_true(a:leave("239.1.2.3", "127.0.0.1"))
    helper.throws("group", a.join, a)
  end, real)

  helper.it("several may have one port if they say so", function()
    local a <close>, port = open("127.0.0.1", 0, { reuse = true })
    local b <close> = open("127.0.0.1", port, { reuse = true })
    assert.same({ "127.0.0.1", port }, { b:local_address() })
    assert.same({ "127.0.0.1", port }, { a:local_address() })
  end, real)

  helper.it("R125 close wakes who waits, once; everything answers afterwards", function()
    local a, port = open("127.0.0.1")
    local tasks = {}
    for i = 1, 3 do tasks[i] = ebb.spawn(a.recvfrom, a) end
    helper.settle()
    a:close()
    a:close()
    for i = 1, 3 do assert.same({ nil, "closed" }, { tasks[i]:await() }) end
    for _, name in ipairs { "recvfrom", "local_address", "peer" } do
      assert.same({ nil, "closed" }, { a[name](a) })
    end
    assert.same({ nil, "closed" }, { a:sendto("x", "127.0.0.1", port) })
    assert.same({ nil, "closed" }, { a:send("x") })
    assert.same({ nil, "closed" }, { a:broadcast(true) })
    assert.equal("ebb.udp: closed", tostring(a))
  end, real)

  helper.it("R162 one that is collected lets its descriptor go", function()
    open("127.0.0.1"):close()
    collectgarbage()
    collectgarbage()
    ebb.sleep(0.01)
    local before = system.n_descriptors()
    for _ = 1, 50 do open("127.0.0.1") end
    collectgarbage()
    collectgarbage()
    system.none_left(before)
  end, real)

  it("R124 the runtime's end closes it; a wait alone is no deadlock; nor does it hold time",
    function()
      local kept
      helper.run(function()
        kept = open("127.0.0.1")
        local before = ebb.now()
        assert.equal("timeout", select(2, ebb.timeout(3600, kept)))
        assert.equal(3600, ebb.now() - before)
        ebb.spawn(kept.recvfrom, kept)
        helper.settle()
      end)
      assert.same({ nil, "closed" }, { kept:recvfrom() })
    end)

  it("belongs to its runtime", function()
    local socket
    local rt = helper.runtime(real)
    rt:run(function() socket = open("127.0.0.1") end)
    helper.run(function()
      helper.throws("EBB052", socket.recvfrom, socket)
      helper.throws("EBB052", socket.sendto, socket, "x", "127.0.0.1", 1)
    end, real)
    rt:close()
  end)
end)
