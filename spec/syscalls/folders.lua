-- Folders: made, listed, walked, removed.
-- luacheck: globals must is thrown go dir faults
local ebb = require "ebb"
local fs = ebb.fs
ebb.run(function()
  must(fs.mkdir(dir .. "/a"))
  must(fs.mkdir(dir .. "/a/b/c", { parents = true }))
  must(fs.write(dir .. "/a/b/f", ""))
  is(table.concat(must(fs.list(dir .. "/a/b")), " "), "c f", "the list")
  local seen = {}
  thrown(function()
    for path, kind in fs.walk(dir) do seen[#seen + 1] = path:sub(#dir + 2) .. ":" .. kind end
  end)
  -- what cannot be read is as if empty
  if not faults then is(#seen, 4, table.concat(seen, " ")) end
  local made = must(fs.mkdtemp(dir .. "/t-"))
  must(fs.remove(made))
end)
