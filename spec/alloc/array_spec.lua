-- array and vec: every element type at its limits, arithmetic in place, growth.
local ebb = require "ebb"
local helper = require "spec.helper"
local throws = helper.throws

local limits = {
  u8 = { 0, 255 }, i8 = { -128, 127 }, u16 = { 0, 65535 }, i16 = { -32768, 32767 },
  u32 = { 0, 4294967295 }, i32 = { -2147483648, 2147483647 },
  i64 = { math.mininteger, math.maxinteger },
}

local function list_of(x)
  local list = {}
  for i = 1, #x do list[i] = x[i] end
  return list
end

describe("array", function()
  local g
  before_each(function() g = ebb.guard() end)
  after_each(function() g:close() end)

  local function array(elem, values)
    local a = g:array(elem, #values)
    for i, v in ipairs(values) do a[i] = v end
    return a
  end

  it("of each integer type holds its range and nothing else", function()
    for elem, range in pairs(limits) do
      local a = g:array(elem, 3)
      assert.same({ 0, 0, 0 }, list_of(a))
      a[1], a[3] = range[1], range[2]
      assert.same({ range[1], 0, range[2] }, list_of(a))
      assert.equal("integer", math.type(a[1]))
      assert.equal(range[1], a:min())
      assert.equal(range[2], a:max())
      if elem ~= "i64" then
        throws("EBB013", function() a[1] = range[1] - 1 end)
        throws("EBB013", function() a[1] = range[2] + 1 end)
      end
      for _, v in ipairs({ 1.5, "1", 2 ^ 63, -2 ^ 64, 0 / 0, math.huge, {}, false }) do
        throws("EBB013", function() a[2] = v end)
      end
      a[2] = 7.0
      assert.equal("integer", math.type(a[2]))
      assert.equal(range[2], a[3])
    end
  end)

  it("f64 holds every number, f32 rounds", function()
    local d, f = g:array("f64", 1), g:array("f32", 1)
    for _, v in ipairs({ 1, 1.5, -0.1, 2 ^ 53 + 1, math.huge, -math.huge, math.maxinteger }) do
      d[1] = v
      assert.equal(v + 0.0, d[1])
      assert.equal("float", math.type(d[1]))
    end
    d[1] = 0 / 0
    assert.is_true(d[1] ~= d[1])
    f[1] = 0.1
    assert.equal(string.unpack("f", string.pack("f", 0.1)), f[1])
    f[1] = 1e300
    assert.equal(math.huge, f[1])
    for _, v in ipairs({ "1", {}, true }) do
      throws("EBB013", function() d[1] = v end)
      throws("EBB013", function() f:fill(v) end)
    end
  end)

  it("says its type, size and state", function()
    assert.equal("ebb.array: f32 x 4, live", tostring(g:array("f32", 4)))
    assert.equal("ebb.vec: u8 x 0, live", tostring(g:vec("u8")))
    local a = g:array("i64", 2)
    g:release(a)
    assert.equal("ebb.array: i64 x 2, freed", tostring(a))
  end)

  it("sums, and finds the least and the greatest", function()
    assert.equal(6, array("i32", { 1, 2, 3 }):sum())
    assert.equal("integer", math.type(array("u8", { 1 }):sum()))
    assert.equal(510, array("u8", { 255, 255 }):sum())
    assert.equal(4.5, array("f64", { 1.5, 3 }):sum())
    assert.equal(math.mininteger, array("i64", { math.maxinteger, 1 }):sum())
    assert.equal(0, g:array("i8", 0):sum())
    assert.is_nil(g:array("i8", 0):min())
    assert.is_nil(g:array("f64", 0):max())
    assert.equal(-3, array("i16", { 5, -3, 2 }):min())
    assert.equal(5.0, array("f32", { 0 / 0, 5, 2 }):max())
  end)

  it("adds and multiplies in place, by numbers and arrays", function()
    for elem in pairs(limits) do
      local a = array(elem, { 1, 2, 3 })
      assert.equal(a, a:add(1))
      a:mul(2):add(array("f64", { -2, 0, 2 })):add(array("u8", { 0, 0, 0 })):add(a)
      assert.same({ 2, 3, 4 }, list_of(a:add(array("i32", { -2, -9, -16 }))))
    end
    assert.same({ 1.5, 2.5 }, list_of(array("f64", { 1, 2 }):add(0.5)))
    assert.same({ 0.5, 4 }, list_of(array("f32", { 1, 2 }):mul(array("f64", { 0.5, 2 }))))
    assert.same({ 1, 4 }, list_of(array("f64", { 1, 2 }):mul(array("f64", { 1, 2 }))))
    assert.same({ 2, 4 }, list_of(array("u8", { 1, 2 }):mul(2.0)))
  end)

  it("arithmetic that does not fit throws and changes nothing", function()
    local a = array("u8", { 1, 200, 3 })
    throws("EBB013", a.add, a, 56)
    throws("u8 cannot hold 200 + 56 (element 2)", a.add, a, 56)
    throws("EBB013", a.add, a, -2)
    throws("EBB013", a.mul, a, 2)
    throws("EBB013", a.mul, a, -1)
    throws("EBB013", a.add, a, 0.5)
    throws("EBB013", a.add, a, math.maxinteger)
    throws("EBB013", a.mul, a, math.mininteger)
    throws("EBB013", a.mul, a, 1 << 56)
    throws("EBB013", a.add, a, array("f64", { 0, 0, 1.5 }))
    throws("EBB013", a.add, a, 0 / 0)
    assert.same({ 1, 200, 3 }, list_of(a))
    local b = array("u32", { 4294967295, 0 })
    throws("EBB013", b.mul, b, 4294967297)
    throws("EBB013", b.mul, b, b)
    throws("EBB013", b.add, b, 1)
    assert.same({ 4294967295, 0 }, list_of(b))
    assert.same({ math.mininteger }, list_of(array("i64", { math.maxinteger }):add(1)))
  end)

  it("operands must be numbers or as many elements", function()
    local a = array("f64", { 1, 2 })
    throws("2 elements expected, got 1", a.add, a, g:array("f64", 1))
    for _, x in ipairs({ "1", {}, true, g, g:box(1) }) do throws("bad argument", a.add, a, x) end
    throws("bad argument", a.mul, a)
    local freed = g:array("f64", 2)
    g:release(freed)
    throws("EBB012", a.add, a, freed)
    throws("EBB012", freed.add, freed, a)
    assert.same({ 1, 2 }, list_of(a))
  end)

  it("combining views that overlap uses what was there before", function()
    local a = array("i32", { 1, 2, 3, 4 })
    a:view(2, 4):add(a:view(1, 3))
    assert.same({ 1, 3, 5, 7 }, list_of(a))
    a:view(1, 3):add(a:view(2, 4))
    assert.same({ 4, 8, 12, 7 }, list_of(a))
  end)

  it("fills, copies and views as bytes do", function()
    local a = g:array("i16", 5):fill(-1)
    assert.same({ -1, -1, -1, -1, -1 }, list_of(a))
    local v = a:view(2, 3):fill(300)
    assert.same({ -1, 300, 300, -1, -1 }, list_of(a))
    a:copy(v, 1, 2, 4)
    assert.same({ -1, 300, 300, 300, 300 }, list_of(a))
    throws("EBB013", a.fill, a, 70000)
    throws("i16 expected, got i32", a.copy, a, g:array("i32", 1))
    throws("bad argument", a.sum, g:bytes(1))
  end)
end)

describe("vec", function()
  local g
  before_each(function() g = ebb.guard() end)
  after_each(function() g:close() end)

  it("R168 grows and keeps its elements", function()
    local v = g:vec("i32")
    for i = 1, 5000 do v:push(i) end
    assert.equal(5000, #v)
    assert.equal(5000 * 5001 // 2, v:sum())
    for i = 1, 5000, 777 do assert.equal(i, v[i]) end
    assert.is_true(v:capacity() >= 5000)
    assert.equal(v:capacity() * 4, g:stats().live)
  end)

  it("pushes all or none, and pops the last", function()
    local v = g:vec("u8"):push(1, 2, 3)
    throws("EBB013", v.push, v, 4, 256)
    throws("EBB013", v.push, v, 4, nil)
    assert.equal(3, #v)
    assert.equal(v, v:push())
    assert.equal(3, v:pop())
    assert.equal(2, v:pop())
    assert.equal(1, v:pop())
    assert.is_nil(v:pop())
    throws("EBB013", function() return v[1] end)
  end)

  it("reserves, clears, tells its capacity", function()
    local v = g:vec("f64", 100)
    assert.equal(0, #v)
    assert.equal(100, v:capacity())
    assert.equal(v, v:reserve(50))
    assert.equal(100, v:capacity())
    v:reserve(1000):push(1):clear()
    assert.equal(0, #v)
    assert.equal(1000, v:capacity())
    for _, n in ipairs({ -1, 1.5, "x", {}, math.maxinteger, math.huge }) do
      assert.is_false((pcall(v.reserve, v, n)))
    end
    assert.equal(1000, v:capacity())
  end)

  it("a view is an array, and stale once the vec has grown", function()
    local v = g:vec("i8", 2):push(1, 2)
    local view = v:view()
    assert.equal("ebb.array: i8 x 2, live (view)", tostring(view))
    view[1] = 9
    assert.equal(9, v[1])
    v:pop()
    assert.equal(2, view[2])
    v:push(5, 6)
    throws("EBB012", function() return view[1] end)
    assert.same({ 9, 5, 6 }, list_of(v))
  end)

  it("has the array's methods", function()
    local v = g:vec("f64"):push(1, 2, 3)
    assert.equal(12.0, v:mul(2):sum())
    assert.equal(6.0, v:max())
    assert.equal(2.0, v:min())
    v:fill(1):copy(v, 1, 1, 3)
    assert.same({ 2, 2, 2 }, list_of(v:add(v)))
  end)
end)
