-- The end of the Lua state, at any moment: programs in processes of their own.
local helper = require "spec.helper"
local support = require "spec.runtime.support"
local contains = support.contains

-- Leaves everything pending on the default runtime, on one that is stepped and on one that is not.
local pending = [[
local ebb = require "ebb"
local kept = {}
local function closer(fn) return setmetatable({}, { __close = fn }) end
local bodies = {
  function() ebb.sleep(1000) end,
  function() ebb.sleep(math.huge) end,
  function() ebb.channel():recv() end,
  function() ebb.channel():send({}) end,
  function() ebb.select(ebb.channel(), ebb.after(1000), ebb.token()) end,
  function() ebb.timeout(1000, function() ebb.timeout(900, ebb.sleep, 2000) end) end,
  function() ebb.spawn(ebb.sleep, 1000):await() end,
  function() ebb.scope(function(s) s:spawn(ebb.sleep, 1000) s:spawn(ebb.sleep, 1000) end) end,
  function() local s <close> = ebb.scope() s:spawn(ebb.sleep, 1000) end,
  function() local iv <close> = ebb.interval(1000) iv:tick() end,
  function() ebb.map({ 1, 2, 3 }, function() ebb.sleep(1000) end) end,
  function() ebb.race(function() ebb.sleep(1000) end, function() ebb.sleep(1000) end) end,
  function() ebb.shield(ebb.sleep, 1000) end,
  function() ebb.token():child():run(ebb.sleep, 1000) end,
  function() local g <close> = ebb.guard() local b = g:bytes(1000) ebb.sleep(1000) return b end,
  function() local b = ebb.task_guard():buffer() ebb.sleep(1000) return b end,
  function() local p <close> = ebb.channel(1):reserve() ebb.sleep(1000) end,
  function() local tx = ebb.channel():sender() ebb.sleep(1000) return tx end,
  function() while true do ebb.fs.stat("/") end end,
  function() while true do ebb.fs.list("/") end end,
  function() for _ in ebb.fs.walk("/usr") do ebb.current() end end,
  function() ebb.coroutine.wrap(function() ebb.sleep(1000) end)() end,
  function() local _ <close> = closer(function() ebb.sleep(1000) end) ebb.sleep(1000) end,
  function() local _ <close> = closer(function() error("in a cleanup") end) ebb.sleep(1000) end,
  function() local _ <close> = closer(function() ebb.sleep(1000) end) end,
  function() while true do ebb.next_frame() end end,
  function() while true do ebb.yield() end end,
}
local function leave(spawn)
  for _, body in ipairs(bodies) do kept[#kept + 1] = spawn(body) end
end
local stepped = ebb.runtime { name = "stepped" }
leave(function(body) return stepped:spawn(body) end)
stepped:step(0.01)
stepped:step(0.01)
local virtual = ebb.runtime { clock = "virtual" }
leave(function(body) return virtual:spawn(body) end)
virtual:step(0.01)
]]

--- A program that must end with `code` and without any sign of a crash.
local function ends(code, program)
  local result = support.child(program)
  if result.code ~= code then
    error(("expected exit code %d, got %d\n%s"):format(code, result.code, result.err), 2)
  end
  for _, word in ipairs { "Sanitizer", "core dumped", "assert" } do
    if result.err:find(word, 1, true) then error(result.err, 2) end
  end
  return result
end

local ways = {
  { "the script ends", "", 0 },
  { "the script fails", "error('by design')", 1 },
  { "os.exit(true, true)", "os.exit(true, true)", 0 },
  { "os.exit(7, true)", "os.exit(7, true)", 7 },
  { "os.exit(7)", "os.exit(7)", 7 },
  { "collected first", "kept, stepped, virtual = nil collectgarbage() collectgarbage()", 0 },
  { "closed first", "stepped:close() virtual:close()", 0 },
  { "one closed first", "virtual:close()", 0 },
}

describe("the state ends with everything pending:", function()
  for _, way in ipairs(ways) do
    it("R23 R24 R145 " .. way[1], function() ends(way[3], pending .. way[2]) end)
  end

  it("R145 os.exit(true, true) inside a task", function()
    ends(0, pending .. [[
      ebb.run(function() leave(ebb.spawn) ebb.sleep(0.01) os.exit(true, true) end)
    ]])
  end)

  it("R145 R138 os.exit(true, true) inside a task that is stepped", function()
    ends(3, pending .. [[
      stepped:spawn(function() os.exit(3, true) end)
      stepped:step(1)
      stepped:step(1)
    ]])
  end)

  it("R145 os.exit(true, true) inside a cleanup", function()
    ends(0, pending .. [[
      ebb.run(function()
        ebb.spawn(function()
          local _ <close> = closer(function() os.exit(true, true) end)
          ebb.sleep(1000)
        end)
        ebb.yield()
      end)
    ]])
  end)

  it("R145 os.exit(true, true) inside an ebb coroutine in a task", function()
    ends(0, pending .. [[
      ebb.run(function()
        ebb.coroutine.wrap(function() ebb.sleep(0.001) os.exit(true, true) end)()
      end)
    ]])
  end)

  it("R145 an error of main, caught by nobody", function()
    local result = ends(1, pending .. [[
      ebb.run(function() leave(ebb.spawn) ebb.sleep(0.01) error("by design") end)
    ]])
    contains("by design", result.err)
  end)

  it("after an implicit drive left tasks behind", function()
    ends(0, pending .. "leave(ebb.spawn) ebb.sleep(0.05)")
  end)

  it("R24 with file requests on their way", function()
    for _ = 1, 5 do
      ends(0, [[
        local ebb = require "ebb"
        for _ = 1, 50 do
          ebb.spawn(function() while true do ebb.fs.read("/etc/passwd") end end)
        end
        ebb.sleep(0.003)
      ]])
    end
  end)
end)

describe("tasks that never ran", function()
  it("EBB053 are told on standard error when the state closes", function()
    local result = ends(0, [[
      local ebb = require "ebb"
      ebb.spawn(function() print("never") end)
    ]])
    contains("EBB053", result.err)
    assert.equal("", result.out)
  end)

  it("EBB053 on a runtime of one's own too", function()
    local result = ends(0, [[
      local ebb = require "ebb"
      local rt = ebb.runtime()
      rt:spawn(function() print("never") end)
    ]])
    contains("EBB053", result.err)
    assert.equal("", result.out)
  end)

  it("EBB053 is not said when all had their turn", function()
    local result = ends(0, [[
      local ebb = require "ebb"
      ebb.run(function() ebb.spawn(function() end) ebb.sleep(0.001) end)
      ebb.spawn(function() end)
      ebb.sleep(0.001)
    ]])
    assert.equal("", result.err)
  end)

  it("EBB053 is not said for those that a run cancelled", function()
    local result = ends(0, [[
      local ebb = require "ebb"
      ebb.run(function() ebb.spawn(function() end) end)
    ]])
    assert.equal("", result.err)
  end)
end)

describe("requiring ebb", function()
  it("ECO costs nothing: no output, exit code 0", function()
    local result = ends(0, "local ebb = require 'ebb' return ebb")
    assert.equal("", result.out)
    assert.equal("", result.err)
  end)

  it("R140 twice gives the same module", function()
    support.prints("true\n", "print(require 'ebb' == require 'ebb')")
  end)

  it("R140 again after package.loaded was cleared", function()
    ends(0, [[
      local function clear()
        for name in pairs(package.loaded) do
          if name:match("^ebb") then package.loaded[name] = nil end
        end
      end
      for i = 1, 3 do
        local ebb = require "ebb"
        assert(ebb.run(function() ebb.sleep(0.001) return i end) == i)
        ebb.spawn(ebb.sleep, 1000)
        ebb.sleep(0.001)
        clear()
        collectgarbage()
      end
    ]])
  end)

  it("R144 R25 in a coroutine that is collected afterwards", function()
    support.prints("5\ttrue\n", [[
      local ebb
      local co = coroutine.create(function()
        ebb = require "ebb"
        ebb.spawn(ebb.sleep, 0.005)
      end)
      assert(coroutine.resume(co))
      co = nil
      collectgarbage()
      collectgarbage()
      print(ebb.run(function() ebb.sleep(0.01) return 5 end), ebb.current() == nil)
    ]])
  end)

  it("R140 makes no global", function()
    support.prints("", [[
      local before = {}
      for k in pairs(_G) do before[k] = true end
      local ebb = require "ebb"
      ebb.run(function()
        ebb.fs.stat("/")
        local g <close> = ebb.guard()
        ebb.select(ebb.channel(), ebb.after(0.001))
      end)
      for k in pairs(_G) do
        if not before[k] then print(k) end
      end
    ]])
  end)

  it("R160 works with a strict _G, and with the globals it needs changed afterwards", function()
    support.prints("fine\n", [[
      setmetatable(_G, {
        __index = function(_, k) error("undefined " .. tostring(k)) end,
        __newindex = function(_, k) error("new global " .. tostring(k)) end,
      })
      local ebb = require "ebb"
      local write = io.write
      local names = { "pcall", "xpcall", "error", "type", "select", "tostring", "setmetatable",
        "getmetatable", "ipairs", "pairs", "next", "assert", "require", "rawequal", "coroutine",
        "table", "debug", "math", "string" }
      ebb.run(function()
        for _, name in ipairs(names) do rawset(_G, name, false) end
        local ch = ebb.channel(1)
        local s <close> = ebb.scope()
        s:spawn(function() ch:send("fine\n") end)
        local _, v = ebb.select(ch, ebb.after(10))
        ebb.join(function() ebb.sleep(0.001) end, function() end)
        ebb.timeout(0.001, ebb.sleep, 1)
        s:wait()
        write(v)
      end)
    ]])
  end)
end)

describe("finalisers that use ebb while the state closes", function()
  local uses = {
    ["close a channel"] = "ch:close()",
    ["send"] = "ch:try_send(1)",
    ["recv"] = "pcall(ch.recv, ch)",
    ["cancel a task"] = "task:cancel()",
    ["ask a task"] = "task:status() task:name() task:id() task:traceback() task:waiting_on()",
    ["spawn"] = "pcall(ebb.spawn, function() end) pcall(ebb.go, function() end)",
    ["sleep"] = "pcall(ebb.sleep, 0.001)",
    ["run"] = "pcall(ebb.run, function() end)",
    ["step"] = "pcall(rt.step, rt)",
    ["close the runtime"] = "pcall(rt.close, rt)",
    ["make a runtime"] = "pcall(ebb.runtime, {})",
    ["metrics"] = "pcall(rt.metrics, rt)",
    ["a guard"] = "pcall(function() local g <close> = ebb.guard() g:bytes(10) end) guard:close()",
    ["a scope"] = "pcall(scope.cancel, scope) pcall(scope.close, scope)",
    ["a token"] = "token:cancel() token:close()",
    ["a timer"] = "pcall(timer.reset, timer, 1) timer:close()",
    ["tostring"] = "tostring(ch) tostring(task) tostring(rt) tostring(guard) tostring(timer)",
    ["select"] = "pcall(ebb.select, ch, timer) pcall(ebb.try_select, ch, timer)",
  }
  for name, use in pairs(uses) do
    for _, order in ipairs { "before", "after" } do
      it("R21 R22 R23 " .. name .. ", made " .. order .. " the objects", function()
        local hook = "made = setmetatable({}, { __gc = function() " .. use .. " end })\n"
        local objects = [[
          ebb = require "ebb"
          rt = ebb.runtime { clock = "virtual" }
          ch = ebb.channel(1)
          task = rt:spawn(function() ebb.channel():recv() end)
          rt:step(1)
          guard, scope, token, timer = ebb.guard(), ebb.scope(), ebb.token(), ebb.timer(1000)
        ]]
        local program = order == "before" and hook .. objects or objects .. hook
        ends(0, "-- luacheck: ignore\n" .. program)
      end)
    end
  end

  it("R21 objects that come back from the dead throw or answer, and do no harm", function()
    ends(0, [[
      local ebb = require "ebb"
      local saved = {}
      do
        local objects = { ebb.channel(1), ebb.channel():sender(), ebb.channel(1):reserve(),
          ebb.guard(), ebb.scope(), ebb.token(), ebb.timer(1), ebb.interval(1),
          ebb.runtime { clock = "virtual" }, ebb.after(1),
          ebb.choice(ebb.never()), ebb.guard():bytes(10), ebb.guard():buffer() }
        setmetatable({}, { __gc = function() for i, x in ipairs(objects) do saved[i] = x end end })
      end
      collectgarbage()
      collectgarbage()
      for _, x in ipairs(saved) do
        tostring(x)
        for _, name in ipairs { "close", "try_recv", "try_send", "cancel", "fired", "stats",
          "metrics", "put", "reset", "is_closed", "step", "send" } do
          pcall(function() return x[name](x) end)
        end
      end
      saved = nil
      collectgarbage()
      assert(ebb.run(function() ebb.sleep(0.001) return 1 end) == 1)
    ]])
  end)

  it("R22 R148 a finaliser called by hand, twice, is harmless", function()
    ends(0, [[
      local ebb = require "ebb"
      local objects = { ebb.channel(1), ebb.channel():sender(), ebb.channel(1):reserve(),
        ebb.guard(), ebb.scope(), ebb.token(), ebb.timer(1), ebb.interval(1),
        ebb.runtime { clock = "virtual" },
        ebb.after(1),
          ebb.choice(ebb.never()), ebb.guard():bytes(10), ebb.guard():buffer(),
        ebb.spawn(ebb.sleep, 0.001) }
      for _, x in ipairs(objects) do
        local mt = debug.getmetatable(x)
        for _ = 1, 2 do
          if mt and mt.__gc then pcall(mt.__gc, x) end
          if mt and mt.__gc then pcall(mt.__gc) pcall(mt.__gc, {}) pcall(mt.__gc, io.stdout) end
          if mt and mt.__close then pcall(mt.__close, x, nil) pcall(mt.__close) end
          if mt and mt.__close then pcall(mt.__close, {}) pcall(mt.__close, io.stdout) end
        end
        tostring(x)
      end
      assert(ebb.run(function() ebb.sleep(0.001) return 1 end) == 1)
    ]])
  end)
end)

describe("the collector", function()
  it("R20 R25 a task that waits on what nobody else knows is kept, not lost", function()
    helper.run(function()
      local ebb = require "ebb"
      local closed = false
      local task = ebb.spawn(function()
        local _ <close> = support.closer(function() closed = true end)
        ebb.channel():recv()
      end)
      ebb.yield()
      collectgarbage()
      collectgarbage()
      assert.equal("waiting", task:status())
      assert.is_false(closed)
    end)
  end)

  it("R30 every mode of it, and no pause at all", function()
    support.prints("fine\n", [[
      local ebb = require "ebb"
      local function work()
        local ch, sum = ebb.channel(3), 0
        for i = 1, 50 do
          ebb.go(function() ebb.sleep(i % 5) ch:send({ i }) end)
        end
        for _ = 1, 50 do
          local v = select(2, ebb.select(ch, ebb.never()))
          sum = sum + v[1]
        end
        assert(sum == 1275)
      end
      local function round()
        local rt = ebb.runtime { clock = "virtual" }
        rt:run(work)
        rt:close()
      end
      collectgarbage("generational")
      for _ = 1, 20 do round() end
      collectgarbage("incremental", 1, 1000)
      for _ = 1, 20 do round() end
      collectgarbage("incremental", 0, 1000)
      for _ = 1, 20 do round() end
      collectgarbage("stop")
      for _ = 1, 20 do round() end
      collectgarbage("restart")
      print("fine")
    ]])
  end)
end)
