-- Temporaries of a frame: one pointer moves, nothing is garbage, and what is kept too long throws.
local ebb = require "ebb"
local alloc = ebb.alloc

local rt = ebb.runtime { name = "game", frame = 64 << 10 }
ebb.use(rt)

-- What lives longer than a frame is the guards': positions and speeds of 1000 particles.
local N = 1000
local guard = ebb.guard()
local x, speed = guard:array("f64", N), guard:array("f64", N)
for i = 1, N do speed[i] = i / N end

local crowds = ebb.channel(64)
rt:spawn(function() -- tasks run between, but never see the frame
  for count in crowds do print(("  a task hears of a crowd of %d"):format(count)) end
end)

-- One frame. The scratch arrays cost no garbage and no free: the frame's end is theirs.
local function simulate(f, dt)
  do
    local _ <close> = f:phase "move"
    local step = f:array("f64", N):copy(speed):mul(dt) -- whole arrays in one call each
    x:add(step)
  end
  local _ <close> = f:phase "collide"
  local near = f:vec("u32") -- grows
  for i = 1, N do
    if x[i] > 0.95 then near:push(i) end
  end
  local plan <close> = f:checkpoint() -- tried, and given back unless it is good
  local forces = f:array("f64", N):fill(-0.5)
  if #near > 45 then
    plan:commit()
    x:add(forces)
    crowds:try_send(#near)
  end
  return #near
end

local kept
for frame = 1, 24 do
  local f = alloc.begin_frame()
  local count = simulate(f, 1 / 16)
  rt:step(0.001, 1 / 16)
  if frame % 8 == 0 then
    local summary = f:summary()
    print(("frame %d: %d near, %d bytes in %d allocations, %d to move, %d spilled"):format(frame,
      count, summary.bytes, summary.allocations, summary.phases.move.bytes, summary.spilled))
  end
  kept = kept or f:array("f64", 3) -- a mistake
  alloc.end_frame()
end

print(select(2, pcall(function() return kept[1] end)))
print(select(2, pcall(alloc.frame)))

local stats = alloc.stats().frame
print(("%d frames, %d bytes in all, %d at most, %d live; an arena of %d would do"):format(
  stats.frames, stats.total, stats.peak, stats.live, stats.needed))

crowds:close()
rt:step(0.001, 0)
rt:close()
guard:close()
