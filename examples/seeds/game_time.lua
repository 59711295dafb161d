-- A clock of its own for the game: slow motion, a pause, and a world that stops with it.
local ebb = require "ebb"

local rt <close> = ebb.runtime { clock = "virtual" }
rt:run(function()
  local game = ebb.clock()
  local started = ebb.now()
  local function note(...)
    print(("real %4.1f  game %4.1f"):format(ebb.now() - started, game:now()), ...)
  end

  local ticking = ebb.spawn(function()
    for _ in game:interval(1) do note "tick" end
  end)
  ebb.sleep(2.5)
  game:scale(0.5)
  note "half speed"
  ebb.sleep(4)
  game:pause()
  note "paused"
  ebb.sleep(10)
  game:resume()
  game:scale(4)
  note "four times as fast"
  ebb.sleep(1)
  ticking:cancel()

  note(game:timeout(2, ebb.sleep, 60)) -- limits in game time hold for any code
  game:sleep(1)
  note "awake"
end)
