-- Fire and forget, a result later, many at once.
local ebb = require "ebb"

local function compute(i)
  ebb.sleep(0.1)
  if i == 4 then error("4 is not allowed", 0) end
  return i * i
end

local rt <close> = ebb.runtime {
  clock = "virtual",
  -- Fire and forget never means fail and forget; without this it goes to standard error.
  on_task_error = function(task, err) print("report:", task:name(), err) end,
}
rt:run(function()
  -- No handle at all:
  ebb.go(function()
    ebb.sleep(0.1)
    print "the mail is out"
  end)
  ebb.go(function()
    ebb.current():name "mailer"
    error("mailbox full", 0)
  end)

  -- A result later:
  local task = ebb.spawn(compute, 12)
  print "other work goes on meanwhile"
  print("result:", task:await())

  -- Many, results in order. What one of them threw is thrown by its own await only.
  local tasks = {}
  for i = 1, 6 do tasks[i] = ebb.spawn(compute, i) end
  for i, each in ipairs(tasks) do print(i, each:join()) end

  -- A block that ends when all that was started in it has ended.
  ebb.scope(function(s)
    for i = 1, 3 do
      s:spawn(function()
        ebb.sleep(0.4 - i / 10)
        print("child " .. i .. " ends")
      end)
    end
  end)
  print("alive:", rt:metrics().alive, "(main itself)")
end)
