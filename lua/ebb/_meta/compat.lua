---@meta

-- Definitions: compatibility.

---@class ebb
local ebb = {}

---Other libraries' interfaces on ebb. `socket` has LuaSocket's objects (TCP, UDP) and functions,
---with its results; what it would block in awaits. `install()` makes `require "socket"` give it.
---@type { socket: table }
ebb.compat = {}

---A socket by the system's calls, none of which waits: what the objects of compat.socket have in
---`descriptor`. Errors are nil, the system's words and the error's name; "EAGAIN": wait, try again.
---@class ebb.Descriptor
local Descriptor = {}

---Happens when it can be read at once, or an error is to be told: true; nil, "closed".
---@return ebb.Op
function Descriptor:readable_op() end

---The same for writing.
---@return ebb.Op
function Descriptor:writable_op() end

---Would that op happen at once?
---@param to_write? boolean
---@return boolean
function Descriptor:ready(to_write) end

---Begins to connect ("EINPROGRESS": it can be written once it has ended); without arguments: a
---datagram socket has no peer any more.
---@param address? string numeric
---@param port? integer
---@return true?
---@return string? message
---@return string? code
function Descriptor:connect(address, port) end

---How that ended, or what else is to be told of the socket.
---@return true?
---@return string? message
---@return string? code
function Descriptor:connected() end

---@param address string numeric
---@param port integer
---@return true?
---@return string? message
---@return string? code
function Descriptor:bind(address, port) end

---@param backlog integer
---@return true?
---@return string? message
---@return string? code
function Descriptor:listen(backlog) end

---@return ebb.Descriptor?
---@return string? message
---@return string? code
---@nodiscard
function Descriptor:accept() end

---@param how? "receive" | "send" | "both" both unless given
---@return true?
---@return string? message
---@return string? code
function Descriptor:shutdown(how) end

---@param of_peer? boolean
---@return string? address
---@return integer | string port or message
---@return string family "inet", "inet6", "unix"; or code
function Descriptor:name(of_peer) end

---@param data string
---@param first? integer
---@param last? integer
---@return integer? bytes that the system took
---@return string? message
---@return string? code
function Descriptor:send(data, first, last) end

---@param data string
---@param address string numeric
---@param port integer
---@return integer? bytes
---@return string? message
---@return string? code
function Descriptor:sendto(data, address, port) end

---What is there, at most `max` bytes; "" at the end of a stream.
---@param max integer
---@param with_sender? boolean
---@return string?
---@return string? address of the sender, or message
---@return integer | string | nil port or code
function Descriptor:recv(max, with_sender) end

---@param level integer
---@param option integer
---@param n_bytes integer at most 256
---@return string? value as the system has it
---@return string? message
---@return string? code
function Descriptor:getopt(level, option, n_bytes) end

---@param level integer
---@param option integer
---@param value string as the system has it
---@return true?
---@return string? message
---@return string? code
function Descriptor:setopt(level, option, value) end

---@return integer descriptor -1 once it is closed
function Descriptor:fd() end

---The descriptor is the caller's from now on, and the object closed.
---@return integer
function Descriptor:detach() end

---Wakes who waits.
function Descriptor:close() end
