--- Groups: join, try_join, join_all, try_join_all, race, map. Functions handed in become children,
-- which have ended before the group returns; tasks and ops handed in are only awaited (by a child)
-- and stay their owner's.
local core = require "ebb.core"

local check = require "ebb.check"

local error, select, setmetatable, type = error, select, setmetatable, type
local format = string.format
local move, pack, unpack, huge = table.move, table.pack, table.unpack, math.huge
local await, channel, scope = core.await, core.channel, core.scope
local is_op, in_task, report = core._is_op, core._in_task, core._report
local is_callable = check.is_callable

local group = {}

local function check_members(name, items, n, position)
  for i = 1, n do
    if not is_op(items[i]) and not is_callable(items[i]) then
      check.bad(name, format(position, i), "function, task or operation", items[i])
    end
  end
end

local function check_list(name, list)
  if type(list) ~= "table" then check.bad(name, "1", "list", list) end
  local n = #list
  check_members(name, list, n, "1[%d]")
  return n
end

--- Tells `ends` which member has ended, however it did: a to-be-closed variable of its task.
local notice = { __close = function(self) self.ends:try_send(self.i) end }

local function member(ends, i, item, ...)
  local _ <close> = setmetatable({ ends = ends, i = i }, notice)
  if is_op(item) then return await(item) end
  return item(...)
end

--- Outside of tasks the group runs in one of its own, which the call drives.
local function in_a_task(fn, ...)
  if in_task() then return fn(...) end
  local args = pack(...)
  return scope(function() return fn(unpack(args, 1, args.n)) end)
end

local function spawn_members(tasks, s, ends, items)
  for i = 1, tasks.n do tasks[i] = s:spawn(member, ends, i, items[i]) end
end

--- The failures that are not the group's result are reported.
local function report_others(tasks)
  for i = 1, tasks.n do
    if i ~= tasks.thrown and tasks[i] and tasks[i]:status() == "failed" then report(tasks[i]) end
  end
end

--- The tasks of a group; a group that is left by an error (one of theirs, or a cancel) has reported
-- all others.
local members = { __close = function(tasks, err)
  if err ~= nil then report_others(tasks) end
end }

--- Throws the error of member i (or a cancel, and then it is not thrown but reported, too).
local function throw(tasks, i)
  local _, err = tasks[i]:join()
  tasks.thrown = i
  error(err, 0)
end

local function run_join(items, n)
  local ends, first_failed = channel(huge), nil
  local tasks <close> = setmetatable({ n = n }, members)
  local s <close> = scope { collect = true }
  spawn_members(tasks, s, ends, items)
  local results = { n = n }
  for _ = 1, n do
    local i = ends:recv()
    local ok, value = tasks[i]:join()
    if ok then results[i] = value elseif not first_failed then first_failed = i end
  end
  if first_failed then throw(tasks, first_failed) end
  return results
end

--- Results in order, or nil, err / the error of the first member that failed.
local function run_try_join(items, n)
  local ends = channel(huge)
  local tasks <close> = setmetatable({ n = n }, members)
  local s <close> = scope { collect = true }
  spawn_members(tasks, s, ends, items)
  local results = { n = n }
  for _ = 1, n do
    local i = ends:recv()
    local ended = pack(tasks[i]:join())
    local failed = not ended[1]
    if failed or (ended[2] == nil and ended[3] ~= nil) then
      s:close()
      if failed then throw(tasks, i) end
      report_others(tasks)
      return unpack(ended, 2, ended.n)
    end
    results[i] = ended[2]
  end
  return results
end

local function run_race(items, n)
  local ends = channel(huge)
  local tasks <close> = setmetatable({ n = n }, members)
  local s <close> = scope { collect = true }
  spawn_members(tasks, s, ends, items)
  local i = ends:recv()
  tasks[i]:join()
  s:close()
  if tasks[i]:status() ~= "done" then throw(tasks, i) end
  report_others(tasks)
  return i, tasks[i]:await()
end

local function run_map(list, n, fn, limit)
  local ends, results = channel(huge), {}
  local tasks <close> = setmetatable({ n = 0 }, members)
  local s <close> = scope { collect = true }
  local function start()
    local i = tasks.n + 1
    tasks[i] = s:spawn(member, ends, i, fn, list[i], i)
    tasks.n = i
  end
  while tasks.n < n and tasks.n < limit do start() end
  for _ = 1, n do
    local i = ends:recv()
    local ok, value = tasks[i]:join()
    if not ok then
      s:close()
      throw(tasks, i)
    end
    results[i] = value
    tasks[i] = false
    if tasks.n < n then start() end
  end
  return results
end

local function spread(results, ...)
  if not results then return results, ... end
  return unpack(results, 1, results.n)
end

--- Runs all concurrently and waits for all: the first result of each, in order; afterwards the
-- error that came first is thrown and the others are reported.
function group.join(...)
  local n = select("#", ...)
  local items = { ... }
  check_members("join", items, n, "%d")
  if n == 0 then return end
  return spread(in_a_task(run_join, items, n))
end

--- As join, but the first that throws or returns nil, err cancels the others and is the result.
function group.try_join(...)
  local n = select("#", ...)
  local items = { ... }
  check_members("try_join", items, n, "%d")
  if n == 0 then return end
  return spread(in_a_task(run_try_join, items, n))
end

local function as_list(results, ...)
  if results then results.n = nil end
  return results, ...
end

function group.join_all(list)
  local n = check_list("join_all", list)
  if n == 0 then return {} end
  return as_list(in_a_task(run_join, move(list, 1, n, 1, {}), n))
end

function group.try_join_all(list)
  local n = check_list("try_join_all", list)
  if n == 0 then return {} end
  return as_list(in_a_task(run_try_join, move(list, 1, n, 1, {}), n))
end

--- Index of the first to end, then its results (or its error); the others have been cancelled and
-- have ended.
function group.race(...)
  local n = select("#", ...)
  local items = { ... }
  check_members("race", items, n, "%d")
  if n == 0 then
    check.fail "EBB061: nothing to race: no function, task or operation was given"
  end
  return in_a_task(run_race, items, n)
end

--- Ordered first results of fn(item, i), at most `limit` at a time; the first error cancels the
-- rest.
function group.map(list, fn, limit)
  if type(list) ~= "table" then check.bad("map", "1", "list", list) end
  if not is_callable(fn) then check.bad("map", "2", "function", fn) end
  if limit == nil then limit = huge end
  if type(limit) ~= "number" then check.bad("map", 3, "number", limit) end
  if limit ~= huge and (limit ~= limit or limit < 1 or limit % 1 ~= 0) then
    check.fail("bad argument #3 to 'map' (whole number of at least 1 expected, got %s)",
      limit)
  end
  local n = #list
  if n == 0 then return {} end
  return in_a_task(run_map, list, n, fn, limit)
end

return group
