-- Runs a command, shows what it writes as it comes, and ends it when it takes too long.
-- lua5.4 examples/run_command.lua [SECONDS PROGRAM ARGUMENT...]
local ebb = require "ebb"

local function show(stream, prefix)
  for line in stream:lines() do print(prefix .. line) end
end

--- What it came to, in words.
local function run(seconds, command)
  command.stdout, command.stderr, command.group = "pipe", "pipe", true
  local child <close>, message = ebb.process.spawn(command)
  if not child then return "cannot be run: " .. message end
  local code, why = ebb.timeout(seconds, function()
    ebb.join(
      function() show(child.stdout, "  out | ") end,
      function() show(child.stderr, "  err | ") end)
    return child:wait()
  end)
  if code then return "exit code " .. code end
  return why == "timeout" and "took too long, and was ended" or "ended by " .. why
end -- leaving the block kills what is left of it

ebb.run(function()
  if arg and tonumber(arg[1]) then
    print(run(tonumber(arg[1]), table.move(arg, 2, #arg, 1, {})))
    return
  end
  local function demo(seconds, script)
    print(script)
    print("  => " .. run(seconds, { "sh", "-c", script }))
  end
  demo(10, "for i in 1 2 3; do echo step $i; sleep 0.05; done; sleep 0.1; echo oops >&2; exit 3")
  demo(0.5, "echo begun; sleep 60; echo never")
  demo(10, "kill -TERM $$")
  print("no-such-program\n  => " .. run(1, { "no-such-program" }))
end)
