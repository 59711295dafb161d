-- ebb.signal and ebb.ctrl_c: subscriptions in this process, and what they leave behind in processes of their own.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.runtime.support"

local real = { clock = "system" }
local pid = assert(io.open "/proc/self/stat"):read "n"

--- Sends this process a signal, at once (but SIGINT, which os.execute ignores meanwhile).
local function kill(name)
  assert(os.execute(("kill -%s %d"):format(name, pid)))
end

--- The same, after so many seconds and not before this process waits.
local kill_later = support.kill_later

--- Lua source of the two, for programs of their own.
local head = support.kill_later_source .. [[
local ebb = require "ebb"
local function kill(name) os.execute(("kill -%s %d"):format(name, pid)) end
local function interrupted(fn, ...)
  local ok, err = pcall(fn, ...)
  return not ok and tostring(err):find("interrupted!", 1, true) ~= nil
end
local function spin() while true do end end
]]

local function prints(expected, program)
  return support.prints(expected, head .. program)
end

describe("ebb.signal", function()
  helper.it("receives its signal's name", function()
    local s <close> = ebb.signal "usr1"
    kill_later(0.05, "USR1")
    assert.equal("usr1", s:recv())
  end, real)

  helper.it("keeps what came before it is asked for, once (SG1)", function()
    local s <close> = ebb.signal "usr1"
    for _ = 1, 5 do kill "USR1" end
    helper.eventually(true, function() return tostring(s):find("one arrived", 1, true) ~= nil end)
    assert.equal("usr1", s:recv())
    assert.equal("timeout", select(2, ebb.timeout(0.02, s)))
  end, real)

  helper.it("every subscription gets each signal (SG1, SG3)", function()
    local list, got = {}, {}
    for i = 1, 5 do list[i] = ebb.signal "usr2" end
    for i = 1, 5 do got[i] = ebb.spawn(list[i].recv, list[i]) end
    kill_later(0.05, "USR2")
    for i = 1, 5 do assert.equal("usr2", got[i]:await()) end
    for i = 1, 5 do list[i]:close() end
  end, real)

  helper.it("of several that wait for one subscription the first gets it", function()
    local s <close> = ebb.signal "usr1"
    local first = ebb.spawn(s.recv, s)
    helper.settle()
    local second = ebb.spawn(s.recv, s)
    helper.settle()
    kill "USR1"
    assert.equal("usr1", first:await())
    assert.equal("waiting", second:status())
    kill "USR1"
    assert.equal("usr1", second:await())
  end, real)

  helper.it("signals do not mix", function()
    local one <close> = ebb.signal "usr1"
    local two <close> = ebb.signal "usr2"
    kill "USR2"
    assert.equal("usr2", two:recv())
    assert.equal("timeout", select(2, ebb.timeout(0.02, one)))
  end, real)

  helper.it("is an op: select, await, map, a branch not taken loses nothing", function()
    local s <close> = ebb.signal "usr1"
    assert.equal(2, (ebb.select(s, ebb.after(0.01))))
    kill_later(0.02, "USR1")
    local i, name = ebb.select(ebb.channel(), s)
    assert.equal(2, i)
    assert.equal("usr1", name)
    kill "USR1"
    helper.eventually(true, function() return tostring(s):find("one arrived", 1, true) ~= nil end)
    local ready = ebb.channel(1)
    ready:send(1)
    for _ = 1, 10 do
      if ebb.select(ready, s) == 2 then kill "USR1" else ready:send(1) end
    end
    assert.equal("USR1", s:map(string.upper):await())
    kill "USR1"
    assert.equal("usr1", s:recv_op():await())
  end, real)

  helper.it("a cancel does not take a signal", function()
    local s <close> = ebb.signal "usr1"
    local task = ebb.spawn(s.recv, s)
    helper.settle()
    support.contains("waiting (signal)", tostring(task))
    task:cancel()
    task:join()
    kill "USR1"
    assert.equal("usr1", s:recv())
  end, real)

  helper.it("the wanted names (SG5)", function()
    for _, name in ipairs { "int", "term", "hup", "usr1", "usr2", "winch", "quit", "chld", "cont", "pipe", "alrm", "io" } do
      local s <close> = ebb.signal(name)
      assert.equal(('ebb.signal: "%s" open'):format(name), tostring(s))
    end
  end)

  helper.it("no others (SG4)", function()
    for _, name in ipairs { "kill", "stop", "segv", "ill", "fpe" } do
      helper.throws(("signal '%s' cannot be received"):format(name), ebb.signal, name)
    end
    for _, name in ipairs { "", "foo", "INT", "SIGINT", "in\0t" } do
      helper.throws("unknown signal", ebb.signal, name)
    end
    helper.throws("name of a signal expected, got number", ebb.signal, 2)
    helper.throws("name of a signal expected, got no value", ebb.signal)
    local here = support.here(1)
    support.contains(here, helper.throws("unknown", function() local s = ebb.signal "foo" return s end))
  end)

  helper.it("close", function()
    local s = ebb.signal "usr1"
    local waiting = ebb.spawn(function() return s:recv() end)
    ebb.yield()
    kill "USR1"
    assert.equal("usr1", waiting:await())
    waiting = ebb.spawn(function() return s:recv() end)
    ebb.yield()
    s:close()
    s:close()
    assert.same({ true, nil, "closed", n = 3 }, table.pack(waiting:join()))
    assert.same({ nil, "closed", n = 2 }, table.pack(s:recv()))
    assert.equal('ebb.signal: "usr1" closed', tostring(s))
  end, real)

  helper.it("closed with one that nobody took", function()
    local s = ebb.signal "usr1"
    local other <close> = ebb.signal "usr1"
    kill "USR1"
    other:recv()
    s:close()
    assert.equal("closed", select(2, s:recv()))
  end, real)

  it("wants a self", function()
    local s <close> = ebb.signal "usr1"
    helper.throws("ebb.signal expected", s.recv, {})
    helper.throws("ebb.signal expected", s.close)
    assert.equal("ebb.signal", getmetatable(s))
  end)

  it("many are opened and closed", function()
    for _ = 1, 1000 do
      local s <close> = ebb.signal "usr1"
      local _ <close> = ebb.signal "winch"
      assert.truthy(s)
    end
  end)

  it("is no deadlock to wait for, with either clock", function()
    for _, clock in ipairs { "system", "virtual" } do
      helper.run(function()
        local s <close> = ebb.signal "usr1"
        kill_later(0.1, "USR1")
        assert.equal("usr1", s:recv())
      end, { clock = clock })
    end
  end)

  it("is one to wait for something else once it is closed", function()
    helper.throws("deadlock", helper.run, function()
      ebb.signal "usr1":close()
      ebb.channel():recv()
    end)
  end)

  it("virtual time goes on meanwhile", function()
    helper.run(function()
      local s <close> = ebb.signal "usr1"
      assert.equal("timeout", select(2, ebb.timeout(3600, s)))
    end)
  end)

  it("several runtimes each get it, also after another one was closed (SG3)", function()
    support.with_runtime(function(one)
      local first = one:spawn(function()
        local s <close> = ebb.signal "usr1"
        return s:recv(), s:recv()
      end)
      support.with_runtime(function(two)
        local second = two:spawn(function()
          local s = ebb.signal "usr1"
          return s:recv()
        end)
        one:step(0)
        two:step(0)
        kill "USR1"
        support.step_until(two, function() return second:status() == "done" end)
        support.step_until(one, function() one:step(0) return one:metrics().polls >= 2 end)
        assert.equal("usr1", select(2, second:join()))
      end, real)
      kill "USR1"
      support.step_until(one, function() return first:status() == "done" end)
      assert.same({ true, "usr1", "usr1" }, { first:join() })
    end, real)
  end)

  it("belongs to its runtime", function()
    support.with_runtime(function(rt)
      local s
      rt:run(function() s = ebb.signal "usr1" end)
      helper.run(function()
        helper.throws("EBB052: this subscription belongs to another runtime", s.recv, s)
      end)
      rt:close()
      assert.equal('ebb.signal: "usr1" closed', tostring(s))
      helper.run(function() assert.equal("closed", select(2, s:recv())) end)
    end, real)
  end)

  it("R127 a storm of them keeps the last", function()
    prints("true\tusr1\ttimeout\n", [[
      local s = ebb.signal "usr1"
      ebb.run(function()
        os.execute(("i=0; while [ $i -lt 3000 ]; do kill -USR1 %d; i=$((i+1)); done"):format(pid))
        local n = 0
        repeat
          local name = ebb.timeout(0.1, s)
          if name then n = n + 1 end
        until not name
        kill "USR1"
        print(n >= 1, s:recv(), (select(2, ebb.timeout(0.05, s))))
      end)
    ]])
  end)

  it("works at the prompt, without any task", function()
    prints("usr1\ttrue\n", [[
      local s = ebb.signal "usr1"
      kill_later(0.05, "USR1")
      local name = s:recv()
      ebb.sleep(0.01)
      kill "USR1"
      print(name, s:recv() == "usr1")
    ]])
  end)
end)

