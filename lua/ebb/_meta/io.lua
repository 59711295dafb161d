---@meta

-- Definitions: streams of bytes, and ebb.io.

---@class ebb
local ebb = {}

---A stream of bytes: reading. One task reads at a time (EBB046). What a read that was cancelled or
---timed out had been given stays for the next one. Itself the op of read_some().
---@class ebb.ByteStream: ebb.Op

---What is left of a format: "l" a line without its end, "L" with it, "a" all, "n" a number, or a
---number of bytes.
---@alias ebb.read_format "l" | "L" | "a" | "n" | integer

---An open file, pipe or terminal. Buffered as Lua's own.
---@class ebb.File: ebb.ByteStream
local File = {}

---At the end nil, "eof" ("a" gives "").
---@async
---@param ... ebb.read_format "l" unless given
---@return string | number | nil ...
function File:read(...) end

---@param format? ebb.read_format
---@return ebb.Op
---@nodiscard
function File:read_op(format) end

---What has come, at least one byte.
---@async
---@param max? integer bytes
---@return string?
---@return "eof" | "closed" | string | nil why
---@return string? code
function File:read_some(max) end

---What has come, at least one byte; it stays there for the next read.
---@async
---@param max? integer bytes
---@return string?
---@return "eof" | "closed" | string | nil why
---@return string? code
function File:peek(max) end

---What is there. Never waits.
---@param max? integer bytes
---@return string?
---@return "empty" | "eof" | "closed" | string | nil why
---@return string? code
function File:try_read(max) end

---@async
---@param n integer bytes
---@return string?
---@return "eof" | "closed" | string | nil why
---@return string? partial or code
function File:read_exactly(n) end

---Up to and with the delimiter; past `max` bytes nil, "too long" and those.
---@async
---@param delimiter string
---@param max? integer
---@return string?
---@return "eof" | "too long" | "closed" | string | nil why
---@return string? partial or code
function File:read_until(delimiter, max) end

---To the end of the buffer; how many bytes.
---@async
---@param buffer ebb.Buffer
---@param max? integer
---@return integer?
---@return "eof" | "closed" | string | nil why
---@return string? code
function File:read_into(buffer, max) end

---Iterates over what read(...) gives; an error is thrown. The file stays open.
---@param ... ebb.read_format
---@return fun(): string | number | nil, ...
function File:lines(...) end

---@async
---@param ... string | number
---@return ebb.File? self
---@return string? message
---@return string? code
function File:write(...) end

---What has been buffered is written when it returns.
---@async
---@return true?
---@return string? message
---@return string? code
function File:flush() end

---No more will be written. Of a pipe, who reads the other end sees the end.
---@async
---@return true?
---@return string? message
---@return string? code
function File:shutdown() end

---@async
---@param whence? "set" | "cur" | "end"
---@param offset? integer
---@return integer? position
---@return string? message
---@return string? code
function File:seek(whence, offset) end

---@param mode "no" | "line" | "full"
---@param size? integer bytes, 65536 at most
---@return true?
---@return "closed"? why
function File:setvbuf(mode, size) end

---Writes what is buffered, without letting others run.
---@return true?
---@return string? message
---@return string? code
function File:close() end

---Lua's io library, awaiting. stdin, stdout and stderr belong to the current runtime and are not
---buffered.
---@class ebb.io
---@field stdin ebb.File
---@field stdout ebb.File
---@field stderr ebb.File
ebb.io = {}

---@async
---@param path string
---@param mode? "r" | "w" | "a" | "r+" | "w+" | "a+" | string
---@return ebb.File? file
---@return string? message
---@return string? code
---@nodiscard
function ebb.io.open(path, mode) end

---Iterates over the lines of a file (or what the formats say), which is closed at the end and when
---the loop is left.
---@async
---@param path? string of the default input unless given
---@param ... ebb.read_format
---@return fun(): string | number | nil, ...
function ebb.io.lines(path, ...) end

---A command of the shell whose output is read ("r") or input written ("w"); its close waits for the
---end and gives true or nil, "exit" or "signal", and the number.
---@param command string
---@param mode? "r" | "w"
---@return ebb.File? file
---@return string? message
---@return string? code
---@nodiscard
function ebb.io.popen(command, mode) end

---The default input, or sets it.
---@async
---@param file? ebb.File | string
---@return ebb.File
function ebb.io.input(file) end

---The default output, or sets it.
---@async
---@param file? ebb.File | string
---@return ebb.File
function ebb.io.output(file) end

---@async
---@param ... ebb.read_format
---@return string | number | nil ...
function ebb.io.read(...) end

---@async
---@param ... string | number
---@return ebb.File? file
---@return string? message
---@return string? code
function ebb.io.write(...) end

---@async
---@return true?
---@return string? message
---@return string? code
function ebb.io.flush() end

---@async
---@param file? ebb.File
---@return true?
---@return string? message
---@return string? code
function ebb.io.close(file) end

---@param value any
---@return "file" | "closed file" | nil
function ebb.io.type(value) end

---@async
---@return ebb.File? file without a name, gone when it is closed
---@return string? message
---@return string? code
---@nodiscard
function ebb.io.tmpfile() end
