-- Requiring ebb, and what of ebb the collector and finalisers may touch.
local helper = require "spec.helper"
local support = require "spec.runtime.support"
local ends = support.ends

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

  it("R143 by another version of Lua is an error, no crash", function()
    local build = os.getenv "EBB_SPEC_BUILD" or "build/debug"
    if build:find "san" or not io.open(build .. "/cmod/ebb/core.so") then return pending "no plain module here" end
    local n = 0
    for _, version in ipairs { "5.1", "5.2", "5.3", "jit" } do
      local path = support.file(([[package.cpath = %q print(pcall(require, "ebb.core"))]])
        :format(build .. "/cmod/?.so"))
      local line = ("command -v lua%s >/dev/null || exit 99; unset LUA_INIT; exec lua%s %s"):format(version,
        version, path)
      local result = support.shell(line)
      os.remove(path)
      if result.code ~= 99 then
        n = n + 1
        assert.equal(0, result.code)
        support.contains("false\t", result.out)
      end
    end
    if n == 0 then return pending "no other Lua is installed" end
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
      local write, join = io.write, ebb.join
      local names = { "pcall", "xpcall", "error", "type", "select", "tostring", "setmetatable",
        "getmetatable", "ipairs", "pairs", "next", "assert", "require", "rawequal", "coroutine",
        "table", "debug", "math", "string" }
      ebb.run(function()
        for _, name in ipairs(names) do rawset(_G, name, false) end
        local ch = ebb.channel(1)
        local s <close> = ebb.scope()
        s:spawn(function() ch:send("fine\n") end)
        local _, v = ebb.select(ch, ebb.after(10))
        join(function() ebb.sleep(0.001) end, function() end)
        ebb.timeout(0.001, ebb.sleep, 1)
        s:wait()
        write(v)
      end)
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
      helper.settle()
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
