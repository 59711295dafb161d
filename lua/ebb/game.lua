--- ebb.game: waiting, repeating and moving things in game time, which is the frame clock's, or that
-- of another clock with ebb.game.on(clk).
local core = require "ebb.core"

local check = require "ebb.check"
local group = require "ebb.group"

local pairs, setmetatable, tostring, type = pairs, setmetatable, tostring, type
local format = string.format
local pack, unpack, huge = table.pack, table.unpack, math.huge
local await, current, frame_clock, next_frame = core.await, core.current, core.frame_clock,
  core.next_frame
local is_op, spawn_beside, typename = core._is_op, core._spawn_beside, core._typename

local function square(p) return p * p end
local function mirrored(ease) return function(p) return 1 - ease(1 - p) end end

local eases = {
  linear = function(p) return p end,
  ["in"] = square,
  out = mirrored(square),
  in_out = function(p) return p < 0.5 and 2 * p * p or 1 - 2 * (1 - p) * (1 - p) end,
  smooth = function(p) return p * p * (3 - 2 * p) end,
}

local function check_items(name, items)
  if type(items) ~= "table" then check.bad(name, 1, "list", items) end
  for i = 1, #items do
    local item = items[i]
    if type(item) == "number" then
      check.seconds(name, format("1[%d]", i), item)
    elseif not is_op(item) and not check.is_callable(item) then
      check.bad(name, format("1[%d]", i), "function, number of seconds, task or operation", item)
    end
  end
  return #items
end

local function check_count(name, n)
  if type(n) ~= "number" or n ~= n or (n ~= huge and n % 1 ~= 0) then
    check.bad(name, 1, "whole number", n)
  end
end

--- Where in time a task is: frames overshoot, and what one wait overshot the next one takes off.
-- position[task] = { due =, woke = }: its last wait was until `due` and ended when the clock said
-- `woke`; if the clock still says so, the next one counts from `due`.
local Game = {}
Game.__index = Game

function Game:here(clk)
  local task = current()
  local position = task and self.position[task]
  local now = clk:now()
  if position and position.woke == now then return position.due, now end
  return now, now
end

function Game:arrive(due, now)
  local task = current()
  if not task then return end
  local position = self.position[task]
  if not position then
    position = {}
    self.position[task] = position
  end
  position.due, position.woke = due, now
end

function Game:wait(seconds)
  local clk = self.clock()
  local due = self:here(clk) + (seconds > 0 and seconds or 0)
  clk:sleep_until(due)
  self:arrive(due, clk:now())
end

function Game:run_item(item)
  if type(item) == "number" then return self:wait(item) end
  if is_op(item) then return await(item) end
  return item()
end

--- The items as functions for a group: each begins where the caller is in time, also if its first
-- turn is in a later frame, and at[i] is where it has got to.
function Game:members(items, n, at)
  local start = self:here(self.clock())
  local members = {}
  for i = 1, n do
    members[i] = function()
      self:arrive(start, self.clock():now())
      local results = pack(self:run_item(items[i]))
      at[i] = self:here(self.clock())
      return unpack(results, 1, results.n)
    end
  end
  return members
end

local function tween(self, seconds, target, goals, ease)
  local clk = self.clock()
  local start = self:here(clk)
  local finish, from = start + seconds, {}
  for key in pairs(goals) do from[key] = target[key] end
  local now = clk:now()
  while now < finish do
    next_frame()
    now = clk:now()
    if now < finish then
      local p = ease((now - start) / seconds)
      if type(p) ~= "number" then
        check.fail("bad argument #4 to 'tween' (function that gives a number expected, it gave %s)",
          typename(p))
      end
      for key, goal in pairs(goals) do target[key] = from[key] + (goal - from[key]) * p end
    end
  end
  for key, goal in pairs(goals) do target[key] = goal end
  self:arrive(finish, now)
end

local function every(interval, fn)
  for _ in interval do
    if fn() == false then return end
  end
end

local function every_frame(fn)
  repeat next_frame() until fn() == false
end

