-- What INVENTORY and RELIABILITY list of streams, files, processes and threads, and no other spec
-- names.
local ebb = require "ebb"
local helper = require "spec.helper"

local real = { clock = "system" }

--- fn(client, server) with two connected TCP sockets.
local function connected(fn)
  local listener <close> = assert(ebb.net.listen("127.0.0.1", 0))
  local _, port = listener:local_address()
  local accepted = ebb.spawn(listener.accept, listener)
  local client <close> = assert(ebb.net.connect("127.0.0.1", port))
  local server <close> = assert(accepted:await())
  fn(client, server)
end

describe("a socket", function()
  helper.it("gives what had come before the end, then eof (NT2)", function()
    connected(function(client, server)
      client:write("the last words")
      client:close()
      assert.equal("the last ", server:read_exactly(9))
      assert.equal("words", server:read_some())
      assert.same({ nil, "eof" }, { server:read_some() })
      assert.same({ nil, "eof" }, { server:read "l" })
    end)
  end, real)

  helper.it("whose peer is gone fails to write, and the process lives (NT2, R118)", function()
    connected(function(client, server)
      client:close()
      local ok, message, code
      for _ = 1, 5000 do
        ok, message, code = server:write(("x"):rep(1000))
        if not ok then break end
        ebb.sleep(0.001)
      end
      assert.is_nil(ok)
      assert.is_truthy(code == "EPIPE" or code == "ECONNRESET", tostring(code))
      assert.equal(code, message:match "^%u+")
    end)
  end, real)

  helper.it("that is half closed still reads (NT4, R119)", function()
    connected(function(client, server)
      client:write "question"
      client:shutdown()
      assert.equal("question", server:read "a")
      server:write "answer"
      server:close()
      assert.equal("answer", client:read "a")
    end)
  end, real)
end)

