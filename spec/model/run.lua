--- The model test: random programs run on ebb and on a model of it in plain Lua, and every result is compared.
--
--   lua5.4 spec/model/run.lua        (or spec/run model, which runs two of them)
--
-- EBB_MODEL_OPS      how many operations to compare at least (100000)
-- EBB_MODEL_SECONDS  goes on for so long instead
-- EBB_MODEL_SEED     the first program (1); a program is known by its number
-- EBB_MODEL_STEP     from one number to the next (1)
--
-- Of 23 programs one has streams with tasks in them and the like, and runs under a schedule shuffled by its number:
-- what is the same under every schedule is compared. Of the others every third is shuffled so that the model can
-- follow, and of the rest every fifth is stepped by a host with a frame loop. A program on which the two differ is made as
-- short as it goes and printed as Lua, with both traces; the exit code is then 1.
local play = require "spec.model.play"
local program = require "spec.model.program"
local shrink = require "spec.model.shrink"

local run = {}

local TRIES, MANY_TRIES = 24, 500
-- A program that differs while the machine is too slow to tell is played again; if it is so each time, it is left out.
local MOST_AGAIN = 20
local MOST_LEFT_OUT = 0.01 -- of the programs

--- How the program of a number is played.
local function way_of(seed)
  if seed % 23 == 0 then return { seed = seed, loose = true } end
  if seed % 3 == 0 then return { seed = seed } end
  if seed % 5 == 0 then return { grace = seed % 4 } end
  return {}
end

local function generated(seed) return program.generate(seed, way_of(seed)) end

--- Plays the program of a number. Both sides and where they differ; or an error as the fourth; nil, nil, nil if it cannot
-- be compared.
local function played(seed, prog, tries)
  prog = prog or generated(seed)
  local text, how = program.text(prog), way_of(seed)
  local ok, real, model, at
  for _ = 1, MOST_AGAIN do
    ok, real, model, at = pcall(play.both, text, how, tries)
    if not (ok and at and real.is_too_slow) then break end
  end
  if not ok then return nil, nil, 0, real end
  if at and real.is_too_slow then return nil end
  return real, model, at
end

local function is_different(seed, prog)
  local text = program.text(prog)
  if not program.is_whole(text) or not load(text) then return false end
  local _, _, at = played(seed, prog, TRIES)
  return at ~= nil
end

--- A text about a program on which the two differ; `first`: both sides as they were when that was found.
function run.difference(seed, first)
  local prog, how = generated(seed), way_of(seed)
  local n_tries, out = 0, {}
  local _, _, differs, err = played(seed, prog, TRIES)
  if differs then
    shrink(prog, function(smaller)
      n_tries = n_tries + 1
      return n_tries < 3000 and is_different(seed, smaller)
    end)
    local sides = { played(seed, prog, TRIES) }
    if sides[1] or sides[4] then first, err = sides, sides[4] end
  end
  local real, model = first[1], first[2]
  local function say(...) out[#out + 1] = table.concat({ ... }, " ") end
  local way = how.seed and (" (shuffled by %d)"):format(seed) or how.grace and " (stepped)" or ""
  say(("program %d differs%s%s:\n"):format(seed, way,
    differs and "; made as short as it goes" or ", but not when it is played again; as it was"))
  say((program.text(prog):gsub("\n\n+", "\n")))
  if err then
    say("-- failed:", tostring(err))
    return table.concat(out, "\n")
  end
  for i = 1, math.max(#real.trace, #model.trace) do
    local a, b = real.trace[i], model.trace[i]
    if a == b then
      say("--       ", a)
    else
      say("-- ebb:  ", a or "(nothing)")
      say("-- model:", b or "(nothing)")
    end
  end
  return table.concat(out, "\n")
end

--- Compares until goes_on(counts) is false. counts: programs, operations, shuffled, left_out, differences
-- ({ number of the program, both sides }).
function run.compare(first, step, goes_on)
  local counts = { programs = 0, operations = 0, shuffled = 0, left_out = 0, differences = {} }
  local seed = first
  while goes_on(counts) and #counts.differences < 5 do
    local real, model, at = played(seed, nil, MANY_TRIES)
    counts.programs = counts.programs + 1
    if not real and not at then counts.left_out = counts.left_out + 1 end
    if real then
      counts.operations = counts.operations + #real.trace
      if real.seed then counts.shuffled = counts.shuffled + #real.trace end
    end
    if at then counts.differences[#counts.differences + 1] = { seed, real, model } end
    counts.last = seed
    seed = seed + step
  end
  return counts
end

local function number_of(name, default)
  return math.tointeger(tonumber(os.getenv("EBB_MODEL_" .. name) or default)) or
    error("EBB_MODEL_" .. name .. ": a whole number", 0)
end

local function main()
  local n_ops, first, step = number_of("OPS", 100000), number_of("SEED", 1), number_of("STEP", 1)
  local seconds = os.getenv "EBB_MODEL_SECONDS" and number_of("SECONDS")
  local started, told = os.time(), 0
  local counts = run.compare(first, step, function(counts)
    if counts.operations - told > 100000 then
      told = counts.operations
      print(("... %d operations, the last program was %d"):format(told, counts.last))
    end
    if seconds then return os.time() - started < seconds end
    return counts.operations < n_ops
  end)
  for _, found in ipairs(counts.differences) do
    print(run.difference(found[1], { found[2], found[3] }) .. "\n")
  end
  if counts.left_out > 0 then
    print(("%d programs could not be compared: the machine was too slow"):format(counts.left_out))
  end
  print(("%d programs from %d on, %d operations compared (%d of them shuffled), %d differences, %d s"):format(
    counts.programs, first, counts.operations, counts.shuffled, #counts.differences, os.time() - started))
  return #counts.differences == 0 and counts.left_out <= MOST_LEFT_OUT * counts.programs
end

if arg and arg[0] and arg[0]:find "model/run%.lua$" then
  io.stdout:setvbuf "line"
  os.exit(main(), true)
end
return run
