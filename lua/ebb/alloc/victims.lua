--- Which entry goes first: the one of the lowest priority that was used longest ago. A list of
-- entries for each priority that there is, least recently used first; the lists are kept sorted by
-- priority. An entry has its list (rank, leave) whether or not it is linked in it (link, unlink).
--
-- rank is O(log n) in the number of priorities, but for a new priority, first is O(n) if all
-- entries of the lower ones are unlinked; the others are O(1). Only rank needs memory: where it
-- fails nothing has changed, and the others cannot fail.
--
-- An entry is a table with the fields `priority`, `list`, `prev` and `next`, false at first; they
-- belong to this file.
local setmetatable = setmetatable
local insert, remove = table.insert, table.remove

local Victims = {}
Victims.__index = Victims

local function new()
  return setmetatable({ lists = {}, order = {} }, Victims)
end

-- The place in the sorted array of the first list whose priority is not lower.
local function place_of(order, priority)
  local low, high = 1, #order + 1
  while low < high do
    local middle = (low + high) // 2
    if order[middle].priority < priority then low = middle + 1 else high = middle end
  end
  return low
end

local function list_of(self, priority)
  local list = self.lists[priority]
  if not list then
    list = { priority = priority, n_entries = 0, is_sorted_in = false, prev = false, next = false }
    list.prev, list.next = list, list
    self.lists[priority] = list
  end
  if not list.is_sorted_in then
    insert(self.order, place_of(self.order, priority), list)
    list.is_sorted_in = true
  end
  return list
end

local function leave(self, list)
  list.n_entries = list.n_entries - 1
  if list.n_entries > 0 then return end
  remove(self.order, place_of(self.order, list.priority))
  self.lists[list.priority] = nil
end

--- As the most recently used one of its priority; it is not linked.
function Victims:link(entry)
  local list = entry.list
  local last = list.prev
  entry.prev, entry.next = last, list
  last.next, list.prev = entry, entry
end

--- Harmless if it is not linked.
function Victims:unlink(entry)
  if not entry.next then return end
  entry.prev.next, entry.next.prev = entry.next, entry.prev
  entry.prev, entry.next = false, false
end

--- The entry has this priority from now on.
function Victims:rank(entry, priority)
  local list, old = list_of(self, priority), entry.list
  if list == old then return end
  local is_linked = entry.next
  self:unlink(entry)
  list.n_entries = list.n_entries + 1
  entry.priority, entry.list = priority, list
  if is_linked then self:link(entry) end
  if old then leave(self, old) end
end

--- The entry goes; it is not linked.
function Victims:leave(entry)
  leave(self, entry.list)
  entry.list = false
end

--- The entry that goes first, or nil.
function Victims:first()
  local order = self.order
  for i = 1, #order do
    local list = order[i]
    if list.next ~= list then return list.next end
  end
end

return { new = new }
