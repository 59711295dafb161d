-- Quotas of memory: for a task and what it spawns, for a runtime.
local support = require "spec.house.support"

-- The programs put their state on ebb's allocator themselves.
local PRELUDE = [[
local ebb = require "ebb"
ebb.alloc.install()
local M = 1 << 20
local function live() collectgarbage() collectgarbage() return ebb.alloc.stats().state.live end
local function hog(n)
  local t = {}
  for i = 1, n or math.huge do t[i] = { i } end
  return #t
end
-- true, or the message without the place
local function outcome(task)
  local ok, err = task:join()
  if ok then return "ended" end
  local text = tostring(err):match "EBB031: task %d+.*$" or tostring(err)
  return (text:gsub("task %d+", "task"))
end
]]

local function prints(expected, code)
  support.check(support.program(PRELUDE .. code), expected)
end

local OVER = "EBB031: task has used more memory than its quota"

describe("spawn_with{memory}", function()
  it("ends a task that goes over it; what it had is free then (R155)", function()
    prints(OVER .. "\nok", [[
      local before = live()
      ebb.run(function()
        print(outcome(ebb.spawn_with({ memory = 2 * M }, hog)))
      end)
      print(live() < before + M and "ok" or live() - before)]])
  end)

  it("counts what is not collected, not what was allocated", function()
    prints("ended\ttrue", [[
      ebb.run(function()
        local task = ebb.spawn_with({ memory = 8 * M }, function()
          local keep
          for i = 1, 2000000 do keep = { i, keep and keep[1] } end
        end)
        print(outcome(task), task:stats().bytes_allocated > 100 * M)
      end)]])
  end)

  it("what the collector can free does not count: it runs before the verdict", function()
    prints("ended", [[
      collectgarbage "stop"
      ebb.run(function()
        print(outcome(ebb.spawn_with({ memory = 4 * M }, function()
          for i = 1, 60000 do local _ = { i } end
        end)))
      end)]])
  end)

  it("a pcall does not help, nor a loop of them, nor a coroutine", function()
    prints((OVER .. "\n"):rep(4), [[
      ebb.run(function()
        print(outcome(ebb.spawn_with({ memory = M }, function() pcall(hog) end)))
        print(outcome(ebb.spawn_with({ memory = M }, function()
          local keep = {}
          while true do
            pcall(function() while true do keep[#keep + 1] = {} end end)
          end
        end)))
        print(outcome(ebb.spawn_with({ memory = M }, function()
          for _ in ebb.coroutine.wrap(function() hog() end) do end
        end)))
        print(outcome(ebb.spawn_with({ memory = M }, function() xpcall(hog, hog) end)))
      end)]])
  end)

  it("long strings, tables that grow, closures, coroutines, buffers (R153)", function()
    prints((OVER .. "\n"):rep(8), [[
      local keepers = {
        function(t) t[#t + 1] = ("x"):rep(5000) .. #t end,
        function(t) t[#t + 1] = #t end,
        function(t) t["key" .. (t.n or 0)] = true; t.n = (t.n or 0) + 1 end,
        function(t) t[#t + 1] = function() return t end end,
        function(t) t[#t + 1] = coroutine.create(print) end,
        function(t) t[#t + 1] = ebb.task_guard():bytes(1000) end,
        function(t) t[#t + 1] = ebb.channel(4) end,
        function(t) t[#t + 1] = ("%99d"):format(#t) end,
      }
      ebb.run(function()
        for _, keep in ipairs(keepers) do
          print(outcome(ebb.spawn_with({ memory = M }, function()
            local t = {}
            while true do keep(t) end
          end)))
        end
      end)]])
  end)

  it("a million spawns in a loop: the spawner ends, and they with it (R155)", function()
    prints(OVER .. "\ntrue\tok", [[
      local before = live()
      ebb.run(function()
        print(outcome(ebb.spawn_with({ memory = 4 * M }, function()
          for _ = 1, 1000000 do ebb.spawn(ebb.sleep, 1000) end
        end)))
        for _ = 1, 3 do ebb.yield() end
        print(ebb.current_runtime():metrics().alive == 1, live() < before + 40 * M and "ok")
      end)]])
  end)

  it("tasks that it spawns share it; a waiting one ends as well", function()
    prints(OVER .. "\ncancelled", [[
      ebb.run(function()
        local child
        local task = ebb.spawn_with({ memory = 2 * M }, function()
          child = ebb.spawn(ebb.sleep, 1000)
          local hogs = {}
          for i = 1, 4 do
            hogs[i] = ebb.spawn(function() local t = {}
              while true do for _ = 1, 100 do t[#t + 1] = {} end ebb.yield() end end)
          end
          ebb.sleep(1000)
        end)
        ebb.on_task_error(function() end)
        print(outcome(task))
        ebb.yield()
        print(child:status())
      end)]])
  end)

  it("a single block larger than the quota is refused, the rest goes on", function()
    prints("false\tnot enough memory\n500000\nended", [[
      ebb.run(function()
        print(outcome(ebb.spawn_with({ memory = M }, function()
          print(pcall(string.rep, "x", 2 * M))
          print(#("x"):rep(500000))
        end)))
      end)]])
  end)

  it("other tasks notice nothing, and are not charged", function()
    prints(OVER .. "\n3000\tnil", [[
      ebb.run(function()
        local innocent = ebb.spawn(function()
          local t = {}
          for i = 1, 3000 do t[i] = { i }; if i % 100 == 0 then ebb.yield() end end
          return #t, ebb.current():stats().memory
        end)
        print(outcome(ebb.spawn_with({ memory = M }, hog)))
        print(innocent:await())
      end)]])
  end)

  it("a quota within a quota: both hold", function()
    prints(OVER .. "\nended\n" .. OVER .. "\nnever", [[
      ebb.run(function()
        print(outcome(ebb.spawn_with({ memory = 8 * M }, function()
          print(outcome(ebb.spawn_with({ memory = M }, hog)))
        end)))
        print(outcome(ebb.spawn_with({ memory = M }, function()
          ebb.on_task_error(function() end)
          outcome(ebb.spawn_with({ memory = 100 * M }, hog))
          print "not reached"
        end)))
        print "never"
      end)]])
  end)

  it("what it leaves to others is no longer its own when it has ended", function()
    prints("ended\t100000\nended", [[
      ebb.run(function()
        local kept
        print(outcome(ebb.spawn_with({ memory = 20 * M }, function()
          kept = {}
          for i = 1, 100000 do kept[i] = { i } end
        end)), #kept)
        for i = 1, 100000 do kept[i].more = { i } end
        local task = ebb.spawn_with({ memory = M }, function() kept = nil; return live() end)
        print(outcome(task))
      end)]])
  end)

  it("cleanups run, and may await", function()
    prints("cleanup\nslept\n" .. OVER, [[
      ebb.run(function()
        print(outcome(ebb.spawn_with({ memory = M }, function()
          local _ <close> = setmetatable({}, { __close = function()
            print "cleanup"
            ebb.sleep(0.001)
            print "slept"
          end })
          hog()
        end)))
      end)]])
  end)

  it("with a slice and a quota of time", function()
    prints(OVER .. "\nEBB031: task has computed for longer than its quota of time", [[
      ebb.runtime { slice = 0.005, on_slice = "yield" }:run(function()
        print(outcome(ebb.spawn_with({ memory = M, cpu = 10 }, hog)))
        print(outcome(ebb.spawn_with({ memory = 100 * M, cpu = 0.02 }, function()
          while true do end
        end)))
      end)]])
  end)

  it("with the collector in frames: no full collection, and it ends all the same", function()
    prints(OVER .. "\nended", [[
      ebb.runtime { gc = "frame" }:run(function()
        print(outcome(ebb.spawn_with({ memory = M }, function()
          local t = {}
          while true do for _ = 1, 50 do t[#t + 1] = {} end ebb.yield() end
        end)))
        print(outcome(ebb.spawn_with({ memory = 3 * M }, function()
          for _ = 1, 3000 do for i = 1, 20 do local _ = { i } end ebb.yield() end
        end)))
      end)]])
  end)

  it("stats tell what is used, of what", function()
    prints("true\ttrue\t1048576\nnil\tnil", [[
      ebb.run(function()
        ebb.spawn_with({ memory = M }, function()
          local t = ("x"):rep(300000)
          local stats = ebb.current():stats()
          print(stats.memory > 300000, stats.memory < 400000, stats.memory_quota)
          return t
        end):await()
        local stats = ebb.current():stats()
        print(stats.memory, stats.memory_quota)
      end)]])
  end)

  it("arguments (R166)", function()
    prints("9", [[
      local n = 0
      for _, bytes in ipairs { 0, -1, 1.5, "x", 0 / 0, math.huge, math.mininteger, {}, true } do
        local ok, err = pcall(ebb.spawn_with, { memory = bytes }, print)
        if not ok and err:find "bad argument #1" then n = n + 1 end
      end
      print(n)]])
  end)
end)

describe("a task's bytes", function()
  it("are those of its own turns", function()
    prints("true\ttrue", [[
      ebb.run(function()
        local a = ebb.spawn(function()
          for _ = 1, 10 do local _ = ("x"):rep(100000) ebb.yield() end
        end)
        local b = ebb.spawn(function() for _ = 1, 10 do ebb.yield() end end)
        ebb.join(a, b)
        print(a:stats().bytes_allocated >= 1000000, b:stats().bytes_allocated < 100000)
      end)]])
  end)
end)

describe("ebb.runtime{memory}", function()
  it("counts all its tasks; who crosses it ends, with the others", function()
    prints("false\ttrue\nended", [[
      local rt = ebb.runtime { memory = 2 * M }
      local ok, err = pcall(rt.run, rt, function() hog() end)
      print(ok, tostring(err):find("EBB031", 1, true) ~= nil)
      rt:close()
      ebb.run(function() print(outcome(ebb.spawn(hog, 100000))) end)]])
  end)

  it("a step leaves the host alone", function()
    prints("failed\ttrue", [[
      local rt = ebb.runtime { memory = 2 * M, on_task_error = function() end }
      local task = rt:spawn(function()
        local t = {}
        while true do for _ = 1, 1000 do t[#t + 1] = {} end ebb.yield() end
      end)
      local mine = {}
      for i = 1, 1000 do
        rt:step(0.001)
        if task:finished() then break end
        for k = 1, 100 do mine[#mine + 1] = { k } end -- the host's own
      end
      print(task:status(), #mine > 0)
      rt:close()]])
  end)

  it("arguments (R166)", function()
    prints("6", [[
      local n = 0
      for _, bytes in ipairs { 0, -1, 1.5, "x", {}, true } do
        local ok, err = pcall(ebb.runtime, { memory = bytes })
        if not ok and err:find "option 'memory'" then n = n + 1 end
      end
      print(n)]])
  end)
end)
