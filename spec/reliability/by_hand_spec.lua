-- Finalisers and other metamethods called by hand, on what is not theirs, twice; and everything there is, used by a
-- finaliser while the state closes, when ebb's own have run already.
local support = require "spec.runtime.support"

-- Calls everything an object has: whatever it says, it does no harm.
local use = [[
local ebb = require "ebb"
local make = require "spec.reliability.makers"
local strangers = { 5, "x", {}, io.stdout, print, coroutine.create(print), true }

local function methods_of(x, all)
  local mt = debug.getmetatable(x)
  local index = mt and mt.__index
  local list = {}
  for name, fn in pairs(type(index) == "table" and index or all) do
    if type(index) == "table" then
      list[#list + 1] = fn
    else
      local ok, method = pcall(function() return x[name] end)
      list[#list + 1] = ok and method or nil
    end
  end
  return list
end

-- The methods of those whose __index is a function.
local names = {}
for name in ("sub string set fill copy view compare checksum unpack sum min max add mul push pop reserve clear capacity "
  .. "get peek skip pack append_from tostring"):gmatch "%a[%w_]*" do names[name] = true end

-- try(fn, ...): as it is called here
function use(entry, try)
  local x = entry.object
  for _, fn in ipairs(methods_of(x, names)) do
    if type(fn) == "function" then
      try(fn, x)
      try(fn, x, 1)
      try(fn, x, 1, 2)
      try(fn, x, "x")
      try(fn, x, function() end)
      try(fn, x, x)
    end
  end
  try(tostring, x)
  try(function() return #x end)
  try(function() return x[1] end)
  try(function() x[1] = 1 end)
  try(function() return x == x, x < x end)
  try(function() for _ in x do break end end)
  try(ebb.await, x)
  try(ebb.try_select, x)
  try(ebb.choice, x)
  try(ebb.map_op, x, print)
end
]]

-- (These are processes of their own, which neither torture nor a shuffled schedule reaches.)
if os.getenv "EBB_SPEC_TORTURE" then return end

describe("while the state closes #fifo", function()
  for _, order in ipairs { "before", "after" } do
    it("everything can be used by a finaliser, " .. order .. " those of ebb (R21 R22)", function()
      local result = support.child(([[
        local order = %q
        local objects, ran = nil, false
        local function hook()
          return setmetatable({}, { __gc = function()
            for _, entry in ipairs(objects) do use(entry, pcall) end
            local ebb = require "ebb"
            for _, of in ipairs { ebb, ebb.alloc, ebb.coroutine, ebb.debug } do
              for name, fn in pairs(of) do
                if type(fn) == "function" and name ~= "run_until_signal" and name ~= "ctrl_c" and name ~= "signal" then
                  pcall(fn)
                  pcall(fn, 1)
                  pcall(fn, 1, function() end)
                  pcall(fn, function() end)
                  pcall(fn, objects[1].object)
                  pcall(fn, objects[3].object, objects[4].object)
                end
              end
            end
            for _ in pairs(select(2, pcall(ebb.alloc.stats)) or {}) do end
            io.stdout:write "fine"
          end })
        end
        local first = order == "after" and hook()
        _G.use = false
        %s
        objects = make(ebb)
        local last = order == "before" and hook()
        kept = { first, last }
      ]]):format(order, use))
      assert.equal("fine", result.out, result.err)
      assert.equal(0, result.code, result.err)
      for _, word in ipairs { "Sanitizer", "core dumped", "invariant" } do
        assert.is_nil(result.err:find(word, 1, true), result.err)
      end
    end)
  end
end)

describe("called by hand #fifo,", function()
  it("metamethods refuse what is not theirs (R145 R149)", function()
    local result = support.child(([[
      _G.use = false
      %s
      local objects = make(ebb)
      local n = 0
      for _, mt in pairs(debug.getregistry()) do
        if type(mt) == "table" and type(rawget(mt, "__name")) == "string" and mt.__name:find "^ebb" then
          for name, fn in pairs(mt) do
            if type(name) == "string" and name:find "^__" and type(fn) == "function" then
              n = n + 1
              pcall(fn)
              for _, stranger in ipairs(strangers) do
                local ok, err = pcall(fn, stranger, 1, 2)
                if not ok and type(err) ~= "string" then error(mt.__name .. name) end
              end
              for _, entry in ipairs(objects) do
                if debug.getmetatable(entry.object) ~= mt then pcall(fn, entry.object, 1, 2) end
              end
            end
          end
        end
      end
      assert(n > 50, n)
      for _, entry in ipairs(objects) do assert(tostring(entry.object)) end
      ebb.run(function() ebb.sleep(0.001) end)
      print "fine"
    ]]):format(use))
    assert.equal("fine\n", result.out, result.err)
    assert.equal(0, result.code, result.err)
  end)

  it("a finaliser leaves something that answers or throws; the next one finds nothing to do (R145)", function()
    local result = support.child(([[
      _G.use = false
      %s
      local rt = ebb.runtime { clock = "virtual", on_task_error = print }
      ebb.use(rt)
      local objects = make(ebb)
      for _, entry in ipairs(objects) do
        local mt = debug.getmetatable(entry.object)
        local gc = mt and rawget(mt, "__gc")
        if gc then
          gc(entry.object)
          gc(entry.object)
        end
      end
      for _, entry in ipairs(objects) do
        use(entry, function(fn, ...) return pcall(ebb.timeout, 0.01, fn, ...) end)
      end
      ebb.use(nil)
      objects = nil
      collectgarbage()
      collectgarbage()
      ebb.run(function() ebb.sleep(0.001) end)
      print "fine"
    ]]):format(use))
    assert.equal("fine\n", result.out:match "fine\n$", result.out .. result.err)
    assert.equal(0, result.code, result.err)
  end)
end)
