--- Several items at a time: buffered, buffer_unordered, for_each_concurrent. A pump, itself a task,
-- pulls the items and starts a task for each; both go on while the consumer's body awaits. A place
-- is taken before an item is pulled and given back when its result is taken, so that never more
-- than n items are under way.
--
-- The tasks hold the stage's channels, but not its scope: a stream that is dropped is collected,
-- and its scope cancels them.
local core = require "ebb.core"

local check = require "ebb.check"
local object = require "ebb.stream.object"
local puller = require "ebb.stream.puller"

local setmetatable, type = setmetatable, type
local huge, pack, unpack = math.huge, table.pack, table.unpack
local await, channel, current, is_op, report, scope, shield =
  core.await, core.channel, core.current, core._is_op, core._report, core.scope, core.shield
local methods, new = object.methods, object.new

local weak = { __mode = "v" }

--- Runs an item that is itself a function, a task or another op.
local function run_item(name, v, ...)
  if is_op(v) then return await(v) end
  if check.is_callable(v) then return v(...) end
  check.fail("an item of '%s' is no function, task or operation but a %s; give '%s' a function too",
    name, core._typename(v), name)
end

local function with_notice(notice, fn, ...)
  local _ <close> = notice
  return fn(...)
end

--- The pump starts the task of one item, or passes on an item that failed. False at the end, and
-- when nobody wants the items any more.
local function start(job, place, v, ...)
  if v == nil and (...) == nil then return false end
  if v == nil then
    job.started = job.started + 1
    job.ends:try_send(pack(nil, ...))
    return true
  end
  local children = place.children
  if not children then return false end
  local task
  if job.notice then
    if job.fn then
      children:spawn(with_notice, job.notice, job.fn, v, ...)
    else
      children:spawn(with_notice, job.notice, run_item, job.name, v, ...)
    end
  elseif job.fn then
    task = children:spawn(job.fn, v, ...)
  else
    task = children:spawn(run_item, job.name, v, ...)
  end
  job.started = job.started + 1 -- in a shutdown the spawn throws
  if task then job.ends:try_send(task) end
  return true
end

local function pump(notice, job, place, up)
  local _ <close> = notice
  local places = job.places
  repeat
    places:send(true)
  until not start(job, place, up())
end

--- What runs side by side, as its consumer sees it. `job`, shared with the tasks: `places` has a
-- value for each item under way; `ends` has the tasks in the order of their items (`ordered`) or
-- as they end, tables for items that failed before, and false when the pump ends.
local stage = {}
stage.__index = stage

function stage.new(name, n, fn, up, ordered)
  local job = { name = name, fn = fn, places = channel(n), ends = channel(huge), started = 0 }
  return setmetatable({ job = job, up = up, ordered = ordered, taken = 0 }, stage)
end

function stage:open()
  local job = self.job
  local ends = job.ends
  self.children = scope { collect = true }
  if not self.ordered then
    job.notice = setmetatable({}, { __close = function() ends:try_send(current()) end })
  end
  local notice = setmetatable({}, { __close = function() ends:try_send(false) end })
  local place = setmetatable({ children = self.children }, weak)
  self.place = place
  self.pump = self.children:spawn(pump, notice, job, place, self.up)
end

--- Takes the next result, nil at the end: when all items have been taken and the pump has ended,
-- whose error, if any, is thrown then. `finish` gets the stage, the task, true and its results.
function stage:take(finish)
  if not self.children then self:open() end
  local job = self.job
  while true do
    local task = self.head -- left over from a wait that was cancelled
    if not task then
      if self.pump_ended and self.taken == job.started then
        self.pump_taken = true
        shield(self.pump.await, self.pump) -- its error, not a cancel's
        return nil
      end
      task = job.ends:recv()
    end
    if task == false then
      self.pump_ended = true
    else
      self.head = task
      if type(task) ~= "table" then return finish(self, task, task:join()) end
      self:give_back()
      return unpack(task, 1, task.n)
    end
  end
end

--- The head's result is the consumer's: its place is free.
function stage:give_back()
  self.head = nil
  self.taken = self.taken + 1
  self.job.places:try_recv()
end

--- The head's error is thrown; its place stays taken, so that nothing new is started.
function stage:fail(task)
  self.head = nil
  task:await()
end

local function report_failed(task)
  if task and type(task) ~= "table" and task:status() == "failed" then report(task) end
end

--- Cancels all and waits; failures that nobody took are reported.
function stage:close()
  local children = self.children
  if not children then return end
  self.place.children = nil
  local _ <close> = setmetatable({}, { __close = function()
    local ends = self.job.ends
    report_failed(self.head)
    local task = ends:try_recv()
    while task ~= nil do
      report_failed(task)
      task = ends:try_recv()
    end
    if not self.pump_taken then report_failed(self.pump) end
  end })
  puller.close_scope(children)
end

local function check_stage(name, self, n, fn)
  object.check_self(name, self)
  object.count(name, 1, n, 1)
  if fn ~= nil then check.callable(name, 2, fn) end
end

local function gave(self, task, ok, v, ...)
  if not ok then self:fail(task) end
  self:give_back()
  if v == nil and (...) == nil then
    check.fail("a function of '%s' gave nil for an item", self.job.name)
  end
  return v, ...
end

local function concurrent(name, self, n, fn, ordered)
  check_stage(name, self, n, fn)
  local work = stage.new(name, n, fn, self._pull, ordered)
  return new(name, function() return work:take(gave) end, { self }, function() work:close() end)
end

--- Up to n of fn(item) at a time, results in the order of the items.
function methods:buffered(n, fn)
  return concurrent("buffered", self, n, fn, true)
end

--- The same, results as they come.
function methods:buffer_unordered(n, fn)
  return concurrent("buffer_unordered", self, n, fn, false)
end

return { stage = stage, check = check_stage }
