-- A connection: lines both ways, more than a buffer at once, the end.
-- luacheck: globals must is thrown go dir faults
local ebb = require "ebb"
ebb.run(function()
  local listener <close> = must(ebb.net.listen("127.0.0.1"))
  local _, port = must(listener:local_address())
  local a <close> = must(ebb.net.connect("127.0.0.1", port))
  local b <close> = must(listener:accept())
  must(a:write("hello ", 1, "\n"))
  is(must(b:read()), "hello 1", "a line")
  local accepting = ebb.spawn(listener.accept, listener)
  ebb.yield()
  local c <close> = must(ebb.net.connect("localhost", port))
  local d <close> = must(accepting:await())
  local piece = ("x"):rep(300)
  local writing = go(c, function()
    for _ = 1, 3 do must(c:write(piece, "\n", piece)) end
    must(c:shutdown())
    return true
  end)
  local text, why, code = d:read "a"
  is(writing:await(), true)
  is(must(text, why, code), (piece .. "\n" .. piece):rep(3), "all")
  is(must(d:write "back\n"), d)
  is(must(c:read "L"), "back\n", "back")
end)
