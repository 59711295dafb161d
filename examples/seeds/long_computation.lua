-- Work that takes long must not hold up the others: cut it into pieces, or let a pool do it.
local ebb = require "ebb"

local function sum_to(n, gives_way)
  local sum = 0
  for i = 1, n do
    sum = sum + i
    if gives_way and i % 10000 == 0 then ebb.yield() end
  end
  return sum
end

ebb.run(function()
  -- How many turns another task gets meanwhile:
  for _, gives_way in ipairs { false, true } do
    local turns, token = 0, ebb.token()
    local other = ebb.spawn(function()
      while not token:is_cancelled() do
        ebb.yield()
        turns = turns + 1
      end
    end)
    print("sum", sum_to(1000000, gives_way))
    token:cancel()
    other:await()
    print(gives_way and "in pieces:" or "in one piece:", turns > 90 and "others run meanwhile"
      or "others wait")
  end

  -- Files are read by libuv's threads; tasks go on meanwhile, and a limit of time holds.
  local path = os.tmpname()
  ebb.fs.write(path, ("line\n"):rep(1000))
  local size, ticks = ebb.join(
    function() return #ebb.fs.read(path) end,
    function()
      for _ = 1, 3 do ebb.yield() end
      return "3 turns"
    end)
  print("read", size, ticks)
  ebb.fs.remove(path)

  -- Where Lua itself cannot wait it says so at once, with the way out, instead of blocking.
  local ok, err = pcall(table.sort, { 3, 1, 2 }, function(a, b)
    ebb.sleep(0.001)
    return a < b
  end)
  print(ok, err:match "EBB%d+: cannot await")
end)