--- The functions, in the time that `clock()` gives.
local function make(clock)
  local self = setmetatable({ clock = clock, position = setmetatable({}, { __mode = "k" }) }, Game)
  local game = {}

  --- Waits; what it overshoots is taken off the next wait.
  function game.wait(seconds)
    check.seconds("wait", 1, seconds)
    self:wait(seconds)
  end

  function game.wait_frames(n)
    check_count("wait_frames", n)
    while n > 0 do
      next_frame()
      n = n - 1
    end
  end

  --- Asks pred now and in every frame; its results once the first is true.
  function game.wait_until(pred)
    check.callable("wait_until", 1, pred)
    while true do
      local results = pack(pred())
      if results[1] then return unpack(results, 1, results.n) end
      next_frame()
    end
  end

  --- A task that calls fn every `seconds`, until that returns false; it belongs to the scope of the
  -- task that calls this.
  function game.every(seconds, fn)
    check.seconds("every", 1, seconds)
    check.callable("every", 2, fn)
    if seconds <= 0 then return spawn_beside(every_frame, fn) end
    if seconds == huge then return spawn_beside(core.sleep, huge) end
    return spawn_beside(every, clock():interval(seconds), fn)
  end

  --- One item after the other; the results of the last.
  function game.sequence(items)
    local n = check_items("sequence", items)
    for i = 1, n - 1 do self:run_item(items[i]) end
    if n > 0 then return self:run_item(items[n]) end
  end

  --- All items at once, until the last has ended; the first result of each.
  function game.parallel(items)
    local n = check_items("parallel", items)
    local at = {}
    local results = pack(group.join(unpack(self:members(items, n, at), 1, n)))
    local latest, now = -huge, clock():now()
    for i = 1, n do
      if at[i] and at[i] > latest then latest = at[i] end
    end
    if n > 0 then self:arrive(latest, now) end
    return unpack(results, 1, results.n)
  end

  --- All items at once, until the first has ended: its index and results; the others are cancelled.
  function game.race(items)
    local n = check_items("race", items)
    local at = {}
    local results = pack(group.race(unpack(self:members(items, n, at), 1, n)))
    self:arrive(at[results[1]], clock():now())
    return unpack(results, 1, results.n)
  end

  --- fn(1), fn(2), … fn(n), or until it returns false; n may be math.huge.
  function game.loop(n, fn)
    check_count("loop", n)
    check.callable("loop", 2, fn)
    local i = 1
    while i <= n do
      if fn(i) == false then return end
      i = i + 1
    end
  end

  --- Moves the fields of `target` to `goals` within `seconds`, a bit in every frame.
  function game.tween(seconds, target, goals, ease)
    check.seconds("tween", 1, seconds)
    if type(target) ~= "table" and type(target) ~= "userdata" then
      check.bad("tween", 2, "table or object", target)
    end
    if type(goals) ~= "table" then check.bad("tween", 3, "table of end values", goals) end
    for key, goal in pairs(goals) do
      if type(goal) ~= "number" then
        check.fail("bad argument #3 to 'tween' (field '%s': number expected, got %s)",
          tostring(key), typename(goal))
      end
      if type(target[key]) ~= "number" then
        check.fail("bad argument #2 to 'tween' (field '%s': number expected, got %s)",
          tostring(key), typename(target[key]))
      end
    end
    if ease == nil then ease = "linear" end
    if not check.is_callable(ease) then
      if not eases[ease] then
        check.fail("bad argument #4 to 'tween' (function, 'linear', 'in', 'out', 'in_out' or "
          .. "'smooth' expected, got %s)", type(ease) == "string" and ease or typename(ease))
      end
      ease = eases[ease]
    end
    tween(self, seconds > 0 and seconds or 0, target, goals, ease)
  end

  --- The same functions in the time of another clock.
  function game.on(clk)
    if typename(clk) ~= "ebb.clock" then check.bad("on", 1, "ebb.clock", clk) end
    return make(function() return clk end)
  end

  return game
end

return make(frame_clock)