describe("the handler that was there before", function()
  it("comes back with the end of the last subscription (SG2)", function()
    local result = support.child(head .. [[
      local one, two = ebb.signal "usr1", ebb.signal "usr1"
      kill "USR1"
      print(one:recv())
      one:close()
      kill "USR1"
      print(two:recv())
      two:close()
      kill "USR1"
      print "never"
    ]])
    assert.equal("usr1\nusr1\n", result.out)
    assert.is_true(result.code > 128)
  end)

  it("comes back with the collector", function()
    local result = support.child(head .. [[
      do local s = ebb.signal "usr1" end
      kill "USR1"
      collectgarbage()
      kill "USR1"
      os.exit(0)
    ]])
    assert.is_true(result.code > 128)
  end)

  it("comes back with the end of the runtime", function()
    local result = support.child(head .. [[
      local rt = ebb.runtime()
      local s
      rt:run(function() s = ebb.signal "usr1" end)
      kill "USR1"
      rt:close()
      kill "USR1"
      os.exit(0)
    ]])
    assert.is_true(result.code > 128)
  end)

  it("what was ignored is ignored again", function()
    local path = support.file(head .. [[
      local s = ebb.signal "usr1"
      kill "USR1"
      print(s:recv())
      s:close()
      kill "USR1"
      print "alive"
    ]])
    local result = support.shell(("trap '' USR1; %s %s"):format(support.interpreter(), support.quote(path)))
    os.remove(path)
    assert.equal("usr1\nalive\n", result.out)
  end)
end)

