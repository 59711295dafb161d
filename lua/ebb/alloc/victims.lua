--- Which entry goes first: the one of the lowest priority that was used longest ago. A list of
-- entries for each priority that there is, least recently used first; the priorities are kept
-- sorted. Finding, adding and removing are O(1) but for a priority's first and last entry, which
-- are O(number of priorities).
--
-- An entry is a table with a `priority`; its fields `prev`, `next` and `list` belong to this file.
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

--- As the most recently used one of its priority; it is in no list.
function Victims:add(entry)
  local list = self.lists[entry.priority]
  if not list then
    list = { priority = entry.priority }
    list.prev, list.next = list, list
    insert(self.order, place_of(self.order, entry.priority), list)
    self.lists[entry.priority] = list
  end
  local last = list.prev
  entry.prev, entry.next, entry.list = last, list, list
  last.next, list.prev = entry, entry
end

--- Harmless if it is in none.
function Victims:remove(entry)
  local list = entry.list
  if not list then return end
  entry.prev.next, entry.next.prev = entry.next, entry.prev
  entry.prev, entry.next, entry.list = nil, nil, nil
  if list.next == list then
    remove(self.order, place_of(self.order, list.priority))
    self.lists[list.priority] = nil
  end
end

--- The entry that goes first, or nil.
function Victims:first()
  local list = self.order[1]
  return list and list.next
end

return { new = new }
