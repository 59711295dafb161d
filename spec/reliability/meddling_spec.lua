-- Metatables and user values moved about with the debug library.
local misuse = require "spec.reliability.misuse"
local support = require "spec.runtime.support"
local kinds, names = misuse.kinds, misuse.names

describe("meddling with debug:", function()
  -- Metatables of ebb on what is not ebb's.
  for _, name in ipairs(names) do
    it("R149 the metatable of a " .. name .. " on a file and on a table", function()
      support.prints("fine\n", ([[
        local ebb = require "ebb"
        local makers = {
          task = function() return ebb.spawn(ebb.sleep, 0.001) end,
          channel = function() return ebb.channel(1) end,
          sender = function() return ebb.channel():sender() end,
          permit = function() return ebb.channel(1):reserve() end,
          scope = function() return ebb.scope() end,
          token = function() return ebb.token() end,
          timer = function() return ebb.timer(1) end,
          interval = function() return ebb.interval(1) end,
          signal = function() return ebb.signal "usr2" end,
          file_watch = function() return ebb.fs.watch "." end,
          udp = function() return ebb.net.udp "127.0.0.1" end,
          file = function() return assert(ebb.io.tmpfile()) end,
          child = function() return ebb.process.spawn { "sleep", "100" } end,
          op = function() return ebb.after(1) end,
          choice = function() return ebb.choice(ebb.never(), ebb.after(1)) end,
          send_op = function() return ebb.channel():send_op(1) end,
          guard = function() return ebb.guard() end,
          frame = function() return ebb.alloc.begin_frame() end,
          checkpoint = function() return ebb.alloc.begin_frame():checkpoint() end,
          phase = function() return ebb.alloc.begin_frame():phase "x" end,
          bytes = function() return ebb.guard():bytes(8) end,
          array = function() return ebb.guard():array("u8", 8) end,
          buffer = function() return ebb.guard():buffer() end,
        }
        local object = makers[%q]()
        local mt = debug.getmetatable(object)
        local methods = { %s }
        local file = assert(io.open("/dev/null"))
        local own = debug.getmetatable(file)
        for _, stranger in ipairs { {}, file } do
          debug.setmetatable(stranger, mt)
          for _, method in ipairs(methods) do
            local fn = object[method]
            for _, argument in ipairs { false, 1, print } do
              assert(not pcall(fn, stranger, argument), method)
            end
          end
          pcall(tostring, stranger)
          pcall(function() return #stranger end)
          pcall(function() return stranger[1] end)
          pcall(function() stranger[1] = 1 end)
        end
        debug.setmetatable(file, own)
        ebb.run(function() ebb.sleep(0.001) end)
        print("fine")
      ]]):format(name, '"' .. table.concat(kinds[name].methods, '", "') .. '"'))
    end)
  end

  it("R150 user values taken away", function()
    local result = support.child([[
      local ebb = require "ebb"
      local objects = { ebb.channel(2), ebb.channel(2):sender(), ebb.channel(2):reserve(),
        ebb.guard(), ebb.scope(), ebb.token(), ebb.timer(1), ebb.interval(1), ebb.after(1),
        ebb.choice(ebb.channel(), ebb.never()), ebb.channel():send_op({}), ebb.guard():bytes(8),
        ebb.guard():buffer(8), ebb.spawn(ebb.sleep, 0.001) }
      for _, x in ipairs(objects) do
        if type(x) == "userdata" then
          for n = 1, 8 do debug.setuservalue(x, nil, n) end
        end
      end
      collectgarbage()
      for _, x in ipairs(objects) do
        tostring(x)
        for _, name in ipairs { "try_send", "try_recv", "send", "is_closed", "close", "cancel", "put",
          "string", "fired", "stats" } do
          pcall(function() return x[name](x, 1) end)
        end
      end
      objects = nil
      collectgarbage()
      ebb.run(function() ebb.sleep(0.001) end)
    ]])
    assert.are.equal(0, result.code, result.err)
  end)
end)
