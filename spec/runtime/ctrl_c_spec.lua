-- Awaiting outside tasks, in processes of their own: a runtime that a host steps, and Ctrl-C.
local support = require "spec.runtime.support"
local contains = support.contains

describe("a runtime that the host steps", function()
  it("EBB055 is not driven by an await", function()
    support.prints("true\ttrue\ntrue\n2\n", [[
      local ebb = require "ebb"
      local rt = ebb.runtime { clock = "virtual" }
      rt:step(0)
      ebb.use(rt)
      local ok, err = pcall(ebb.sleep, 1)
      print(not ok, err:find("EBB055", 1, true) ~= nil)
      ok, err = pcall(function() return ebb.channel():recv() end)
      print(not ok and err:find("EBB055", 1, true) ~= nil)
      local n = 0
      ebb.spawn(function() n = n + 1 ebb.yield() n = n + 1 end)
      rt:step(1)
      rt:step(1)
      print(n)
    ]])
  end)

  it("EBB055 names the place, and nothing was registered", function()
    support.prints("true\t0\t0\n", [[
      local ebb = require "ebb"
      local rt = ebb.runtime { clock = "virtual" }
      rt:step(0)
      ebb.use(rt)
      local ch = ebb.channel()
      local ok, err = pcall(function()
        ch:recv()
        return 1
      end)
      print(not ok and err:find(":7: EBB055", 1, true) ~= nil, ch:waiters())
    ]])
  end)

  it("one that is merely named by ebb.use is driven", function()
    support.prints("true\t3600\n", [[
      local ebb = require "ebb"
      local rt = ebb.runtime { clock = "virtual" }
      ebb.use(rt)
      local start = ebb.now()
      ebb.sleep(3600)
      print(os.clock() < 30, math.floor(ebb.now() - start + 0.5))
    ]])
  end)
end)

describe("Ctrl-C while an await drives", function()
  local head = "local ebb = require 'ebb'\n" .. support.kill_later_source

  for name, wait in pairs {
    sleep = "ebb.sleep(20)",
    recv = "ebb.spawn(ebb.sleep, 20); ebb.channel():recv()",
    await = "ebb.spawn(ebb.sleep, 20):await()",
    select = "ebb.select(ebb.channel(), ebb.after(20))",
    ["a function with a timeout"] = "ebb.timeout(20, function() ebb.sleep(21) end)",
    scope = "ebb.scope(function(s) s:spawn(ebb.sleep, 20) end)",
  } do
    it("ends " .. name .. " at once with a normal error", function()
      local result = support.prints("false\ttrue\ttrue\n", head .. [[
        kill_later(0.1, "INT")
        local start = os.time()
        local ok, err = pcall(function() ]] .. wait .. [[ end)
        print(ok, tostring(err):find("interrupted!", 1, true) ~= nil, os.time() - start < 19)
      ]])
      assert.equal("", result.err)
    end)
  end

  it("uncaught it ends the script with exit code 1 and a message", function()
    local result = support.child(head .. [[
      kill_later(0.1, "INT")
      ebb.sleep(20)
      print("never")
    ]])
    assert.equal(1, result.code)
    assert.equal("", result.out)
    contains("interrupted!", result.err)
  end)

  it("awaits work afterwards", function()
    support.prints("false\nwoken\nfalse\n", head .. [[
      kill_later(0.1, "INT")
      print((pcall(ebb.sleep, 20)))
      ebb.sleep(0.01)
      print("woken")
      kill_later(0.1, "INT")
      print((pcall(ebb.sleep, 20)))
    ]])
  end)

  it("background tasks survive it", function()
    support.prints("false\twaiting\n5\n", head .. [[
      local ch = ebb.channel()
      local task = ebb.spawn(function() return ch:recv() end)
      kill_later(0.1, "INT")
      print((pcall(ebb.sleep, 20)), task:status())
      ch:send(5)
      print(task:await())
    ]])
  end)

  it("leaves the handler of the interpreter as it was: a loop is interrupted", function()
    support.prints("true\nfalse\ttrue\n", head .. [[
      kill_later(0.1, "INT")
      local ok, err = pcall(ebb.sleep, 20)
      print(not ok and tostring(err):find("interrupted!", 1, true) ~= nil)
      kill_later(0.1, "INT")
      ok, err = pcall(function() while true do end end)
      print(ok, tostring(err):find("interrupted!", 1, true) ~= nil)
    ]])
  end)

  it("leaves the handler as it was when nothing came during the await", function()
    support.prints("false\ttrue\n", head .. [[
      ebb.sleep(0.01)
      kill_later(0.1, "INT")
      local ok, err = pcall(function() while true do end end)
      print(ok, tostring(err):find("interrupted!", 1, true) ~= nil)
    ]])
  end)

  it("at the prompt: the next line works", function()
    if os.getenv("EBB_SPEC_LUA") then return end -- it may have no prompt
    local lines = head:gsub("local function", "function"):gsub("local ", "")
      .. 'kill_later(0.1, "INT")\nebb.sleep(20)\nprint("ali" .. "ve")\n'
    local path = support.file(lines)
    local line = ("exec %s -i <%s"):format(support.interpreter(), support.quote(path))
    local result = support.shell(line)
    os.remove(path)
    contains("alive", result.out)
    contains("interrupted!", result.out .. result.err)
    assert.equal(0, result.code)
  end)

  -- Computes until `done` is set, 10 seconds at most.
  local compute = [[
    local function compute()
      local stop = os.time() + 10
      while not done and os.time() < stop do end
      if not done then error "nobody has stopped it" end
      return "finished"
    end
  ]]

  it("comes while a task computes in the background: it only gives way (RT31)", function()
    support.prints("false\ttrue\nfinished\n", head .. compute .. [[
      kill_later(0.2, "INT")
      local task = ebb.spawn(compute)
      local ok, err = pcall(ebb.sleep, 20)
      done = true
      print(ok, tostring(err):find("interrupted!", 1, true) ~= nil)
      print(task:await())
    ]])
  end)

  it("comes while the function itself computes that is waited for: it is ended (RT31)", function()
    support.prints("false\ttrue\ttrue\n", head .. compute .. [[
      kill_later(0.2, "INT")
      local closed = false
      local ok, err = pcall(ebb.timeout, 20, function()
        local _ <close> = setmetatable({}, { __close = function() closed = true end })
        compute()
      end)
      print(ok, tostring(err):find("interrupted!", 1, true) ~= nil, closed)
    ]])
  end)

  it("comes while a task computes where it cannot give way: that is ended, too (RT31)", function()
    support.prints("false\ttrue\nfalse\ttrue\n", head .. compute .. [[
      kill_later(0.2, "INT")
      local task = ebb.spawn(function()
        table.sort({ 2, 1, 3 }, function(a, b)
          compute()
          return a < b
        end)
      end)
      local ok, err = pcall(ebb.sleep, 20)
      done = true
      print(ok, tostring(err):find("interrupted!", 1, true) ~= nil)
      ok, err = task:join()
      print(ok, tostring(err):find("interrupted!", 1, true) ~= nil)
    ]])
  end)
end)
