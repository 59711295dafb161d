-- Comparing and checking whole memory in one call; alignment.
local ebb = require "ebb"
local helper = require "spec.helper"
local throws = helper.throws

describe("compare", function()
  local g
  before_each(function() g = ebb.guard() end)
  after_each(function() g:close() end)

  local function bytes(s) return g:bytes(#s):set(1, s) end

  it("orders bytes as strings are ordered in the C locale", function()
    local words = { "", "\0", "a", "a\0", "aa", "ab", "b", "\x7f", "\x80", "\xff", "\xff\xff" }
    for i, a in ipairs(words) do
      for j, b in ipairs(words) do
        local expected = i < j and -1 or i > j and 1 or 0
        assert.equal(expected, bytes(a):compare(bytes(b)))
        assert.equal(expected, bytes(a):compare(b))
        assert.equal(expected, g:buffer():put(a):compare(bytes(b)))
      end
    end
    local b = bytes "hello world"
    assert.equal(0, b:view(1, 5):compare("hello"))
    assert.equal(0, b:compare(b))
  end)

  it("orders arrays by their elements", function()
    local function array(kind, list)
      local a = g:array(kind, #list)
      for i, v in ipairs(list) do a[i] = v end
      return a
    end
    local cases = {
      { "i8", { -1, 2 }, { 1, 2 } }, { "u16", { 255 }, { 256 } }, { "i32", { 5 }, { 5, -9 } },
      { "i64", { math.mininteger }, { math.maxinteger } }, { "f32", { -0.5 }, { 0.25 } },
      { "f64", { 1, 2, 3 }, { 1, 2, 4 } }, { "f64", { math.huge }, { 0 / 0 } },
      { "u32", { 0x7fffffff }, { 0x80000000 } },
    }
    for _, case in ipairs(cases) do
      local a, b = array(case[1], case[2]), array(case[1], case[3])
      assert.equal(-1, a:compare(b))
      assert.equal(1, b:compare(a))
      assert.equal(0, b:compare(array(case[1], case[3])))
    end
    assert.equal(0, array("f64", { 0.0 }):compare(array("f64", { -0.0 })))
    assert.equal(0, g:vec("i32"):push(1, 2):compare(array("i32", { 1, 2 })))
  end)

  it("says what it cannot compare", function()
    local b, a = g:bytes(1), g:array("f64", 1)
    throws("elements of type u8 expected, got f64", b.compare, b, a)
    throws("ebb.bytes, array, vec or buffer expected", a.compare, a, "x")
    throws("ebb.bytes, array, vec or buffer expected", b.compare, b, 1)
    throws("ebb.bytes, array, vec or buffer expected", b.compare, b)
    local old = g:bytes(1)
    g:release(old)
    throws("EBB012", b.compare, b, old)
    throws("EBB012", old.compare, old, b)
  end)
end)

describe("checksum", function()
  local g
  before_each(function() g = ebb.guard() end)
  after_each(function() g:close() end)

  it("is the CRC-32 of zlib", function()
    local b = g:bytes(9):set(1, "123456789")
    assert.equal(0xcbf43926, b:checksum())
    assert.equal(0, g:bytes(0):checksum())
    assert.equal(g:bytes(3):set(1, "345"):checksum(), b:checksum(3, 5))
    assert.equal(0, b:checksum(4, 3))
    assert.equal(b:checksum(), g:buffer():put("123456789"):checksum())
    throws("EBB013", b.checksum, b, 1, 10)
  end)

  it("is of the elements as they lie in memory", function()
    local a = g:array("u16", 2)
    a[1], a[2] = 0x3131, 0x3232
    assert.equal(g:bytes(4):set(1, "1122"):checksum(), a:checksum())
    assert.equal(g:bytes(2):set(1, "22"):checksum(), a:checksum(2, 2))
    local v = g:vec("u8"):push(49)
    assert.equal(g:bytes(1):set(1, "1"):checksum(), v:checksum())
  end)

  it("changes when any bit does", function()
    local b = g:bytes(100)
    for i = 1, 100 do b[i] = i end
    local seen = { [b:checksum()] = true }
    for i = 1, 100 do
      for bit = 0, 7 do
        b[i] = b[i] ~ (1 << bit)
        local sum = b:checksum()
        assert.is_nil(seen[sum])
        seen[sum] = true
        b[i] = b[i] ~ (1 << bit)
      end
    end
  end)
end)

describe("align", function()
  it("R167 a power of two up to 4096, for everything that has memory", function()
    local g <close> = ebb.guard()
    for shift = 0, 12 do
      local opts = { align = 1 << shift }
      local b = g:bytes(100, opts):fill(255)
      local a = g:array("f64", 10, opts):fill(1)
      local v = g:vec("i32", 0, opts):push(1, 2, 3)
      local buf = g:buffer(nil, opts):put(("x"):rep(100))
      assert.equal(255, b[100])
      assert.equal(10, a:sum())
      assert.equal(3, v[3])
      assert.equal(100, #buf)
      assert.equal(100 + 80, g:stats().live - (v:capacity() * 4) - 100)
      for _, x in ipairs { b, a, v, buf } do g:release(x) end
    end
    assert.equal(0, g:stats().live)
    assert.equal(8, #g:bytes(8, {}))
    for _, align in ipairs { 0, 3, -16, 8192, 1.5, "16", 48, true } do
      throws("option 'align': a power of two from 1 to 4096 expected", g.bytes, g, 1,
        { align = align })
    end
    throws("unknown option 'aligned'", g.bytes, g, 1, { aligned = 16 })
    throws("table of options expected", g.array, g, "u8", 1, 16)
  end)
end)
