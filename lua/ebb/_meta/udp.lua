---@meta

-- Definitions: UDP.

---@class ebb
local ebb = {}

ebb.net = {}

---A datagram socket; itself the op of its recvfrom. What arrives waits in the system's buffer.
---@class ebb.Udp: ebb.Op
local Udp = {}

---reuse: several sockets may have the port; only_v6: "::" is not IPv4 as well.
---@async
---@param host? string where it is reached: an address or a name; "0.0.0.0"
---@param port? integer 0: a free one
---@param opts? { reuse?: boolean, only_v6?: boolean }
---@return ebb.Udp? socket
---@return string? message
---@return string? code
---@nodiscard
function ebb.net.udp(host, port, opts) end

---@async
---@param data string
---@param host string an address or a name
---@param port integer
---@return true?
---@return string? message
---@return string? code
function Udp:sendto(data, host, port) end

---One datagram; of a longer one only `max` bytes, and "truncated" as fourth result.
---@async
---@param max? integer
---@return string? data
---@return string host or message
---@return integer | string port or code
---@return "truncated"?
function Udp:recvfrom(max) end

---@param max? integer
---@return ebb.Op
---@nodiscard
function Udp:recvfrom_op(max) end

---From now on only this peer is heard, and `send` sends to it; without arguments no longer.
---@async
---@param host? string
---@param port? integer
---@return true?
---@return string? message
---@return string? code
function Udp:connect(host, port) end

---@async
---@param data string
---@return true?
---@return string? message
---@return string? code
function Udp:send(data) end

---@return string? host
---@return integer | string port or message
---@return string? code
function Udp:local_address() end

---@return string? host
---@return integer | string port or message
---@return string? code
function Udp:peer() end

---May it send to broadcast addresses?
---@param on boolean
---@return true?
---@return string? message
---@return string? code
function Udp:broadcast(on) end

---@param hops integer
---@return true?
---@return string? message
---@return string? code
function Udp:ttl(hops) end

---@param group string its address
---@param interface? string its address
---@return true?
---@return string? message
---@return string? code
function Udp:join(group, interface) end

---@param group string
---@param interface? string
---@return true?
---@return string? message
---@return string? code
function Udp:leave(group, interface) end

---Does it hear what it sends to a group itself?
---@param on boolean
---@return true?
---@return string? message
---@return string? code
function Udp:multicast_loop(on) end

---@param hops integer
---@return true?
---@return string? message
---@return string? code
function Udp:multicast_ttl(hops) end

function Udp:close() end
