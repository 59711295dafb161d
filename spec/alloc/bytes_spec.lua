-- bytes, views of them, and the generic element access that all typed memory shares.
local ebb = require "ebb"
local helper = require "spec.helper"
local throws = helper.throws

describe("bytes", function()
  local g
  before_each(function() g = ebb.guard() end)
  after_each(function() g:close() end)

  it("are zero, and integers from 0 to 255", function()
    local b = g:bytes(300)
    assert.equal(300, #b)
    for i = 1, 300 do assert.equal(0, b[i]) end
    for i = 1, 300 do b[i] = i & 255 end
    for i = 1, 300 do assert.equal(i & 255, b[i]) end
    b[1] = 255.0
    assert.equal("integer", math.type(b[1]))
    assert.equal(255, b[1.0])
  end)

  it("are zero again when the memory comes back from the pool", function()
    for _ = 1, 3 do
      local b = g:bytes(64)
      assert.equal(("\0"):rep(64), b:string())
      b:fill(170)
      g:release(b)
    end
  end)

  it("R166 reading and writing outside throws and changes nothing", function()
    local b = g:bytes(4):fill(7)
    local outside = { 0, 5, -1, 1.5, 2 ^ 53, math.huge, 0 / 0, math.maxinteger, math.mininteger,
      true, {}, print }
    for _, i in ipairs(outside) do
      throws("EBB013", function() return b[i] end)
      throws("EBB013", function() b[i] = 1 end)
    end
    throws("EBB013", function() b.x = 1 end)
    throws("EBB013", function() b[nil] = 1 end)
    assert.equal("\7\7\7\7", b:string())
    assert.is_nil(b.no_such_method)
  end)

  it("refuse what is no byte and say why", function()
    local b = g:bytes(1)
    for _, v in ipairs({ 256, -1, 1.5, 0 / 0, math.huge, "1", true, {} }) do
      throws("EBB013", function() b[1] = v end)
      throws("EBB013", function() b:fill(v) end)
    end
    throws("EBB013", function() b[1] = nil end)
    local err = throws("u8 cannot hold 256", function() b[1] = 256 end)
    assert.truthy(err:find("bytes_spec.lua:", 1, true))
    assert.equal(0, b[1])
  end)

  it("sub works as string.sub does", function()
    local s = "hello"
    local b = g:bytes(5):set(1, s)
    for i = -7, 7 do
      assert.equal(s:sub(i), b:sub(i))
      for j = -7, 7 do assert.equal(s:sub(i, j), b:sub(i, j)) end
    end
    assert.equal("hello", b:sub(math.mininteger, math.maxinteger))
    throws("bad argument", b.sub, b)
    throws("bad argument", b.sub, b, "x")
  end)

  it("set writes a string where it fits", function()
    local b = g:bytes(5)
    assert.equal(b, b:set(1, "abc"))
    b:set(4, "de")
    b:set(6, "")
    assert.equal("abcde", b:string())
    local outside = { { 0, "x" }, { 6, "x" }, { 5, "xy" }, { -1, "" }, { 7, "" },
      { math.maxinteger, "x" }, { math.mininteger, "x" } }
    for _, case in ipairs(outside) do
      throws("EBB013", b.set, b, case[1], case[2])
    end
    throws("bad argument", b.set, b, 1)
    throws("bad argument", b.set, b, 1, {})
    throws("bad argument", b.set, b, "x", "x")
    assert.equal("abcde", b:string())
  end)

  it("fill, whole or in part", function()
    local b = g:bytes(5):fill(1)
    b:fill(2, 2, 4):fill(3, 5):fill(9, 6):fill(9, 3, 2)
    assert.equal("\1\2\2\2\3", b:string())
    throws("EBB013", b.fill, b, 1, 0)
    throws("EBB013", b.fill, b, 1, 1, 6)
    throws("EBB013", b.fill, b, 1, 4, 2)
    throws("bad argument", b.fill, b)
  end)

  it("copy, within themselves too", function()
    local b = g:bytes(6):set(1, "abcdef")
    local c = g:bytes(3):set(1, "xyz")
    assert.equal(b, b:copy(c))
    assert.equal("xyzdef", b:string())
    b:copy(c, 2, 3, 5)
    assert.equal("xyzdyz", b:string())
    b:set(1, "abcdef"):copy(b, 1, 5, 2)
    assert.equal("aabcde", b:string())
    b:set(1, "abcdef"):copy(b, 2, 6, 1)
    assert.equal("bcdeff", b:string())
    b:copy(c, 1, 0, 7)
    throws("EBB013", b.copy, b, c, 1, 3, 5)
    throws("EBB013", c.copy, c, b)
    throws("EBB013", b.copy, b, c, 0, 1)
    throws("EBB013", b.copy, b, c, 1, 4)
    throws("bad argument", b.copy, b, c, 1, 1, 0)
    throws("bad argument", b.copy, b, "abc")
    throws("u8 expected, got f64", b.copy, b, g:array("f64", 1))
    assert.equal("bcdeff", b:string())
  end)

  it("view the same memory, and go stale with it", function()
    local b = g:bytes(6):set(1, "abcdef")
    local v = b:view(2, 4)
    local w = v:view(2)
    assert.equal("bcd", v:string())
    assert.equal("cd", w:string())
    w[1] = 88
    assert.equal("abXdef", b:string())
    assert.equal("ebb.bytes: 3 bytes, live (view)", tostring(v))
    assert.equal(6, #b:view())
    assert.equal(0, #b:view(7))
    throws("EBB013", b.view, b, 2, 7)
    throws("EBB013", v.view, v, 1, 4)
    g:release(b)
    throws("EBB012", function() return v[1] end)
    throws("EBB012", function() return #w end)
    assert.equal("ebb.bytes: 3 bytes, freed (view)", tostring(v))
  end)

  it("stay while a view is in use", function()
    local v = (function() return g:bytes(3):set(1, "abc"):view(2) end)()
    collectgarbage()
    collectgarbage()
    assert.equal("bc", v:string())
  end)

  it("pairs goes through all of them", function()
    local b = g:bytes(3):set(1, "abc")
    local list = {}
    for i, v in pairs(b) do list[i] = v end
    assert.same({ 97, 98, 99 }, list)
  end)

  it("R162 every use after the end throws EBB012 and names both places in debug mode", function()
    local was = ebb.alloc.debug(true)
    local b = g:bytes(3)
    local v = b:view()
    g:release(b)
    ebb.alloc.debug(was)
    local uses = {
      function(x) return x[1] end, function(x) x[1] = 1 end, function(x) return #x end,
      function(x) return x:sub(1) end, function(x) return x:string() end,
      function(x) x:set(1, "a") end, function(x) x:fill(1) end, function(x) x:copy(x) end,
      function(x) return x:view() end, function(x) return pairs(x) end,
    }
    for _, use in ipairs(uses) do
      local err = throws("EBB012", use, b)
      assert.truthy(err:find("allocated at %S*bytes_spec.lua:%d+, freed at %S*spec.lua:%d+"), err)
      throws("EBB012", use, v)
    end
    assert.equal("ebb.bytes: 3 bytes, freed", tostring(b))
  end)
end)
