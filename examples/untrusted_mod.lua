-- Mods that nobody has read: each is loaded as text, with an environment of its own, and runs with
-- a quota of memory and one of computing time. Whatever it tries, the game's own tasks go on.
local ebb = require "ebb"

-- What a mod may use: copies of what is harmless, so that it cannot change them for others.
local function environment(name)
  local function copy(library) return setmetatable({}, { __index = library }) end
  return {
    pcall = pcall, xpcall = xpcall, error = error, ipairs = ipairs, pairs = pairs, select = select,
    tostring = tostring, tonumber = tonumber, type = type, next = next,
    string = copy(string), table = copy(table), math = copy(math), coroutine = copy(ebb.coroutine),
    sleep = ebb.sleep, spawn = ebb.go,
    say = function(text) print(name .. " says: " .. tostring(text):sub(1, 40)) end,
  }
end

local mods = {
  polite = [[ for i = 1, 3 do sleep(0.01) end say "hello" ]],
  loops = [[ while true do end ]],
  stubborn = [[ while true do pcall(function() while true do end end) end ]],
  tricky = [[ local function f() while true do end end while true do xpcall(f, f) end ]],
  generator = [[
    while true do pcall(coroutine.wrap(function() while true do pcall(sleep, 0) end end)) end ]],
  bomb = [[ while true do spawn(function() sleep(1000) end) end ]],
  hoarder = [[ local t = {} while true do t[#t + 1] = string.rep("x", 1000) end ]],
  balloon = [[ local s = "x" while true do s = s .. s end ]],
}

ebb.alloc.install() -- quotas of memory need ebb's allocator; the command `ebb` has it anyway

local rt <close> = ebb.runtime {
  slice = 0.005, on_slice = "yield", cleanup_timeout = 0.1,
  on_task_error = function() end, -- of what the mods spawned
}

rt:run(function()
  local frames, playing = 0, true
  ebb.go(function()
    while playing do
      ebb.sleep(0.005)
      frames = frames + 1
    end
  end)

  local names = {}
  for name in pairs(mods) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local body = assert(load(mods[name], "=" .. name, "t", environment(name)))
    local task = ebb.spawn_with({ name = name, cpu = 0.1, memory = 4 << 20 }, body)
    local ok, err = task:join()
    print(name, ok and "ended well" or tostring(err):match "EBB%d+" or err)
  end
  playing = false
  print("the game went on:", frames > 10)
end)
