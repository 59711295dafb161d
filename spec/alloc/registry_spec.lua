-- Generational handles for entities and resources.
local ebb = require "ebb"
local helper = require "spec.helper"
local throws = helper.throws

local is_eager = os.getenv "EBB_SPEC_GC" == "eager"

describe("registry", function()
  local reg
  before_each(function() reg = ebb.alloc.registry() end)

  it("S0.24 gives an integer for a value, good until it is removed", function()
    local entity = { hp = 10 }
    local h = reg:add(entity)
    assert.equal("integer", math.type(h))
    assert.is_true(h > 0)
    assert.equal(entity, reg:get(h))
    assert.is_true(reg:valid(h))
    assert.equal(1, #reg)
    assert.equal(entity, reg:remove(h))
    assert.same({ nil, "stale" }, { reg:get(h) })
    assert.same({ nil, "stale" }, { reg:remove(h) })
    assert.same({ nil, "stale" }, { reg:set(h, 1) })
    assert.is_false(reg:valid(h))
    assert.equal(0, #reg)
  end)

  it("a stale handle stays stale when its slot is used again", function()
    local old = {}
    for _ = 1, 100 do
      local h = reg:add("x")
      for _, o in ipairs(old) do
        assert.is_false(reg:valid(o))
        assert.is_nil((reg:get(o)))
      end
      assert.equal("x", reg:get(h))
      reg:remove(h)
      old[#old + 1] = h
    end
    assert.equal("ebb.registry: 0 live in 1 slots", tostring(reg))
  end)

  it("uses slots again oldest first", function()
    local h = {}
    for i = 1, 4 do h[i] = reg:add(i) end
    reg:remove(h[3])
    reg:remove(h[1])
    local a, b, c = reg:add "a", reg:add "b", reg:add "c"
    assert.equal(h[3] & 0xffffffff, a & 0xffffffff)
    assert.equal(h[1] & 0xffffffff, b & 0xffffffff)
    assert.equal(4, c & 0xffffffff)
    assert.equal(2, a >> 32)
    assert.equal(1, c >> 32)
  end)

  it("handles survive being written and read", function()
    local h
    for i = 1, 1000 do
      if h then reg:remove(h) end
      h = reg:add(i)
    end
    local back = tonumber(("%d"):format(h))
    assert.equal(1000, reg:get(back))
    assert.equal(1000, reg:get((string.unpack("<i8", string.pack("<i8", h)))))
    assert.equal(1000, reg:get(h + 0.0)) -- as JSON libraries have them
    assert.is_nil((reg:get(h - (1 << 32))))
    assert.is_nil((reg:get(h + (1 << 32))))
  end)

  it("keeps any value but nil; set replaces", function()
    local h, f = reg:add(false), reg:add(reg)
    assert.is_false(reg:get(h))
    assert.equal(reg, reg:get(f))
    assert.is_true(reg:set(h, "new"))
    assert.equal("new", reg:get(h))
    throws("nil cannot be kept", reg.add, reg, nil)
    throws("nil cannot be kept", reg.add, reg)
    throws("nil cannot be kept", reg.set, reg, h, nil)
    assert.equal("new", reg:get(h))
    assert.equal(2, #reg)
  end)

  it("any integer may be asked for, anything else is a mistake", function()
    reg:add(1)
    for _, h in ipairs { 0, 1, -1, math.maxinteger, math.mininteger, 1 << 32 | 5, 2 << 32 } do
      assert.same({ nil, "stale" }, { reg:get(h) })
      assert.is_false(reg:valid(h))
    end
    assert.equal(1, reg:get(1 << 32))
    for _, bad in ipairs { "1", 1.5, {}, true, 0 / 0 } do
      throws("handle (an integer) expected", reg.get, reg, bad)
      throws("handle (an integer) expected", reg.remove, reg, bad)
    end
    throws("handle (an integer) expected", reg.valid, reg, nil)
    throws("ebb.registry expected", reg.get, {}, 1)
  end)

  it("pairs goes over what is live; removing meanwhile is fine", function()
    local h = {}
    for i = 1, 10 do h[i] = reg:add(i) end
    reg:remove(h[1])
    reg:remove(h[5])
    local seen = {}
    for handle, value in pairs(reg) do
      assert.equal(h[value], handle)
      seen[#seen + 1] = value
      reg:remove(handle)
      if value == 2 then reg:remove(h[3]) end
    end
    assert.same({ 2, 4, 6, 7, 8, 9, 10 }, seen)
    assert.equal(0, #reg)
    for _ in pairs(reg) do error "nothing is left" end
  end)

  it("clear makes every handle stale", function()
    local h = {}
    for i = 1, 50 do h[i] = reg:add {} end
    reg:remove(h[7])
    reg:clear()
    assert.equal(0, #reg)
    for i = 1, 50 do assert.is_false(reg:valid(h[i])) end
    local n = reg:add(1)
    for i = 1, 50 do assert.is_not.equal(h[i], n) end
    assert.equal("ebb.registry: 1 live in 50 slots", tostring(reg))
  end)

  it("lets go of what was removed", function()
    local weak, handles = setmetatable({}, { __mode = "v" }), {}
    for i = 1, 3 do
      local value = {}
      weak[i], handles[i] = value, reg:add(value)
    end
    local a, b, c = table.unpack(handles)
    reg:remove(a)
    reg:set(b, 1)
    collectgarbage()
    collectgarbage()
    assert.is_nil(weak[1])
    assert.is_nil(weak[2])
    assert.equal(weak[3], reg:get(c))
    reg:clear()
    collectgarbage()
    assert.is_nil(weak[3])
  end)

  it("equals a table under random use", function()
    local model, handles, dead = {}, {}, {}
    local state, n = 5, 0
    for i = 1, is_eager and 2000 or 20000 do
      state = (state * 1103515245 + 12345) & 0x7fffffff
      local r = state >> 8
      if r % 5 < 3 or n == 0 then
        local h = reg:add(i)
        assert.is_nil(model[h])
        n = n + 1
        model[h], handles[n] = i, h
      else
        local at = r % n + 1
        local h = handles[at]
        assert.equal(model[h], reg:remove(h))
        model[h], handles[at], handles[n] = nil, handles[n], nil
        n = n - 1
        dead[#dead + 1] = h
      end
      if n > 0 then
        local h = handles[r % n + 1]
        assert.equal(model[h], reg:get(h))
      end
      if #dead > 0 then assert.is_false(reg:valid(dead[r % #dead + 1])) end
      assert.equal(n, #reg)
    end
    local n_seen = 0
    for h, v in pairs(reg) do
      assert.equal(model[h], v)
      n_seen = n_seen + 1
    end
    assert.equal(n, n_seen)
  end)

  it("R148 its finaliser called by hand leaves it empty", function()
    local h = reg:add(1)
    local meta = debug.getmetatable(reg)
    meta.__gc(reg)
    meta.__gc(reg)
    meta.__gc({})
    assert.is_nil((reg:get(h)))
    assert.equal(0, #reg)
    throws("EBB012", reg.add, reg, 1)
    assert.equal("ebb.registry", getmetatable(reg))
  end)
end)
