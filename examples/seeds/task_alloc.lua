-- Memory that belongs to a task: freed when the task ends, be it by return, error or cancel.
local ebb = require "ebb"

local function live() return ebb.alloc.stats().pool.live end

-- The guard is a value like any other: helpers make what they need in their caller's.
local function parse(g, text)
  local words = g:vec "u8"
  for word in text:gmatch "%a+" do words:push(#word) end
  return words
end

local function handle_connection(messages)
  local g = ebb.task_guard()
  local state = g:box { messages = 0 }
  local buffer = g:buffer(256)
  for message in messages do
    buffer:put(message)
    ebb.sleep(0.01)
    local s = state:get()
    s.messages = s.messages + parse(g, buffer:peek()):sum()
    buffer:clear() -- empty, and keeps its room for the next
  end
  return state:get().messages
end

local rt <close> = ebb.runtime { clock = "virtual" }
rt:run(function()
  local messages = ebb.channel(4)
  local task = ebb.spawn(handle_connection, messages)
  for _, text in ipairs { "hello there", "how are you", "bye" } do messages:send(text) end
  ebb.sleep(0.1)
  print("while it runs", live() > 0)
  messages:close()
  print("letters", task:await())
  print("after its end", live())

  -- Many tasks, each with its own; however they end.
  local requests = {}
  for i = 1, 20 do
    requests[i] = ebb.spawn(function()
      local data = ebb.task_guard():bytes(1000 * i):fill(i)
      ebb.sleep(i / 100)
      if i % 5 == 0 then error("request " .. i .. " failed", 0) end
      return data[1]
    end)
  end
  ebb.sleep(0.155)
  for i = 16, 20 do requests[i]:cancel() end
  local done, failed, cancelled = 0, 0, 0
  for _, each in ipairs(requests) do
    local ok, err = each:join()
    if ok then done = done + 1
    elseif type(err) == "table" then cancelled = cancelled + 1
    else failed = failed + 1 end
  end
  print("done", done, "failed", failed, "cancelled", cancelled)
  print("bytes left", live())
end)
