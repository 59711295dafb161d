--- Makes a program smaller while it stays interesting: statements are left out, blocks are replaced by what is in them,
-- until nothing more can go.

--- Calls try() with each list of statements in the tree; true as soon as one call gives true.
local function each_list(list, try)
  if try(list) then return true end
  for _, node in ipairs(list) do
    for _, part in ipairs(node) do
      if type(part) == "table" and each_list(part, try) then return true end
    end
  end
end

--- Leaves out list[i..i+n-1] if what remains is interesting.
local function without(list, i, n, is_interesting)
  local removed = table.move(list, i, i + n - 1, 1, {})
  table.move(list, i + n, #list + n, i)
  if is_interesting() then return true end
  table.move(list, i, #list, i + n)
  table.move(removed, 1, n, i, list)
end

--- Replaces the block list[i] by its statements.
local function opened(list, i, is_interesting)
  local node = list[i]
  for _, part in ipairs(node) do
    if type(part) == "table" and part[1] then
      local before = { table.unpack(list) }
      table.remove(list, i)
      for k, inner in ipairs(part) do table.insert(list, i + k - 1, inner) end
      if is_interesting() then return true end
      for k = #list, 1, -1 do list[k] = nil end
      table.move(before, 1, #before, 1, list)
    end
  end
end

local function smaller(list, is_interesting)
  local n = #list
  while n >= 1 do
    for i = 1, #list - n + 1 do
      if without(list, i, n, is_interesting) then return true end
    end
    n = n // 2
  end
  for i = 1, #list do
    if opened(list, i, is_interesting) then return true end
  end
end

--- prog is changed in place. is_interesting(prog) must be true to begin with.
return function(prog, is_interesting)
  local function still() return is_interesting(prog) end
  while each_list(prog.body, function(list) return smaller(list, still) end) do end
  return prog
end
