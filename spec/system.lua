--- What specs of files, sockets and processes share: files and folders, descriptors.
local system = {}

function system.slurp(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

function system.spit(path, data)
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(data))
end

--- A new folder; system.remove removes it.
function system.folder()
  return assert(require("ebb").fs.mkdtemp((os.getenv "TMPDIR" or "/tmp") .. "/ebb-spec-"))
end

--- Removes a file or a folder with all that is in it.
function system.remove(path)
  assert(os.execute(("rm -rf '%s'"):format(path)))
end

--- How many descriptors this process has open; always the same number where that cannot be told. (Those that a child
-- gets would not do: ebb's are closed in children.)
function system.n_descriptors()
  local n = 0
  local list <close> = io.popen "ls /proc/$PPID/fd 2>/dev/null"
  for _ in list:lines() do n = n + 1 end
  return n
end

--- Waits, in a task on the system's clock, until no more descriptors are open than `before`; fails otherwise. (Fewer
-- may be: what earlier tests have left to the collector, or to a thread that closes it.)
function system.none_left(before)
  require("spec.helper").eventually(true, function() return system.n_descriptors() <= before end)
end

return system
