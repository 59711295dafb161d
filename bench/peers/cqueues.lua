-- cqueues: its own controller, with channels made of its condition variables.
local cqueues = require "cqueues"
local condition = require "cqueues.condition"

local queue = cqueues.new()
local A = { name = "cqueues", now = cqueues.monotime, sleep = cqueues.sleep }

function A.spawn(fn)
  local task = { ended_signal = condition.new() }
  queue:wrap(function()
    fn()
    task.ended = true
    task.ended_signal:signal()
  end)
  return task
end

function A.go(fn) queue:wrap(fn) end
function A.join(task) if not task.ended then task.ended_signal:wait() end end
function A.yield() cqueues.poll(0) end

A.channel = require "lib.slots" (condition.new)

function A.mutex()
  local free, locked = condition.new(), false
  return function()
    while locked do free:wait() end
    locked = true
  end, function()
    locked = false
    free:signal(1)
  end
end

function A.selector(channels, seconds)
  local conditions = {}
  for i, channel in ipairs(channels) do conditions[i] = channel.not_empty end
  conditions[#conditions + 1] = seconds
  local poll, unpack = cqueues.poll, table.unpack
  return function()
    while true do
      for i = 1, #channels do
        if channels[i].count > 0 then return i, channels[i]:recv() end
      end
      poll(unpack(conditions))
    end
  end
end

function A.run(main)
  local done
  queue:wrap(function()
    main()
    done = true
  end)
  while not done do assert(queue:step()) end
end

return A
