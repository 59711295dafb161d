--- The network: TCP and Unix sockets, names, datagrams, pairs in memory. Errors are three values,
-- as in nil, "ECONNREFUSED: connection refused", "ECONNREFUSED".
local core = require "ebb.core"

local check = require "ebb.check"
local serve = require "ebb.net.serve"
local udp = require "ebb.net.udp"

local pairs, type = pairs, type
local byte, find = string.byte, string.find
local tointeger = math.tointeger
local base = core._net
local core_connect, core_listen = base.connect, base.listen
local connect_path, listen_path = base.connect_path, base.listen_path
local core_resolve, core_name_of, is_address = base.resolve, base.name_of, base.is_address
local channel, scope, timeout = core.channel, core.scope, core.timeout

local net = { unix = {}, udp = udp.open, serve = serve.serve, duplex = base.duplex }

-- Arguments --------------------------------------------------------------------------------------

--- The options, by their kinds; what is not among them is a mistake.
local function check_options(name, position, opts, kinds)
  if opts == nil then return {} end
  if type(opts) ~= "table" then check.bad(name, position, "table of options", opts) end
  for key, value in pairs(opts) do
    local kind = kinds[key]
    if not kind then
      check.fail("bad argument #%d to '%s' (unknown option '%s')", position, name, key)
    elseif type(value) ~= kind then
      check.fail("bad argument #%d to '%s' (option '%s': %s expected, got %s)", position, name,
        key, kind, core._typename(value))
    end
  end
  return opts
end

-- Names ------------------------------------------------------------------------------------------

--- The addresses of a host, in the order in which they should be tried.
function net.resolve(host)
  check.text("resolve", 1, "host", host)
  if is_address(host) then return { host } end
  return core_resolve(host)
end

--- The name of the host at an address.
function net.name_of(address)
  check.text("name_of", 1, "host", address)
  if not is_address(address) then
    check.fail("bad argument #1 to 'name_of' (numeric address expected, got '%s')", address)
  end
  return core_name_of(address)
end

--- One address of each family in turn, the first family first: one of them may be unreachable.
local function interleaved(list)
  local first, second, result = {}, {}, {}
  local is_v6 = find(list[1], ":", 1, true) ~= nil
  for i = 1, #list do
    local same = (find(list[i], ":", 1, true) ~= nil) == is_v6
    local to = same and first or second
    to[#to + 1] = list[i]
  end
  for i = 1, #list do
    result[#result + 1] = first[i]
    result[#result + 1] = second[i]
  end
  return result
end

-- Connecting -------------------------------------------------------------------------------------

local HEAD_START = 0.25 -- of each address before the next one

local function failure(message, code) return { message = message, code = code } end

--- The first address that answers. Each has a head start on the next; one that fails gives way
-- at once. The losers' sockets are closed before it returns.
local function connect_to_any(list, connect_one)
  local won, first_failure
  scope(function(s)
    local results = channel(#list)
    local n_begun, n_ended = 0, 0
    local function begin()
      n_begun = n_begun + 1
      local address = list[n_begun]
      s:spawn(function()
        local sock, message, code = connect_one(address)
        if won then
          if sock then sock:close() end
        elseif sock then
          won = sock
          results:send(true)
        else
          results:send(failure(message, code))
        end
      end)
    end
    begin()
    while not won and n_ended < #list do
      local result
      if n_begun < #list then
        result = timeout(HEAD_START, results)
      else
        result = results:recv()
      end
      if result and result ~= true then
        n_ended = n_ended + 1
        first_failure = first_failure or result
      end
      if not won and n_begun < #list then begin() end
    end
    s:cancel()
  end)
  if won then return won end
  return nil, first_failure.message, first_failure.code
end

local function connect_to(host, port, opts)
  local nodelay = opts.nodelay ~= false
  local own_host, own_port = opts.local_host, opts.local_port or 0
  if is_address(host) then return core_connect(host, port, nodelay, own_host, own_port) end
  local list, message, code = core_resolve(host)
  if not list then return nil, message, code end
  list = interleaved(list)
  if #list == 1 then return core_connect(list[1], port, nodelay, own_host, own_port) end
  return connect_to_any(list, function(address)
    return core_connect(address, port, nodelay, own_host, own_port)
  end)
end

local connect_options = {
  nodelay = "boolean", timeout = "number", local_host = "string", local_port = "number",
}

local function check_own_address(name, position, opts)
  if opts.local_host and not is_address(opts.local_host) then
    check.fail("bad argument #%d to '%s' (option 'local_host': numeric address expected)",
      position, name)
  end
  if not check.is_port(opts.local_port or 0) then
    check.bad(name, position, "option 'local_port': port from 0 to 65535", opts.local_port)
  end
end

--- A connected socket. A name is resolved and its addresses are tried.
function net.connect(host, port, opts)
  check.text("connect", 1, "host", host)
  check.port("connect", 2, port)
  opts = check_options("connect", 3, opts, connect_options)
  check_own_address("connect", 3, opts)
  if opts.timeout then return timeout(opts.timeout, connect_to, host, port, opts) end
  return connect_to(host, port, opts)
end

local function check_path(name, path)
  if type(path) ~= "string" then check.bad(name, 1, "string", path) end
  if find(path, "\0", 2, true) and byte(path) ~= 0 then
    check.fail("bad argument #1 to '%s' (path without zeros expected)", name)
  end
end

--- While the queue of who listens is full the system refuses to wait: it is asked again, at growing
-- distances.
local function connect_to_path(path)
  local pause = 0.001
  while true do
    local sock, message, code = connect_path(path)
    if code ~= "EAGAIN" then return sock, message, code end
    core.sleep(pause)
    pause = pause < 0.05 and 2 * pause or pause
  end
end

local unix_options = { timeout = "number" }

function net.unix.connect(path, opts)
  check_path("connect", path)
  opts = check_options("connect", 2, opts, unix_options)
  if opts.timeout then return timeout(opts.timeout, connect_to_path, path) end
  return connect_to_path(path)
end

-- Listening --------------------------------------------------------------------------------------

local BACKLOG = 511

local listen_options = {
  backlog = "number", nodelay = "boolean", reuse_port = "boolean", only_v6 = "boolean",
}

local function core_options(name, position, opts)
  opts = check_options(name, position, opts, listen_options)
  local backlog = tointeger(opts.backlog or BACKLOG)
  if not backlog or backlog < 1 or backlog > 65535 then
    check.fail("bad argument #%d to '%s' (option 'backlog': 1 to 65535 expected)", position, name)
  end
  return {
    backlog = backlog, nodelay = opts.nodelay ~= false, reuse_port = opts.reuse_port,
    only_v6 = opts.only_v6,
  }
end

--- A listener at host (all of IPv4 unless given) and port (a free one unless given).
function net.listen(host, port, opts)
  if host == nil or host == "*" then host = "0.0.0.0" end
  if port == nil then port = 0 end
  check.text("listen", 1, "host", host)
  check.port("listen", 2, port)
  opts = core_options("listen", 3, opts)
  if is_address(host) then return core_listen(host, port, opts) end
  local list, message, code = core_resolve(host)
  if not list then return nil, message, code end
  return core_listen(list[1], port, opts)
end

--- A listener at a path, which is removed when it closes.
function net.unix.listen(path, opts)
  check_path("listen", path)
  return listen_path(path, core_options("listen", 2, opts))
end

return net
