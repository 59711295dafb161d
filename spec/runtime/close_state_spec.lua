-- The end of the Lua state, at any moment: programs in processes of their own.
local support = require "spec.runtime.support"
local contains, ends = support.contains, support.ends

-- Leaves everything pending on the default runtime, on one that is stepped and on one that is not.
local pending = [[
local ebb = require "ebb"
local kept = {}
local function closer(fn) return setmetatable({}, { __close = fn }) end
local bodies = {
  function() ebb.sleep(1000) end,
  function() ebb.sleep(math.huge) end,
  function() ebb.channel():recv() end,
  function() ebb.channel():send({}) end,
  function() ebb.select(ebb.channel(), ebb.after(1000), ebb.token()) end,
  function() ebb.timeout(1000, function() ebb.timeout(900, ebb.sleep, 2000) end) end,
  function() ebb.spawn(ebb.sleep, 1000):await() end,
  function() ebb.scope(function(s) s:spawn(ebb.sleep, 1000) s:spawn(ebb.sleep, 1000) end) end,
  function() local s <close> = ebb.scope() s:spawn(ebb.sleep, 1000) end,
  function() local iv <close> = ebb.interval(1000) iv:tick() end,
  function() ebb.map({ 1, 2, 3 }, function() ebb.sleep(1000) end) end,
  function() ebb.race(function() ebb.sleep(1000) end, function() ebb.sleep(1000) end) end,
  function() ebb.shield(ebb.sleep, 1000) end,
  function() ebb.token():child():run(ebb.sleep, 1000) end,
  function() local g <close> = ebb.guard() local b = g:bytes(1000) ebb.sleep(1000) return b end,
  function() local b = ebb.task_guard():buffer() ebb.sleep(1000) return b end,
  function() local p <close> = ebb.channel(1):reserve() ebb.sleep(1000) end,
  function() local tx = ebb.channel():sender() ebb.sleep(1000) return tx end,
  function() while true do ebb.fs.stat("/") end end,
  function() while true do ebb.fs.list("/") end end,
  function() for _ in ebb.fs.walk("/usr") do ebb.current() end end,
  function() ebb.coroutine.wrap(function() ebb.sleep(1000) end)() end,
  function() local _ <close> = closer(function() ebb.sleep(1000) end) ebb.sleep(1000) end,
  function() local _ <close> = closer(function() error("in a cleanup") end) ebb.sleep(1000) end,
  function() local _ <close> = closer(function() ebb.sleep(1000) end) end,
  function() while true do ebb.next_frame() end end,
  function() while true do ebb.yield() end end,
}
local function leave(spawn)
  for _, body in ipairs(bodies) do kept[#kept + 1] = spawn(body) end
end
local stepped = ebb.runtime { name = "stepped" }
leave(function(body) return stepped:spawn(body) end)
stepped:step(0.01)
stepped:step(0.01)
local virtual = ebb.runtime { clock = "virtual" }
leave(function(body) return virtual:spawn(body) end)
virtual:step(0.01)
]]

local ways = {
  { "the script ends", "", 0 },
  { "the script fails", "error('by design')", 1 },
  { "os.exit(true, true)", "os.exit(true, true)", 0 },
  { "os.exit(7, true)", "os.exit(7, true)", 7 },
  { "os.exit(7)", "os.exit(7)", 7 },
  { "collected first", "kept, stepped, virtual = nil collectgarbage() collectgarbage()", 0 },
  { "closed first", "stepped:close() virtual:close()", 0 },
  { "one closed first", "virtual:close()", 0 },
}

describe("the state ends with everything pending:", function()
  for _, way in ipairs(ways) do
    it("R23 R24 R145 " .. way[1], function() ends(way[3], pending .. way[2]) end)
  end

  it("R145 os.exit(true, true) inside a task", function()
    ends(0, pending .. [[
      ebb.run(function() leave(ebb.spawn) ebb.sleep(0.01) os.exit(true, true) end)
    ]])
  end)

  it("R145 R138 os.exit(true, true) inside a task that is stepped", function()
    ends(3, pending .. [[
      stepped:spawn(function() os.exit(3, true) end)
      stepped:step(1)
      stepped:step(1)
    ]])
  end)

  it("R145 os.exit(true, true) inside a cleanup", function()
    ends(0, pending .. [[
      ebb.run(function()
        ebb.spawn(function()
          local _ <close> = closer(function() os.exit(true, true) end)
          ebb.sleep(1000)
        end)
        ebb.yield()
      end)
    ]])
  end)

  it("R145 os.exit(true, true) inside an ebb coroutine in a task", function()
    ends(0, pending .. [[
      ebb.run(function()
        ebb.coroutine.wrap(function() ebb.sleep(0.001) os.exit(true, true) end)()
      end)
    ]])
  end)

  it("R145 an error of main, caught by nobody", function()
    local result = ends(1, pending .. [[
      ebb.run(function() leave(ebb.spawn) ebb.sleep(0.01) error("by design") end)
    ]])
    contains("by design", result.err)
  end)

  it("after an implicit drive left tasks behind", function()
    ends(0, pending .. "leave(ebb.spawn) ebb.sleep(0.05)")
  end)

  it("R24 with file requests on their way", function()
    for _ = 1, 5 do
      ends(0, [[
        local ebb = require "ebb"
        for _ = 1, 50 do
          ebb.spawn(function() while true do ebb.fs.read("/etc/passwd") end end)
        end
        ebb.sleep(0.003)
      ]])
    end
  end)
end)

describe("tasks that never ran", function()
  it("EBB053 are told on standard error when the state closes", function()
    local result = ends(0, [[
      local ebb = require "ebb"
      ebb.spawn(function() print("never") end)
    ]])
    contains("EBB053", result.err)
    assert.equal("", result.out)
  end)

  it("EBB053 on a runtime of one's own too", function()
    local result = ends(0, [[
      local ebb = require "ebb"
      local rt = ebb.runtime()
      rt:spawn(function() print("never") end)
    ]])
    contains("EBB053", result.err)
    assert.equal("", result.out)
  end)

  it("EBB053 is not said when all had their turn", function()
    local result = ends(0, [[
      local ebb = require "ebb"
      ebb.run(function() ebb.spawn(function() end) ebb.sleep(0.001) end)
      ebb.spawn(function() end)
      ebb.sleep(0.001)
    ]])
    assert.equal("", result.err)
  end)

  it("EBB053 is not said for those that a run cancelled", function()
    local result = ends(0, [[
      local ebb = require "ebb"
      ebb.run(function() ebb.spawn(function() end) end)
    ]])
    assert.equal("", result.err)
  end)
end)
