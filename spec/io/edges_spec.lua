-- What few programs do with files and sockets: wrong arguments, two tasks at one end, closed ones, limits.
local busted = require "busted"
local ebb = require "ebb"
local core = require "ebb.core"
local helper = require "spec.helper"
local assert = require "luassert"
local support = require "spec.io.net_support"

local it, throws = helper.it, helper.throws
local real = { clock = "system" }

local function closed(value, why)
  assert.is_nil(value)
  assert.equal("closed", why)
end

describe("arguments that are checked in C:", function()
  local net, udp = core._net, core._udp

  it("hosts and paths are strings without zeros", function()
    for _, fn in ipairs { net.connect, net.listen, udp.open } do
      throws("string", fn, {}, 1, {})
      throws("host without zeros", fn, "127.0.0.1\0", 1, {})
    end
    for _, fn in ipairs { net.connect_path, net.listen_path } do
      throws("string", fn, 1, {})
      throws("path without zeros", fn, "/tmp/a\0b", {})
    end
    throws("numeric address", net.name_of, "localhost")
    assert.is_false(net.connect("localhost", 1, {}))
    assert.is_false(net.connect("127.0.0.1", 1, {}, "localhost", 1))
    assert.is_false(net.listen("localhost", 0, {}))
    assert.is_false(udp.open("localhost", 0))
    throws("table of options", udp.open, "127.0.0.1", 0, "reuse")
  end)

  it("a path that is too long is an outcome", function()
    local _, _, code = net.listen_path(("x"):rep(200), {})
    assert.equal("ENAMETOOLONG", code)
    _, _, code = net.connect_path(("x"):rep(200))
    assert.equal("ENAMETOOLONG", code)
  end)

  it("what reads and writes", function()
    local a <close>, b = ebb.net.duplex(4)
    throws("string", a.try_write, a, {})
    throws("string", a.write, a, {})
    throws("string", a.read_until, a, 1)
    throws("one byte or more", a.read_until, a, "")
    throws("format", a.read, a, {})
    throws("invalid format", a.read, a, "x")
    local many = {}
    for i = 1, 201 do many[i] = 1 end
    throws("too many formats", a.read, a, table.unpack(many))
    throws("too many formats", a.lines, a, table.unpack(many))
    assert.equal("", a:try_read(0))
    assert.equal(0, a:try_write "")
    b:close()
  end)

  it("signals", function()
    throws("name of a signal", core.signal, {})
    throws("unknown signal", core.signal, "none")
    throws("", core.signal, "kill")
  end, real)

  it("the system's files", function()
    throws("string", ebb.fs.read, {})
    throws("path without zeros", ebb.fs.write, "a\0b", "")
    throws("table of options", core._fs.mkdir, "/tmp", 1)
  end, real)
end)

describe("two tasks at one end (EBB046):", function()
  local function ends()
    local a, b = ebb.net.duplex(2)
    local _, c, d = support.pair()
    return { { a, b }, { c, d } }
  end

  it("what reads without waiting, and copies", function()
    for _, pair in ipairs(ends()) do
      local a <close> = pair[1]
      local b <close> = pair[2]
      local reader = ebb.spawn(a.read_exactly, a, 3)
      helper.settle()
      throws("EBB046", a.try_read, a)
      throws("EBB046", a.read_some, a)
      throws("EBB046", ebb.copy, a, b)
      reader:cancel()
      reader:join()
    end
  end, real)

  it("what writes without waiting, and copies", function()
    for _, pair in ipairs(ends()) do
      local a <close> = pair[1]
      local b <close> = pair[2]
      local writer = ebb.spawn(a.write, a, ("x"):rep(1 << 24))
      helper.settle()
      throws("EBB046", a.try_write, a, "x")
      throws("EBB046", a.write, a, "x")
      throws("EBB046", ebb.await, a:writable_op())
      throws("EBB046", ebb.copy, b, a)
      writer:cancel()
      writer:join()
    end
  end, real)

  busted.it("a stream of another runtime is not copied from (EBB052)", function()
    local rt = helper.runtime(real)
    local foreign = rt:run(function() return (ebb.net.duplex(2)) end)
    helper.run(function()
      local a, b = ebb.net.duplex(2)
      throws("EBB052", ebb.copy, a, foreign)
      throws("EBB052", ebb.copy, foreign, b)
      throws("EBB052", ebb.await, foreign:writable_op())
    end, real)
    rt:close()
  end)
end)

