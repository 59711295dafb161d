-- A folder and a file that are watched.
-- luacheck: globals must is thrown go dir faults
local ebb = require "ebb"
ebb.run(function()
  local path = dir .. "/a"
  local watch <close> = must(ebb.fs.watch(dir))
  must(ebb.fs.write(path, "1"))
  is(must(watch:recv()), "a", "the name")
  local file <close> = must(ebb.fs.watch(path))
  must(ebb.fs.write(path, "2"))
  is(must(file:recv()), "a", "of a file")
end)
