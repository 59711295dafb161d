-- Open files: written, sought, read in several formats; a temporary one, one for appending; a
-- program's pipe.
-- luacheck: globals must is thrown go dir faults
local ebb = require "ebb"
ebb.run(function()
  local path = dir .. "/a"
  local f <close> = must(ebb.io.open(path, "w+"))
  must(f:write("line\n12 rest\n", 3, "\n"))
  is(must(f:seek "set"), 0, "seek")
  is(must(f:read "l"), "line", "a line")
  local number, rest, code = f:read("n", "L")
  must(number, rest, code)
  is(number, 12, "a number")
  is(must(rest, code), " rest\n", "the rest")
  is(must(f:read_exactly(2)), "3\n", "exactly")
  must(f:seek("set", 0))
  must(f:write "LINE")
  must(f:flush())
  must(f:close())
  local g <close> = must(ebb.io.open(path, "a+"))
  must(g:write "end")
  is(must(g:seek("end")), 18, "the size")
  must(g:seek "set")
  is(must(g:read "a"), "LINE\n12 rest\n3\nend", "all")
  must(g:close())
  local t <close> = must(ebb.io.tmpfile())
  must(t:write "x")
  must(t:seek "set")
  is(must(t:read(1)), "x", "the temporary one")
  local n = 0
  thrown(function()
    for line in ebb.io.lines(path) do n = n + #line end
  end)
  is(n, 4 + 7 + 1 + 3, "lines")
  local z <close> = must(ebb.io.open("/dev/zero", "r"))
  is(must(z:read(3)), "\0\0\0", "a device")
end)
