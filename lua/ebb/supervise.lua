--- ebb.supervise: children that are started again when they fail.
local core = require "ebb.core"

local check = require "ebb.check"

local ipairs, pairs, tostring, type = ipairs, pairs, tostring, type
local format = string.format
local remove = table.remove
local in_task, report = core._in_task, core._report
local join_set, now, scope, shield = core.join_set, core.now, core.scope, core.shield

local supervise = {}

local restarts = { permanent = true, transient = true, temporary = true }
local strategies = { one_for_one = true, one_for_all = true, rest_for_one = true }

local function is_positive(value)
  return type(value) == "number" and value >= 0
end

local function fail(text, ...)
  check.fail("bad argument #1 to 'supervise' (" .. text .. ")", ...)
end

local checks = {
  strategy = function(value)
    if not strategies[value] then
      fail("strategy: 'one_for_one', 'one_for_all' or 'rest_for_one' expected, got %s",
        tostring(value))
    end
  end,
  max_restarts = function(value)
    if not is_positive(value) then
      fail("max_restarts: number >= 0 expected, got %s", tostring(value))
    end
  end,
  within = function(value)
    if not is_positive(value) then
      fail("within: number of seconds >= 0 expected, got %s", tostring(value))
    end
  end,
  on = function(value)
    if not check.is_callable(value) then
      fail("on: function expected, got %s", core._typename(value))
    end
  end,
}

local function check_child(i, child)
  if type(child) ~= "table" then
    fail("child %d: table expected, got %s", i, core._typename(child))
  end
  if not check.is_callable(child.run) then
    fail("child %d: function 'run' expected, got %s", i, core._typename(child.run))
  end
  if child.name ~= nil and type(child.name) ~= "string" then
    fail("child %d: name: string expected, got %s", i, core._typename(child.name))
  end
  if child.restart ~= nil and not restarts[child.restart] then
    fail("child %d: restart: 'permanent', 'transient' or 'temporary' expected, got %s", i,
      tostring(child.restart))
  end
end

--- One supervisor at work.
local function start(self, i)
  local spec = self.specs[i]
  local task = self.set:spawn(spec.run)
  if spec.name then task:name(spec.name) end
  self.running[i], self.index[task] = task, i
end

--- Child `i` has ended as `task`; true if it counts: it is to be started again.
local function ended(self, task, i)
  local failed, policy = task:status() == "failed", self.specs[i].restart or "permanent"
  self.running[i], self.index[task] = nil, nil
  return policy == "permanent" or (failed and policy == "transient")
end

--- Tells of a failure that is nobody's result, also while the supervisor is itself asked to end.
local function tell(self, task, i)
  if task:status() ~= "failed" then return end
  local _, err = shield(task.join, task)
  if self.on then self.on(err, self.specs[i].name or i) else report(task) end
end

--- How often that has happened lately, this time included.
local function count(self)
  local times, at, kept = self.times, now(), 0
  for _, time in ipairs(times) do
    if at - time < self.within then
      kept = kept + 1
      times[kept] = time
    end
  end
  for i = kept + 1, #times do times[i] = nil end
  times[kept + 1] = at
  return kept + 1
end

--- The children that go down and up again together with child `i`.
local function range(self, i)
  if self.strategy == "one_for_all" then return 1, #self.specs end
  return i, self.strategy == "rest_for_one" and #self.specs or i
end

--- Of those that have ended while others were being stopped, first to last need no stopping: they
-- are to be started again if they count.
local function take_put_by(self, first, last, again)
  for k = #self.put_by, 1, -1 do
    local task = self.put_by[k]
    local i = self.index[task]
    if i >= first and i <= last then
      remove(self.put_by, k)
      tell(self, task, i)
      again[i] = ended(self, task, i)
    end
  end
end

--- Ends the running ones of first to last, the newest first, and waits for their cleanups: which
-- are to be started again. Others that end meanwhile are put by.
local function stop(self, first, last, reason)
  local again, n = {}, 0
  take_put_by(self, first, last, again)
  for i = last, first, -1 do
    local task = self.running[i]
    if task then
      again[i], n = self.specs[i].restart ~= "temporary", n + 1
      task:cancel(reason)
    end
  end
  while n > 0 do
    local task = self.set:join_next()
    local i = self.index[task]
    if again[i] ~= nil then
      n = n - 1
      tell(self, task, i)
      self.running[i], self.index[task] = nil, nil
    else
      self.put_by[#self.put_by + 1] = task
    end
  end
  return again
end

local function give_up(self, task, i, n)
  stop(self, 1, #self.specs, "ended by its supervisor")
  if task:status() == "failed" then task:await() end
  local name = self.specs[i].name
  check.fail("supervise: %s has ended; that is number %d within %s s, with max_restarts = %s",
    name and format("%q", name) or "child " .. i, n, self.within, self.max_restarts)
end

local function restart(self, task, i)
  local n = count(self)
  if n > self.max_restarts then return give_up(self, task, i, n) end
  tell(self, task, i)
  local first, last = range(self, i)
  local again = stop(self, first, last, "restarted by its supervisor")
  for j = first, last do
    if j == i or again[j] then start(self, j) end
  end
end

local function run(self)
  local set <close> = join_set()
  self.set = set
  for i = 1, #self.specs do start(self, i) end
  while true do
    local task = remove(self.put_by, 1) or set:join_next()
    if not task then return end
    local i = self.index[task]
    if ended(self, task, i) then restart(self, task, i) else tell(self, task, i) end
  end
end

--- Runs the children until all have ended, each in a task of its own. One that fails is started
-- again as its `restart` and the `strategy` say; failure number max_restarts + 1 `within` seconds
-- ends all and is thrown.
-- Failures that are not thrown go to on(err, name), if given, else to ebb.on_task_error.
function supervise.supervise(spec)
  if type(spec) ~= "table" then check.bad("supervise", 1, "table", spec) end
  local specs = {}
  for i, child in ipairs(spec) do
    check_child(i, child)
    specs[i] = child
  end
  for key, value in pairs(spec) do
    if checks[key] then checks[key](value)
    elseif not specs[key] then fail("unknown option '%s'", tostring(key)) end
  end
  local self = {
    specs = specs, running = {}, index = {}, times = {}, put_by = {},
    strategy = spec.strategy or "one_for_one", on = spec.on,
    max_restarts = spec.max_restarts or 3, within = spec.within or 5,
  }
  if in_task() then return run(self) end
  return scope(function() return run(self) end)
end

return supervise
