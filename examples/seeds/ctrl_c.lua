-- A server, and a signal that ends it: Ctrl-C, or what a service manager sends.
local ebb = require "ebb"

local function server()
  local _ <close> = setmetatable({}, { __close = function(_, err)
    ebb.sleep(0.01) -- connections are closed properly
    print("server stopped", "cancelled: " .. tostring(ebb.is_cancelled(err)))
  end })
  ebb.sleep(3600)
end

local function send(signal, seconds)
  ebb.go(function()
    ebb.sleep(seconds)
    -- Somebody else would do this.
    os.execute("kill -" .. signal .. " $PPID") -- ebb: ignore EBB023 (it returns at once)
  end)
end

ebb.run(function()
  send("TERM", 0.05)
  print(ebb.run_until_signal(server, { grace = 5 }))
  print(ebb.run_until_signal(function()
    ebb.sleep(0.01)
    return "ended by itself"
  end))

  -- By hand, when a signal means something else: a signal is an op like any other.
  local reload <close> = ebb.signal "hup"
  local finish <close> = ebb.signal "term"
  local function session()
    while true do
      local what = ebb.select { reload = reload, finish = finish, quiet = ebb.after(10) }
      print("told:", what)
      if what ~= "reload" then return end
      send("TERM", 0.05)
    end
  end
  send("HUP", 0.05)
  session()
end)
