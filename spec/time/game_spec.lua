-- ebb.game: waits, repetitions and tweens in game time.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.task.support"
local game = ebb.game
local it_runs = helper.it

-- `it` with a stepped runtime: fn(step, rt); step(n, dt) takes n frames of dt (1 of 1/60).
local function it_steps(name, fn, expects_errors)
  it(name, function()
    local rt, errors = helper.runtime()
    local function step(n, dt)
      for _ = 1, n or 1 do rt:step(nil, dt or 1 / 60) end
    end
    fn(step, rt, errors)
    rt:close()
    if not expects_errors then assert.same({}, errors) end
  end)
end

describe("game.wait", function()
  it_steps("n waits of 0.1 take n * 0.1, whatever the frames are", function(step, rt)
    local at = {}
    rt:spawn(function()
      for i = 1, 10 do
        game.wait(0.1)
        at[i] = ebb.frame_clock():now()
      end
    end)
    step(1, 0)
    step(34, 0.03)
    for i = 1, 10 do -- the first frame that is not before i * 0.1
      assert.is_true(math.abs(at[i] - math.ceil(i * 0.1 / 0.03 - 1e-9) * 0.03) < 1e-9)
    end
  end)

  it_steps("many short waits fit in one long frame", function(step, rt)
    local n = 0
    rt:spawn(function()
      while true do
        game.wait(0.01)
        n = n + 1
      end
    end)
    step(1, 0)
    step(1, 0.055)
    assert.equal(5, n)
    step(1, 0.055)
    assert.equal(11, n)
  end)

  it_steps("after another wait it counts from now", function(step, rt)
    local at
    rt:spawn(function()
      game.wait(0.1)
      ebb.next_frame()
      game.wait(0.1)
      at = ebb.frame_clock():now()
    end)
    step(1, 0)
    step(6, 0.075)
    assert.is_true(math.abs(at - 0.375) < 1e-9)
  end)

  it_runs("under run it goes by 1/60 s", function()
    for _ = 1, 30 do game.wait(0.1) end
    assert.is_true(math.abs(ebb.now() - 3) < 1e-6)
  end)

  it_steps("is still while the clock is paused", function(step, rt)
    local done
    rt:spawn(function() game.wait(0.1) done = true end)
    step(1, 0)
    step(1, 0.05)
    rt:spawn(function() ebb.frame_clock():pause() end)
    step(100)
    assert.is_nil(done)
  end)
end)

describe("game.wait_frames and wait_until", function()
  it_steps("PT7 wait_frames counts frames", function(step, rt)
    local done
    rt:spawn(function() game.wait_frames(3) done = true end)
    step(1)
    step(2)
    assert.is_nil(done)
    step(1)
    assert.is_true(done)
    rt:spawn(function() game.wait_frames(0) done = 0 end)
    step(1)
    assert.equal(0, done)
  end)

  it_steps("wait_until asks once a step", function(step, rt)
    local asked, open, got = 0, false, nil
    rt:spawn(function()
      got = { game.wait_until(function()
        asked = asked + 1
        return open, "second"
      end) }
    end)
    step(5)
    assert.equal(5, asked)
    open = true
    step(1)
    assert.equal(6, asked)
    assert.same({ true, "second" }, got)
  end)
end)

describe("game.every", function()
  it_steps("calls again and again, until false", function(step, rt)
    local n, task = 0, nil
    rt:spawn(function()
      task = game.every(0.1, function()
        n = n + 1
        return n < 5
      end)
    end)
    step(1, 0)
    step(12)
    assert.equal(2, n)
    step(60)
    assert.equal(5, n)
    assert.equal("done", task:status())
  end)

  it_steps("never overlaps itself", function(step, rt)
    local inside, worst, n = 0, 0, 0
    rt:spawn(function()
      game.every(0.1, function()
        inside = inside + 1
        worst = math.max(worst, inside)
        game.wait(0.25)
        inside, n = inside - 1, n + 1
      end)
    end)
    step(1, 0)
    step(60)
    assert.equal(1, worst)
    assert.equal(3, n)
  end)

  it_steps("0 seconds is every frame", function(step, rt)
    local n = 0
    rt:spawn(function() game.every(0, function() n = n + 1 end) end)
    step(1, 0)
    step(7)
    assert.equal(7, n)
  end)

  it_steps("one scope an entity: closing it ends all that the entity had started", function(step, rt)
    local n, ended = 0, false
    local entity
    rt:spawn(function()
      entity = ebb.scope()
      entity:spawn(function()
        game.every(0.1, function() n = n + 1 end)
        local _ <close> = support.closer(function() ended = true end)
        game.wait(1000)
      end)
    end)
    step(1, 0)
    step(30)
    assert.equal(5, n)
    rt:spawn(function() entity:close() end)
    step(1)
    assert.is_true(ended)
    step(60)
    assert.equal(5, n)
    assert.equal(0, rt:metrics().alive)
  end)
end)

