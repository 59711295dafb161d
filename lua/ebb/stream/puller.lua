--- Children that pull from streams while the consumer does something else: each pulls one item when
-- it is asked to and keeps it until it is taken. No child holds the scope: a stream that is
-- dropped is collected, and its scope cancels the children.
local core = require "ebb.core"

local object = require "ebb.stream.object"

local select, setmetatable = select, setmetatable
local huge, pack, unpack = math.huge, table.pack, table.unpack
local channel, in_task, report, scope, shield, timeout_at =
  core.channel, core._in_task, core._report, core.scope, core.shield, core.timeout_at

local puller = {}
puller.__index = puller

--- Cancels the scope's children and waits for them; outside of tasks the wait drives the runtime,
-- where that is allowed (under a host that steps the runtime it is not).
function puller.close_scope(children)
  children:close()
  if not in_task() then pcall(children.wait, children) end
end

function puller.new()
  local self = { scope = scope { collect = true }, out = channel(huge), members = {}, open = 0 }
  return setmetatable(self, puller)
end

--- Puts an item into its member; false at the end.
local function offer(member, v, ...)
  if v == nil and (...) == nil then return false end
  if select("#", ...) == 0 then
    member.v, member.rest = v, nil
  else
    member.v, member.rest = v, pack(...)
  end
  return true
end

local notice = { __close = function(self)
  self.member.ended = true
  self.out:try_send(self.member)
end }

local function work(out, ask, member, pull)
  local _ <close> = setmetatable({ out = out, member = member }, notice)
  while ask:recv() do
    if not offer(member, pull()) then return end
    out:try_send(member)
  end
end

--- Starts pulling; `stream`, if any, is closed as soon as it has ended.
function puller:add(pull, stream)
  local ask = channel(huge)
  local member = { ask = ask, stream = stream }
  ask:try_send(true)
  member.task = self.scope:spawn(work, self.out, ask, member, pull) -- not in a shutdown: throws
  self.members[#self.members + 1] = member
  self.open = self.open + 1
end

--- The next item of any, nil when all have ended. With `due` it is waited for until then at most:
-- nil and self.late. The error of a pull is thrown.
function puller:take(due)
  local out, last = self.out, self.last
  self.late = false
  if last then
    self.last = nil
    last.ask:try_send(true)
  end
  while self.open > 0 do
    local member
    if due then member = timeout_at(due, out) else member = out:recv() end
    if not member then
      self.late = true
      return nil
    end
    if not member.ended then
      self.last = member
      local v, rest = member.v, member.rest
      if not rest then return v end
      return v, unpack(rest, 1, rest.n)
    end
    self.open = self.open - 1
    member.taken = true
    shield(member.task.await, member.task) -- its error, not a cancel's
    if member.stream then object.close(member.stream) end
  end
  return nil
end

--- Ends the children; failures that nobody took are reported.
function puller:close()
  self.open, self.last = 0, nil
  local members = self.members
  local _ <close> = setmetatable({}, { __close = function()
    for i = 1, #members do
      local member = members[i]
      if not member.taken and member.task:status() == "failed" then report(member.task) end
    end
  end })
  puller.close_scope(self.scope)
end

return puller
