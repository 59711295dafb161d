-- Children: piped, in another folder, killed, with their output.
-- luacheck: globals must is thrown go dir faults
local ebb = require "ebb"
ebb.run(function()
  local p <close> = must(ebb.process.spawn { "cat", stdin = "pipe", stdout = "pipe", cwd = dir })
  must(p.stdin:write "line\nmore")
  must(p.stdin:close())
  is(must(p.stdout:read()), "line", "a line")
  is(must(p.stdout:read "a"), "more", "the rest")
  is(must(p:wait()), 0, "its code")
  local q <close> = must(ebb.process.spawn { "sleep", "100", stdin = "null" })
  must(q:kill())
  local code, signal, third = q:wait()
  if code == nil and third then must(code, signal, third) end
  is(signal, "term", "its signal")
  is(must(ebb.process.output { "echo", "x" }).stdout, "x\n", "the output")
end)