describe("game.sequence, parallel, race, loop", function()
  it_steps("a sequence runs functions and waits in order", function(step, rt)
    local log = helper.log()
    rt:spawn(function()
      local result = game.sequence {
        function() log "a" end, 0.5, function() log "b" end, 0.5, function() return "end" end,
      }
      log(result)
    end)
    step(1, 0)
    assert.equal("a", log:text())
    step(30)
    assert.equal("a b", log:text())
    step(30)
    assert.equal("a b end", log:text())
  end)

  it_runs("parallel ends with the last and gives the first results", function()
    assert.same({ "a", nil, "c" }, { game.parallel {
      function() game.wait(1) return "a" end, 2, function() return "c" end } })
    assert.is_true(math.abs(ebb.now() - 2) < 1e-6)
    assert.equal(0, select("#", game.parallel {}))
  end)

  it_runs("race ends with the first and cancels the others", function()
    local log = helper.log()
    assert.same({ 2 }, { game.race { function()
      local _ <close> = support.closer(function() log "lost" end)
      game.wait(5)
    end, 1 } })
    assert.equal("lost", log:text())
    assert.is_true(math.abs(ebb.now() - 1) < 1e-6)
  end)

  it("parallel and race begin with the call, also for items that no step had time for", function()
    local rt = helper.runtime()
    local at = {}
    rt:spawn(function()
      game.parallel { 1, function() game.wait(1) at[1] = ebb.frame_clock():now() end }
      at[2] = ebb.frame_clock():now()
      game.race { 1 }
      at[3] = ebb.frame_clock():now()
    end)
    rt:step(0, 0.25) -- one turn: the members have none
    for _ = 1, 12 do rt:step(nil, 0.25) end
    assert.same({ 1, 1, 2 }, at)
    rt:close()
  end)

  it_steps("what they overshoot is carried over", function(step, rt)
    local at
    rt:spawn(function()
      for _ = 1, 5 do
        game.sequence { 0.05, function() game.parallel { 0.05, 0.02 } end }
        game.race { 0.1, 0.3 }
      end
      at = ebb.frame_clock():now()
    end)
    step(1, 0)
    step(40, 0.03)
    assert.is_true(math.abs(at - 1.02) < 1e-9)
  end)

  it_runs("loop", function()
    local log = helper.log()
    game.loop(3, log)
    game.loop(math.huge, function(i) log(i) return i < 2 end)
    game.loop(0, error)
    assert.equal("1 2 3 1 2", log:text())
  end)
end)

