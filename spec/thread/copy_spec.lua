-- What arrives in another thread is what was sent: the copying of values (csrc/lua/l_clone.c).
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.thread.support"

-- There and back again: through a channel, in this state.
local function copy(value)
  local ch = ebb.thread.channel(1)
  assert(ch:try_send(value))
  return (ch:try_recv())
end

local function bits(x) return string.pack("d", x) end

describe("a copy", function()
  it("of a number is exact, and stays an integer or a float", function()
    for _, n in ipairs { 0, 1, -1, 127, 128, -128, 255, 2 ^ 31 | 0, math.maxinteger, math.mininteger } do
      local got = copy(n)
      assert.equal(n, got)
      assert.equal("integer", math.type(got))
    end
    for _, x in ipairs { 0.0, -0.0, 1.0, 0.1, -1e308, 5e-324, math.huge, -math.huge, 0 / 0, -(0 / 0) } do
      local got = copy(x)
      assert.equal("float", math.type(got))
      assert.equal(bits(x), bits(got))
    end
  end)

  it("of a string has its bytes, zeros too, whatever its length", function()
    for _, s in ipairs { "", "x", "a\0b", ("\0"):rep(100), ("abc"):rep(100000), "\255\254" } do
      assert.equal(s, copy(s))
    end
  end)

  it("of true and false", function()
    assert.is_true(copy(true))
    assert.is_false(copy(false))
  end)

  it("of a table has all of it, and is another one", function()
    local t = { 1, "two", { 3 }, x = 1.5, [true] = false, [-1] = "minus", [2.5] = {}, [10] = 10, y = { z = {} } }
    local got = copy(t)
    assert.same(t, got)
    assert.not_equal(t, got)
    assert.not_equal(t[3], got[3])
    assert.same({}, copy {})
    local list = {}
    for i = 1, 10000 do list[i] = i end
    assert.same(list, copy(list))
    list = { n = 5, nil, 2, nil, 4 }
    assert.same(list, copy(list))
  end)

  it("keeps shared references and circles (R109)", function()
    local shared = { "shared" }
    local t = { a = shared, b = shared, [shared] = true }
    t.self = t
    t.list = { t, { t } }
    local got = copy(t)
    assert.equal(got.a, got.b)
    assert.is_true(got[got.a])
    assert.equal(got, got.self)
    assert.equal(got, got.list[1])
    assert.equal(got, got.list[2][1])
  end)

  it("of something very deep is no matter", function()
    local t = {}
    local at = t
    for i = 1, 100000 do
      at.next = { i }
      at = at.next
    end
    local got, n = copy(t), 0
    while got.next do
      got, n = got.next, n + 1
      assert.equal(n, got[1])
    end
    assert.equal(100000, n)
  end)

  it("has a copy of the metatable; one that a module has is that one", function()
    local class = { kind = "copied" }
    class.__index = class
    local a, b = setmetatable({ 1 }, class), setmetatable({ 2 }, class)
    local got = copy { a, b }
    assert.equal("copied", got[1].kind)
    assert.equal(getmetatable(got[1]), getmetatable(got[2]))
    assert.not_equal(class, getmetatable(got[1]))
    assert.equal(support.class, getmetatable(copy(setmetatable({}, support.class))))
    helper.throws("argument 1: table with __gc", ebb.blocking, type, setmetatable({}, { __gc = type }))
    helper.throws("argument 1: .x: table with __close", ebb.blocking, type,
      { x = setmetatable({}, { __close = type }) })
  end)

  it("of a light userdata, where there is one, is the same", function()
    local light = debug.upvalueid(copy, 1)
    assert.equal(light, copy { light }[1])
  end)

  it("of a function has copies of its upvalues (R108)", function()
    local n, t = 5, { 6 }
    local function f(x) n = n + 1; return n, t[1], x, string.upper "a" end
    local got = copy(f)
    assert.same({ 6, 6, "x", "A" }, { got "x" })
    assert.same({ 7, 6, "x", "A" }, { got "x" })
    assert.equal(5, n)
  end)

  it("of functions that share an upvalue shares it too", function()
    local n = 0
    local got = copy { up = function() n = n + 1 end, get = function() return n end }
    got.up()
    got.up()
    assert.equal(2, got.get())
    assert.equal(0, n)
  end)

  it("of a recursive function calls itself, not the first one", function()
    local calls = 0
    local function fib(i) calls = calls + 1; return i < 2 and i or fib(i - 1) + fib(i - 2) end
    assert.equal(55, copy(fib)(10))
    assert.equal(0, calls)
  end)

  it("of a module, and of a function it has, is that one (by name)", function()
    for _, value in ipairs { string, string.format, print, _G, ebb, ebb.sleep, support, support.twice, math } do
      assert.equal(value, copy(value))
    end
    assert.equal(8, ebb.blocking(support.twice, 4))
    assert.equal("table", ebb.blocking(function() return type(support.class) end))
  end)

  it("of a global Lua function is its code, for the other state has no such global", function()
    rawset(_G, "ebb_spec_fn", function(x) return x + 1 end)
    local fn = rawget(_G, "ebb_spec_fn")
    assert.equal(3, ebb.blocking(fn, 2))
    rawset(_G, "ebb_spec_fn", nil)
  end)

  it("finds out when a module has been loaded since", function()
    package.loaded["ebb.spec.late"] = nil
    local module = { f = function() end }
    assert.not_equal(module, copy(module))
    assert.not_equal(module.f, copy(module.f))
    package.loaded["ebb.spec.late"] = module
    assert.equal(module, copy(module))
    assert.equal(module.f, copy(module.f))
    package.loaded["ebb.spec.late"] = nil
    assert.not_equal(module, copy(module))
    assert.not_equal(module.f, copy(module.f))
  end)

  it("of a channel is that channel", function()
    local ch = ebb.thread.channel(3)
    local got = copy { ch, ch }
    assert.equal(ch, got[1])
    assert.is_true(rawequal(got[1], got[2]))
    assert(got[1]:try_send "through")
    assert.equal("through", ch:try_recv())
  end)
end)

