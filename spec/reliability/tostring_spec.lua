-- What objects say of themselves, and how their metatables are protected.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.runtime.support"
local it_runs = helper.it
local contains = support.contains

describe("tostring of a task", function()
  it_runs("says number, name, state and what it waits for", function()
    local task = ebb.spawn_with({ name = "loader" }, function() ebb.channel():recv() end)
    local id = task:id()
    assert.equal(('ebb.task: %d "loader" ready'):format(id), tostring(task))
    helper.settle()
    assert.equal(('ebb.task: %d "loader" waiting (channel recv)'):format(id), tostring(task))
    task:cancel()
    task:join()
    assert.equal(('ebb.task: %d "loader" cancelled'):format(id), tostring(task))
  end)

  it_runs("in every state", function()
    local running
    local done = ebb.spawn(function() running = tostring(ebb.current()) end)
    local failed = ebb.spawn(error, "broken")
    done:join()
    failed:join()
    contains("ebb.task: ", running)
    contains("running", running)
    contains("done", tostring(done))
    contains("failed", tostring(failed))
    contains(tostring(done:id()), tostring(done))
  end)

  it_runs("with a name given later, and without one", function()
    local task = ebb.spawn(ebb.sleep, 1)
    assert.is_nil(tostring(task):find('"', 1, true))
    task:name("renamed")
    contains('"renamed"', tostring(task))
    assert.equal("renamed", task:name())
    task:join()
  end)

  it_runs("what it waits for is what waiting_on says", function()
    local task = ebb.spawn(function() ebb.channel():recv() end)
    helper.settle()
    contains("channel recv", tostring(task:waiting_on()))
    contains("(" .. tostring(task:waiting_on()) .. ")", tostring(task))
    task:cancel()
    task:join()
  end)
end)

-- Those of a frame, which tasks cannot make.
local frame = ebb.alloc.begin_frame()
local checkpoint, phase, frame_bytes = frame:checkpoint(), frame:phase "x", frame:bytes(1)
ebb.alloc.end_frame()

-- One object of each kind: { name of its metatable or nil, maker }.
local kinds = {
  { "ebb.task", function() return ebb.spawn(ebb.sleep, 0) end },
  { "ebb.channel", function() return ebb.channel(2) end },
  { nil, function() return ebb.channel(2):sender() end },
  { nil, function() return ebb.channel(2):reserve() end },
  { nil, function() return ebb.scope() end },
  { nil, function() return ebb.token() end },
  { nil, function() return ebb.timer(1) end },
  { nil, function() return ebb.interval(1) end },
  { nil, function() return ebb.after(1) end },
  { nil, function() return ebb.ready(1) end },
  { nil, function() return ebb.never() end },
  { nil, function() return ebb.choice(ebb.never(), ebb.ready()) end },
  { nil, function() return ebb.map_op(ebb.ready(), print) end },
  { nil, function() return ebb.ready():and_then(print) end },
  { nil, function() return ebb.defer_op(ebb.ready) end },
  { nil, function() return ebb.channel():send_op(1) end },
  { nil, function() return ebb.channel():recv_op() end },
  { nil, function() return ebb.channel():reserve_op() end },
  { nil, function() return ebb.guard() end },
  { "ebb.frame", function() return frame end },
  { "ebb.checkpoint", function() return checkpoint end },
  { "ebb.phase", function() return phase end },
  { "ebb.bytes", function() return frame_bytes end },
  { nil, function() return ebb.runtime { clock = "virtual" } end },
}