describe("game.tween", function()
  it_steps("moves in every frame and lands exactly", function(step, rt)
    local thing = { x = 0, y = 5, other = "kept" }
    rt:spawn(function() game.tween(1, thing, { x = 10.1, y = -5 }) end)
    step(1, 0)
    assert.equal(0, thing.x)
    step(15)
    assert.is_true(math.abs(thing.x - 2.525) < 1e-6)
    assert.is_true(math.abs(thing.y - 2.5) < 1e-6)
    step(45)
    assert.equal(10.1, thing.x)
    assert.equal(-5, thing.y)
    assert.equal("kept", thing.other)
    assert.equal(0, rt:metrics().alive)
  end)

  it_steps("cancelled, it stays where it is", function(step, rt)
    local thing = { x = 0 }
    local task = rt:spawn(function() game.tween(1, thing, { x = 8 }) end)
    step(1, 0)
    step(4, 0.125)
    assert.equal(4, thing.x)
    task:cancel()
    step(20)
    assert.equal(4, thing.x)
    assert.equal("cancelled", task:status())
  end)

  it_steps("with an ease: a function or a name", function(step, rt)
    local a, b = { x = 0 }, { x = 0 }
    rt:spawn(game.tween, 1, a, { x = 100 }, function(p) return p * p end)
    rt:spawn(game.tween, 1, b, { x = 100 }, "in")
    step(1, 0)
    step(2, 0.25)
    assert.equal(25, a.x)
    assert.equal(25, b.x)
    step(2, 0.25)
    assert.equal(100, a.x)
    assert.equal(100, b.x)
  end)

  it("every ease goes from 0 to 1", function()
    for _, ease in ipairs { "linear", "in", "out", "in_out", "smooth" } do
      helper.run(function()
        local clk = ebb.clock { manual = true }
        local thing = { x = 0 }
        local seen = {}
        ebb.go(game.on(clk).tween, 1, thing, { x = 1 }, ease)
        helper.settle()
        for i = 1, 10 do
          clk:advance(0.1)
          ebb.next_frame()
          helper.settle()
          seen[i] = thing.x
        end
        for i = 2, 10 do assert.is_true(seen[i] > seen[i - 1]) end
        assert.equal(1, thing.x)
      end)
    end
  end)

  it_runs("0 seconds: at once", function()
    local thing = { x = 1 }
    game.tween(0, thing, { x = 2 })
    assert.equal(2, thing.x)
    assert.equal(0, ebb.now())
  end)
end)

describe("game.on", function()
  it_runs("goes by another clock", function()
    local clk = ebb.clock { scale = 10 }
    local fast = game.on(clk)
    fast.wait(10)
    assert.equal(1, ebb.now())
    fast.sequence { 5, 5 }
    assert.equal(2, ebb.now())
    local n = 0
    local task = fast.every(1, function() n = n + 1 return n < 10 end)
    task:join()
    assert.equal(3, ebb.now())
  end)

  it_runs("carries over on clocks too", function()
    local clk = ebb.clock { manual = true }
    local slow = game.on(clk)
    local at = {}
    ebb.go(function()
      for i = 1, 10 do
        slow.wait(0.3)
        at[i] = clk:now()
      end
    end)
    helper.settle()
    for _ = 1, 4 do
      clk:advance(1)
      support.settle()
    end
    assert.same({ 1, 1, 1, 2, 2, 2, 3, 3, 3, 3 }, at)
  end)
end)

describe("game", function()
  it_runs("refuses what it does not understand", function()
    helper.throws("bad argument #1 to 'wait' (number of seconds expected, got nil)", game.wait)
    helper.throws("NaN", game.wait, 0 / 0)
    helper.throws("whole number", game.wait_frames, 1.5)
    helper.throws("function expected", game.wait_until, 1)
    helper.throws("function expected", game.every, 1)
    helper.throws("list expected", game.sequence, 1)
    helper.throws("bad argument #1[2] to 'parallel'", game.parallel, { 1, "x" })
    helper.throws("whole number expected, got string", game.loop, "x", print)
    helper.throws("whole number expected, got NaN", game.loop, 0 / 0, print)
    helper.throws("field 'x': number expected, got nil", game.tween, 1, {}, { x = 1 })
    helper.throws("field 'x': number expected, got string", game.tween, 1, { x = 1 }, { x = "1" })
    helper.throws("'smooth' expected, got bouncy", game.tween, 1, {}, {}, "bouncy")
    helper.throws("function that gives a number expected, it gave nil", game.tween, 1, { x = 1 },
      { x = 2 }, function() end)
    helper.throws("ebb.clock expected", game.on, 1)
    helper.throws("game_spec.lua", function() game.wait "x" end)
  end)
end)

describe("game outside of a task", function()
  it("waits, and what it waits for may be an operation", function()
    local rt = helper.runtime()
    ebb.use(rt)
    ebb.game.wait(2)
    assert.equal(2, ebb.now())
    ebb.game.sequence { 1, ebb.after(3), function() ebb.sleep(1) end }
    assert.equal(7, ebb.now())
    ebb.use(nil)
    rt:close()
  end)
end)