describe("bytes and arrays", function()
  it("move: the handle that was sent is stale (EBB012)", function()
    local g <close> = ebb.guard()
    local b, a = g:bytes(3), g:array("i16", 2)
    b:set(1, "a\0c")
    a[1], a[2] = -5, 300
    local view = b:view(1, 2)
    local got = copy { b, a, b }
    assert.equal("a\0c", got[1]:string())
    assert.is_true(rawequal(got[1], got[3]))
    assert.equal(-5, got[2][1])
    assert.equal(300, got[2][2])
    for _, old in ipairs { b, view } do
      helper.throws("EBB012", function() return old[1] end)
    end
    helper.throws("EBB012", copy, { a })
    assert.equal(0, #copy(g:bytes(0)))
  end)

  it("stay where they are when the rest cannot be sent", function()
    local g <close> = ebb.guard()
    local b = g:bytes(3)
    helper.throws("value: [2]: userdata", copy, { b, io.stdout })
    local ch = ebb.thread.channel(1)
    assert(ch:try_send(1))
    assert.same({ nil, "full" }, { ch:try_send(b) })
    ch:close()
    assert.same({ nil, "closed" }, { ch:try_send(b) })
    assert.equal(3, #b)
    b[1] = 7
    assert.equal(7, b[1])
  end)

  helper.it("move into a job and back out of it", function()
    local g <close> = ebb.guard()
    local a = g:array("f64", 1000)
    a:fill(1.5)
    local sum, back = ebb.blocking(function(x) return x:sum(), x end, a)
    assert.equal(1500.0, sum)
    assert.equal(1.5, back[1000])
    helper.throws("EBB012", function() return a[1] end)
  end)

  it("a view, a vec and a buffer do not", function()
    local g <close> = ebb.guard()
    local b = g:bytes(3)
    helper.throws("value: a view", copy, b:view(1, 2))
    helper.throws("value: userdata (ebb.vec)", copy, g:vec "u8")
    helper.throws("value: userdata (ebb.buffer)", copy, g:buffer())
  end)
end)

describe("what cannot be copied", function()
  local co = coroutine.create(print)

  for path, value in pairs {
    ["value: coroutine"] = co,
    ["value: .x: coroutine"] = { x = co },
    ["value: .callbacks[3]: userdata"] = { callbacks = { 1, 2, io.stdout } },
    ["value: [\"odd key\"].deep[1].er: coroutine"] = { ["odd key"] = { deep = { { er = co } } } },
    ["value: [2.5][-1][true]: coroutine"] = { [2.5] = { [-1] = { [true] = co } } },
    ["value: key: coroutine"] = { [co] = 1 },
    ["value: .m metatable:.x: coroutine"] = { m = setmetatable({}, { x = co }) },
    ["value: C function"] = co and coroutine.wrap(print),
    ["value: .f upvalue 'co': coroutine"] = { f = function() return co end },
    ["value: userdata (ebb.channel)"] = ebb.channel(),
  } do
    it("is named by its path: " .. path, function()
      helper.throws("EBB071: cannot be copied to a thread: " .. path, copy, value)
    end)
  end

  it("is named in a large object too", function()
    local t = {}
    for i = 1, 1000 do t[i] = { i, { i } } end
    t[1000][2].bad = co
    helper.throws("value: [1000][2].bad: coroutine", copy, t)
  end)
end)
