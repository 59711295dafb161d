-- What cannot be copied to a thread says where it is, however it is reached; what can arrives as it was.
local ebb = require "ebb"
local helper = require "spec.helper"

--- What a thread channel says of a value that it cannot take.
local function refused(value)
  return tostring(helper.throws("EBB071", function() ebb.thread.channel(1):try_send(value) end))
end

local function copied(value)
  local ch = ebb.thread.channel(1)
  assert.is_true(ch:try_send(value))
  return ch:try_recv()
end

describe("a value that cannot be copied to a thread #fifo", function()
  it("is named by its path, whatever the keys (TH21)", function()
    local long = ("k"):rep(61)
    local unnamed = coroutine.create(print)
    for expected, value in pairs {
      [".name"] = { name = unnamed }, ["._9"] = { _9 = unnamed }, ['["9a"]'] = { ["9a"] = unnamed },
      ['[""]'] = { [""] = unnamed }, ['["a b"]'] = { ["a b"] = unnamed }, ['["' .. long .. '"]'] = { [long] = unnamed },
      ["[3]"] = { 1, 2, unnamed }, ["[-1]"] = { [-1] = unnamed }, ["[0.5]"] = { [0.5] = unnamed },
      ["[true]"] = { [true] = unnamed }, ["[false]"] = { [false] = unnamed },
      ["[table]"] = { [{}] = unnamed }, ["[function]"] = { [function() end] = unnamed },
      [".a[1].b"] = { a = { { b = unnamed } } }, [".a.b"] = { a = { a = 1, b = unnamed } },
    } do
      local text = refused(value)
      assert.truthy(text:find(expected, 1, true), text)
      assert.truthy(text:find("coroutine", 1, true), text)
    end
  end)

  it("is named when it is a key, an upvalue, of a metatable, very deep, or in a cycle (TH21)", function()
    local thread = coroutine.create(print)
    assert.truthy(refused({ [thread] = 1 }):find("coroutine", 1, true))
    local function inner() return thread end
    assert.truthy(refused({ f = inner }):find(".f upvalue 'thread':", 1, true), refused({ f = inner }))
    assert.truthy(refused({ g = function() return inner end }):find("upvalue 'inner': upvalue 'thread':", 1, true))
    assert.truthy(refused(setmetatable({}, { __index = { deep = thread } })):find("coroutine", 1, true))
    local deep = { thread }
    for _ = 1, 1500 do deep = { deep } end
    assert.truthy(refused(deep):find("[1][1]", 1, true))
    local cycle = { thread = thread }
    cycle.self = cycle
    assert.truthy(refused(cycle):find(".thread", 1, true))
    assert.truthy(refused(setmetatable({}, { __gc = function() end })):find("table with __gc", 1, true))
    assert.truthy(refused(setmetatable({}, { __close = function() end })):find("table with __close", 1, true))
    assert.truthy(refused({ io.stdout }):find("FILE*", 1, true))
    assert.truthy(refused(string.gmatch("x", "x")):find("C function", 1, true))
  end)

  it("memory of a frame stays where it is (TH21)", function()
    local frame <close> = ebb.alloc.begin_frame()
    assert.truthy(refused(frame:bytes(5)):find("memory of a frame", 1, true))
    assert.truthy(refused({ list = { frame:array("u8", 3) } }):find(".list[1]", 1, true))
  end)
end)

describe("a value that can be copied #fifo", function()
  it("arrives as it was (TH20)", function()
    local shared = { "shared" }
    local meta = { __index = function(_, key) return key .. "!" end }
    local value = copied { 1, -1, 2.5, math.mininteger, "text", true, false, a = shared, b = shared, [2.5] = "half",
      [true] = 1, m = setmetatable({}, meta), n = setmetatable({}, meta), insert = table.insert, os = os,
      list = setmetatable({ "x" }, string), big = ("x"):rep(5000) }
    assert.equal(value.a, value.b)
    assert.equal("shared", value.a[1])
    assert.equal("half", value[2.5])
    assert.equal(1, value[true])
    assert.equal(math.mininteger, value[4])
    assert.equal("key!", value.m.key)
    assert.equal(getmetatable(value.m), getmetatable(value.n))
    assert.equal(table.insert, value.insert)
    assert.equal(os, value.os)
    assert.equal(5000, #value.big)
  end)

  it("tables of many keys that are no list (TH20)", function()
    local many = {}
    for i = 1, 3000 do many["k" .. i] = i end
    local value = copied(many)
    local n = 0
    for key, v in pairs(value) do
      n = n + 1
      assert(key == "k" .. v)
    end
    assert.equal(3000, n)
  end)

  it("functions with upvalues that they share or change (TH20)", function()
    local n = 0
    local function count()
      n = n + 1
      return n
    end
    local both = copied { count, count }
    assert.equal(both[1], both[2])
    assert.equal(1, both[1]())
    assert.equal(2, both[2]())
    assert.equal(0, n)
    local fact
    fact = function(k) return k <= 1 and 1 or k * fact(k - 1) end
    assert.equal(120, copied(fact)(5))
  end)

  it("what was moved is stale, and only that (TH20)", function()
    local guard <close> = ebb.guard()
    local bytes, array = guard:bytes(10):fill(7), guard:array("i32", 3):fill(-5)
    local got = copied { bytes, array, { bytes } }
    assert.equal(got[1], got[3][1])
    assert.equal(70, (function()
      local sum = 0
      for i = 1, #got[1] do sum = sum + got[1][i] end
      return sum
    end)())
    assert.equal(-15, got[2]:sum())
    helper.throws("EBB012", function() return bytes[1] end)
    helper.throws("EBB012", function() return array[1] end)
  end)
end)
