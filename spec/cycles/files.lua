-- Files: read, written, failed, cancelled on the way; one that is left open.
return function(ebb)
  local fs = ebb.fs
  assert(#fs.read "spec/cycles/files.lua" > 100)
  assert(fs.read "spec/cycles/none" == nil)
  local path = os.tmpname()
  assert(fs.write(path, "abc"))
  do
    local file <close> = assert(ebb.io.open(path))
    assert(file:read "a" == "abc")
  end
  assert(ebb.io.open(path))
  assert(fs.remove(path))
  local task = ebb.spawn(fs.read, "spec/cycles/files.lua")
  ebb.yield()
  task:cancel()
  task:join()
end
