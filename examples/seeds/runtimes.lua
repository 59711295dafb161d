-- One runtime is there without asking; others are made with a table of options.
local ebb = require "ebb"

-- The default one: run, and that is all.
print(ebb.run(function(name)
  ebb.sleep(0.001)
  return "hello " .. name
end, "world"))

-- An own one: its own clock, tasks, errors.
local errors = {}
local rt = ebb.runtime {
  name = "simulation",
  clock = "virtual",
  cleanup_timeout = 1,
  on_task_error = function(_, err) errors[#errors + 1] = err end,
}
rt:spawn(function() error("seen by this runtime alone", 0) end)
print(rt:block_on(ebb.after(3600):map(function() return "an hour, in no time" end)))
print(rt:run(function()
  ebb.sleep(1)
  return ebb.current_runtime() == rt
end))

-- A mistake in the options is an error, not a surprise later.
print(pcall(ebb.runtime, { clock = "sundial" }))

-- Driven by somebody else's loop: step never blocks.
rt:spawn(function()
  for frame = 1, 3 do
    ebb.next_frame()
    print("frame " .. frame)
  end
end)
repeat
  local info = rt:step(0.001, 0.25)
until info.alive == 0

-- At the end all tasks are cancelled, and their cleanups run.
rt:spawn(function()
  local _ <close> = setmetatable({}, { __close = function()
    ebb.sleep(0.5)
    print "cleaned up"
  end })
  ebb.sleep(60)
end)
rt:step()
print("left", rt:shutdown(5))
rt:close()
collectgarbage()
print("errors", #errors, errors[1])
print(pcall(rt.spawn, rt, print))
