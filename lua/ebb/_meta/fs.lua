---@meta

-- Definitions: ebb.fs: files by their names.
-- Errors are three values: nil, "ENOENT: no such file or directory", "ENOENT".

---@class ebb
local ebb = {}

ebb.fs = {}

---@class ebb.fs.Stat
---@field type ebb.fs.type
---@field size integer
---@field mode integer
---@field mtime number
---@field atime number
---@field ctime number
---@field ino integer
---@field nlink integer
---@field uid integer
---@field gid integer

---@alias ebb.fs.type "file" | "directory" | "link" | "fifo" | "socket" | "char" | "block"

---@async
---@param path string
---@return string? data
---@return string? message
---@return string? code
function ebb.fs.read(path) end

---@async
---@param path string
---@param data string
---@return true?
---@return string? message
---@return string? code
function ebb.fs.write(path, data) end

---@async
---@param path string
---@param data string
---@return true?
---@return string? message
---@return string? code
function ebb.fs.append(path, data) end

---false when there is nothing; nil and the error when that cannot be told.
---@async
---@param path string
---@return boolean?
---@return string? message
---@return string? code
function ebb.fs.exists(path) end

---@async
---@param path string
---@param opts? { parents?: boolean }
---@return true?
---@return string? message
---@return string? code
function ebb.fs.mkdir(path, opts) end

---A file or an empty directory.
---@async
---@param path string
---@return true?
---@return string? message
---@return string? code
function ebb.fs.remove(path) end

---@async
---@param from string
---@param to string
---@return true?
---@return string? message
---@return string? code
function ebb.fs.rename(from, to) end

---@async
---@param from string
---@param to string
---@return true?
---@return string? message
---@return string? code
function ebb.fs.copy(from, to) end

---@async
---@param target string what the link leads to
---@param path string
---@return true?
---@return string? message
---@return string? code
function ebb.fs.symlink(target, path) end

---@async
---@param path string
---@return string? absolute without links
---@return string? message
---@return string? code
function ebb.fs.realpath(path) end

---@async
---@param path string
---@param mode integer
---@return true?
---@return string? message
---@return string? code
function ebb.fs.chmod(path, mode) end

---@async
---@param prefix string
---@return string? path
---@return string? message
---@return string? code
function ebb.fs.mkdtemp(prefix) end

---@async
---@param path string
---@return ebb.fs.Stat?
---@return string? message
---@return string? code
function ebb.fs.stat(path) end

---Sorted names.
---@async
---@param dir string
---@return string[]?
---@return string? message
---@return string? code
function ebb.fs.list(dir) end

---Everything below dir, without dir itself; a directory that cannot be read is as if empty, unless
---it is for want of memory or descriptors: that throws.
---@async
---@param dir string
---@return fun(): string?, ebb.fs.type?
function ebb.fs.walk(dir) end

---What happens in a directory or to a file, as something to receive and to select on. A file is
---watched by name: it may be deleted and written anew. Equal events that nobody has taken are one.
---@class ebb.File_watch: ebb.Op
local FileWatch = {}

---@param path string of a directory (its entries, not what is deeper) or of a file
---@return ebb.File_watch? watch
---@return string? message
---@return string? code
---@nodiscard
function ebb.fs.watch(path) end

---"rename": it came, went or changed its name; "change": its content or data did. After more events
---than fit, nil, "lagged" and their number; when the directory is gone, nil, message, "ENOENT".
---@async
---@return string? name in the directory
---@return "change" | "rename" | "closed" | "lagged" | string kind
---@return integer | string | nil lost or the error's code
function FileWatch:recv() end

---The same as the watch itself.
---@return ebb.File_watch
function FileWatch:recv_op() end

function FileWatch:close() end
