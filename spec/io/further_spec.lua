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
      for _ = 1, 100 do
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
