-- A game keeps its own loop and gives ebb a slice of each frame.
local ebb = require "ebb"

local rt = ebb.runtime { name = "game" }
ebb.use(rt)

local FRAME = 1 / 64 -- seconds; a real host measures it

-- What an entity does reads from top to bottom, over many frames.
local function patrol(guard)
  while true do
    for _, direction in ipairs { 1, -1 } do
      local walked = 0
      while walked < 2 do
        local step = guard.speed * ebb.next_frame()
        guard.x = guard.x + direction * step
        walked = walked + step
      end
      print(("  %s turns at %.2f"):format(guard.name, guard.x))
    end
  end
end

-- One scope per entity: closing it ends everything the entity had started.
local function add_guard(name, speed)
  local guard = { name = name, speed = speed, x = 0, life = ebb.scope() }
  guard.life:spawn(patrol, guard)
  return guard
end

local anna, ben = add_guard("anna", 8), add_guard("ben", 16)
for frame = 1, 40 do
  -- Here the host reads input, draws, …
  -- step never blocks. A game also says for how long at most, in seconds: rt:step(0.004, FRAME);
  -- what is left over then goes first in the next frame. Without, every run prints the same.
  local info = rt:step(nil, FRAME)
  if frame % 10 == 0 then
    print(("frame %d: %d alive, anna %.2f, ben %.2f"):format(frame, info.alive, anna.x, ben.x))
  end
  if frame == 20 then
    print "  ben goes home"
    ben.life:close()
  end
end

anna.life:close()
rt:step(nil, FRAME)
print("left alive: " .. rt:metrics().alive)
rt:close()
