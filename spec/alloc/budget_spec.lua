-- Budgets: what refuses, what is charged, who is asked and who is told.
local ebb = require "ebb"
local helper = require "spec.helper"
local collect, throws = helper.collect, helper.throws
local budget = ebb.alloc.budget

local is_eager = os.getenv "EBB_SPEC_GC" == "eager"
local n_names = 0

-- A budget that nobody else has.
local function new(opts)
  n_names = n_names + 1
  local name = "spec" .. n_names
  budget(name, opts)
  return name
end

local function live(name) return ebb.alloc.stats().tags[name].live end

-- A handle that is dropped may be collected at any moment.
local kept = {}
local function keep(x)
  kept[#kept + 1] = x
  return x
end

describe("budget", function()
  before_each(function() kept = {} end)

  it("2.9e R165 refuses, and charges nothing when it does", function()
    local name = new { bytes = 1 << 20 }
    local g <close> = ebb.guard { budget = name }
    local first = g:bytes((1 << 20) - 100)
    local before, total = g:stats(), ebb.alloc.stats()
    for _, make in ipairs {
      function() return g:bytes(101) end,
      function() return g:array("f64", 13) end,
      function() return g:vec("i32", 26) end,
      function() return g:buffer(101) end,
      function() return g:bytes(100 << 20) end,
    } do
      local x, why = make()
      assert.is_nil(x)
      assert.equal("budget '" .. name .. "' exceeded", why)
    end
    local after = ebb.alloc.stats()
    assert.same(before, g:stats())
    assert.same(total.tags[name], after.tags[name])
    assert.equal(total.pool.live, after.pool.live)
    assert.equal(total.heap.live, after.heap.live)
    local last = g:bytes(100)
    assert.equal(1 << 20, live(name))
    assert.equal(0, #keep(g:bytes(0))) -- nothing more is always there
    g:release(first)
    assert.equal(100, live(name))
    assert.equal(13, #keep(g:array("f64", 13)))
    assert.equal(0, last[1])
  end)

  it("R165 a growth that is refused throws EBB032 and leaves everything as it was", function()
    local name = new { bytes = 100 }
    local g <close> = ebb.guard { budget = name }
    local v, buf = g:vec("i32"), g:buffer()
    v:push(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16) -- 64
    buf:put(("x"):rep(36)) -- exactly what is left, though growth is geometric
    assert.equal(100, live(name))
    local err = throws("EBB032: budget '" .. name .. "' exceeded",
      function() v:push(17, 18) end)
    assert.truthy(err:find("^[^\n]*budget_spec.lua:%d+: EBB032"))
    assert.truthy(err:find("(ebb.vec: i32 x 16)", 1, true))
    throws("EBB032", v.reserve, v, 17)
    throws("EBB032", buf.put, buf, "y", "z")
    throws("EBB032", buf.pack, buf, "i4", 1)
    throws("EBB032", buf.append_from, buf, v)
    assert.equal(16, #v)
    assert.equal(16, v[16])
    assert.equal(("x"):rep(36), buf:tostring())
    assert.equal(100, live(name))
    buf:get(10) -- room in front is used again before anything is asked for
    buf:put("0123456789")
    assert.equal(("x"):rep(26) .. "0123456789", buf:tostring())
    g:release(buf)
    v:push(17)
    assert.equal(17, v[17])
    assert.is_true(live(name) <= 100)
  end)

  it("put writes all of its arguments or none", function()
    local g <close> = ebb.guard { budget = new { bytes = 32 } }
    local buf = g:buffer(16)
    buf:put("0123456789")
    throws("EBB032", buf.put, buf, "abcdef", 12, ("x"):rep(20))
    assert.equal("0123456789", buf:tostring())
    buf:put("abcdef", 1, 2.5)
    assert.equal("0123456789abcdef12.5", buf:tostring())
  end)

  it("is inherited by child guards, and shared by all guards of its name", function()
    local name = new { bytes = 1000 }
    local g <close> = ebb.guard { budget = name }
    local other <close> = ebb.guard { budget = name }
    local child = g:guard()
    local grandchild = child:guard()
    keep(g:bytes(100))
    keep(other:bytes(200))
    keep(child:bytes(300))
    keep(grandchild:bytes(400))
    assert.equal(1000, live(name))
    for _, guard in ipairs { g, other, child, grandchild } do
      assert.is_nil((guard:bytes(1)))
    end
    child:close()
    assert.equal(300, live(name))
    other:reset()
    assert.equal(100, live(name))
    g:close()
    assert.equal(0, live(name))
    assert.equal(1000, ebb.alloc.stats().tags[name].peak)
  end)

  it("on_exceed is asked with name, bytes and what lives; true lets it pass", function()
    local calls, answer = {}, nil
    local name = new { bytes = 100, on_exceed = function(...)
      calls[#calls + 1] = table.pack(...)
      return answer
    end }
    local g <close> = ebb.guard { budget = name }
    keep(g:bytes(60))
    assert.is_nil((g:bytes(50)))
    assert.same({ { name, 50, 60, n = 3 } }, calls)
    answer = true
    assert.equal(50, #keep(g:bytes(50)))
    assert.equal(110, live(name))
    local v = g:vec("u8", 4)
    assert.equal(3, #calls)
    v:push(1, 2, 3, 4, 5) -- asked for the one byte that it needs, not for geometric growth
    assert.same({ name, 1, 114, n = 3 }, calls[4])
    answer = false
    throws("EBB032", v.push, v, 6)
    assert.equal(115, live(name))
    g:release(v)
    g:close()
    assert.equal(0, live(name))
  end)

  it("on_exceed may make room, and allocate: what it takes itself is not asked for", function()
    local g, spare, n_calls = nil, nil, 0
    local name = new { bytes = 100, on_exceed = function()
      n_calls = n_calls + 1
      assert.is_nil((g:bytes(1000)))
      g:release(spare)
      assert.equal(10, #keep(g:bytes(10)))
      return true
    end }
    g = ebb.guard { budget = name }
    spare = g:bytes(90)
    assert.equal(70, #keep(g:bytes(70)))
    assert.equal(1, n_calls)
    assert.equal(80, live(name))
    g:close()
  end)

  it("a callback that throws: the call throws it, nothing has happened", function()
    local what = {}
    local name = new { bytes = 100, soft = 40, on_exceed = function() error(what) end,
      on_soft = function() error(what) end }
    local g <close> = ebb.guard { budget = name }
    local b = g:bytes(30)
    for _ = 1, 2 do -- not told, so told again
      local ok, err = pcall(g.bytes, g, 50)
      assert.is_false(ok)
      assert.equal(what, err)
    end
    local ok, err = pcall(g.bytes, g, 100)
    assert.is_false(ok)
    assert.equal(what, err)
    assert.equal(30, live(name))
    assert.same({ live = 30, peak = 30, count = 1 }, g:stats())
    assert.equal(30, #b)
    budget(name, { bytes = 100 })
    assert.equal(50, #keep(g:bytes(50)))
  end)

  helper.it("a callback cannot wait: EBB051, and nothing has happened", function()
    local name = new { bytes = 10, on_exceed = function() ebb.sleep(1) return true end }
    local g <close> = ebb.guard { budget = name }
    throws("EBB051", g.bytes, g, 11)
    assert.equal(0, live(name))
    assert.equal(10, #keep(g:bytes(10)))
  end)

  it("a callback that closes the guard", function()
    local g
    local name = new { bytes = 10, on_exceed = function() g:close() return true end }
    g = ebb.guard { budget = name }
    throws("EBB012", g.bytes, g, 11)
    assert.equal(0, live(name))
    g = ebb.guard { budget = name }
    local buf = g:buffer(10)
    throws("EBB012", buf.put, buf, "0123456789a")
    assert.equal(0, live(name))
  end)

  it("a callback that changes the buffer that grows", function()
    local g, buf
    local name = new { bytes = 20, on_exceed = function()
      buf:get(15)
      buf:put("abc")
      return true
    end }
    g = ebb.guard { budget = name }
    buf = g:buffer(20)
    buf:put("0123456789", "0123456789")
    buf:put("xyz")
    assert.equal("56789abcxyz", buf:tostring())
    g:close()
    g = ebb.guard { budget = name }
    local v = g:vec("u8", 20)
    for i = 1, 20 do v:push(i) end
    budget(name, { bytes = 20, on_exceed = function()
      v:pop()
      return true
    end })
    v:push(21, 22)
    assert.equal(21, #v)
    assert.equal(22, v[21])
    g:close()
    assert.equal(0, live(name))
  end)

  it("on_soft is called once per crossing, with some slack", function()
    local calls = {}
    local name = new { bytes = 2000, soft = 1000, on_soft = function(...)
      calls[#calls + 1] = table.pack(...)
    end }
    local g <close> = ebb.guard { budget = name }
    local base = g:bytes(800)
    g:bytes(200) -- up to the limit is not above it
    assert.equal(0, #calls)
    local small = g:bytes(1)
    assert.same({ { name, 1001, 1000, n = 3 } }, calls)
    for _ = 1, 5 do
      g:release(small)
      small = g:bytes(50)
    end
    assert.equal(1, #calls) -- it trembles around the limit
    g:release(base) -- 250, below nine tenths
    base = g:bytes(800)
    assert.equal(2, #calls)
    assert.equal(1050, calls[2][2])
    assert.is_nil((g:bytes(5000))) -- refused: nothing was passed
    assert.equal(2, #calls)
    g:release(base)
    assert.is_nil((g:bytes(5000)))
    assert.equal(2, #calls)
  end)

  it("on_soft may free and allocate", function()
    local g, cache, n_calls = nil, nil, 0
    local name = new { bytes = 150, soft = 100, on_soft = function()
      n_calls = n_calls + 1
      if cache then g:release(cache) end
      cache = nil
      keep(g:bytes(5))
    end }
    g = ebb.guard { budget = name }
    cache = g:bytes(90)
    assert.equal(60, #keep(g:bytes(60)))
    assert.equal(65, live(name))
    assert.equal(1, n_calls)
    keep(g:bytes(36))
    assert.equal(2, n_calls)
    assert.equal(106, live(name))
    g:close()
    assert.equal(0, live(name))
    -- what it takes may be what is missing then
    budget(name, { bytes = 100, soft = 50, on_soft = function() keep(g:bytes(40)) end })
    g = ebb.guard { budget = name }
    assert.is_nil((g:bytes(70)))
    assert.equal(40, live(name))
    g:close()
  end)

  it("promote moves the charge to the other guard's budget, if it fits there", function()
    local from, to = new { bytes = 1000 }, new { bytes = 100 }
    local g <close> = ebb.guard { budget = from }
    local h <close> = ebb.guard { budget = to }
    local plain <close> = ebb.guard()
    local small, large = g:bytes(60), g:bytes(200)
    assert.equal(small, g:promote(small, h))
    assert.equal(200, live(from))
    assert.equal(60, live(to))
    local x, why = g:promote(large, h)
    assert.is_nil(x)
    assert.equal("budget '" .. to .. "' exceeded", why)
    assert.equal(200, live(from))
    assert.equal(60, live(to))
    assert.equal(large, g:promote(large, plain))
    assert.equal(0, live(from))
    budget(to, { bytes = 100, on_exceed = function() return true end })
    plain:promote(large, h)
    assert.equal(260, live(to))
    h:close()
    assert.equal(0, live(to))
    throws("EBB012", function() return large[1] end)
  end)

  it("promoted to the collector it stays charged until it is collected", function()
    local name = new { bytes = 1000, soft = 500 }
    local moved
    do
      local g <close> = ebb.guard { budget = name }
      moved = g:promote(g:bytes(600))
    end
    assert.equal(600, live(name))
    assert.equal(600, #moved)
    local g <close> = ebb.guard { budget = name }
    assert.is_nil((g:bytes(401)))
    moved = nil -- luacheck: ignore
    collect()
    assert.equal(0, live(name))
    assert.equal(401, #keep(g:bytes(401)))
  end)

  it("can be looked at and changed; what it holds stays", function()
    assert.is_nil(budget("there is no such budget"))
    local name = new { bytes = 100, soft = 50 }
    assert.same({ live = 0, peak = 0, limit = 100, soft = 50 }, budget(name))
    local g <close> = ebb.guard { budget = name }
    local b = g:bytes(80)
    assert.same({ live = 80, peak = 80, limit = 100, soft = 50 }, budget(name))
    budget(name, { bytes = 10 }) -- below what lives: nothing more
    assert.same({ live = 80, peak = 80, limit = 10 }, budget(name))
    assert.is_nil((g:bytes(1)))
    assert.equal(0, #keep(g:bytes(0)))
    budget(name, {}) -- only a name to count by
    assert.same({ live = 80, peak = 80 }, ebb.alloc.stats().tags[name])
    keep(g:bytes(1 << 20))
    g:release(b)
    assert.equal(1 << 20, live(name))
    budget(name, { bytes = math.huge })
    assert.is_nil(budget(name).limit)
  end)

  it("says what is wrong with its arguments", function()
    throws("(string expected, got nil)", budget, nil, {})
    throws("(table of options expected, got number)", budget, "x", 1)
    throws("unknown option 'byte'", budget, "x", { byte = 1 })
    throws("option 'bytes': integer of at least 0 expected", budget, "x", { bytes = -1 })
    throws("option 'bytes': integer of at least 0 expected", budget, "x", { bytes = "9" })
    throws("option 'soft': integer of at least 0 expected", budget, "x", { soft = 0.5 })
    throws("option 'on_exceed': function expected", budget, "x", { on_exceed = 1 })
    throws("option 'on_soft': function expected", budget, "x", { on_soft = {} })
    assert.is_nil(budget "x")
    throws("there is no budget 'x'", ebb.guard, { budget = "x" })
    throws("option 'budget': string expected, got number", ebb.guard, { budget = 1 })
    throws("unknown option 'name'", ebb.guard, { name = "x" })
  end)

  it("2.9f R174 the tags equal an independent count", function()
    collect()
    local names = { new { bytes = 60000 }, new { bytes = 30000, soft = 20000 }, new {} }
    local limits = { 60000, 30000, math.huge }
    local base = ebb.alloc.stats()
    local guards, owned, lives, peaks = {}, {}, { 0, 0, 0 }, { 0, 0, 0 }
    local all, heap, n_refused = 0, 0, 0
    for i = 1, 3 do guards[i], owned[i] = ebb.guard { budget = names[i] }, {} end
    local state = 11
    local function random(n)
      state = (state * 1103515245 + 12345) & 0x7fffffff
      return (state >> 8) % n + 1
    end
    local function count(i, n)
      lives[i] = lives[i] + n
      peaks[i] = math.max(peaks[i], lives[i])
    end
    local function size_of(x, sign)
      if #x > 32768 then heap = heap + sign * #x else all = all + sign * #x end
      return #x
    end
    for _ = 1, is_eager and 400 or 4000 do
      local i, j = random(3), random(3)
      local list = owned[i]
      local action = random(10)
      if action <= 5 then
        local n = random(action == 1 and 40000 or 3000)
        local b, why = guards[i]:bytes(n)
        assert.equal(lives[i] + n <= limits[i], b ~= nil)
        if b then
          list[#list + 1] = b
          size_of(b, 1)
          count(i, n)
        else
          n_refused = n_refused + 1
          assert.equal("budget '" .. names[i] .. "' exceeded", why)
        end
      elseif action <= 7 and #list > 0 then
        local b = table.remove(list, random(#list))
        lives[i] = lives[i] - size_of(b, -1)
        guards[i]:release(b)
      elseif action <= 9 and #list > 0 then
        local b = list[random(#list)]
        local fits = i == j or lives[j] + #b <= limits[j]
        assert.equal(fits and b or nil, (guards[i]:promote(b, guards[j])))
        if fits and i ~= j then
          for k = #list, 1, -1 do if list[k] == b then table.remove(list, k) end end
          owned[j][#owned[j] + 1] = b
          lives[i] = lives[i] - #b
          count(j, #b)
        end
      elseif random(40) == 1 then
        for _, b in ipairs(list) do lives[i] = lives[i] - size_of(b, -1) end
        owned[i] = {}
        guards[i]:reset()
      end
      local stats = ebb.alloc.stats()
      for k = 1, 3 do
        assert.equal(lives[k], stats.tags[names[k]].live)
        assert.equal(peaks[k], stats.tags[names[k]].peak)
        assert.equal(lives[k], guards[k]:stats().live)
      end
      assert.equal(base.pool.live + all, stats.pool.live)
      assert.equal(base.heap.live + heap, stats.heap.live)
    end
    assert.is_true(is_eager or n_refused > 10)
    for i = 1, 3 do
      guards[i]:close()
      assert.equal(0, live(names[i]))
    end
  end)

  it("2.9b R174 a scope per item leaves nothing charged", function()
    local name = new { bytes = 5000 }
    local g <close> = ebb.guard { budget = name }
    for i = 1, is_eager and 2000 or 50000 do
      local item <close> = g:guard()
      item:bytes(i % 1000):fill(1)
      item:buffer():put("some words")
    end
    assert.equal(0, live(name))
  end)

  helper.it("R170 a task that is cancelled or fails leaves nothing charged", function(errors)
    local name = new { bytes = 1000 }
    local function work(how)
      local g <close> = ebb.guard { budget = name }
      local child = g:guard()
      keep(g:bytes(100))
      keep(child:vec("u8")):push(1, 2, 3)
      g:defer(function() assert.is_true(live(name) >= 100) end)
      if how == "fails" then error "as meant" end
      ebb.sleep(100)
    end
    local cancelled, failed = ebb.spawn(work, "waits"), ebb.spawn(work, "fails")
    assert.is_false((failed:join()))
    helper.settle()
    assert.is_true(live(name) > 0)
    cancelled:cancel()
    assert.is_false((cancelled:join()))
    assert.equal(0, live(name))
    assert.equal(0, #errors)
  end)

  it("R170 a runtime that closes leaves nothing charged", function()
    local name = new { bytes = 1000 }
    local rt = ebb.runtime { clock = "virtual" }
    rt:spawn(function()
      local g <close> = ebb.guard { budget = name }
      keep(g:bytes(500))
      ebb.sleep(100)
    end)
    rt:step(0)
    assert.equal(500, live(name))
    rt:close()
    assert.equal(0, live(name))
  end)

  it("leaks tell of what was promoted to the collector", function()
    local was = ebb.alloc.debug(true)
    local before = #ebb.alloc.leaks()
    local g = ebb.guard { budget = new { bytes = 1000 } }
    local moved = g:promote(g:bytes(33))
    g:close()
    local leaks = ebb.alloc.leaks()
    assert.equal(before + 1, #leaks)
    assert.equal(33, leaks[#leaks].bytes)
    assert.equal(33, #moved)
    moved = nil -- luacheck: ignore
    assert.equal(before, #ebb.alloc.leaks())
    ebb.alloc.debug(was)
  end)
end)
