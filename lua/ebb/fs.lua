--- Files, on libuv's thread pool: other tasks run meanwhile. Errors are three values, as in
-- nil, "ENOENT: no such file or directory", "ENOENT". A call that is cancelled or timed out
-- stops waiting; what was begun is done all the same.
local core = require "ebb.core"

local check = require "ebb.check"

local request = core._fs

local stat, scan = request.stat, request.scan
local sub = string.sub
local pairs = pairs

-- open and tmpfile are ebb.io's, read_bytes is that of ebb.alloc.assets
local internal = { scan = true, open = true, tmpfile = true, read_bytes = true }

local fs = {}
for name, value in pairs(request) do
  if not internal[name] then fs[name] = value end
end

--- Is there something at `path`? A link that leads nowhere is nothing. Where that cannot be
-- told (in a directory that may not be searched, for one) it is nil, message, code.
function fs.exists(path)
  check.text("exists", 1, "path", path)
  local info, message, code = stat(path)
  if info then return true end
  if code == "ENOENT" or code == "ENOTDIR" then return false end
  return nil, message, code
end

local shortages = { ENOMEM = true, EMFILE = true, ENFILE = true }

--- Iterates over everything below `dir` as path, type: a directory first, then what is in it,
-- each sorted by bytes. Links are not followed. Directories below `dir` that cannot be read are
-- as if empty; `dir` itself throws then, as io.lines does, for a loop has no place for nil, err.
-- So does each for want of memory or descriptors: it might well be read.
function fs.walk(dir)
  check.text("walk", 1, "path", dir)
  local prefixes, lists, positions = {}, {}, {} -- of the directories we are in
  local depth = 1
  local next_dir
  local root, message = scan(dir)
  if not root then check.fail("%s: %s", dir, message) end
  prefixes[1], lists[1], positions[1] = sub(dir, -1) == "/" and dir or dir .. "/", root, 1
  return function()
    if next_dir then
      local list, why, code = scan(next_dir)
      if not list and shortages[code] then check.fail("%s: %s", next_dir, why) end
      if list then
        depth = depth + 1
        prefixes[depth] = sub(next_dir, -1) == "/" and next_dir or next_dir .. "/"
        lists[depth], positions[depth] = list, 1
      end
      next_dir = nil
    end
    while depth > 0 do
      local list, at = lists[depth], positions[depth]
      local name = list[at]
      if name then
        local path, kind = prefixes[depth] .. name, list[at + 1]
        positions[depth] = at + 2
        if kind == "directory" then next_dir = path end
        return path, kind
      end
      lists[depth] = nil
      depth = depth - 1
    end
  end
end

return fs
