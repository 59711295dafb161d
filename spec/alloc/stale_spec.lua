-- Whatever is done with a stale handle: it throws, and the memory is not touched.
local ebb = require "ebb"
local helper = require "spec.helper"
local throws = helper.throws

-- Everything that reads or writes memory, for each kind of handle. Those of one name take the same.
local fill = { ["ebb.bytes"] = 1, ["ebb.array"] = 1.5, ["ebb.vec"] = 1.5 }

local function calls_of(g, x, kind)
  local other = g:bytes(4)
  local calls = {
    get = function() return x[1] end,
    set = function() x[1] = 1 end,
    length = function() return #x end,
    pairs = function() local step, state, first = pairs(x) step(state, first) end,
    compare = function() x:compare(x) end,
    checksum = function() x:checksum() end,
    append_from = function() g:buffer():append_from(x) end,
  }
  if fill[kind] then
    calls.fill = function() x:fill(fill[kind]) end
    calls.view = function() x:view() end
    calls.copy_to = function() x:copy(other) end
    calls.copy_from = function() other:copy(x) end
  end
  if kind == "ebb.bytes" then
    calls.sub = function() x:sub(1) end
    calls.string = function() x:string() end
    calls.set_string = function() x:set(1, "a") end
  elseif kind == "ebb.array" or kind == "ebb.vec" then
    for _, name in ipairs { "sum", "min", "max" } do calls[name] = function() x[name](x) end end
    calls.add = function() x:add(1) end
    calls.mul = function() x:mul(2) end
    calls.add_array = function() g:array("f64", #other):add(x) end
  end
  if kind == "ebb.vec" then
    calls.push = function() x:push(1) end
    calls.pop = function() x:pop() end
    calls.reserve = function() x:reserve(100) end
    calls.clear = function() x:clear() end
    calls.capacity = function() x:capacity() end
  elseif kind == "ebb.buffer" then
    for _, name in ipairs { "get", "peek", "skip", "clear", "tostring", "string" } do
      calls["buffer_" .. name] = function() x[name](x) end
    end
    calls.put = function() x:put("a") end
    calls.pack = function() x:pack("i4", 1) end
    calls.unpack = function() x:unpack("i1") end
    calls.append = function() x:append_from(other) end
  end
  return calls
end

describe("2.9h stale access always throws:", function()
  local kinds = {
    ["ebb.bytes"] = function(g) return g:bytes(4) end,
    ["ebb.array"] = function(g) return g:array("f64", 4) end,
    ["ebb.vec"] = function(g) return g:vec("f64"):push(1, 2, 3, 4) end,
    ["ebb.buffer"] = function(g) return g:buffer():put("abcd") end,
  }
  local ends = {
    ["released"] = function(g, x) g:release(x) end,
    ["of a closed guard"] = function(g) g:close() end,
    ["of a guard that was reset"] = function(g) g:reset() end,
    ["of a closed child"] = function(g, x)
      local child = g:guard()
      g:promote(x, child)
      child:close()
    end,
  }
  for kind, make in pairs(kinds) do
    for how, stop in pairs(ends) do
      it(kind .. " " .. how, function()
        local here <close> = ebb.guard()
        local g <close> = ebb.guard()
        local x = make(g)
        stop(g, x)
        local taken = here:bytes(#"the memory is another's now"):set(1, "the memory is another's now")
        for name, call in pairs(calls_of(here, x, kind)) do
          local ok, err = pcall(call)
          assert.is_false(ok, name)
          assert.truthy(tostring(err):find("EBB012", 1, true), name .. ": " .. tostring(err))
        end
        assert.truthy(tostring(x):find("freed", 1, true))
        assert.equal("the memory is another's now", taken:string())
        local ok, err = pcall(g.release, g, x)
        assert.is_false(ok)
        assert.truthy(tostring(err):find("EBB01[12]"), err)
      end)
    end
  end

  it("a view, when what it views goes or grows", function()
    local here <close> = ebb.guard()
    local g <close> = ebb.guard()
    local b, v = g:bytes(4), g:vec("f64", 4):push(1, 2, 3, 4)
    local views = { b:view(1, 2), b:view():view(2), v:view(), v:view():view(1, 1) }
    g:release(b)
    v:push(5)
    for i, view in ipairs(views) do
      for name, call in pairs(calls_of(here, view, i < 3 and "ebb.bytes" or "ebb.array")) do
        local ok, err = pcall(call)
        assert.is_false(ok, name)
        assert.truthy(tostring(err):find("EBB012", 1, true), name)
      end
    end
    assert.equal(5, v[5])
  end)

  it("a box", function()
    local g = ebb.guard()
    local box = g:box "value"
    g:close()
    throws("EBB012", box.get, box)
    throws("EBB012", box.set, box, 1)
  end)
end)
