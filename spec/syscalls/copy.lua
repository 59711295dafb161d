-- From a file through a connection to another file; both ways at once.
-- luacheck: globals must is thrown go dir faults
local ebb = require "ebb"
ebb.run(function()
  local text = ("0123456789\n"):rep(100)
  must(ebb.fs.write(dir .. "/a", text))
  local listener <close> = must(ebb.net.unix.listen(dir .. "/s"))
  local a <close> = must(ebb.net.unix.connect(dir .. "/s"))
  local b <close> = must(listener:accept())
  local sender = go(a, function()
    local from <close> = must(ebb.io.open(dir .. "/a"))
    local n = must(ebb.copy(from, a))
    must(a:shutdown())
    return n
  end)
  do
    local to <close> = must(ebb.io.open(dir .. "/b", "w"))
    local n, why, code = ebb.copy(b, to)
    is(sender:await(), #text, "sent")
    is(must(n, why, code), #text, "received")
    must(to:close())
  end
  is(must(ebb.fs.read(dir .. "/b")), text, "the copy")
  local c <close> = must(ebb.net.unix.connect(dir .. "/s"))
  local d <close> = must(listener:accept())
  local e <close>, f = ebb.net.duplex(7)
  local _ <close> = f
  local ends = { close = function()
    d:close()
    e:close()
  end }
  local both = go(ends, function() return must(ebb.copy_both(d, e)) end)
  must(c:write "there")
  must(c:shutdown())
  local got, why, code = f:read "a"
  if got ~= "there" then both:await() end
  is(must(got, why, code), "there", "there")
  must(f:write "back")
  must(f:shutdown())
  got, why, code = c:read "a"
  local there, back = both:await()
  is(must(got, why, code), "back", "back")
  is(there, 5, "bytes there")
  is(back, 4, "bytes back")
end)
