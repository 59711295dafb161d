-- A level's files stream through 4000 bytes of memory off the Lua heap: read when they are needed,
-- one load however many ask, and let go when the room is needed, the least important first.
local ebb = require "ebb"

ebb.run(function()
  local level <close> = setmetatable({ path = assert(ebb.fs.mkdtemp "/tmp/ebb-level-") }, {
    __close = function(self) os.execute("rm -r " .. self.path) end,
  })
  local function file(name, size)
    assert(ebb.fs.write(level.path .. "/" .. name, name:sub(1, 1):rep(size)))
    return level.path .. "/" .. name
  end
  local hero, rock, tree = file("hero.tex", 1000), file("rock.tex", 1500), file("tree.tex", 1500)
  local sky, song = file("sky.tex", 2500), file("song.ogg", 9000)

  local assets <close> = ebb.alloc.assets {
    bytes = 4000,
    on_evict = function(path) print("  (evicted " .. path:match "[^/]+$" .. ")") end,
  }

  -- Twenty entities want the same texture at the same time.
  local rocks <close> = ebb.scope()
  local n = 0
  for _ = 1, 20 do
    rocks:spawn(function()
      if assets:load(rock) then n = n + 1 end
    end)
  end
  rocks:wait()
  print(("%d rocks, %d load"):format(n, assets:stats().loads))

  -- What must stay is pinned; parse makes of the bytes what the game needs of them.
  local lease <close> = assets:pin(hero, { parse = function(bytes, _, guard)
    return { texels = guard:array("u8", #bytes):copy(bytes), width = 10, height = #bytes // 10 }
  end })
  print(("the hero is %d x %d"):format(lease.value.width, lease.value.height))

  -- Far trees matter less than the rock, though they are newer.
  assets:load(tree, { priority = -1 })
  print "looking up"
  assets:load(sky)
  print("the sky is " .. #assets:get(sky) .. " bytes; the rock is " .. select(2, assets:get(rock)))

  -- Expected outcomes are values, and cost nothing.
  print("the song:", assets:load(song))
  print("a typo:", select(2, assets:load(level.path .. "/rokc.tex")))
  local nowhere = assets:pin(sky)
  print("no room:", assets:load(rock))
  nowhere:close()

  local stats = assets:stats()
  print(("%d bytes in %d files, never more than %d"):format(stats.live, stats.count, stats.peak))
end)
print(("left: %d bytes"):format(ebb.alloc.stats().pool.live))
