-- A small static file server, HTTP/1.1 with keep-alive and ranges of bytes. An example of reading
-- a protocol from a stream, not a web framework.
--
--   lua5.4 examples/http_server.lua DIR 8080      serves DIR until Ctrl-C
--   lua5.4 examples/http_server.lua               a directory and a client of its own
local ebb = require "ebb"

local MAX_HEAD = 16384 -- bytes of a request before its body
local IDLE = 30 -- seconds between the requests of a connection

local types = {
  html = "text/html; charset=utf-8", txt = "text/plain; charset=utf-8", css = "text/css",
  js = "text/javascript", json = "application/json", png = "image/png", svg = "image/svg+xml",
}

local reasons = {
  [200] = "OK", [206] = "Partial Content", [400] = "Bad Request", [404] = "Not Found",
  [405] = "Method Not Allowed", [416] = "Range Not Satisfiable",
  [431] = "Request Header Fields Too Large",
}

--- method, target, version, headers by lower-case name; nil and a status when it is no request.
local function parse(head)
  local method, target, version = head:match "^(%u+) (%S+) HTTP/(1%.[01])\r\n"
  if not method then return nil, 400 end
  local headers = {}
  for name, value in head:gmatch "\r\n([^:%s]+):[ \t]*([^\r\n]*)" do
    headers[name:lower()] = value
  end
  return { method = method, target = target, version = version, headers = headers }
end

--- The path below the directory; nil for what leads out of it.
local function path_of(dir, target)
  local path = target:match "^[^?#]*":gsub("%%(%x%x)", function(hex)
    return string.char(tonumber(hex, 16))
  end)
  if path:sub(1, 1) ~= "/" or path:find "\0" or (path .. "/"):find("/../", 1, true) then
    return nil
  end
  if path:sub(-1) == "/" then path = path .. "index.html" end
  return dir .. path
end

--- First and last byte (from 0) of "bytes=a-b", "bytes=a-" or "bytes=-n"; nil: all of it; false:
-- outside.
local function range_of(header, size)
  local first, last = (header or ""):match "^bytes=(%d*)%-(%d*)$"
  if not first or first == "" and last == "" then return nil end
  if first == "" then
    first, last = math.max(size - tonumber(last), 0), size - 1
  else
    first, last = tonumber(first), math.min(tonumber(last) or size - 1, size - 1)
  end
  if first > last then return false end
  return first, last
end

local function send_head(sock, status, headers)
  local lines = { ("HTTP/1.1 %d %s\r\n"):format(status, reasons[status]) }
  for _, header in ipairs(headers) do lines[#lines + 1] = header .. "\r\n" end
  return sock:write(table.concat(lines), "\r\n")
end

local function send_error(sock, status, headers)
  local text = ("%d %s\n"):format(status, reasons[status])
  headers = headers or {}
  headers[#headers + 1] = "Content-Type: text/plain"
  headers[#headers + 1] = "Content-Length: " .. #text
  return send_head(sock, status, headers) and sock:write(text)
end

local function send_part(sock, file, first, last)
  file:seek("set", first)
  local n = last - first + 1
  while n > 0 do
    local data = file:read_some(math.min(n, 65536))
    if not data or not sock:write(data) then return false end
    n = n - #data
  end
  return true
end

local function send_file(sock, request, path)
  local info = path and ebb.fs.stat(path)
  if not info or info.type ~= "file" then return send_error(sock, 404) end
  local file <close> = ebb.io.open(path, "rb")
  if not file then return send_error(sock, 404) end
  local first, last = range_of(request.headers.range, info.size)
  if first == false then
    return send_error(sock, 416, { ("Content-Range: bytes */%d"):format(info.size) })
  end
  local headers = {
    "Content-Type: " .. (types[path:match "%.(%w+)$" or ""] or "application/octet-stream"),
    "Accept-Ranges: bytes",
  }
  local status = 200
  if first then
    status = 206
    headers[3] = ("Content-Range: bytes %d-%d/%d"):format(first, last, info.size)
  else
    first, last = 0, info.size - 1
  end
  headers[#headers + 1] = ("Content-Length: %d"):format(last - first + 1)
  if not send_head(sock, status, headers) then return false end
  return request.method == "HEAD" or send_part(sock, file, first, last)
end

--- One request; true when the connection can be used for another one.
local function answer(sock, dir)
  local head, why = ebb.timeout(IDLE, sock.read_until, sock, "\r\n\r\n", MAX_HEAD)
  if not head then
    if why == "too long" then send_error(sock, 431) end
    return false
  end
  local request, status = parse(head)
  if not request then
    send_error(sock, status)
    return false
  end
  local length = tonumber(request.headers["content-length"]) or 0
  if length > 0 and not sock:read_exactly(length) then return false end
  local sent
  if request.method == "GET" or request.method == "HEAD" then
    sent = send_file(sock, request, path_of(dir, request.target))
  else
    sent = send_error(sock, 405, { "Allow: GET, HEAD" })
  end
  local connection = (request.headers.connection or ""):lower()
  if request.version == "1.0" then return sent and connection == "keep-alive" end
  return sent and connection ~= "close"
end

local function handler(dir)
  return function(sock)
    while answer(sock, dir) do end
  end
end

if arg[1] then
  ebb.run_until_signal(function()
    assert(ebb.net.serve("0.0.0.0", tonumber(arg[2] or 8080), handler(arg[1]),
      { max_connections = 1000 }))
  end)
  return
end

--- Sends a request and prints the answer's status line, some headers and its body.
local function ask(sock, request)
  sock:write(request:gsub("\n", "\r\n"), "\r\n\r\n")
  local head = sock:read_until "\r\n\r\n"
  print(request:match "^[^\n]*", "->", head:match "^HTTP/1.1 ([^\r]*)")
  local range = head:match "Content%-Range: ([^\r]*)"
  if range then print("  range " .. range) end
  local length = tonumber(head:match "Content%-Length: (%d+)")
  if not request:find "^HEAD" then
    print("  " .. sock:read_exactly(length):gsub("\n$", ""))
  end
end

ebb.run(function()
  local dir = assert(ebb.fs.mkdtemp "/tmp/ebb-http-")
  assert(ebb.fs.write(dir .. "/index.html", "<h1>Hello</h1>\n"))
  assert(ebb.fs.write(dir .. "/digits.txt", "0123456789"))
  local listener = assert(ebb.net.listen("127.0.0.1"))
  local _, port = listener:local_address()
  local server = ebb.spawn(ebb.net.serve, listener, handler(dir))

  local sock <close> = assert(ebb.net.connect("127.0.0.1", port))
  ask(sock, "GET / HTTP/1.1\nHost: example") -- all of them on one connection
  ask(sock, "HEAD /digits.txt HTTP/1.1\nHost: example")
  ask(sock, "GET /digits.txt HTTP/1.1\nHost: example\nRange: bytes=2-5")
  ask(sock, "GET /digits.txt HTTP/1.1\nHost: example\nRange: bytes=-3")
  ask(sock, "GET /digits.txt HTTP/1.1\nHost: example\nRange: bytes=10-")
  ask(sock, "GET /../etc/passwd HTTP/1.1\nHost: example")
  ask(sock, "POST / HTTP/1.1\nHost: example\nContent-Length: 0")
  ask(sock, "GET /%64igits.txt HTTP/1.1\nHost: example\nConnection: close")
  print("closed by the server", sock:read())

  listener:close()
  server:await()
  for _, name in ipairs(assert(ebb.fs.list(dir))) do ebb.fs.remove(dir .. "/" .. name) end
  ebb.fs.remove(dir)
end)