describe("every object", function()
  for i, kind in ipairs(kinds) do
    local name = kind[1] or "kind " .. i

    it_runs("says what it is: " .. name, function()
      local text = tostring(kind[2]())
      assert.is_truthy(text:find("^ebb%.[%a_%.]+"), text)
      if kind[1] then assert.equal(kind[1], text:match("^ebb%.[%a_]+")) end
    end)

    it_runs("R147 has a protected, named metatable: " .. name, function()
      local x = kind[2]()
      assert.is_not.equal("table", type(getmetatable(x)))
      assert.is_not_nil(getmetatable(x))
      assert.is_false(pcall(setmetatable, x, {}))
      local named = debug.getmetatable(x).__name
      assert.is_truthy(named and named:find("^ebb%."), tostring(named))
      if kind[1] then assert.equal(kind[1], named) end
    end)

    it_runs("has no fields of the user's: " .. name, function()
      local x = kind[2]()
      assert.is_false(pcall(function() x.new_field = 1 end))
    end)
  end

  it_runs("memory says what it is too", function()
    local g <close> = ebb.guard()
    for _, x in ipairs { g:bytes(4), g:array("u8", 4), g:buffer() } do
      assert.is_not.equal("table", type(getmetatable(x)))
      assert.is_truthy(debug.getmetatable(x).__name:find("^ebb%."))
      assert.is_truthy(tostring(x):find("^ebb%."), tostring(x))
    end
  end)

  it("the cancel error says what it is", function()
    helper.run(function()
      local seen
      local task = ebb.spawn(function()
        local ok, err = pcall(ebb.sleep, 10)
        seen = not ok and err
        error(err, 0)
      end)
      helper.settle()
      task:cancel("the reason")
      task:join()
      contains("cancel", tostring(seen))
      contains("the reason", tostring(seen))
      local _, err = task:join()
      contains("was cancelled (the reason)", tostring(err))
      contains("task " .. task:id(), tostring(err))
    end)
  end)

  it_runs("the error of a cancelled task names it", function()
    local task = ebb.spawn_with({ name = "loader" }, ebb.sleep, 10)
    ebb.yield()
    task:cancel("reason")
    local _, err = task:join()
    contains(('task %d "loader" was cancelled (reason)'):format(task:id()), tostring(err))
  end)
end)

describe("the state shows:", function()
  it_runs("a channel that is closed", function()
    local ch = ebb.channel(2)
    local open = tostring(ch)
    ch:close()
    assert.is_nil(open:find("closed", 1, true))
    contains("closed", tostring(ch))
  end)

  it_runs("a token that is cancelled", function()
    local tok = ebb.token()
    local before = tostring(tok)
    tok:cancel("reason")
    assert.is_nil(before:find("cancelled", 1, true))
    contains("cancelled", tostring(tok))
  end)

  it("a runtime that is closed, and its name", function()
    local rt = ebb.runtime { clock = "virtual", name = "background" }
    local open = tostring(rt)
    contains("ebb.runtime", open)
    contains("background", open)
    rt:close()
    assert.is_nil(open:find("closed", 1, true))
    contains("closed", tostring(rt))
  end)

  it_runs("a guard that is closed", function()
    local g = ebb.guard()
    local open = tostring(g)
    g:close()
    assert.is_nil(open:find("closed", 1, true))
    contains("closed", tostring(g))
  end)

  it_runs("a timer that has fired or is closed", function()
    local tm = ebb.timer(1)
    local armed = tostring(tm)
    ebb.sleep(2)
    assert.is_not.equal(armed, tostring(tm))
    tm:close()
    contains("closed", tostring(tm))
  end)
end)

describe("R156 errors", function()
  it_runs("show no address", function()
    local ch = ebb.channel()
    local tok = ebb.token()
    for _, call in ipairs {
      function() ebb.sleep({}) end,
      function() ebb.await({}) end,
      function() ebb.select(ch, {}) end,
      function() ch.recv({}) end,
      function() ch.recv(tok) end,
      function() ch:send(nil) end,
      function() ebb.spawn({}) end,
      function() ebb.run(function() end) end,
      function() table.sort({ 2, 1 }, function() ch:recv() end) end,
      function() ebb.guard().bytes(ch, 1) end,
    } do
      local ok, err = pcall(call)
      assert.is_false(ok)
      assert.equal("string", type(err))
      assert.is_nil(err:find("0x%x%x%x%x"), err)
    end
  end)
end)
