---@meta

-- Definitions: TCP and Unix sockets, and duplex.

---@class ebb
local ebb = {}

---The addresses of a host, in the order in which they should be tried.
---@async
---@param host string
---@return string[]?
---@return string? message
---@return string? code
function ebb.net.resolve(host) end

---The name of the host at an address, by the system's resolver.
---@async
---@param address string of IPv4 or IPv6
---@return string?
---@return string? message
---@return string? code
function ebb.net.name_of(address) end

---A TCP connection. A name is resolved and its addresses are tried, each with a head start of a
---quarter of a second on the next. Small pieces are sent at once unless nodelay is false.
---@async
---@param host string
---@param port integer
---@param opts? ebb.net.Connect_options
---@return ebb.Socket?
---@return string? message
---@return string? code
---@nodiscard
function ebb.net.connect(host, port, opts) end

---@async
---@param host? string "0.0.0.0"
---@param port? integer 0: a free one
---@param opts? ebb.net.Listen_options
---@return ebb.Listener?
---@return string? message
---@return string? code
---@nodiscard
function ebb.net.listen(host, port, opts) end

---@class ebb.net.Connect_options
---@field timeout? ebb.seconds
---@field nodelay? boolean
---@field local_host? string numeric
---@field local_port? integer

---@class ebb.net.Listen_options
---@field backlog? integer how many may wait to be accepted (511)
---@field nodelay? boolean of what is accepted (true)
---@field reuse_port? boolean several listeners share the port
---@field only_v6? boolean "::" is not IPv4 as well

---A server's loop: handler(sock) in a task for each connection, whose socket is closed when it
---ends; one that fails is reported. Returns true when opts.token was cancelled or the listener
---closed, and all handlers have ended (`grace` seconds later they are cancelled). Also
---serve(listener, handler, opts).
---@async
---@param host? string | ebb.Listener
---@param port? integer
---@param handler async fun(sock: ebb.Socket)
---@param opts? ebb.net.Serve_options
---@return true?
---@return string? message
---@return string? code
function ebb.net.serve(host, port, handler, opts) end

---@class ebb.net.Serve_options
---@field max_connections? integer at a time; the others wait to be accepted
---@field token? ebb.Token
---@field grace? ebb.seconds
---@field ready? fun(listener: ebb.Listener) called when it listens
---@field backlog? integer
---@field nodelay? boolean
---@field reuse_port? boolean

---Two connected ends in memory; a writer waits while `capacity` bytes (65536) lie unread.
---@param capacity? integer
---@return ebb.Duplex
---@return ebb.Duplex
---@nodiscard
function ebb.net.duplex(capacity) end

ebb.net.unix = {}

---@async
---@param path string a zero before it: an abstract name
---@param opts? { timeout?: ebb.seconds }
---@return ebb.Socket?
---@return string? message
---@return string? code
---@nodiscard
function ebb.net.unix.connect(path, opts) end

---The path is removed when it closes.
---@param path string
---@param opts? ebb.net.Listen_options
---@return ebb.Listener?
---@return string? message
---@return string? code
---@nodiscard
function ebb.net.unix.listen(path, opts) end

---Accepts connections; itself the op of its accept, and the iterator of a loop over them. Without
---descriptors left (EMFILE) it pauses and goes on by itself.
---@class ebb.Listener: ebb.Op
---@operator call: ebb.Socket?
local Listener = {}

---@async
---@return ebb.Socket?
---@return "closed" | string | nil why
---@return string? code
function Listener:accept() end

---The same as the listener itself.
---@return ebb.Listener
function Listener:accept_op() end

---@return string? host or path
---@return integer | string | nil port
---@return string? code
function Listener:local_address() end

function Listener:close() end

---A connection, TCP or Unix.
---@class ebb.Socket: ebb.ByteStream
local Socket = {}

---At the end nil, "eof" ("a" gives "").
---@async
---@param ... ebb.read_format "l" unless given
---@return string | number | nil ...
function Socket:read(...) end

