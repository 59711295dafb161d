-- R10: requests of files: read, failed, cancelled, timed out.
local ebb = require "ebb"
ebb.run(function()
  local text = assert(ebb.fs.read "spec/oom/prelude.lua")
  assert(#text > 100)
  local none, why = ebb.fs.read "spec/oom/no such file"
  assert(none == nil and why:find "ENOENT")
  assert(assert(ebb.fs.stat "spec/oom").type == "directory")
  local task = ebb.spawn(ebb.fs.read, "spec/oom/prelude.lua")
  ebb.yield()
  task:cancel()
  task:join()
  ebb.timeout(0, ebb.fs.list, "spec/oom")
end)