describe("Ctrl-C", function()
  it("goes to a subscription that is opened while the runtime is driven", function()
    prints("int\ttrue\n", [[
      print(ebb.run(function()
        local c <close> = ebb.ctrl_c()
        kill_later(0.1, "INT")
        local name = c:recv()
        kill_later(0.1, "INT")
        return name, ebb.select(c, ebb.after(25)) == 1
      end))
    ]])
  end)

  it("goes to one that was opened before", function()
    prints("int\tint\n", [[
      local c = ebb.ctrl_c()
      kill_later(0.1, "INT")
      local name = c:recv()
      kill_later(0.1, "INT")
      print(name, ebb.run(function() return c:recv() end))
    ]])
  end)

  it("does not interrupt while there is one, of whatever waits", function()
    prints("slept\tint\n", [[
      local c = ebb.signal "int"
      kill_later(0.1, "INT")
      ebb.run(function() ebb.sleep(0.3) end)
      print("slept", c:recv())
    ]])
  end)

  it("interrupts again after it is closed, while driven and after", function()
    prints("true\ttrue\ttrue\n", [[
      local c = ebb.ctrl_c()
      ebb.sleep(0.01)
      c:close()
      kill_later(0.1, "INT")
      local sleeping = interrupted(ebb.sleep, 25)
      kill_later(0.1, "INT")
      local main = interrupted(ebb.run, function()
        do local _ <close> = ebb.ctrl_c() end
        ebb.sleep(25)
      end)
      kill_later(0.1, "INT")
      print(sleeping, main, interrupted(spin)) -- in this order: lua's own handler works once
    ]])
  end)

  it("a subscription that outlives the drive it was opened in", function()
    prints("int\tint\ttrue\ttrue\n", [[
      local c
      ebb.run(function() c = ebb.ctrl_c() end)
      kill_later(0, "INT")
      ebb.sleep(0.2)
      local pending = c:recv()
      kill_later(0.1, "INT")
      local waited = ebb.run(function() return c:recv() end)
      c:close()
      kill_later(0.1, "INT")
      local sleeping = interrupted(ebb.sleep, 25)
      kill_later(0.1, "INT")
      print(pending, waited, sleeping, interrupted(spin))
    ]])
  end)

  it("one that was opened before and is closed within", function()
    prints("true\ttrue\n", [[
      local c = ebb.ctrl_c()
      kill_later(0.1, "INT")
      local within = interrupted(ebb.run, function()
        c:close()
        ebb.sleep(25)
      end)
      kill_later(0.1, "INT")
      print(within, interrupted(spin))
    ]])
  end)

  it("a subscription of another runtime gets it too, but does not keep it from interrupting", function()
    prints("true\tint\n", [[
      local other = ebb.runtime()
      local c
      other:run(function() c = ebb.ctrl_c() end)
      kill_later(0.1, "INT")
      local main = interrupted(ebb.sleep, 25)
      print(main, other:run(function() return c:recv() end))
    ]])
  end)

  it("at the prompt, whose handler comes and goes with each line", function()
    if not support.interpreter():find "lua[%d.]*$" then return end -- the command has no prompt
    local lines = (head:gsub("local function", "function"):gsub("local ", ""):gsub("function interrupted.-\nend\n", ""))
      .. [[
c = ebb.ctrl_c()
kill_later(0.2, "INT") print("one " .. c:recv())
kill_later(0.2, "INT") print("two " .. c:recv())
c:close()
kill_later(0.2, "INT") ebb.sleep(25)
kill_later(0.2, "INT") spin()
print("ali" .. "ve")
]]
    local path = support.file(lines)
    local result = support.shell(("exec %s -i <%s"):format(support.interpreter(), support.quote(path)))
    os.remove(path)
    support.contains("one int", result.out)
    support.contains("two int", result.out)
    support.contains("alive", result.out)
    assert.equal(2, select(2, (result.out .. result.err):gsub("interrupted!", "")))
    assert.equal(0, result.code)
  end)

  it("ends the process with the default action after the last is closed", function()
    local result = support.child(head .. [[
      local s = ebb.signal "term"
      kill "TERM"
      s:recv()
      s:close()
      kill "TERM"
      os.exit(0)
    ]])
    assert.is_true(result.code > 128)
  end)
end)
