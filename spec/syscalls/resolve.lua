-- Names and addresses.
-- luacheck: globals must is thrown go dir faults
local ebb = require "ebb"
ebb.run(function()
  is(#must(ebb.net.resolve "localhost") > 0, true, "addresses")
  must(ebb.net.name_of "127.0.0.1")
  local task = ebb.spawn(ebb.net.resolve, "localhost")
  ebb.yield()
  task:cancel()
  task:join()
end)
