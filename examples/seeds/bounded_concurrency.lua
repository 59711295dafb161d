-- Ten thousand jobs, ten at a time: by a list, by a stream, by permits.
local ebb = require "ebb"

local running, peak = 0, 0
local function job(seconds)
  running = running + 1
  peak = math.max(peak, running)
  local _ <close> = setmetatable({}, { __close = function() running = running - 1 end })
  ebb.sleep(seconds)
  return seconds
end

local function measure(what, fn)
  peak = 0
  local started = ebb.now()
  local result = fn()
  print(("%-22s %6.2f s, at most %d at a time, %s"):format(what, ebb.now() - started, peak,
    result))
end

local rt <close> = ebb.runtime { clock = "virtual" }
rt:run(function()
  local stream = ebb.stream
  local jobs = {}
  for i = 1, 10000 do jobs[i] = 0.01 * (i % 3 + 1) end

  measure("map", function() return #ebb.map(jobs, job, 10) .. " results" end)

  -- Streams need no list: items are drawn as places become free.
  measure("for_each_concurrent", function()
    stream.iter(jobs):for_each_concurrent(10, job)
    return "no results"
  end)
  measure("buffer_unordered", function()
    return stream.iter(jobs):buffer_unordered(10, job):count() .. " results"
  end)
  measure("buffered", function()
    return stream.iter(jobs):buffered(10, job):count() .. " in source order"
  end)

  -- Permits limit what starts in different places. They come back however the block is left.
  local gate = ebb.semaphore(3)
  measure("semaphore", function()
    ebb.scope(function(s)
      for _ = 1, 9 do
        s:spawn(function()
          local _ <close> = gate:acquire()
          job(0.1)
        end)
      end
    end)
    return gate:available() .. " permits back"
  end)
end)
