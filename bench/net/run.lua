-- Echo servers under one load: lua5.4 bench/net/run.lua [--quick] [--rounds N] [--seconds S]
--                                                      [--only ebb,uv]
--
-- For 1, 64 and 1000 connections with messages of 64 bytes and 16 KiB: what a message costs the
-- server in CPU microseconds (the least of the rounds), and how many it answers a second (the
-- most). The load runs on the same machine. Servers that are not installed are left out.
-- Needs cc and libuv's headers; go for its own.
local here = arg[0]:match "^(.*)/[^/]*$" or "."
local root = here .. "/../.."
local out = root .. "/build/bench-net"
local LUA = os.getenv "LUA" or arg[-1] or "lua5.4"

local options = { rounds = 3, seconds = 2 }
local function read_arguments()
  local at = 1
  while arg[at] do
    if arg[at] == "--quick" then
      options.rounds, options.seconds = 1, 0.5
    elseif arg[at] == "--only" then
      at = at + 1
      options.only = "," .. arg[at] .. ","
    elseif arg[at] == "--rounds" or arg[at] == "--seconds" then
      options[arg[at]:sub(3)] = assert(tonumber(arg[at + 1]))
      at = at + 1
    else
      io.stderr:write("unknown option ", arg[at], "\n")
      os.exit(2)
    end
    at = at + 1
  end
end

read_arguments()

local function run(command)
  local pipe = assert(io.popen(command .. " 2>/dev/null"))
  local text = pipe:read "a"
  return pipe:close() and text or nil
end

local function lua(name)
  return ("LUA_CPATH='%s/build/release/cmod/?.so;;' LUA_PATH='%s/lua/?.lua;%s/lua/?/init.lua;;' "
    .. "exec %s %s/servers/%s.lua"):format(root, root, root, LUA, here, name)
end

local function has_module(name)
  return run(("%s -e 'require \"%s\"'"):format(LUA, name)) ~= nil
end

local servers = {}

local function add(name, is_there, command)
  if options.only and not options.only:find("," .. name .. ",", 1, true) then return end
  if is_there() then
    servers[#servers + 1] = { name = name, command = command }
  else
    print(name .. ": not installed")
  end
end

local function compile(source, target, flags)
  return run(("cc -O2 -D_GNU_SOURCE -o %s/%s %s/%s %s"):format(out, target, here, source, flags))
end

assert(run("mkdir -p " .. out))
assert(compile("load.c", "load", ""), "cannot compile the load")
add("uv", function() return compile("servers/uv.c", "uv", "-luv") end, "exec " .. out .. "/uv")
add("ebb", function() return run "true" end, lua "ebb")
add("ebb, copy", function() return run "true" end, "export ECHO=copy; " .. lua "ebb")
add("luv", function() return has_module "luv" end, lua "luv")
add("cqueues", function() return has_module "cqueues" end, lua "cqueues")
add("copas", function() return has_module "copas" end, lua "copas")
add("node", function() return run "node --version" end, "exec node " .. here .. "/servers/node.js")
add("go", function()
  return run(("go build -o %s/echo-go %s/servers/echo.go"):format(out, here))
end, "exec " .. out .. "/echo-go")

local port = 20000 + os.time() % 20000

--- CPU microseconds a message, messages a second, microseconds until half of the answers; or nil.
local function measure(server, n_connections, n_bytes)
  port = port + 1
  local pipe = io.popen(("ulimit -n 4096; (%s %d) >/dev/null 2>&1 & echo $!")
    :format(server.command, port))
  local pid = pipe:read "n"
  pipe:close()
  local result = run(("ulimit -n 4096; timeout 60 %s/load %d %d %d %g %d"):format(out, port,
    n_connections, n_bytes, options.seconds, pid))
  run("kill " .. pid)
  if not result then return nil end
  local cpu, rate, half = result:match "(%S+) (%S+) (%S+)"
  return tonumber(cpu), tonumber(rate), tonumber(half)
end

local loads = {}
for _, n_bytes in ipairs { 64, 16384 } do
  for _, n in ipairs { 1, 64, 1000 } do loads[#loads + 1] = { n = n, n_bytes = n_bytes } end
end

local best = {}

local function keep_best(key, cpu, rate, half)
  local b = best[key] or { cpu = math.huge, rate = 0, half = math.huge }
  best[key] = b
  if not cpu then return end
  b.cpu, b.rate, b.half = math.min(b.cpu, cpu), math.max(b.rate, rate), math.min(b.half, half)
end

for _ = 1, options.rounds do
  for i, load in ipairs(loads) do
    for _, server in ipairs(servers) do
      -- copas polls with select(), which ends at 1024 descriptors
      if not (server.name == "copas" and load.n > 500) then
        keep_best(server.name .. i, measure(server, load.n, load.n_bytes))
      end
    end
  end
end

local function print_table()
  local header, line = { "server" }, { "---" }
  for _, load in ipairs(loads) do
    header[#header + 1] = ("%d × %d B"):format(load.n, load.n_bytes)
    line[#line + 1] = "---:"
  end
  print("CPU µs a message / thousand messages a second / µs until half of the answers")
  print("| " .. table.concat(header, " | ") .. " |")
  print("| " .. table.concat(line, " | ") .. " |")
  for _, server in ipairs(servers) do
    local cells = { server.name }
    for i in ipairs(loads) do
      local b = best[server.name .. i]
      cells[#cells + 1] = b and b.rate > 0 and ("%.1f / %.0f / %.0f"):format(b.cpu, b.rate / 1000,
        b.half) or "-"
    end
    print("| " .. table.concat(cells, " | ") .. " |")
  end
end

print_table()
