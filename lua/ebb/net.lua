--- The network.
local udp = require "ebb.net.udp"

local net = {}

net.udp = udp.open

return net
