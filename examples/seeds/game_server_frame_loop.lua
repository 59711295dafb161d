-- A game server keeps its loop: each frame it gives its tasks a slice of time, takes the events
-- that have come in, and updates the world. The network never holds a frame up.
local ebb = require "ebb"

local rt <close> = ebb.runtime { clock = "virtual", name = "server" }
ebb.use(rt)

local FRAME = 1 / 64
local events = ebb.channel(256) -- what the tasks tell the loop; full: they wait, not the frame

-- One task per connection, with memory of its own.
local function serve(player)
  local line = ebb.task_guard():buffer(64)
  for n = 1, 3 do
    ebb.sleep(player.latency)
    line:put(player.name, " move ", n)
    events:send { player = player, text = line:get() }
  end
  if player.name == "ben" then error("connection reset", 0) end
end

ebb.on_task_error(function(task, err) print("  lost " .. task:name() .. ": " .. err) end)

local connections = ebb.scope { isolate = true } -- one that fails leaves the others alone
for i, name in ipairs { "anna", "ben", "cora" } do
  local player = { name = name, x = 0, latency = 0.02 * i }
  connections:spawn(serve, player):name(name)
end

-- What an entity does over many frames reads from top to bottom.
local door = { open = 0 }
connections:spawn(function()
  while door.open < 1 do door.open = math.min(1, door.open + 8 * ebb.next_frame()) end
  print "  the door is open"
end)

for frame = 1, 14 do
  local g <close> = ebb.guard() -- the frame's own scratch memory
  rt:advance(FRAME) -- a real host's time goes by itself
  local info = rt:step(nil, FRAME) -- never blocks; a game gives it some 0.004 seconds, not nil
  local steps, got = g:vec "f32", {}
  for event in events.try_recv, events do
    event.player.x = event.player.x + 1
    steps:push(event.player.x)
    got[#got + 1] = event.text
  end
  if #got > 0 then
    print(("frame %2d, %d alive: %s"):format(frame, info.alive, table.concat(got, ", ")))
  end
end

connections:close()
rt:step(nil, FRAME)
print("alive " .. rt:metrics().alive, "bytes " .. ebb.alloc.stats().pool.live)
