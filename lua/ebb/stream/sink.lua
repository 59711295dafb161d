--- What consumes a stream to its end, or until it knows the answer; then the stream is closed. An
-- item that failed is thrown, but for the try_ sinks, which give nil, err.
local core = require "ebb.core"

local check = require "ebb.check"
local concurrent = require "ebb.stream.concurrent"
local object = require "ebb.stream.object"

local error, is_op = error, core._is_op
local consume, methods, one = object.consume, object.methods, object.one

--- The first value and the item as one value; nil at the end.
local function item(v, ...)
  if v ~= nil then return one(v, ...) end
  if (...) ~= nil then error((...), 0) end
  return nil
end

--- A list of the items; one with several values is a table of them.
function methods:collect()
  local pull = consume("collect", self)
  local _ <close> = self
  local list, n = {}, 0
  while true do
    local v = item(pull())
    if v == nil then return list end
    n = n + 1
    list[n] = v
  end
end

local function step(fn, acc, v, ...)
  if v ~= nil then return true, fn(acc, v, ...) end
  if (...) ~= nil then error((...), 0) end
  return false, acc
end

function methods:fold(init, fn)
  object.check_self("fold", self)
  check.callable("fold", 2, fn)
  local pull = consume("fold", self)
  local _ <close> = self
  local acc, more = init, true
  while more do more, acc = step(fn, acc, pull()) end
  return acc
end

--- fold from the first item on; nil when there is none.
function methods:reduce(fn)
  object.check_self("reduce", self)
  check.callable("reduce", 1, fn)
  local pull = consume("reduce", self)
  local _ <close> = self
  local acc = item(pull())
  local more = acc ~= nil
  while more do more, acc = step(fn, acc, pull()) end
  return acc
end

function methods:count()
  local pull = consume("count", self)
  local _ <close> = self
  local n = 0
  while true do
    local v, err = pull()
    if v == nil then
      if err ~= nil then error(err, 0) end
      return n
    end
    n = n + 1
  end
end

--- true, what pred says, the item; false at the end.
local function judged(pred, v, ...)
  if v ~= nil then return true, pred(v, ...), v, ... end
  if (...) ~= nil then error((...), 0) end
  return false
end

local function with_predicate(name, self, pred)
  object.check_self(name, self)
  check.callable(name, 1, pred)
  return consume(name, self)
end

function methods:any(pred)
  local pull = with_predicate("any", self, pred)
  local _ <close> = self
  local more, yes
  repeat
    more, yes = judged(pred, pull())
    if yes then return true end
  until not more
  return false
end

function methods:all(pred)
  local pull = with_predicate("all", self, pred)
  local _ <close> = self
  local more, yes
  repeat
    more, yes = judged(pred, pull())
    if more and not yes then return false end
  until not more
  return true
end

local function found(pred, pull, more, yes, ...)
  if not more then return nil end
  if yes then return ... end
  return found(pred, pull, judged(pred, pull()))
end

--- The first item for which pred is true, or nil.
function methods:find(pred)
  local pull = with_predicate("find", self, pred)
  local _ <close> = self
  return found(pred, pull, judged(pred, pull()))
end

local function visit(fn, v, ...)
  if v ~= nil then
    fn(v, ...)
    return true
  end
  if (...) ~= nil then error((...), 0) end
  return false
end

function methods:for_each(fn)
  local pull = with_predicate("for_each", self, fn)
  local _ <close> = self
  while visit(fn, pull()) do end
end

-- Concurrent -------------------------------------------------------------------------------------

--- The place of a body that has ended is free; its error is thrown.
local function body_ended(stage, task, ok)
  if not ok then stage:fail(task) end
  stage:give_back()
  return true
end

--- At most n of fn(item) at a time; the first error cancels the others.
function methods:for_each_concurrent(n, fn)
  concurrent.check("for_each_concurrent", self, n, fn)
  check.callable("for_each_concurrent", 2, fn)
  local stage = concurrent.stage.new("for_each_concurrent", n, fn, self._pull, false)
  local function pull() return stage:take(body_ended) end
  local function stop() stage:close() end
  local bodies = object.new("for_each_concurrent", pull, { self }, stop)
  return bodies:for_each(function() end)
end

-- To a channel -----------------------------------------------------------------------------------

--- The channel is closed first: whoever receives need not wait for the stream's cleanups.
local hand_over = {
  __close = function(self)
    if self.ch then self.ch:close() end
    self.stream:close()
  end,
}

--- Sends every item (one with several values as a table) and closes the channel, also when the
-- stream fails. Gives how many were sent, and "closed" when the channel took no more.
function methods:to_channel(ch, keep_open)
  object.check_self("to_channel", self)
  if not is_op(ch) or type(ch.send) ~= "function" then check.bad("to_channel", 1, "channel", ch) end
  local pull = consume("to_channel", self)
  local _ <close> = setmetatable({ stream = self, ch = not keep_open and ch or nil }, hand_over)
  local n = 0
  while true do
    local v = item(pull())
    if v == nil then return n end
    if not ch:send(v) then return n, "closed" end
    n = n + 1
  end
end

-- try_ -------------------------------------------------------------------------------------------

--- A list of the items, or the first that failed, as nil, err.
function methods:try_collect()
  local pull = consume("try_collect", self)
  local _ <close> = self
  local list, n = {}, 0
  local function kept(v, ...)
    if v == nil then return false, ... end
    n = n + 1
    list[n] = one(v, ...)
    return true
  end
  while true do
    local more, err = kept(pull())
    if not more then
      if err == nil then return list end
      return nil, err
    end
  end
end

local function tried(more, first, ...)
  if first == nil and (...) ~= nil then return "failed", ... end
  return more, first
end

local function try_step(fn, acc, v, ...)
  if v ~= nil then return tried("more", fn(acc, v, ...)) end
  if (...) ~= nil then return "failed", ... end
  return "ended", acc
end

--- fold that ends at an item that failed, or when fn gives nil, err: then that is the result.
function methods:try_fold(init, fn)
  object.check_self("try_fold", self)
  check.callable("try_fold", 2, fn)
  local pull = consume("try_fold", self)
  local _ <close> = self
  local acc, outcome = init, "more"
  while outcome == "more" do outcome, acc = try_step(fn, acc, pull()) end
  if outcome == "failed" then return nil, acc end
  return acc
end

--- true when fn(item) was called for all; else the nil, err of the first item, or call, that
-- failed.
function methods:try_for_each(fn)
  local pull = with_predicate("try_for_each", self, fn)
  local _ <close> = self
  local outcome, err = "more", nil
  local function call(_, ...) return fn(...) end
  while outcome == "more" do outcome, err = try_step(call, nil, pull()) end
  if outcome == "failed" then return nil, err end
  return true
end

return methods