describe("a copy", function()
  it("waits for room, takes turns, and ends with either end", function()
    local text = ("0123456789"):rep(400000) -- more than one turn
    local _ <close>, a, b = support.pair()
    local _ <close>, c, d = support.pair()
    local writer = ebb.spawn(function()
      assert(a:write(text))
      a:shutdown()
    end)
    local n = 0
    local reader = ebb.spawn(function()
      ebb.sleep(0.01) -- what is between them fills up
      while true do
        local piece = d:read_some()
        if not piece then break end
        n = n + #piece
      end
    end)
    assert.equal(#text, ebb.copy(b, c))
    c:shutdown()
    reader:join()
    writer:join()
    assert.equal(#text, n)
    assert.equal(text:len(), c:written())
  end, real)

  it("closed before, and under it", function()
    local a, b = ebb.net.duplex(2)
    local _ <close> = a
    local _ <close> = b
    local c, d <close> = ebb.net.duplex(2)
    local copying = ebb.spawn(ebb.copy, b, c)
    helper.settle()
    c:close()
    a:write "x"
    closed(table.unpack(table.pack(copying:await()), 1, 2))
    local _, why, n = ebb.copy(d, c)
    assert.equal("closed", why)
    assert.equal(0, n)
  end)

  it("into one that writes no more", function()
    local a, b = ebb.net.duplex(20)
    local _ <close> = a
    local _ <close> = b
    local c, d = ebb.net.duplex(20)
    local _ <close> = c
    local _ <close> = d
    a:write "x"
    c:shutdown()
    local _, _, code = ebb.copy(b, c)
    assert.equal("EPIPE", code)
    assert.is_nil(d:read())
  end)

  it("outside of tasks", function()
    local script = [[
      local ebb = require "ebb"
      local a, b = ebb.net.duplex(20)
      local c, d = ebb.net.duplex(20)
      a:write "text" a:shutdown()
      print(ebb.copy(b, c))
      c:flush() c:shutdown()
      print(d:read "a")
      local l = ebb.net.listen "127.0.0.1"
      local u = ebb.net.udp "127.0.0.1"
      local _, port = u:local_address()
      print(u:sendto("datagram", "127.0.0.1", port), (u:recvfrom()))
      print(l:close())
    ]]
    require("spec.runtime.support").prints("4\ntext\ntrue\tdatagram\n\n", script)
  end)
end)

describe("closed:", function()
  it("a socket's options and names", function()
    local pair, a = support.pair()
    a:close()
    for _, name in ipairs { "nodelay", "keepalive", "linger", "send_buffer", "receive_buffer", "ttl" } do
      closed(a[name](a, name ~= "nodelay" and name ~= "keepalive" and 1 or nil))
    end
    for _, name in ipairs { "peer", "local_address", "take_error" } do closed(a[name](a)) end
    local _ <close> = pair
    assert.truthy(tostring(a):find "closed")
  end, real)

  it("a datagram socket's", function()
    local u = assert(ebb.net.udp "127.0.0.1")
    u:close()
    u:close()
    for _, name in ipairs { "broadcast", "ttl", "multicast_ttl", "multicast_loop", "peer", "local_address" } do
      closed(u[name](u, name:find "ttl" and 1 or true))
    end
    closed(u:connect())
    closed(u:connect("127.0.0.1", 1))
    closed(u:join "224.0.0.1")
    closed(u:leave "224.0.0.1")
    closed(u:send "x")
    assert.equal("ebb.udp: closed", tostring(u))
  end, real)

  it("a listener's", function()
    local l = support.listener()
    l:close()
    closed(l:local_address())
    closed(l:accept())
    assert.equal("ebb.listener: closed", tostring(l))
  end, real)
end)

describe("what is said of them:", function()
  it("states", function()
    local u <close> = assert(ebb.net.udp "127.0.0.1")
    local _, port = u:local_address()
    u:connect("127.0.0.1", port)
    assert.truthy(tostring(u):find "connected")
    local l <close> = support.listener { backlog = 1, reuse_port = true }
    assert.truthy(tostring(l):find "open")
    local a <close> = ebb.net.duplex(1)
    local task = ebb.spawn(a.read, a)
    local writer = ebb.spawn(a.write, a, "xyz")
    helper.settle()
    assert.truthy(tostring(a):find "being read")
    assert.truthy(tostring(a):find "being written")
    task:cancel()
    writer:cancel()
    task:join()
    writer:join()
    local child <close> = assert(ebb.process.spawn { "true" })
    child:wait()
    assert.truthy(tostring(child):find "ended")
  end, real)

  it("a listener for IPv6 only, where there is IPv6", function()
    local l = ebb.net.listen("::1", 0, { only_v6 = true })
    if not l then return end
    local _, port = l:local_address()
    local s <close> = assert(ebb.net.connect("::1", port))
    s:ttl(7)
    assert.equal(7, s:ttl())
    l:close()
    local u <close> = assert(ebb.net.udp("::1", 0, { only_v6 = true }))
    local _, own = u:local_address()
    assert(u:sendto("x", "::1", own))
    assert.equal("x", (u:recvfrom()))
  end, real)
end)

describe("files at their limits:", function()
  local function path() return os.tmpname() end

  it("read after writing, all of what is long, from a place far away", function()
    local name = path()
    local f <close> = assert(ebb.io.open(name, "w+"))
    local text = ("0123456789abcdef"):rep(20000)
    assert(f:write(text))
    assert.equal("", f:read "a")
    f:seek("set", 0)
    assert.equal(text, f:read "a")
    f:seek("set", 10)
    assert.equal(text:sub(11, 300010), f:read_exactly(300000))
    assert.same({ nil, "EINVAL" }, { (f:seek("set", -1)), select(3, f:seek("set", -1)) })
    assert.equal("EOVERFLOW", select(3, f:seek("cur", math.maxinteger)))
    os.remove(name)
  end, real)

  it("a directory, a device, something that is not there", function()
    local d = ebb.io.open "/tmp"
    if d then
      assert.equal("EISDIR", select(3, d:read "a"))
      d:close()
    end
    local z <close> = assert(ebb.io.open("/dev/null", "r+"))
    assert.is_nil(z:read "l")
    assert(z:write "x")
    assert.equal("ESPIPE", select(3, z:seek("set", 0)))
    assert.equal("ENOENT", select(3, ebb.io.open "/no/such"))
    local r <close> = assert(ebb.io.open("/dev/null", "r"))
    assert.equal("EBADF", select(3, r:write "x"))
  end, real)

  it("/dev/full has no room", function()
    local f = ebb.io.open("/dev/full", "w")
    if not f then return end
    local _, _, code = f:write "x"
    if not code then _, _, code = f:flush() end
    assert.equal("ENOSPC", code)
    f:close()
    assert.equal("ENOSPC", select(3, ebb.fs.write("/dev/full", "x")))
  end, real)

  it("links, pipes and devices have their kinds", function()
    local dir = assert(ebb.fs.mkdtemp "/tmp/ebb-kinds-")
    ebb.fs.symlink("none", dir .. "/link")
    assert(os.execute("mkfifo " .. dir .. "/pipe"))
    local kinds = {}
    for name, kind in ebb.fs.walk(dir) do kinds[name:sub(#dir + 2)] = kind end
    assert.same({ link = "link", pipe = "fifo" }, kinds)
    assert.equal("ELOOP", (function()
      ebb.fs.symlink("loop", dir .. "/loop")
      return select(3, ebb.fs.read(dir .. "/loop"))
    end)())
    for _, name in ipairs { "link", "pipe", "loop" } do os.remove(dir .. "/" .. name) end
    assert.equal("char", ebb.fs.stat("/dev/null").type)
    os.remove(dir)
  end, real)

  it("a copy onto itself, of a folder, to a place that is not there", function()
    local name = path()
    ebb.fs.write(name, "x")
    assert.equal("EINVAL", select(3, ebb.fs.copy(name, name)))
    assert.equal("EISDIR", select(3, ebb.fs.copy("/tmp", name)))
    assert.equal("EINVAL", select(3, ebb.fs.copy("/dev/null", name)))
    assert.equal("ENOENT", select(3, ebb.fs.copy(name, "/no/such/place")))
    assert(ebb.fs.copy(name, "/dev/null"))
    os.remove(name)
  end, real)
end)