---@param format? ebb.read_format
---@return ebb.Op
---@nodiscard
function Socket:read_op(format) end

---What has come, at least one byte.
---@async
---@param max? integer bytes
---@return string?
---@return "eof" | "closed" | string | nil why
---@return string? code
function Socket:read_some(max) end

---What has come, at least one byte; it stays there for the next read.
---@async
---@param max? integer bytes
---@return string?
---@return "eof" | "closed" | string | nil why
---@return string? code
function Socket:peek(max) end

---What is there. Never waits.
---@param max? integer bytes
---@return string?
---@return "empty" | "eof" | "closed" | string | nil why
---@return string? code
function Socket:try_read(max) end

---What the system takes at once. Never waits.
---@param data string
---@return integer? bytes
---@return "full" | "closed" | string | nil why
---@return string? code
function Socket:try_write(data) end

---Happens when there is room for something, or an error to be told: true; nil, "closed".
---@return ebb.Op
function Socket:writable_op() end

---@async
---@param n integer bytes
---@return string?
---@return "eof" | "closed" | string | nil why
---@return string? partial or code
function Socket:read_exactly(n) end

---Up to and with the delimiter; past `max` bytes nil, "too long" and those.
---@async
---@param delimiter string
---@param max? integer
---@return string?
---@return "eof" | "too long" | "closed" | string | nil why
---@return string? partial or code
function Socket:read_until(delimiter, max) end

---To the end of the buffer; how many bytes.
---@async
---@param buffer ebb.Buffer
---@param max? integer
---@return integer?
---@return "eof" | "closed" | string | nil why
---@return string? code
function Socket:read_into(buffer, max) end

---Iterates over what read(...) gives, until the end; an error is thrown.
---@param ... ebb.read_format
---@return fun(): string | number | nil, ...
function Socket:lines(...) end

---Returns when all has been taken; in one system call where it can be. After `close` nil, "closed"
---and how many bytes were; else nil, message, code and that. One task writes at a time (EBB046).
---@async
---@param ... string | number
---@return ebb.Socket? self
---@return string? message
---@return string | integer | nil code
---@return integer? n_bytes
function Socket:write(...) end

---Nothing is kept back: for streams that do.
---@async
---@return true?
---@return string? message
---@return string? code
function Socket:flush() end

---The other side reads to the end; it can still send.
---@async
---@return true?
---@return string? message
---@return string? code
function Socket:shutdown() end

---How many bytes have been written so far, also by a write that was cancelled or timed out.
---@return integer
function Socket:written() end

---Where the other side is; of a Unix socket its path.
---@return string? host or path
---@return integer | string | nil port
---@return string? code
function Socket:peer() end

---@return string? host or path
---@return integer | string | nil port
---@return string? code
function Socket:local_address() end

---Small pieces are sent at once (as they are unless asked otherwise).
---@param on? boolean
---@return ebb.Socket?
---@return string? message
---@return string? code
function Socket:nodelay(on) end

---Is the other side still there? Asked after `idle` seconds, every `interval`, `probes` times.
---@param on? boolean
---@param idle? integer
---@param interval? integer
---@param probes? integer
---@return ebb.Socket?
---@return string? message
---@return string? code
function Socket:keepalive(on, idle, interval, probes) end

---What close does with bytes on their way: 0 throws them away and resets the connection.
---@param seconds? integer nil: the system's way
---@return ebb.Socket?
---@return string? message
---@return string? code
function Socket:linger(seconds) end

---@param bytes? integer of the system's buffer; without it the result is how many it has
---@return ebb.Socket | integer | nil
---@return string? message
---@return string? code
function Socket:send_buffer(bytes) end

---How many routers a packet passes at most; without it the result is which it is.
---@param n? integer 1 to 255
---@return ebb.Socket | integer | nil
---@return string? message
---@return string? code
function Socket:ttl(n) end

