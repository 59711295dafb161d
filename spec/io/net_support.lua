-- What the specs of the network share: connected pairs, what fails.
local assert = require "luassert"
local ebb = require "ebb"

local support = {}

function support.failing(message, code, ...)
  local results = table.pack(...)
  assert.is_nil(results[1])
  assert.equal(message, results[2])
  assert.equal(code, results[3])
end

--- A listener on the loopback and its port.
function support.listener(opts)
  local listener = assert(ebb.net.listen("127.0.0.1", 0, opts))
  return listener, select(2, listener:local_address())
end

local closer = { __close = function(pair)
  pair[1]:close()
  pair[2]:close()
end }

--- What closes both, and two connected sockets.
function support.pair()
  local listener <close>, port = support.listener()
  local a = assert(ebb.net.connect("127.0.0.1", port))
  local b = assert(listener:accept())
  return setmetatable({ a, b }, closer), a, b
end

return support
