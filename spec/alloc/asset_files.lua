--- Files for the specs of assets, in a folder of their own: files.root.
local ebb = require "ebb"
local system = require "spec.system"

local files = {}

function files.open() files.root = system.folder() end

function files.close() system.remove(files.root) end

--- A new file of so many bytes, all the same: `byte`, or the first letter of its name. Returns its path.
function files.file(name, size, byte)
  local path = files.root .. "/" .. name
  system.spit(path, (byte or name:sub(1, 1)):rep(size))
  return path
end

--- One whose reading takes until somebody writes to it.
function files.fifo(name)
  local path = files.root .. "/" .. name
  assert(os.execute(("mkfifo '%s'"):format(path)))
  return path
end

--- Bytes of pools and of ebb's heap.
function files.off_heap()
  local stats = ebb.alloc.stats()
  return stats.pool.live + stats.heap.live
end

return files
