-- R7: the store of an unbounded channel grows; recv_many, send_many.
local ebb = require "ebb"
ebb.run(function()
  local ch = ebb.channel(math.huge)
  local sent = 0
  local ok, err = pcall(function()
    for i = 1, 100 do assert(ch:send("v" .. i)) sent = i end
  end)
  assert(#ch == sent or #ch == sent + 1)
  local got = 0
  for _ = 1, #ch do got = got + 1 assert(ch:recv() == "v" .. got) end
  if not ok then error(err, 0) end
  assert(ch:try_recv() == nil)
  local bounded = ebb.channel(4)
  local sender = ebb.spawn(function() return bounded:send_many { 1, 2, 3, 4, 5, 6, 7 } end)
  local n = 0
  while n < 7 do n = n + #bounded:recv_many(3) end
  assert(sender:await() == 7)
end)
