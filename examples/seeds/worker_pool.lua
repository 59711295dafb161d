-- Four workers take jobs from one bounded channel; each job carries the way its result goes back.
local ebb = require "ebb"

local function worker(id, jobs, done)
  local scratch = ebb.task_guard():buffer() -- used again for each job, freed with the task
  for job in jobs do
    scratch:put(job.text)
    ebb.sleep(0.05 * id) -- the work
    job.reply:send(#scratch:get())
    done[id] = done[id] + 1
  end
end

local function dispatch(texts)
  local jobs, done, replies = ebb.channel(100), { 0, 0, 0, 0 }, {}
  ebb.scope(function(s)
    for id = 1, 4 do s:spawn(worker, id, jobs, done) end
    for i, text in ipairs(texts) do
      replies[i] = ebb.channel(1)
      jobs:send { text = text, reply = replies[i] }
    end
    jobs:close() -- what is in it is still done; then the workers' loops end
  end)
  for i, reply in ipairs(replies) do replies[i] = reply:recv() end
  return replies, done
end

local rt <close> = ebb.runtime { clock = "virtual" }
rt:run(function()
  local texts = {}
  for i = 1, 25 do texts[i] = ("x"):rep(i) end
  local started = ebb.now()
  local lengths, done = dispatch(texts)
  print("lengths", table.concat(lengths, " "))
  print("jobs per worker", table.concat(done, " ")) -- the quick ones do more
  print(("%.2f s"):format(ebb.now() - started))
  print("bytes left", ebb.alloc.stats().pool.live)
end)
