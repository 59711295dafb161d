-- Sockets and the rest: time, runtimes, descriptors, addresses tried one after the other.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.io.net_support"
local system = require "spec.system"

local net = ebb.net
local listener, pair = support.listener, support.pair

describe("a socket that waits", function()
  helper.it("does not hold virtual time", function()
    local _ <close>, _, b = pair()
    local task = ebb.spawn(b.read, b)
    local started = os.time()
    ebb.sleep(3600)
    assert.is_true(os.time() - started < 60)
    assert.equal("waiting", task:status())
    b:close()
    task:await()
  end)

  helper.it("is named in reports", function()
    local l <close> = listener()
    local _ <close>, a, b = pair()
    local reading, accepting = ebb.spawn(b.read, b), ebb.spawn(l.accept, l)
    local writing = ebb.spawn(function() return a:write(("x"):rep(8000000)) end)
    helper.settle()
    assert.equal("accept", accepting:waiting_on())
    assert.truthy(("read write"):find(reading:waiting_on() or "read", 1, true))
    for _, task in ipairs { reading, accepting, writing } do
      task:cancel()
      task:join()
    end
  end)

  it("ends with its runtime", function()
    local kept
    helper.run(function()
      local l, port = listener()
      kept = assert(net.connect("127.0.0.1", port))
      ebb.spawn(l.accept, l)
      ebb.spawn(kept.read, kept)
      helper.settle()
    end)
    assert.equal("ebb.socket: closed", tostring(kept))
    kept:close()
  end)

  it("is closed for all others then", function()
    local a, l
    helper.run(function()
      local _
      _, a = pair()
      l = listener()
    end)
    helper.run(function()
      assert.same({ nil, "closed" }, { a:read() })
      assert.same({ nil, "closed" }, { l:accept() })
    end)
  end)
end)

describe("descriptors", function()
  helper.it("are closed once, though the number is used again (R124)", function()
    local _ <close>, a, b = pair()
    a:close()
    local _ <close>, c, d = pair()
    a:close()
    a = nil
    collectgarbage()
    collectgarbage()
    c:write "still here"
    assert.equal("still here", d:read(10))
    b:close()
    assert.is_nil(a)
  end)

  helper.it("of sockets that are collected are closed", function()
    local before = system.n_descriptors()
    for _ = 1, 20 do
      local l, port = listener()
      assert(net.connect("127.0.0.1", port))
      assert(l:accept())
    end
    collectgarbage()
    collectgarbage()
    system.none_left(before)
  end, { clock = "system" })

  helper.it("of what is cancelled are closed at once", function()
    local l <close>, port = listener()
    local before = system.n_descriptors()
    local tasks = {}
    for i = 1, 10 do tasks[i] = ebb.spawn(net.connect, "127.0.0.1", port) end
    ebb.yield()
    for i = 1, 10 do tasks[i]:cancel() end
    for i = 1, 10 do
      local ok, sock = tasks[i]:join()
      if ok then sock:close() end
    end
    system.none_left(before)
    assert.is_not_nil(l)
  end, { clock = "system" })
end)

--- The value of an upvalue: what is local to a file of ebb's.
local function upvalue(fn, name)
  for i = 1, 60 do
    local found, value = debug.getupvalue(fn, i)
    if found == name then return value end
  end
end

describe("the addresses of a name are tried", function()
  local connect_to_any = upvalue(upvalue(net.connect, "connect_to"), "connect_to_any")
  local port

  local function connect(address)
    if address == "silent" then
      ebb.sleep(60)
      return nil, "ETIMEDOUT: connection timed out", "ETIMEDOUT"
    end
    return net.connect(address, port)
  end

  local function try(list)
    local l <close>, own_port = listener()
    port = own_port
    local started = ebb.now()
    local sock, message, code = connect_to_any(list, function(address)
      if address == "refused" then return nil, "ECONNREFUSED: connection refused", "ECONNREFUSED" end
      return connect(address)
    end)
    if sock then sock:close() end
    assert.is_not_nil(l)
    return sock, ebb.now() - started, message, code
  end

  helper.it("until one answers (NT7)", function()
    local sock, span = try { "refused", "refused", "127.0.0.1" }
    assert.is_not_nil(sock)
    assert.is_true(span < 0.25)
  end)

  helper.it("each with a head start on the next", function()
    local sock, span = try { "silent", "silent", "127.0.0.1" }
    assert.is_not_nil(sock)
    assert.is_true(span >= 0.5 and span < 60)
  end)

  helper.it("and when none answers the first error is told", function()
    local sock, _, message, code = try { "refused", "silent" }
    assert.is_nil(sock)
    assert.equal("ECONNREFUSED: connection refused", message)
    assert.equal("ECONNREFUSED", code)
  end)
end)

describe("outside of tasks", function()
  it("sockets work too", function()
    local l <close> = assert(net.listen "127.0.0.1")
    local a <close> = assert(net.connect(l:local_address()))
    local b <close> = assert(l:accept())
    a:write "one\ntwo\n"
    assert.equal("one", b:read())
    assert.equal("two", b:lines()())
  end)
end)
