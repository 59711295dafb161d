--- A server's loop: a task for each connection, a limit, an end that drains.
local core = require "ebb.core"

local check = require "ebb.check"

local next, pairs, require, setmetatable, type = next, pairs, require, setmetatable, type
local tointeger = math.tointeger
local await, is_op, scope, select = core.await, core._is_op, core.scope, core.select
local semaphore, timeout, typename = core.semaphore, core.timeout, core._typename

local serve = {}

local kinds = { max_connections = "number", token = "userdata", grace = "number",
  ready = "function", nodelay = "boolean", backlog = "number", reuse_port = "boolean" }

local function check_options(position, opts)
  if opts == nil then return {} end
  if type(opts) ~= "table" then check.bad("serve", position, "table of options", opts) end
  for key, value in pairs(opts) do
    if not kinds[key] then
      check.fail("bad argument #%d to 'serve' (unknown option '%s')", position, key)
    elseif type(value) ~= kinds[key] then
      check.fail("bad argument #%d to 'serve' (option '%s': %s expected, got %s)", position, key,
        kinds[key], typename(value))
    end
  end
  local most, grace, token = opts.max_connections, opts.grace, opts.token
  if most and (not tointeger(most) or most < 1) then
    check.bad("serve", position, "option 'max_connections': integer of at least 1", most)
  end
  if grace and grace ~= grace then
    check.bad("serve", position, "option 'grace': number of seconds", grace)
  end
  if token and not is_op(token) then
    check.bad("serve", position, "option 'token': ebb.token", token)
  end
  return opts
end


--- What closes the sockets of tasks that were cancelled before they ran.
local closer = { __close = function(live)
  for sock in next, live do sock:close() end
end }

--- The next value of `source`; false when the token was cancelled before.
local function take(source, token)
  if not token then return await(source) end
  local index, value, why, code = select(source, token)
  if index == 2 then return false end
  return value, why, code
end

--- Accepts until the token is cancelled (or the listener closed): nil, or what failed.
local function accept_all(listener, handler, connections, live, opts)
  local token = opts.token
  local limit = opts.max_connections and semaphore(opts.max_connections)
  while true do
    local permit = limit and take(limit, token)
    if limit and not permit then return end
    local sock, why, code = take(listener, token)
    if not sock then return why ~= "closed" and why or nil, code end
    live[sock] = true
    connections:spawn(function()
      local _ <close> = permit or nil
      local own <close> = sock
      live[sock] = nil -- it has a closer now
      handler(own)
    end)
  end
end

--- At most `grace` seconds for those that are served still.
local function drain(connections, grace)
  if not grace then return connections:wait() end
  local _, why = timeout(grace, connections.wait, connections)
  if why == "timeout" then connections:cancel "the server ends" end
end

local function run(listener, handler, opts)
  local live <close> = setmetatable({}, closer)
  local connections <close> = scope { isolate = true }
  local _ <close> = listener
  if opts.ready then opts.ready(listener) end
  local why, code = accept_all(listener, handler, connections, live, opts)
  listener:close()
  drain(connections, opts.grace)
  if why then return nil, why, code end
  return true
end

--- serve(host, port, handler, opts) or serve(listener, handler, opts): until opts.token is
-- cancelled or the listener closed; then it waits for the handlers, `grace` seconds at most.
function serve.serve(host, port, handler, opts)
  if typename(host) == "ebb.listener" then
    check.callable("serve", 2, port)
    return run(host, port, check_options(3, handler))
  end
  if host ~= nil and type(host) ~= "string" then
    check.bad("serve", 1, "host or ebb.listener", host)
  end
  if port ~= nil then check.port("serve", 2, port) end
  check.callable("serve", 3, handler)
  opts = check_options(4, opts)
  local listener, message, code = require("ebb.net").listen(host, port,
    { nodelay = opts.nodelay, backlog = opts.backlog, reuse_port = opts.reuse_port })
  if not listener then return nil, message, code end
  return run(listener, handler, opts)
end

return serve
