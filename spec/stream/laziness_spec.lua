-- Building pulls nothing, starts nothing and waits for nothing.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.stream.support"
local it_runs = helper.it
local stream = ebb.stream

local function id(...) return ... end
local function yes() return true end

-- Every stage by name, as a function of a stream.
local stages = {
  map = function(s) return s:map(id) end,
  filter = function(s) return s:filter(yes) end,
  filter_map = function(s) return s:filter_map(id) end,
  inspect = function(s) return s:inspect(id) end,
  enumerate = function(s) return s:enumerate() end,
  take = function(s) return s:take(5) end,
  skip = function(s) return s:skip(1) end,
  take_while = function(s) return s:take_while(yes) end,
  skip_while = function(s) return s:skip_while(function() return false end) end,
  take_until = function(s) return s:take_until(ebb.never()) end,
  step_by = function(s) return s:step_by(2) end,
  scan = function(s) return s:scan(0, function(_, v) return v end) end,
  flat_map = function(s) return s:flat_map(function(v) return { v } end) end,
  flatten = function(s) return s:flatten() end,
  zip = function(s) return s:zip { 1, 2 } end,
  chain = function(s) return s:chain { 1, 2 } end,
  merge = function(s) return s:merge { 1, 2 } end,
  chunks = function(s) return s:chunks(2) end,
  chunks_timeout = function(s) return s:chunks_timeout(2, 1) end,
  timeout = function(s) return s:timeout(5000) end,
  throttle = function(s) return s:throttle(1) end,
  debounce = function(s) return s:debounce(1) end,
  peekable = function(s) return s:peekable() end,
  fuse = function(s) return s:fuse() end,
  dedup = function(s) return s:dedup() end,
  cycle = function(s) return s:cycle() end,
  split = function(s) return (s:split(2)) end,
  partition = function(s) return (s:partition(yes)) end,
  buffered = function(s) return s:buffered(2, id) end,
  buffer_unordered = function(s) return s:buffer_unordered(2, id) end,
}

local names = {}
for name in pairs(stages) do names[#names + 1] = name end
table.sort(names)

describe("building a stream", function()
  for _, name in ipairs(names) do
    it_runs(name .. " pulls nothing and starts no task", function(_, rt)
      local alive = rt:metrics().alive
      local probe = support.source()
      local s = stages[name](probe.stream)
      ebb.sleep(10)
      assert.equal(0, probe.pulls)
      assert.equal(alive, rt:metrics().alive)
      s:close()
    end)

    it_runs(name .. " closed before it was used ends, and closes its source", function()
      local probe = support.source()
      local s, other = stages[name](probe.stream)
      if name == "split" or name == "partition" then
        probe.stream:close() -- closes all branches
      end
      s:close()
      s:close()
      assert.is_nil(other)
      assert.is_nil(s:next())
      assert.equal(0, probe.pulls)
      assert.equal(1, probe.closed)
      for _ in s:each() do error "an item of a closed stream" end
      assert.same({}, s:collect())
    end)

    it_runs("SK4 " .. name .. " closed half way closes its source", function()
      local probe = support.source()
      local items = name == "flatten" and probe.stream:map(function(v) return { v } end)
        or name == "debounce" and probe.stream:take(3) or probe.stream
      local s = stages[name](items)
      assert.is_not_nil((s:next()))
      if name == "split" or name == "partition" then probe.stream:close() else s:close() end
      local pulls = probe.pulls
      assert.is_true(pulls >= (name == "merge" and 0 or 1) and pulls <= 4, pulls)
      ebb.sleep(5)
      assert.equal(1, probe.closed)
      assert.equal(pulls, probe.pulls)
      assert.is_nil(s:next())
    end)

    it_runs("a task cancelled in a loop over " .. name .. " has closed it when it is joined", function()
      local probe = support.source()
      local closed_early = probe.closed
      local blocked = probe.stream:map(function(v)
        if v == 2 then ebb.sleep(1000) end
        return name == "flatten" and { v } or v
      end)
      local s = stages[name](blocked)
      local task = ebb.spawn(function()
        local seen <close> = s
        for _ in seen:each() do ebb.sleep(0.5) end
      end)
      ebb.sleep(3)
      if name == "split" or name == "partition" then
        task:cancel()
        task:join()
        blocked:close()
      else
        task:cancel()
        task:join()
      end
      assert.equal(0, closed_early)
      assert.equal(1, probe.closed)
      assert.equal("cancelled", task:status())
      assert.is_true(ebb.now() < 100)
    end)
  end
end)

describe("every stage", function()
  it_runs("is tried above", function()
    local sinks = " collect fold reduce count any all find for_each for_each_concurrent to_channel next each close"
      .. " peek try_collect try_for_each try_fold "
    local missing = {}
    for name in pairs(debug.getmetatable(stream.empty()).__index) do
      if not stages[name] and not sinks:find(" " .. name .. " ", 1, true) then missing[#missing + 1] = name end
    end
    assert.equal("", table.concat(missing, " "))
  end)
end)
