-- R10: children: piped, waited for, closed, and one that cannot be started.
local ebb = require "ebb"
ebb.run(function()
  assert(ebb.process.spawn { "/no/such" } == nil)
  local p <close> = assert(ebb.process.spawn { "cat", stdin = "pipe", stdout = "pipe" })
  assert(p.stdin:write "line\n")
  assert(assert(p.stdout:read()) == "line")
  p.stdin:close()
  assert(p:wait() == 0)
  local q <close> = assert(ebb.process.spawn { "sleep", "100", stdin = "null" })
  assert(ebb.timeout(0, q) == nil)
end)
