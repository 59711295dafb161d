-- Whole files: written, appended, read, copied, named; temporary ones.
-- luacheck: globals must is thrown go dir faults
local ebb = require "ebb"
local fs = ebb.fs
local text = ("0123456789\n"):rep(20)
ebb.run(function()
  must(fs.write(dir .. "/a", text))
  must(fs.append(dir .. "/a", "more"))
  is(must(fs.read(dir .. "/a")), text .. "more", "read")
  must(fs.copy(dir .. "/a", dir .. "/b"))
  is(must(fs.read(dir .. "/b")), text .. "more", "the copy")
  is(must(fs.stat(dir .. "/b")).size, #text + 4, "its size")
  must(fs.rename(dir .. "/b", dir .. "/c"))
  must(fs.symlink("c", dir .. "/d"))
  is(must(fs.realpath(dir .. "/d")), must(fs.realpath(dir)) .. "/c", "the link")
  must(fs.chmod(dir .. "/c", tonumber("600", 8)))
  must(fs.remove(dir .. "/c"))
  is(must(fs.exists(dir .. "/a")), true, "exists")
  is(#must(fs.read "/proc/self/stat") > 10, true, "of no size")
end)
