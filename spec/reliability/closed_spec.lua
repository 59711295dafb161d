-- Every method of closed objects: an error or a documented result, never a crash.
local ebb = require "ebb"
local helper = require "spec.helper"
local misuse = require "spec.reliability.misuse"
local support = require "spec.runtime.support"
local kinds, names, junk, attempt = misuse.kinds, misuse.names, misuse.junk, misuse.attempt
local it_survives, contains = misuse.it_survives, support.contains

describe("closed objects:", function()
  for _, name in ipairs(names) do
    local kind = kinds[name]
    if kind.close then
      it_survives("R142 " .. name .. ": every method throws or answers", function()
        local values, n = junk()
        for _, method in ipairs(kind.methods) do
          local object = kind.make()
          object[kind.close](object)
          local results = attempt(object[method], object)
          assert.equal("string", type(tostring(object)))
          for i = 1, n do attempt(object[method], object, values[i]) end
          object[kind.close](object)
          assert.is_true(results == nil or type(results[1]) == "boolean")
        end
      end)

      it_survives("R163 " .. name .. ": closing twice is harmless", function()
        local object = kind.make()
        assert.is_true(pcall(object[kind.close], object))
        assert.is_true(pcall(object[kind.close], object))
        assert.is_true(pcall(object[kind.close], object))
      end)

      if name ~= "channel" then
        it_survives("R163 " .. name .. ": a to-be-closed variable closes it", function()
          local kept
          do
            local object <close> = kind.make()
            kept = object
          end
          assert.is_true(pcall(kept.close, kept))
        end)
      end
    end
  end

  it_survives("R162 memory of a closed guard throws at every use and is never touched", function()
    local g = ebb.guard()
    local objects = { bytes = g:bytes(8), array = g:array("f64", 4), buffer = g:buffer() }
    g:close()
    for kind, object in pairs(objects) do
      for _, method in ipairs(kinds[kind].methods) do
        local results = attempt(function() return object[method](object, 1) end)
        assert.is_false(results[1], kind .. ":" .. method)
        contains("EBB012", results[2])
      end
      helper.throws("EBB012", function() return #object end)
      assert.equal("string", type(tostring(object)))
    end
    for _, kind in ipairs { "bytes", "array" } do
      helper.throws("EBB012", function() return objects[kind][1] end)
      helper.throws("EBB012", function() objects[kind][1] = 1 end)
    end
  end)

  it_survives("R161 released twice: EBB011; another's: EBB014", function()
    local g, other = ebb.guard(), ebb.guard()
    local bytes = g:bytes(8)
    helper.throws("EBB014", other.release, other, bytes)
    g:release(bytes)
    helper.throws("EBB011", g.release, g, bytes)
    g:close()
    other:close()
  end)

  it_survives("R166 sizes that cannot be are refused", function()
    local g <close> = ebb.guard()
    for _, n in ipairs { -1, 2.5, 0 / 0, math.huge, math.mininteger, math.maxinteger, "x", {} } do
      assert.is_false(pcall(g.bytes, g, n))
      assert.is_false(pcall(g.array, g, "f64", n))
    end
    assert.is_false(pcall(g.array, g, "f64", math.maxinteger // 8 + 1))
    assert.is_false(pcall(g.array, g, "f65", 1))
    assert.is_false(pcall(g.buffer, g, -1))
    assert.equal(8, #g:bytes(8))
  end)
end)
