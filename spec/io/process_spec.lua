-- ebb.process: children that are spawned, read, waited for, killed and never left behind.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.runtime.support"
local system = require "spec.system"

local real = { clock = "system" }
local self_pid = assert(io.open "/proc/self/stat"):read "n"

--- The children of this process: their states ("S", "Z", …) by pid.
local function children()
  local found = {}
  local list <close> = io.popen "ls /proc"
  for name in list:lines() do
    local file = name:match "^%d+$" and io.open("/proc/" .. name .. "/stat")
    if file then
      -- it may have gone meanwhile
      local command, state, parent = (file:read "a" or ""):match "^%d+ %((.*)%) (%a) (%d+)"
      file:close()
      if tonumber(parent) == self_pid and command ~= "ls" and command ~= "sh" then
        found[tonumber(name)] = state
      end
    end
  end
  return found
end

local function n_children()
  local n = 0
  for _ in pairs(children()) do n = n + 1 end
  return n
end

local function is_alive(pid)
  local file = io.open(("/proc/%d/stat"):format(pid))
  if not file then return false end
  local state = (file:read "a" or ""):match "^%d+ %(.*%) (%a)"
  file:close()
  return state ~= nil and state ~= "Z"
end

describe("ebb.process", function()
  helper.it("spawns and waits: the code, or the signal (PR1)", function()
    local p <close> = assert(ebb.process.spawn { "sh", "-c", "exit 3" })
    assert.equal(3, p:wait())
    assert.equal(3, p:wait())
    support.contains("ended with 3", tostring(p))
    local q <close> = assert(ebb.process.spawn { "sleep", "100" })
    assert.is_true(is_alive(q.pid))
    support.contains("runs", tostring(q))
    assert.is_true(q:kill "term")
    assert.same({ nil, "term" }, { q:wait() })
    support.contains('ended by "term"', tostring(q))
    assert.is_nil(p.stdin or p.stdout or p.stderr or p.nothing)
  end, real)

  helper.it("is the op of its wait: select, timeout, many waiters, cancel", function()
    local p <close> = assert(ebb.process.spawn { "sleep", "100" })
    assert.same({ nil, "timeout" }, { table.unpack({ ebb.timeout(0.01, p) }, 1, 2) })
    assert.is_nil(ebb.try_select(p))
    local cancelled = ebb.spawn(p.wait, p)
    helper.settle()
    assert.equal("process wait", cancelled:waiting_on())
    cancelled:cancel()
    cancelled:join()
    local tasks = {}
    for i = 1, 3 do tasks[i] = ebb.spawn(p.wait, p) end
    helper.settle()
    p:kill(9)
    local which, none, name = ebb.select(ebb.never(), p:wait_op())
    assert.same({ 2, nil, "kill" }, { which, none, name })
    for i = 1, 3 do assert.same({ nil, "kill" }, { tasks[i]:await() }) end
    assert.equal(1, (ebb.try_select(p)))
  end, real)

  helper.it("errors of a spawn are three values, and leave nothing (PR6)", function()
    ebb.process.output { "true" }
    collectgarbage()
    collectgarbage()
    ebb.sleep(0.01)
    local before = system.n_descriptors()
    assert.same({ nil, "ENOENT: no such file or directory", "ENOENT" },
      { ebb.process.spawn { "/ebb no such program" } })
    -- searched for: a folder of PATH that this user cannot enter gives the other one
    local code = select(3, ebb.process.spawn { "ebb no such program" })
    assert.is_true(code == "ENOENT" or code == "EACCES", code)
    assert.equal("ENOENT", select(3, ebb.process.spawn { "true", cwd = "/no such place" }))
    assert.equal("EACCES", select(3, ebb.process.spawn { "/etc/passwd" }))
    for _ = 1, 100 do
      assert.equal("ENOENT", select(3, ebb.process.spawn { "/no/such", stdin = "pipe",
        stdout = "pipe", stderr = "pipe" }))
    end
    assert.equal("ENOENT", select(3, ebb.process.output { "/no/such" }))
    collectgarbage()
    system.none_left(before)
    assert.equal(0, n_children())
  end, real)

  helper.it("failed spawns beside a child do not lose its end (R126)", function()
    local p <close> = assert(ebb.process.spawn { "sleep", "0.05" })
    for _ = 1, 100 do assert.is_nil((ebb.process.spawn { "/no/such" })) end
    assert.equal(0, ebb.timeout(10, p))
  end, real)

  helper.it("arguments that are wrong throw", function()
    local spawn = ebb.process.spawn
    helper.throws("table of a program", spawn, "ls")
    helper.throws("a program and its arguments", spawn, {})
    helper.throws("unknown option 'wd'", spawn, { "ls", wd = "/" })
    helper.throws("item 2", spawn, { "ls", {} })
    helper.throws("item 1", spawn, { "a\0b" })
    helper.throws("option 'stdin'", spawn, { "ls", stdin = "stdout" })
    helper.throws("option 'stdout'", spawn, { "ls", stdout = ebb.channel() })
    helper.throws("option 'env'", spawn, { "ls", env = { ["a=b"] = "1" } })
    helper.throws("option 'env'", spawn, { "ls", env = { a = {} } })
    helper.throws("option 'cwd'", spawn, { "ls", cwd = 1 })
    helper.throws("option 'uid'", spawn, { "ls", uid = "root" })
    helper.throws("option 'input'", ebb.process.output, { "ls", input = 1 })
    local p <close> = assert(spawn { "sleep", "100" })
    helper.throws("unknown signal 'no'", p.kill, p, "no")
    helper.throws("name or number", p.kill, p, {})
    helper.throws("65", p.kill, p, 65)
  end, real)

  helper.it("environment and directory (PR6)", function()
    local env = { A = "one", B = 2, PATH = "/usr/bin:/bin" }
    local result = ebb.process.output { "env", env = env }
    local lines = {}
    for line in result.stdout:gmatch "[^\n]+" do lines[#lines + 1] = line end
    table.sort(lines)
    assert.same({ "A=one", "B=2", "PATH=/usr/bin:/bin" }, lines)
    assert.equal("/\n", ebb.process.output({ "pwd", cwd = "/" }).stdout)
    assert.equal(os.getenv "PATH" .. "\n", ebb.process.output({ "sh", "-c", "echo $PATH" }).stdout)
  end, real)

  helper.it("pipes: what is written is read, in lines, at the end eof", function()
    local p <close> = assert(ebb.process.spawn { "cat", stdin = "pipe", stdout = "pipe" })
    assert.is_nil(p.stderr)
    for i = 1, 3 do
      assert.equal(p.stdin, p.stdin:write("line ", i, "\n"))
      assert.equal("line " .. i, p.stdout:read())
    end
    assert.is_true(p.stdin:close())
    assert.same({ nil, "eof" }, { p.stdout:read() })
    assert.equal(0, p:wait())
  end, real)

  helper.it("output: both ends drained at once, input written meanwhile (PR3)", function()
    local result = assert(ebb.process.output { "sh", "-c",
      "head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2; cat; exit 5",
      input = ("i"):rep(300000) })
    assert.equal(5, result.code)
    assert.equal(600000, #result.stdout)
    assert.equal(300000, #result.stderr)
    assert.is_nil(result.signal)
    result = ebb.process.output { "sh", "-c", "kill -9 $$" }
    assert.same({ nil, "kill", "" }, { result.code, result.signal, result.stdout })
    -- input that nobody reads
    result = ebb.process.output { "true", input = ("i"):rep(300000) }
    assert.equal(0, result.code)
    assert.equal("a\nb\n", ebb.process.output({ "sh", "-c", "echo a; echo b >&2",
      stderr = "stdout" }).stdout)
  end, real)

  helper.it("a slow reader stops the writer; memory stays bounded", function()
    local p <close> = assert(ebb.process.spawn { "sh", "-c",
      "head -c 20000000 /dev/zero; echo done >&2", stdout = "pipe", stderr = "pipe" })
    local n = #p.stdout:read_some(1)
    ebb.sleep(0.02)
    assert.equal("timeout", select(2, ebb.timeout(0, p.stderr)))
    collectgarbage()
    local base, most = collectgarbage "count", 0
    while true do
      local data = p.stdout:read_some(65536)
      if not data then break end
      if n // 1000000 < (n + #data) // 1000000 then collectgarbage() end
      n = n + #data
      most = math.max(most, collectgarbage "count" - base)
    end
    assert.equal(20000000, n)
    assert.equal("done", p.stderr:read())
    assert.is_true(most < 8000, most)
  end, real)

  helper.it("writing to one that has ended is EPIPE, never a signal (R118)", function()
    local p <close> = assert(ebb.process.spawn { "true", stdin = "pipe" })
    p:wait()
    assert.same({ nil, "EPIPE: broken pipe", "EPIPE" }, { p.stdin:write "x" })
    assert.equal("EPIPE", select(3, p.stdin:write(("x"):rep(1000000))))
  end, real)

  helper.it("streams as stdin and stdout", function()
    local path = os.tmpname()
    do
      local out <close> = assert(ebb.io.open(path, "w"))
      assert.equal(0, assert(ebb.process.spawn { "echo", "to a file", stdout = out }):wait())
    end
    local from <close> = assert(ebb.io.open(path))
    assert.equal("to a file\n", ebb.process.output({ "cat", stdin = from }).stdout)
    from:close()
    helper.throws("option 'stdin'", ebb.process.spawn, { "cat", stdin = from })
    local first <close> = assert(ebb.process.spawn { "echo", "piped", stdout = "pipe" })
    os.remove(path)
    assert.equal("piped\n", ebb.process.output({ "cat", stdin = first.stdout }).stdout)
  end, real)

  helper.it("a socket as stdin and stdout", function()
    local listener <close> = assert(ebb.net.listen("127.0.0.1", 0))
    local _, port = listener:local_address()
    local ours <close> = assert(ebb.net.connect("127.0.0.1", port))
    local theirs = assert(listener:accept())
    local p <close> = assert(ebb.process.spawn { "cat", stdin = theirs, stdout = theirs })
    theirs:close()
    assert(ours:write "echoed\n")
    assert.equal("echoed", ours:read())
    assert(ours:shutdown())
    assert.same({ nil, "eof" }, { ours:read() })
    assert.equal(0, p:wait())
  end, real)

  helper.it("null: nothing to read, nowhere to write", function()
    local result = ebb.process.output { "sh", "-c", "cat; echo x >&2", stdin = "null",
      stderr = "null" }
    assert.equal("", result.stdout)
    assert.is_nil(result.stderr)
    assert.equal(0, result.code)
  end, real)

  helper.it("killed after its end: ESRCH, and nobody else is hit (PR4)", function()
    local p <close> = assert(ebb.process.spawn { "true" })
    p:wait()
    assert.same({ nil, "ESRCH: no such process", "ESRCH" }, { p:kill "term" })
    p:close()
    assert.same({ nil, "closed" }, { p:kill "term" })
    assert.equal(0, p:wait())
  end, real)

  helper.it("closed: it has ended and is no zombie (PR2, R126)", function()
    local pid, waiter
    do
      local p <close> = assert(ebb.process.spawn { "sleep", "100", stdout = "pipe" })
      pid = p.pid
      waiter = ebb.spawn(p.wait, p)
      helper.settle()
    end
    assert.same({ nil, "closed" }, { waiter:await() })
    helper.eventually(nil, function() return (io.open(("/proc/%d/stat"):format(pid))) end)
    assert.equal(0, n_children())
  end, real)

  helper.it("collected: likewise (PR2)", function()
    for _ = 1, 5 do assert(ebb.process.spawn { "sleep", "100" }) end
    collectgarbage()
    collectgarbage()
    helper.eventually(0, function()
      collectgarbage()
      return n_children()
    end)
  end, real)

  it("the runtime's end: likewise", function()
    local rt = helper.runtime(real)
    local kept = {}
    rt:run(function()
      for i = 1, 20 do kept[i] = assert(ebb.process.spawn { "sleep", "100" }) end
    end)
    assert.equal(20, n_children())
    rt:close()
    assert.equal(0, n_children())
    for i = 1, 20 do
      assert.same({ nil, "kill" }, { kept[i]:wait() })
      kept[i]:close()
    end
  end)

  it("the state's end: likewise", function()
    local result = support.child [[
      local ebb = require "ebb"
      ebb.run(function()
        p = assert(ebb.process.spawn { "sleep", "100", stdout = "null" })
        print(p.pid)
      end)
    ]]
    assert.equal(0, result.code)
    assert.is_false(is_alive(tonumber(result.out)))
  end)

  helper.it("detached: it lives on; its status is taken when it ends", function()
    local p = assert(ebb.process.spawn { "sleep", "100" })
    assert.equal(p, p:detach())
    support.contains("detached", tostring(p))
    local pid = p.pid
    p:close()
    assert.is_true(is_alive(pid))
    assert.same({ nil, "closed" }, { p:wait() })
    os.execute("kill " .. pid)
    helper.eventually(0, n_children)
  end, real)

  it("detached: it outlives the runtime; later spawns take its status", function()
    local pid
    helper.run(function()
      pid = assert(ebb.process.spawn { "sleep", "100" }):detach().pid
    end, real)
    assert.is_true(is_alive(pid))
    os.execute("kill " .. pid)
    helper.run(function()
      helper.eventually(false, function() return is_alive(pid) end)
      ebb.process.output { "true" }
      assert.equal(0, n_children())
    end, real)
  end)

  helper.it("a group is killed as a whole", function()
    local p <close> = assert(ebb.process.spawn { "sh", "-c", "sleep 100 & echo $!; wait",
      stdout = "pipe", group = true })
    local pid = p.stdout:read "n"
    assert.is_true(is_alive(pid))
    p:close()
    helper.eventually(false, function() return is_alive(pid) end)
  end, real)

  helper.it("stop: asked to end, then made to", function()
    local p <close> = assert(ebb.process.spawn { "sleep", "100" })
    assert.same({ nil, "term" }, { p:stop() })
    local q <close> = assert(ebb.process.spawn { "sh", "-c",
      "trap '' TERM; echo ready; while :; do sleep 0.01; done", stdout = "pipe" })
    assert.equal("ready", q.stdout:read())
    assert.same({ nil, "kill" }, { q:stop(0.03) })
    assert.same({ nil, "kill" }, { q:stop(0) })
  end, real)

  helper.it("a timeout around output ends the process", function()
    local value, why = ebb.timeout(0.05, ebb.process.output, { "sleep", "100" })
    assert.same({ nil, "timeout" }, { value, why })
    helper.eventually(0, n_children)
  end, real)

  helper.it("R126 a thousand children at once: each has its status, no zombie is left", function()
    local list = {}
    for i = 1, 1000 do
      list[i] = assert(ebb.process.spawn { "sh", "-c", "exit " .. i % 256, stdin = "null" })
    end
    for i = 1, 1000 do assert.equal(i % 256, (list[i]:wait())) end
    assert.equal(0, n_children())
  end, real)

  it("R126 SIGCHLD's handler from before is back after the last one (SG2)", function()
    support.prints("true\ttrue\n", [[
      local ebb = require "ebb"
      local function mask(name)
        for line in io.lines "/proc/self/status" do
          local value = line:match("^" .. name .. ":%s*(%x+)")
          if value then return tonumber(value:sub(-8), 16) & (1 << 16) ~= 0 end
        end
      end
      local before, during = mask "SigCgt", nil
      ebb.run(function()
        local p <close> = assert(ebb.process.spawn { "sleep", "0.01" })
        during = mask "SigCgt"
        p:wait()
        ebb.process.spawn { "/no/such" }
        ebb.yield()
      end)
      print(during, mask "SigCgt" == before)
    ]])
  end)

  it("R128 children that end after the runtime was closed are harmless", function()
    support.prints("fine\n", [[
      local ebb = require "ebb"
      for _ = 1, 5 do
        local rt = ebb.runtime()
        rt:run(function()
          for _ = 1, 5 do
            assert(ebb.process.spawn { "sleep", "0.02" }):detach()
            assert(ebb.process.spawn { "sleep", "0.02" })
          end
        end)
        rt:close()
      end
      os.execute "sleep 0.05"
      ebb.run(function() assert(ebb.process.output { "true" }) end)
      print "fine"
    ]])
  end)

  it("two runtimes with children each", function()
    local first, second = ebb.runtime { name = "a" }, ebb.runtime { name = "b" }
    local p, q
    first:run(function() p = assert(ebb.process.spawn { "sh", "-c", "exit 1" }) end)
    second:run(function() q = assert(ebb.process.spawn { "sh", "-c", "sleep 0.05; exit 2" }) end)
    first:run(function() assert.equal(1, (p:wait())) end)
    first:close()
    second:run(function() assert.equal(2, (q:wait())) end)
    second:close()
  end)

  it("belongs to its runtime while it runs", function()
    local p
    local rt = helper.runtime(real)
    rt:run(function() p = assert(ebb.process.spawn { "sleep", "100" }) end)
    helper.run(function() helper.throws("EBB052", p.wait, p) end, real)
    rt:close()
  end)

  it("R116 without descriptors: an error, and it works again with them", function()
    local path = support.file [[
      local ebb = require "ebb"
      ebb.run(function()
        assert(ebb.process.output { "true" })
        local files = {}
        while true do
          local file = io.open "/dev/null"
          if not file then break end
          files[#files + 1] = file
        end
        local _, _, code = ebb.process.spawn { "true", stdout = "pipe" }
        for _, file in ipairs(files) do file:close() end
        print(code, ebb.process.output({ "true" }).code)
      end)
    ]]
    collectgarbage() -- files of Lua's own are inherited
    collectgarbage()
    local result = support.shell(("ulimit -n 128; exec %s %s"):format(support.interpreter(), path))
    os.remove(path)
    assert.equal("EMFILE\t0\n", result.out, result.err)
  end)

  it("nothing but a child to wait for is no deadlock; one that nobody waits for is none to wait for",
    function()
      local rt = helper.runtime()
      rt:run(function()
        local p <close> = assert(ebb.process.spawn { "sleep", "0.05" })
        assert.equal(0, p:wait())
      end)
      helper.throws("deadlock", rt.run, rt, function()
        local _ <close> = assert(ebb.process.spawn { "sleep", "100" })
        ebb.never():await()
      end)
      rt:close()
    end)
end)
