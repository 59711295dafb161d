-- What things in a game do, written from top to bottom, over many frames; and all of it ends with
-- the thing.
local ebb = require "ebb"
local game = ebb.game

local rt <close> = ebb.runtime { clock = "virtual", name = "game" }
ebb.use(rt)

local FRAME = 1 / 32
local frame = 0
local function note(...) print(("frame %3d"):format(frame), ...) end

-- One scope for each entity: whatever it starts belongs to it.
local guard = { x = 0, light = 0, alert = false, life = ebb.scope() }

guard.life:spawn(function()
  while true do
    game.tween(1, guard, { x = 10 })
    note("guard at", guard.x)
    game.wait(0.5)
    game.tween(1, guard, { x = 0 })
    note("guard at", guard.x)
  end
end)

guard.life:spawn(function()
  game.wait_until(function() return guard.alert end)
  game.sequence {
    function() note "who goes there?" end,
    1,
    function()
      game.parallel {
        function() game.tween(0.5, guard, { light = 1 }) end,
        function() note "halt!" end,
      }
    end,
  }
  note("the light is on", guard.light)
  local heartbeats = 0
  game.every(0.25, function()
    heartbeats = heartbeats + 1
    if heartbeats == 3 then note "three heartbeats later" end
    return heartbeats < 3 -- false ends it
  end):await()
end)

local function run_frames(n)
  for _ = 1, n do
    frame = frame + 1
    rt:advance(FRAME)
    rt:step(nil, FRAME) -- never blocks; a game gives it some 0.004 seconds instead of nil
  end
end

run_frames(100)
guard.alert = true
run_frames(100)
guard.life:close() -- the guard leaves the game, in the middle of whatever it did
note("gone, tasks alive:", rt:step(nil, FRAME).alive)
