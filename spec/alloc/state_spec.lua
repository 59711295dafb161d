-- The state on ebb's allocator: installing it, its counts and limits. Each in a process of its own,
-- for a state is installed on once.
local ebb = require "ebb"
local support = require "spec.house.support"

local function prints(expected, code)
  support.check(support.program('local ebb = require "ebb"\n' .. code), expected)
end

describe("ebb.alloc.install", function()
  it("puts a live state on ebb's allocator, once (INVENTORY 2.3)", function()
    prints("true\ttrue\tebb", [[
      print(ebb.alloc.install(), ebb.alloc.install(), ebb.alloc.stats().state.allocator)]])
  end)

  it("what was there before is freed, grown and shrunk where it came from", function()
    prints("1000\t1000\tok", [[
      local before, texts = {}, {}
      for i = 1, 1000 do before[i] = { i, tostring(i) }; texts[i] = ("x"):rep(i * 20) end
      ebb.alloc.install()
      for i = 1, 1000 do
        for k = 1, 20 do before[i][k] = k end
        before[i].name = { i }
      end
      collectgarbage()
      local n = 0
      for i = 1, 1000 do n = n + (#texts[i] == i * 20 and before[i][20] // 20 or 0) end
      print(#before, n, "ok")
      before, texts = nil, nil
      collectgarbage()
      collectgarbage()
      assert(ebb.alloc.stats().state.live >= 0)]])
  end)

  it("older blocks are never subtracted", function()
    prints("ok", [[
      local old = {}
      for i = 1, 100000 do old[i] = {} end
      ebb.alloc.install()
      local before = ebb.alloc.stats().state.live
      old = nil
      collectgarbage()
      collectgarbage()
      local after = ebb.alloc.stats().state.live
      print(after <= before + 65536 and after < 2^40 and "ok" or after)]])
  end)

  it("in a task, in a coroutine, with a runtime alive", function()
    prints("7\ttrue", [[
      local ch = ebb.channel(1)
      ebb.spawn(function() ebb.sleep(0.001); ch:send(7) end)
      print(ebb.run(function()
        return coroutine.wrap(function() ebb.alloc.install() end)() or ch:recv(),
          ebb.alloc.stats().state.allocator == "ebb"
      end))]])
  end)

  it("the state closes cleanly, however it ends", function()
    for _, code in ipairs { "os.exit(true, true)", "os.exit(true, false)", "", "error 'x'" } do
      local result = support.program([[
        local ebb = require "ebb"
        ebb.alloc.install()
        ebb.spawn(function() ebb.sleep(100) end)
        local t = {}
        for i = 1, 1000 do t[i] = { ("x"):rep(i) } end
        setmetatable(t, { __gc = function() local u = {} for i = 1, 100 do u[i] = {} end end })
        package.loaded["ebb.core"] = nil
      ]] .. code)
      assert.equal(code == "error 'x'" and 1 or 0, result.code, result.err)
    end
  end)

  it("a library of buffers and coroutines goes on as before", function()
    prints("ok", [[
      local guard = ebb.guard()
      local early = guard:bytes(100000)
      early:fill(7)
      ebb.alloc.install()
      local late = guard:bytes(100000)
      late:copy(early)
      assert(late[100000] == 7)
      guard:close()
      local n = 0
      for _ = 1, 100 do
        n = n + coroutine.wrap(function() coroutine.yield(1) end)()
      end
      print(n == 100 and "ok")]])
  end)
end)

describe("ebb.alloc.stats().state", function()
  it("tells what Lua itself counts (R174)", function()
    prints("ok", [[
      do local texts = {} for i = 1, 20000 do texts[i] = "some" .. i end end -- Lua's own table
      ebb.alloc.install()
      collectgarbage "stop"
      local function live() return ebb.alloc.stats().state.live end
      local function lua() return collectgarbage "count" * 1024 end
      live(); lua()
      local a, b = lua(), live()
      local keep = {}
      for i = 1, 1000 do keep[i] = { i, tostring(i) .. "text" } end
      for i = 1, 10 do keep[i] = ("y"):rep(20000 + i) end
      local grown, counted = lua() - a, live() - b
      print(math.abs(grown - counted) < 2000 and "ok" or (grown .. " " .. counted))]])
  end)

  it("peak, total, kinds of objects made", function()
    prints("true\ttrue\ttrue\t1000\t100", [[
      ebb.alloc.install()
      local function state() return ebb.alloc.stats().state end
      local first = state()
      do local text = ("x"):rep(1000000) end
      collectgarbage()
      collectgarbage()
      local later = state()
      collectgarbage "stop"
      local function made(fn)
        local before = state().made
        for i = 1, 1000 do fn(i) end
        return state().made, before
      end
      local idle, idle_before = made(function() end)
      local busy, busy_before = made(function(i)
        local _ = {}
        if i % 10 == 0 then coroutine.create(print) end
      end)
      local function n(kind)
        return busy[kind] - busy_before[kind] - (idle[kind] - idle_before[kind])
      end
      print(later.peak > later.live + 900000, later.total >= first.total + 1000000,
        later.live < first.live + 100000, n "table", n "thread")]])
  end)

  it("of another's allocator it knows what is live", function()
    if ebb.alloc.stats().state.allocator == "ebb" then return end
    local state = ebb.alloc.stats().state
    assert.equal("host", state.allocator)
    assert.is_true(state.live > 10000)
    assert.is_nil(state.peak)
  end)

  it("memory goes back to the system when the state has shrunk", function()
    prints("ok", [[
      ebb.alloc.install()
      local t = {}
      for i = 1, 500000 do t[i] = { i } end
      local state = ebb.alloc.stats().state
      local top = state.pages + state.retained
      t = nil
      collectgarbage()
      collectgarbage()
      state = ebb.alloc.stats().state
      -- (where every block comes from malloc there are no pages)
      print((top == 0 or state.pages + state.retained < top / 4) and "ok"
        or state.pages .. " " .. state.retained .. " " .. top)]])
  end)
end)

describe("ebb.alloc.limit", function()
  it("refuses with an error that can be caught, and the state goes on (R165)", function()
    prints("false\tnot enough memory\ntrue\ttrue\t10000", [[
      ebb.alloc.install()
      local live = ebb.alloc.stats().state.live
      ebb.alloc.limit { bytes = live + 1000000 }
      print(pcall(function()
        local t = {}
        for i = 1, 1e7 do t[i] = { i } end
      end))
      collectgarbage()
      local state = ebb.alloc.stats().state
      local t = {}
      for i = 1, 10000 do t[i] = i end
      print(state.peak <= live + 1000000, state.refused > 0, #t)]])
  end)

  it("holds for strings that C functions make (R153)", function()
    prints("ok", [[
      ebb.alloc.install()
      ebb.alloc.limit { bytes = ebb.alloc.stats().state.live + 2000000 }
      for name, hog in pairs {
        rep = function() return ("x"):rep(1 << 30) end,
        rep_step = function() local s = "x" while true do s = s .. s end end,
        concat = function()
          local t = {}
          for i = 1, 100 do t[i] = ("x"):rep(100000) end
          return table.concat(t)
        end,
        gsub = function() return (("x"):rep(1000):gsub(".", ("y"):rep(10000))) end,
        format = function()
          local t = {}
          while true do t[#t + 1] = ("%99d"):format(#t) end
        end,
        pack = function() return ("s"):pack(("x"):rep(1 << 21)) end,
      } do
        local ok, err = pcall(hog)
        assert(not ok and tostring(err):find("not enough memory", 1, true),
          name .. ": " .. tostring(err))
        collectgarbage()
      end
      assert(#("x"):rep(1000000) == 1000000)
      print "ok"]])
  end)

  it("in tasks: who hits it fails, the others live (R165, R171)", function()
    prints("false\tnot enough memory\n3", [[
      ebb.alloc.install()
      ebb.run(function()
        local ch = ebb.channel(3)
        ebb.spawn(function() for i = 1, 3 do ebb.yield(); ch:send(i) end end)
        ebb.alloc.limit { bytes = ebb.alloc.stats().state.live + 500000 }
        local hog = ebb.spawn(function()
          local t = {}
          while true do t[#t + 1] = { ("x"):rep(100 + #t % 7) .. #t } end
        end)
        print(hog:join())
        hog = nil
        ch:recv() ch:recv()
        print(ch:recv())
      end)]])
  end)

  it("tells the soft one once a crossing, between turns", function()
    prints("1\n2", [[
      ebb.alloc.install()
      local n = 0
      local live = ebb.alloc.stats().state.live
      ebb.alloc.limit { soft = live + 400000, on_soft = function(now)
        assert(now > live)
        n = n + 1
      end }
      ebb.run(function()
        for _ = 1, 2 do
          local text = ("x"):rep(500000)
          for _ = 1, 5 do ebb.yield() end
          text = nil
          collectgarbage() collectgarbage()
          for _ = 1, 3000 do local _ = { {} } end
          collectgarbage()
          ebb.yield()
          print(n)
        end
      end)]])
  end)

  it("what it is given back, and what was before", function()
    prints("nil\tnil\n5000000\t4000000\n5000000\t4000000\nnil\tnil", [[
      ebb.alloc.install()
      print(ebb.alloc.limit { bytes = 5000000, soft = 4000000 })
      print(ebb.alloc.limit())
      print(ebb.alloc.limit {})
      print(ebb.alloc.limit())]])
  end)

  it("arguments (R166)", function()
    local text = support.program([[
      local ebb = require "ebb"
      ebb.alloc.install()
      for _, opts in ipairs { { bytes = 0 }, { bytes = -1 }, { bytes = 1.5 }, { bytes = "x" },
        { soft = {} }, { on_soft = 1 }, { byte = 1 }, 7, "x" } do
        print(select(2, pcall(ebb.alloc.limit, opts)))
      end]]).out
    local n = 0
    for line in text:gmatch "[^\n]+" do
      n = n + 1
      assert.truthy(line:find "bad argument #1", line)
    end
    assert.equal(9, n)
  end)

  it("is EBB033 where the allocator is another's", function()
    if ebb.alloc.stats().state.allocator == "ebb" then return end
    local ok, err = pcall(ebb.alloc.limit)
    assert.is_false(ok)
    assert.truthy(err:find "EBB033", err)
    ok, err = pcall(ebb.spawn_with, { memory = 1000 }, print)
    assert.is_false(ok)
    assert.truthy(err:find "EBB033", err)
    ok, err = pcall(ebb.runtime, { memory = 1000 })
    assert.is_false(ok)
    assert.truthy(err:find "EBB033", err)
  end)
end)
