-- One scheduler, one workload, in a process of its own: child.lua ADAPTER WORKLOAD N
-- Prints `result NUMBER [NUMBER]` (ns of CPU per operation, or bytes), and perhaps a note.
local here = arg[0]:match "^(.*)/[^/]*$" or "."
package.path = here .. "/?.lua;" .. package.path

local adapter, workload, n = arg[1], require "work"[arg[2]], tonumber(arg[3])
local loaded, A = pcall(dofile, ("%s/peers/%s.lua"):format(here, adapter))
if not loaded then
  print "absent"
  os.exit(0)
end

local started, seconds
local function clock()
  if started then seconds = os.clock() - started else started = os.clock() end
end

A.run(function()
  local n_done, first, second, note = workload.fn(A, n, clock)
  if not n_done then
    print "cannot"
  elseif workload.unit == "B" then
    print(("result %.0f %.0f"):format(first, second))
  else
    print(("result %.2f"):format(seconds / n_done * 1e9))
  end
  if note then print("note " .. note) end
  io.stdout:flush()
  os.exit(0, false)
end)
