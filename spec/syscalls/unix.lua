-- A connection by path, without waiting, and what closes under a reader.
-- luacheck: globals must is thrown go dir faults
local ebb = require "ebb"
ebb.run(function()
  local path = dir .. "/s"
  local listener <close> = must(ebb.net.unix.listen(path))
  local a <close> = must(ebb.net.unix.connect(path))
  local b <close> = must(listener:accept())
  local n, why, code = a:try_write "x\n"
  if why == "full" then n = 0 end -- or only a part goes
  is(must(n, why, code) <= 2, true, "written at once")
  must(a:write(("x\n"):sub(n + 1)))
  is(must(b:read "l"), "x", "read")
  n, why, code = b:try_read()
  if why ~= "empty" then must(n, why, code) end
  local reader = ebb.spawn(b.read, b, "a")
  ebb.yield()
  must(a:write "rest")
  a:close()
  is(must(reader:await()), "rest", "the rest")
  listener:close()
  if not faults then is(ebb.fs.exists(path), false, "the path is gone") end
end)
