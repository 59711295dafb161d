-- Main waits and nothing can wake anyone: the report, and what remains possible afterwards.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.runtime.support"
local contains, here = support.contains, support.here

local HEAD = "deadlock: all tasks are waiting"

--- Runs main on a fresh runtime, which must end in a deadlock; returns the error as text.
local function report(main, opts)
  local rt = helper.runtime(opts)
  local ok, err = pcall(rt.run, rt, function() return main(rt) end)
  local alive = rt:metrics().alive
  local again = rt:run(function()
    ebb.sleep(1)
    return "again"
  end)
  rt:close()
  assert.is_false(ok)
  contains(HEAD, err)
  assert.equal(0, alive)
  assert.equal("again", again)
  return tostring(err)
end

describe("the report of a deadlock", function()
  it("R84 names main, what it waits for and where", function()
    local place = here(2)
    local text = report(function()
      ebb.channel():recv()
      return 1
    end)
    contains("channel recv", text)
    contains(place, text)
  end)

  it("R84 names every waiting task, each with the place of its wait", function()
    local places = {}
    local text = report(function()
      local ch = ebb.channel()
      ebb.spawn_with({ name = "sender" }, function()
        local full <const> = ebb.channel()
        places[1] = here(1)
        full:send(1)
        return 1
      end)
      ebb.spawn_with({ name = "receiver" }, function()
        places[2] = here(1)
        ch:recv()
        return 1
      end)
      ebb.spawn_with({ name = "chooser" }, function()
        places[3] = here(1)
        ebb.select(ch, ebb.never())
        return 1
      end)
      ebb.spawn_with({ name = "watcher" }, function()
        places[4] = here(1)
        ebb.token():cancelled()
        return 1
      end)
      local joined = ebb.spawn_with({ name = "joined" }, function()
        places[5] = here(1)
        ebb.await(ebb.never())
        return 1
      end)
      places[6] = here(1)
      joined:await()
      return 1
    end)
    for _, name in ipairs { "sender", "receiver", "chooser", "watcher", "joined" } do
      contains('"' .. name .. '"', text)
    end
    assert.equal(6, #places)
    for _, place in ipairs(places) do contains(place, text) end
  end)

  it("R84 unnamed tasks are there by their number", function()
    local ids = {}
    local text = report(function()
      for i = 1, 3 do
        ids[i] = ebb.spawn(function()
          ebb.channel():recv()
          return 1
        end):id()
      end
      ebb.channel():recv()
      return 1
    end)
    for i = 1, 3 do
      assert.is_truthy(text:find("%f[%d]" .. ids[i] .. "%f[%D]"), text)
    end
  end)

  it("R84 all of fifty", function()
    local text = report(function()
      for i = 1, 50 do
        ebb.spawn_with({ name = ("worker-%02d"):format(i) }, function()
          ebb.channel():recv()
          return 1
        end)
      end
      ebb.channel():recv()
      return 1
    end)
    for i = 1, 50 do contains(("worker-%02d"):format(i), text) end
  end)

  it("R84 the place is that of the user's call, deep inside pcall and a generator", function()
    local place
    local text = report(function()
      local step = ebb.coroutine.wrap(function()
        pcall(function()
          place = here(1)
          ebb.channel():recv()
          return 1
        end)
      end)
      step()
      return 1
    end)
    contains(place, text)
  end)

  it("R84 a scope that waits for its children is a wait like others", function()
    local place
    local text = report(function()
      ebb.scope(function(s)
        s:spawn(function()
          place = here(1)
          ebb.channel():recv()
          return 1
        end)
      end)
    end)
    contains(place, text)
  end)
end)

describe("a deadlock", function()
  it("R84 cancels the tasks; their cleanups run and may await", function()
    local log = helper.log()
    report(function()
      ebb.spawn(function()
        local _ <close> = support.closer(function(err)
          log("begin", ebb.is_cancelled(err))
          ebb.sleep(1)
          log("end")
        end)
        ebb.channel():recv()
      end)
      local _ <close> = support.closer(function() log("main") end)
      ebb.channel():recv()
    end)
    table.sort(log)
    assert.equal("begin:true end main", log:text())
  end)

  it("R84 is found at once when the last timer was cancelled", function()
    local start, now
    report(function(rt)
      start = ebb.now()
      local sleeper = ebb.spawn(ebb.sleep, 1000)
      helper.settle()
      assert.equal(1, rt:metrics().timers)
      sleeper:cancel()
      assert.equal(0, rt:metrics().timers)
      local _ <close> = support.closer(function() now = ebb.now() end)
      ebb.channel():recv()
    end)
    support.near(start, now)
  end)

  it("R84 with the system's clock it is found without waiting", function()
    local start = ebb.now()
    report(function() ebb.channel():recv() end, { clock = "system" })
    assert.is_true(ebb.now() - start < 60)
  end)

  it("R84 is found after the tasks that ran have ended", function()
    report(function()
      local ch = ebb.channel()
      ebb.spawn(function()
        ebb.sleep(10)
        ch:send(1)
      end)
      assert.equal(1, ch:recv())
      ch:recv()
    end)
  end)

  it("R48 tasks that join each other do not hang", function()
    local rt = helper.runtime()
    local ok = pcall(rt.run, rt, function()
      local one, two
      one = ebb.spawn(function() return two:await() end)
      two = ebb.spawn(function() return one:await() end)
      one:await()
    end)
    assert.is_false(ok)
    assert.equal(0, rt:metrics().alive)
    rt:close()
  end)

  it("R53 a main that catches the cancel ends, and run still throws the report", function()
    report(function()
      pcall(function() ebb.channel():recv() end)
    end)
  end)

  it("R84 with an error of a failed task at hand, that one is reported too", function()
    local rt, errors = helper.runtime()
    local ok, err = pcall(rt.run, rt, function()
      local ch = ebb.channel()
      ebb.go(function()
        error("the reason of it all")
      end)
      ch:recv()
    end)
    assert.is_false(ok)
    contains(HEAD, err)
    assert.equal(1, #errors)
    contains("the reason of it all", errors[1].err)
    rt:close()
  end)
end)

describe("no deadlock", function()
  it("when main returns while others wait for ever", function()
    local rt = helper.runtime()
    assert.equal("fine", rt:run(function()
      ebb.go(function() ebb.channel():recv() end)
      ebb.yield()
      return "fine"
    end))
    rt:close()
  end)

  it("while a timer is armed: an arm of a select, a timeout, an interval", function()
    helper.run(function()
      local ch = ebb.channel()
      assert.equal(2, (ebb.select(ch, ebb.after(10))))
      local _, why = ebb.timeout(10, ch)
      assert.equal("timeout", why)
      local iv = ebb.interval(10)
      iv:tick()
      iv:close()
    end)
  end)

  it("while a file request runs", function()
    helper.run(function()
      local ch = ebb.channel()
      ebb.go(function() ch:send(ebb.fs.stat("spec").type) end)
      assert.equal("directory", ch:recv())
    end)
  end)

  it("R84 for rt:step, which tells by info.stuck and throws nothing", function()
    local rt = helper.runtime()
    local ch = ebb.channel()
    local task = rt:spawn(function() return ch:recv() end)
    for _ = 1, 3 do assert.is_true(rt:step(1).stuck) end
    assert.equal("waiting", task:status())
    rt:close()
  end)
end)
