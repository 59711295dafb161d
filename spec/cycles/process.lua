-- A child that is waited for, and one that is not.
return function(ebb)
  local p <close> = assert(ebb.process.spawn { "cat", stdin = "pipe", stdout = "pipe" })
  assert(p.stdin:write "line\n")
  assert(p.stdout:read() == "line")
  p.stdin:close()
  assert(p:wait() == 0)
  local _ <close> = assert(ebb.process.spawn { "sleep", "1000", stdin = "null" })
end