describe("a socket that is not waited for (NT5):", function()
  helper.it("peek leaves the bytes, try_read takes those that are there", function()
    connected(function(client, server)
      assert.same({ nil, "empty" }, { server:try_read() })
      client:write "some bytes"
      assert.equal("some bytes", server:peek())
      assert.equal("some", server:peek(4))
      assert.equal("some", server:try_read(4))
      assert.equal(" bytes", server:peek())
      assert.equal(" ", server:read(1))
      assert.equal("bytes", server:read_some())
      assert.equal("timeout", select(2, ebb.timeout(0.01, server.peek, server)))
      client:close()
      assert.same({ nil, "eof" }, { server:peek() })
      assert.same({ nil, "eof" }, { server:try_read() })
      server:close()
      assert.same({ nil, "closed" }, { server:peek() })
      assert.same({ nil, "closed" }, { server:try_read() })
    end)
  end, real)

  helper.it("try_write takes what there is room for, writable_op happens when there is some", function()
    connected(function(client, server)
      local n, piece = 0, ("x"):rep(65536)
      assert.is_true(ebb.await(client:writable_op()))
      local taken, why
      repeat
        taken, why = client:try_write(piece)
        n = n + (taken or 0)
      until not taken
      assert.equal("full", why)
      assert.equal(n, client:written())
      assert.equal("timeout", select(2, ebb.timeout(0.01, client:writable_op())))
      local reader = ebb.spawn(function() return server:read_exactly(n) end)
      assert.equal(1, (ebb.select(client:writable_op(), client:writable_op())))
      assert.is_true(client:try_write "more" == 4)
      assert.equal(n, #reader:await())
      assert.equal("more", server:read(4))
      client:shutdown()
      assert.same({ nil, "EPIPE: broken pipe", "EPIPE" }, { client:try_write "x" })
      client:close()
      assert.same({ nil, "closed" }, { client:try_write "x" })
      assert.same({ nil, "closed" }, { ebb.await(client:writable_op()) })
    end)
  end, real)

  helper.it("the same of a pair in memory", function()
    local a, b = ebb.net.duplex(4)
    assert.equal(4, a:try_write "123456")
    assert.same({ nil, "full" }, { a:try_write "56" })
    assert.equal("1234", b:peek())
    local waiting = ebb.spawn(ebb.await, a:writable_op())
    helper.settle()
    assert.equal("waiting", waiting:status())
    helper.throws("EBB046", a.try_write, a, "x")
    assert.equal("12", b:try_read(2))
    assert.is_true(waiting:await())
    assert.equal(2, a:try_write "56")
    assert.equal("3456", b:read_some())
    a:close()
    assert.same({ nil, "eof" }, { b:peek() })
    assert.same({ nil, "EPIPE: broken pipe", "EPIPE" }, { b:try_write "x" })
  end)

  helper.it("sizes of buffers, lifetime, nodelay, linger, the error that nobody was told", function()
    connected(function(client, server)
      assert.equal(client, client:send_buffer(65536))
      assert.is_true(client:send_buffer() >= 65536)
      assert.equal(client, client:receive_buffer(65536))
      assert.is_true(client:receive_buffer() >= 65536)
      assert.equal(client, client:ttl(17))
      assert.equal(17, client:ttl())
      helper.throws("bad argument", client.ttl, client, 0)
      assert.equal(client, client:nodelay(true))
      assert.is_nil(client:take_error())
      assert.equal(server, server:linger(0))
      server:close() -- resets
      local message, code
      for _ = 1, 500 do
        _, message, code = client:take_error()
        if code then break end
        ebb.sleep(0.005)
      end
      assert.same({ "ECONNRESET: connection reset by peer", "ECONNRESET" }, { message, code })
      assert.is_nil(client:take_error())
      client:close()
      assert.same({ nil, "closed" }, { client:ttl() })
      assert.same({ nil, "closed" }, { client:take_error() })
      assert.same({ nil, "closed" }, { client:send_buffer() })
    end)
  end, real)

  helper.it("is two halves: one task reads it while another writes, no third one (NT4)", function()
    connected(function(client, server)
      local function echo(sock, n, byte)
        local writer = ebb.spawn(function()
          sock:write(byte:rep(n))
          sock:shutdown()
        end)
        local all = sock:read "a"
        writer:await()
        return all
      end
      local n = 1 << 20
      local other = ebb.spawn(echo, server, n, "b")
      assert.equal(n, select(2, echo(client, n, "a"):gsub("b", "b")))
      assert.equal(n, select(2, other:await():gsub("a", "a")))
      assert.same({ nil, "EPIPE: broken pipe", "EPIPE", 0 }, { client:write "x" }) -- its half is shut down
    end)
    local a, b = ebb.net.duplex(1)
    local reader, writer = ebb.spawn(a.read, a), ebb.spawn(a.write, a, "12")
    helper.settle()
    helper.throws("EBB046", a.read, a)
    helper.throws("EBB046", a.write, a, "x")
    b:close()
    reader:join()
    writer:join()
  end, real)
end)

describe("parts and joins of streams (IO9):", function()
  helper.it("copy takes at most so many bytes, and several sources go into one", function()
    local a, b = ebb.net.duplex()
    a:write "head and tail"
    local c, d = ebb.net.duplex()
    assert.equal(4, ebb.copy(b, c, 4))
    assert.equal("head", d:read_some())
    assert.equal(0, ebb.copy(b, c, 0))
    a:shutdown()
    assert.equal(9, ebb.copy(b, c, 100))
    local e, f = ebb.net.duplex()
    e:write "; chained"
    e:shutdown()
    assert.equal(9, ebb.copy(f, c))
    c:shutdown()
    assert.equal(" and tail; chained", d:read "a")
    assert.equal(0, ebb.copy(f, c)) -- an empty one
    helper.throws("bad argument #3 to 'copy'", ebb.copy, b, c, -1)
    helper.throws("bad argument #3 to 'copy'", ebb.copy, b, c, "x")
  end)

  helper.it("integers of every size in both orders", function()
    local a, b = ebb.net.duplex()
    for _, format in ipairs { "<i1", ">i2", "<i4", ">i8", "<I3", ">d", "<f" } do
      a:write(format:pack(100))
      assert.equal(100, (format:unpack(b:read_exactly(format:packsize()))))
    end
    a:write "\1"
    a:shutdown()
    assert.same({ nil, "eof", "\1" }, { b:read_exactly(2) })
  end)

  helper.it("a write of nothing is done at once, one that comes no further waits", function()
    local a = ebb.net.duplex(1)
    assert.equal(a, a:write "")
    assert.equal(a, a:write("x", ""))
    assert.equal(a, a:write(""))
    assert.same({ nil, "timeout" }, { select(1, ebb.timeout(0.01, a.write, a, "y")), "timeout" })
    assert.equal(1, a:written())
  end)
end)

describe("lines", function()
  helper.it("have no empty one at the end, and keep those in between (IO6)", function()
    local a, b = ebb.net.duplex()
    a:write "one\n\ntwo\n"
    a:shutdown()
    local got = {}
    for line in b:lines() do got[#got + 1] = line end
    assert.same({ "one", "", "two" }, got)
  end)

  helper.it("that are too long are an error once; the rest of it is what comes next (IO10, R122)", function()
    local a, b = ebb.net.duplex()
    a:write(("x"):rep(50) .. "\nshort\n")
    local line, why, part = b:read_until("\n", 20)
    assert.same({ nil, "too long" }, { line, why })
    local rest = b:read "l"
    assert.equal(50, #part + #rest)
    assert.equal("short\n", b:read_until("\n", 20))
  end)
end)

describe("duplex stands for a peer in tests (IO11)", function()
  helper.it("with scripted answers and delays", function()
    local client, server = ebb.net.duplex()
    ebb.go(function()
      assert.equal("HELO", server:read "l")
      ebb.sleep(3)
      server:write "250 "
      ebb.sleep(2)
      server:write "ok\n"
    end)
    local began = ebb.now()
    client:write "HELO\n"
    assert.equal("250 ok", client:read "l")
    assert.is_true(math.abs(ebb.now() - began - 5) < 1e-6)
  end)
end)

describe("a cancelled write of a file", function()
  helper.it("is no longer waited for, and may still happen, whole (FS2)", function()
    local dir = assert(ebb.fs.mkdtemp "/tmp/ebb-spec-")
    local path, text = dir .. "/file", ("x"):rep(100000)
    local task = ebb.spawn(ebb.fs.write, path, text)
    helper.settle()
    task:cancel()
    task:join()
    local size
    for _ = 1, 200 do
      local stat = ebb.fs.stat(path)
      size = stat and stat.size
      if not size or size == #text then break end
      ebb.sleep(0.005)
    end
    assert.is_true(size == nil or size == #text, tostring(size))
    ebb.fs.remove(path)
    ebb.fs.remove(dir)
  end, real)
end)

describe("a process", function()
  helper.it("can be asked without waiting, and is killed without waiting (PR5)", function()
    local p <close> = assert(ebb.process.spawn { "sleep", "100" })
    assert.is_nil(ebb.try_select(p))
    assert.is_true(p.pid > 0)
    p:kill "kill"
    assert.same({ nil, "kill" }, { p:wait() })
    assert.same({ nil, "kill" }, { p:wait() })
  end, real)

  helper.it("has the directory and the environment that it was given, else its parent's (R158)", function()
    local here = assert(ebb.fs.realpath ".")
    assert.equal(here .. "\n", ebb.process.output { "pwd" }.stdout)
    assert.equal("/\n", ebb.process.output { "pwd", cwd = "/" }.stdout)
    local home = os.getenv "PATH"
    assert.equal(home, ebb.process.output { "sh", "-c", 'printf %s "$PATH"' }.stdout)
    local out = ebb.process.output { "/usr/bin/env", env = { EBB_SPEC = "only this" } }.stdout
    assert.equal("EBB_SPEC=only this\n", out)
  end, real)
end)

describe("a thread's job", function()
  helper.it("has as many arguments and results as a function can (R114)", function()
    local list = {}
    for i = 1, 200 do list[i] = i end
    local got = table.pack(ebb.blocking(function(...) return ... end, table.unpack(list)))
    assert.equal(200, got.n)
    assert.equal(200, got[200])
  end, real)

  helper.it("is no bytecode: a string names a function (R110, R152)", function()
    local code = string.dump(function() return 1 end)
    assert.is_false(pcall(ebb.blocking, code))
    assert.is_false(pcall(ebb.blocking, "no such module:run"))
  end, real)

  helper.it("that sends after the channel was closed is told so (R113)", function()
    local ch = ebb.thread.channel(1)
    ch:close()
    local ok, why = ebb.blocking(function(to) return to:send(1) end, ch)
    assert.same({ nil, "closed" }, { ok, why })
  end, real)
end)

describe("a signal that comes while calls of the system wait", function()
  helper.it("is not seen by them: no EINTR (R129)", function()
    local usr1 <close> = ebb.signal "usr1"
    local stop = false
    local sender = ebb.spawn(function()
      while not stop do
        ebb.process.output { "sh", "-c", "kill -USR1 $PPID" }
      end
    end)
    -- It ends before the subscription does: a signal that came later would end this process.
    local _ <close> = setmetatable({}, { __close = function()
      stop = true
      sender:join()
    end })
    connected(function(client, server)
      ebb.go(function()
        for i = 1, 50 do
          client:write(i .. "\n")
          ebb.sleep(0.002)
        end
        client:shutdown()
      end)
      local n = 0
      for line in server:lines() do
        n = n + 1
        assert.equal(tostring(n), line)
      end
      assert.equal(50, n)
      assert.is_true(#ebb.fs.read "spec/io/further_spec.lua" > 1000)
    end)
    stop = true
    sender:join()
    assert.equal("usr1", usr1:recv())
  end, real)
end)
