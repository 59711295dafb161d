--- A host with a frame loop of its own: between its frames it calls what the program has asked for, moves the time and
-- steps. The same for ebb and for the model; `world` is what there is of them:
--   spawn(main) → task    advance(s)    step(budget, dt) → info    shutdown(grace) → how many did not end
local host = {}

local MOST_FRAMES, FRAME = 40, 0.25

--- Adds host(fn, s, dt, budget) for programs: `s` seconds later fn() is called, then a step follows.
function host.add(side)
  side.frames = {}
  function side.host(fn, s, dt, budget)
    table.insert(side.frames, { fn = fn, s = s, dt = dt, budget = budget })
  end
end

--- Runs main in frames: those of the program, then others until it has ended, or waits for what never comes. The
-- outcome, as a text.
function host.play(side, world, main, grace)
  local task = world.spawn(main)
  local info
  local function step(budget, dt, is_dull)
    info = world.step(budget, dt)
    if is_dull and info.ran == 0 then return end
    local due = info.next_deadline
    side.log("step", info.ran, info.ready, info.alive, info.stuck, due and ("due%.9f"):format(due))
  end
  step(nil, 0)
  for _, frame in ipairs(side.frames) do
    world.advance(frame.s)
    side.log("host", pcall(frame.fn))
    step(frame.budget, frame.dt)
  end
  local n = 0
  while not task:finished() and not info.stuck and n < MOST_FRAMES do
    n = n + 1
    world.advance(FRAME)
    step(nil, FRAME, true)
  end
  side.n_of_run = side.n_of_run or #side.trace
  local n_left = world.shutdown(grace)
  return ("%s, %d left%s"):format(task:status(), n_left, info.stuck and ", stuck" or "")
end

--- Are the lines of two steps the same? The next deadline may be told too early, but not too late: one that is disarmed
-- is forgotten when its time comes.
function host.is_same_step(real, model)
  local what, due = real:match "^(.* step: .*) due(%S+)$"
  local what_of_model, due_of_model = model:match "^(.* step: .*) due(%S+)$"
  return what ~= nil and what == what_of_model and tonumber(due) <= tonumber(due_of_model)
end

return host
