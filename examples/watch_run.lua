-- Runs a command whenever a file or something in a directory changes; a run that is still going on
-- when the next change comes is ended. lua5.4 examples/watch_run.lua PATH PROGRAM ARGUMENT...
local ebb = require "ebb"

local QUIET = 0.05 -- seconds: changes come in bursts

--- Waits for a change and the end of its burst: the names. nil when the watch ends.
local function changes(watch)
  local names, list = {}, {}
  local name, why = watch:recv()
  if not name and why ~= "lagged" then return nil, why end
  while name or why == "lagged" do
    if name and not names[name] then
      names[name] = true
      list[#list + 1] = name
    end
    name, why = ebb.timeout(QUIET, watch)
  end
  table.sort(list)
  return list
end

local function watch_and_run(path, command)
  local watch <close> = assert(ebb.fs.watch(path))
  local running
  while true do
    local list, why = changes(watch)
    if not list then return why end
    print("changed: " .. table.concat(list, ", "))
    if running then running:cancel() end
    running = ebb.spawn(function()
      local child <close> = assert(ebb.process.spawn(command))
      local code, signal = child:wait()
      print("  " .. command[1] .. " ended with " .. (code or signal))
    end)
  end
end

--- Somebody who edits files, for the show.
local function demo()
  local dir = assert(ebb.fs.mkdtemp "/tmp/ebb-watch-")
  local watcher = ebb.spawn(watch_and_run, dir, { "sh", "-c", "cat " .. dir .. "/*", group = true })
  ebb.yield()
  for i, text in ipairs { "  one\n", "  two\n" } do
    assert(ebb.fs.write(dir .. "/notes" .. i .. ".txt", text))
    ebb.sleep(0.5)
  end
  watcher:cancel()
  watcher:join()
  for _, name in ipairs(assert(ebb.fs.list(dir))) do ebb.fs.remove(dir .. "/" .. name) end
  ebb.fs.remove(dir)
end

io.stdout:setvbuf "no" -- between our lines are those of the command
ebb.run(function()
  if arg and arg[2] then
    print(watch_and_run(arg[1], table.move(arg, 2, #arg, 1, {})))
  else
    demo()
  end
end)
