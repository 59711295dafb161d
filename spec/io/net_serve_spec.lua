-- net.serve, many connections, too many of them.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.io.net_support"

local net = ebb.net
local failing, listener = support.failing, support.listener
local real = { clock = "system" }

--- A running server: its port, its task, its token.
local function serve(handler, opts)
  local l, port = listener()
  opts = opts or {}
  opts.token = ebb.token()
  return port, ebb.spawn(net.serve, l, handler, opts), opts.token
end

local function connect(port) return assert(net.connect("127.0.0.1", port)) end

local function echo(sock)
  for data in sock:lines(1) do sock:write(data) end
end

describe("net.serve", function()
  helper.it("runs the handler for each connection and closes its socket", function()
    local kept
    local port, task, token = serve(function(sock)
      kept = sock
      sock:write(sock:read():upper(), "\n")
    end)
    local a <close> = connect(port)
    a:write "hello\n"
    assert.equal("HELLO\n", a:read "a")
    assert.equal("ebb.socket: closed", tostring(kept))
    token:cancel()
    assert.is_true(task:await())
  end)

  helper.it("reports a handler that fails and keeps serving", function(errors)
    local port, task, token = serve(function(sock)
      if sock:read() == "fail" then error "as it was asked to" end
      sock:write "fine"
    end)
    local a <close> = connect(port)
    a:write "fail\n"
    assert.equal("", a:read "a")
    local b <close> = connect(port)
    b:write "work\n"
    assert.equal("fine", b:read "a")
    token:cancel()
    task:await()
    assert.equal(1, #errors)
    assert.truthy(tostring(errors[1].err):find "as it was asked to")
    errors[1] = nil
  end)

  helper.it("serves max_connections at a time, the others after them", function()
    local now, most = 0, 0
    local port, task, token = serve(function(sock)
      now = now + 1
      most = math.max(most, now)
      sock:read()
      now = now - 1
    end, { max_connections = 2 })
    local n = 0
    ebb.map({ 1, 2, 3, 4, 5, 6 }, function()
      local a <close> = connect(port)
      for i = 1, 10000 do -- until another one is served, too
        ebb.yield()
        if i >= 20 and most >= 2 then break end
      end
      a:write "x\n"
      a:read "a"
      n = n + 1
    end)
    assert.equal(6, n)
    assert.equal(2, most)
    token:cancel()
    task:await()
  end)

  helper.it("drains: accepts no more, lets the handlers end", function()
    local port, task, token = serve(echo)
    local a <close> = connect(port)
    a:write "x"
    assert.equal("x", a:read(1))
    token:cancel()
    helper.settle()
    failing("ECONNREFUSED: connection refused", "ECONNREFUSED", net.connect("127.0.0.1", port))
    a:write "y"
    assert.equal("y", a:read(1))
    assert.equal("waiting", task:status())
    a:shutdown()
    assert.is_true(task:await())
  end, real)

  helper.it("after `grace` seconds the handlers are cancelled", function()
    local port, task, token = serve(echo, { grace = 0.05 })
    local a <close> = connect(port)
    a:write "x"
    assert.equal("x", a:read(1))
    token:cancel()
    assert.is_true(task:await())
    assert.equal("", a:read "a")
  end, real)

  helper.it("cancelled, it closes everything", function()
    local port, task = serve(echo)
    local a <close> = connect(port)
    a:write "x"
    assert.equal("x", a:read(1))
    task:cancel()
    assert.is_false(task:join())
    assert.equal("", a:read "a")
    failing("ECONNREFUSED: connection refused", "ECONNREFUSED", net.connect("127.0.0.1", port))
  end)

  helper.it("cancelled, it closes the sockets of handlers that have not begun #fifo", function()
    local ran = false
    local port, task = serve(function() ran = true end)
    local _ <close> = setmetatable({}, { __close = function() collectgarbage "restart" end })
    collectgarbage "stop" -- it would close what is left open
    helper.settle()
    ebb.go(function() -- it has its connection, and has still to begin the handler
      repeat ebb.yield() until task:status() == "ready"
      task:cancel()
    end)
    local a <close> = connect(port)
    assert.equal("", (ebb.timeout(20, a.read, a, "a")))
    assert.is_false(ran)
  end, real)

  helper.it("ends when its listener closes", function()
    local l, port = listener()
    local task = ebb.spawn(net.serve, l, echo)
    connect(port):close()
    l:close()
    assert.is_true(task:await())
  end)

  helper.it("listens itself, and says when it does", function()
    local token, port = ebb.token(), nil
    local task = ebb.spawn(net.serve, "127.0.0.1", 0, echo, {
      token = token, ready = function(l) port = select(2, l:local_address()) end,
    })
    while not port do ebb.yield() end
    connect(port):close()
    token:cancel()
    assert.is_true(task:await())
    local _ <close>, taken = listener()
    failing("EADDRINUSE: address already in use", "EADDRINUSE",
      net.serve("127.0.0.1", taken, echo))
  end)
end)

--- The whole command, in a process of its own with few descriptors.
local function run_with_descriptors(n, script)
  local name = os.tmpname()
  local file <close> = assert(io.open(name, "w"))
  file:write(script)
  file:flush()
  local command = os.getenv "EBB_SPEC_LUA" or "lua5.4"
  local result = assert(ebb.process.output { "sh", "-c",
    ("ulimit -n %d && exec %s %s 2>&1"):format(n, command, name) })
  os.remove(name)
  return result.stdout, result.code
end

describe("too many open files:", function()
  helper.it("the listener pauses and recovers, connect fails with EMFILE (R116)", function()
    local output, code = run_with_descriptors(40, [[
      local ebb = require "ebb"
      ebb.run(function()
        local l <close> = assert(ebb.net.listen("127.0.0.1"))
        local _, port = l:local_address()
        local clients, served = {}, {}
        while true do
          local sock, message, code = ebb.net.connect("127.0.0.1", port)
          if not sock then
            print(message, code)
            break
          end
          clients[#clients + 1] = sock
        end
        local acceptor = ebb.spawn(function()
          for i = 1, #clients do served[i] = assert(l:accept()) end
        end)
        for _ = 1, 2000 do
          ebb.sleep(0.001)
          if tostring(l):find "pausing" then break end
        end
        print(tostring(l):match "pausing, too many open files", #served)
        for i = 1, #clients // 2 do clients[i]:close() end
        ebb.sleep(0)
        ebb.timeout(10, function()
          while #served < #clients // 2 - 2 do ebb.sleep(0.01) end
        end)
        print(#served >= #clients // 2 - 2)
        acceptor:cancel()
      end)]])
    assert.equal("EMFILE: too many open files\tEMFILE\npausing, too many open files\t0\ntrue\n",
      output)
    assert.equal(0, code)
  end, real)
end)
