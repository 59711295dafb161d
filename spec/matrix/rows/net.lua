--- Sockets: coming together, datagrams.
local ebb = require "ebb"

local LONG = 20

local function listener()
  local l = assert(ebb.net.listen("127.0.0.1", 0))
  return l, select(2, l:local_address())
end

local function datagram()
  local d = assert(require "ebb.core"._descriptor.open(false, true))
  assert(d:bind("127.0.0.1", 0))
  return d
end

local function closed_after(sock, why, code)
  if not sock then return sock, why, code end
  sock:close()
  return "a socket"
end

--- A request that ends by itself.
local function request(name, of, numbers, make)
  return {
    name = name, of = of, numbers = numbers, carries = nil, ready = "either", by_itself = true, outside = true,
    make = function()
      local wait, finish = make()
      return { wait = wait, complete = function() end, expect = function(result) return result ~= nil end,
        finish = finish }
    end,
  }
end

return {
  {
    name = "accept", of = { "Listener:accept", "ebb.Listener" }, numbers = "NT1 NT6", carries = nil, ready = "either",
    outside = true, closes = true,
    make = function()
      local l, port = listener()
      local client
      return {
        wait = function() return closed_after(l:accept()) end, expect = { "a socket" },
        ops = { itself = function() return ebb.map_op(l, closed_after) end },
        complete = function()
          client = ebb.spawn(function() return assert(ebb.net.connect("127.0.0.1", port)) end)
        end,
        close = function() l:close() end, objects = { l },
        check = function(taken, completed, is_closed)
          if completed and not taken and not is_closed then
            assert(ebb.timeout(LONG, l.accept, l), "a connection is lost"):close()
          end
        end,
        finish = function()
          if client then
            local ok, sock = client:join()
            if ok then sock:close() end
          end
          l:close()
        end,
      }
    end,
  },
  {
    name = "the loop of a listener", of = { "Listener:accept" }, numbers = "NT6", carries = nil, ready = "either",
    outside = true, closes = true,
    make = function()
      local l, port = listener()
      local client
      return {
        wait = function()
          for sock in l do return closed_after(sock) end -- luacheck: ignore 512
          return nil, "closed"
        end,
        expect = { "a socket" },
        complete = function()
          client = ebb.spawn(function() return assert(ebb.net.connect("127.0.0.1", port)) end)
        end,
        close = function() l:close() end, objects = { l },
        finish = function()
          if client then
            local ok, sock = client:join()
            if ok then sock:close() end
          end
          l:close()
        end,
      }
    end,
  },
  request("connect", { "ebb.net.connect" }, "NT1", function()
    local l, port = listener()
    return function() return closed_after(ebb.net.connect("localhost", port)) end, function() l:close() end
  end),
  request("listen", { "ebb.net.listen" }, "NT1", function()
    return function() return closed_after(ebb.net.listen("localhost", 0)) end
  end),
  request("unix.connect", { "ebb.net.unix.connect" }, "NT7", function()
    local path = ("\0ebb-matrix-c-%p"):format({})
    local l = assert(ebb.net.unix.listen(path))
    return function() return closed_after(ebb.net.unix.connect(path)) end, function() l:close() end
  end),
  request("resolve", { "ebb.net.resolve" }, "NT7", function()
    return function() return ebb.net.resolve "localhost" end
  end),
  request("name_of", { "ebb.net.name_of" }, "NT7", function()
    return function() return ebb.net.name_of "127.0.0.1" or "none" end
  end),
  {
    name = "a descriptor", of = { "Descriptor:readable_op", "Descriptor:writable_op" }, numbers = "NT5",
    carries = nil, ready = "either", outside = true, closes = true,
    make = function()
      local u, sender = ebb.compat.socket.udp4(), ebb.compat.socket.udp4()
      assert(u:setsockname("127.0.0.1", 0))
      local _, port = u:getsockname()
      return {
        wait = function() return ebb.await(u.descriptor:readable_op()) end, expect = { true },
        ops = { readable_op = function() return u.descriptor:readable_op() end },
        complete = function() assert(sender:sendto("v", "127.0.0.1", port)) end,
        close = function() u.descriptor:close() end, objects = { u.descriptor },
        finish = function()
          u:close()
          sender:close()
        end,
      }
    end,
  },
  {
    name = "serve", of = { "ebb.net.serve" }, numbers = "NT6", carries = nil, ready = "either", outside = true,
    closes = true, one_at_a_time = true,
    make = function()
      local l = listener()
      local token = ebb.token()
      return {
        wait = function() return ebb.net.serve(l, function() end, { token = token }) end, expect = { true },
        complete = function() token:cancel() end, close = function() l:close() end, closed = { true },
        objects = { l }, finish = function() l:close() end,
      }
    end,
  },
  {
    name = "recvfrom", of = { "Udp:recvfrom", "Udp:recvfrom_op", "ebb.Udp" }, numbers = "NT7", carries = nil,
    ready = "either", outside = true, closes = true,
    make = function()
      local u = assert(ebb.net.udp "127.0.0.1")
      local _, port = u:local_address()
      local sender = assert(ebb.net.udp "127.0.0.1")
      return {
        wait = function() return (u:recvfrom()) end, expect = { "v" }, closed = { n = 1, nil },
        ops = {
          recvfrom_op = function() return u:recvfrom_op():map(function(data) return data end) end,
          itself = function() return ebb.map_op(u, function(data) return data end) end,
        },
        complete = function() assert(sender:sendto("v", "127.0.0.1", port)) end,
        close = function() u:close() end, objects = { u, sender },
        check = function(taken, completed, is_closed)
          if completed and not taken and not is_closed then
            assert(ebb.timeout(LONG, u.recvfrom, u) == "v", "a datagram is lost")
          end
        end,
        finish = function()
          u:close()
          sender:close()
        end,
      }
    end,
  },
  {
    name = "a descriptor that can be read", of = { "Descriptor:readable_op" }, numbers = "NT5", carries = nil,
    ready = "either", outside = true, closes = true,
    make = function()
      local d, sender = datagram(), datagram()
      return {
        wait = function() return d:readable_op():await() end, expect = { true },
        ops = { readable_op = function() return d:readable_op() end },
        complete = function() assert(sender:sendto("v", d:name())) end,
        close = function() d:close() end, objects = { d },
        -- it only tells: what there is to read stays there
        check = function(_, completed, is_closed)
          if completed and not is_closed then
            assert(ebb.timeout(LONG, d:readable_op()) == true and d:recv(10) == "v", "a datagram is lost")
          end
        end,
        finish = function()
          d:close()
          sender:close()
        end,
      }
    end,
  },
  request("a descriptor that can be written", { "Descriptor:writable_op" }, "NT5", function()
    local d = datagram()
    return function() return d:writable_op():await() end, function() d:close() end
  end),
  request("udp", { "ebb.net.udp" }, "NT7", function()
    return function() return closed_after(ebb.net.udp("localhost", 0)) end
  end),
  request("udp, sendto", { "Udp:sendto" }, "NT7", function()
    local u = assert(ebb.net.udp "127.0.0.1")
    local _, port = u:local_address()
    return function() return u:sendto("v", "localhost", port) end, function() u:close() end
  end),
  request("udp, connect and send", { "Udp:connect", "Udp:send" }, "NT7", function()
    local u = assert(ebb.net.udp "127.0.0.1")
    local _, port = u:local_address()
    return function()
      local ok, why, code = u:connect("localhost", port)
      if not ok then return ok, why, code end
      return u:send "v"
    end, function() u:close() end
  end),
}