---The error of the connection that no call has told yet; nil alone: there is none.
---@return nil
---@return string? message
---@return string? code
function Socket:take_error() end

---@param bytes? integer as for send_buffer
---@return ebb.Socket | integer | nil
---@return string? message
---@return string? code
function Socket:receive_buffer(bytes) end

---Wakes who reads or writes with nil, "closed".
function Socket:close() end

---One end of a pair in memory.
---@class ebb.Duplex: ebb.ByteStream
local Duplex = {}

---At the end nil, "eof" ("a" gives "").
---@async
---@param ... ebb.read_format "l" unless given
---@return string | number | nil ...
function Duplex:read(...) end

---@param format? ebb.read_format
---@return ebb.Op
---@nodiscard
function Duplex:read_op(format) end

---What has come, at least one byte.
---@async
---@param max? integer bytes
---@return string?
---@return "eof" | "closed" | string | nil why
---@return string? code
function Duplex:read_some(max) end

---What has come, at least one byte; it stays there for the next read.
---@async
---@param max? integer bytes
---@return string?
---@return "eof" | "closed" | string | nil why
---@return string? code
function Duplex:peek(max) end

---What is there. Never waits.
---@param max? integer bytes
---@return string?
---@return "empty" | "eof" | "closed" | string | nil why
---@return string? code
function Duplex:try_read(max) end

---What the system takes at once. Never waits.
---@param data string
---@return integer? bytes
---@return "full" | "closed" | string | nil why
---@return string? code
function Duplex:try_write(data) end

---Happens when there is room for something, or an error to be told: true; nil, "closed".
---@return ebb.Op
function Duplex:writable_op() end

---@async
---@param n integer bytes
---@return string?
---@return "eof" | "closed" | string | nil why
---@return string? partial or code
function Duplex:read_exactly(n) end

---Up to and with the delimiter; past `max` bytes nil, "too long" and those.
---@async
---@param delimiter string
---@param max? integer
---@return string?
---@return "eof" | "too long" | "closed" | string | nil why
---@return string? partial or code
function Duplex:read_until(delimiter, max) end

---To the end of the buffer; how many bytes.
---@async
---@param buffer ebb.Buffer
---@param max? integer
---@return integer?
---@return "eof" | "closed" | string | nil why
---@return string? code
function Duplex:read_into(buffer, max) end

---Iterates over what read(...) gives, until the end; an error is thrown.
---@param ... ebb.read_format
---@return fun(): string | number | nil, ...
function Duplex:lines(...) end

---Returns when all has been taken; in one system call where it can be. After `close` nil, "closed"
---and how many bytes were; else nil, message, code and that. One task writes at a time (EBB046).
---@async
---@param ... string | number
---@return ebb.Duplex? self
---@return string? message
---@return string | integer | nil code
---@return integer? n_bytes
function Duplex:write(...) end

---Nothing is kept back: for streams that do.
---@async
---@return true?
---@return string? message
---@return string? code
function Duplex:flush() end

---The other side reads to the end; it can still send.
---@async
---@return true?
---@return string? message
---@return string? code
function Duplex:shutdown() end

---How many bytes have been written so far, also by a write that was cancelled or timed out.
---@return integer
function Duplex:written() end

---Wakes who reads or writes with nil, "closed".
function Duplex:close() end

---From one stream to another until the first ends: how many bytes. On a failure what read or write
---gave, and how many bytes until then.
---@async
---@param from ebb.ByteStream
---@param to ebb.ByteStream
---@param max? integer bytes; until the end of `from` without it
---@return integer?
---@return string? message
---@return string | integer | nil code
---@return integer? n_bytes
function ebb.copy(from, to, max) end

---Both ways at once until both have ended; the end of one is passed on to the other.
---@async
---@param a ebb.ByteStream
---@param b ebb.ByteStream
---@return integer? there bytes from a to b
---@return integer | string | nil back
---@return string? code
function ebb.copy_both(a, b) end
