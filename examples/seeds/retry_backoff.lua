-- A main loop that polls, and is patient with a source that fails.
local ebb = require "ebb"

local rt <close> = ebb.runtime { clock = "virtual" }
rt:run(function()
  local started = ebb.now()
  local function note(...) print(("%6.1f"):format(ebb.now() - started), ...) end

  -- What the source says next: data, nothing yet, an error.
  local script = { "a", false, "!", "!", "!", "b", false, "c" }
  local function listen()
    local word = table.remove(script, 1)
    if word == "!" then return nil, "connection reset" end
    return { data = word or nil }
  end

  -- Longer and longer pauses after failures, the usual one after success.
  local seen = 0
  while seen < 3 do
    local got, err = ebb.retry(listen, {
      attempts = 5, delay = 5, factor = 2, max_delay = 60,
      on = function(why, attempt) note("attempt " .. attempt, why) end,
    })
    if not got then
      note("giving up:", err)
    elseif got.data then
      seen = seen + 1
      note("data", got.data)
    end
    ebb.sleep(1)
  end

  -- An outcome after the last attempt is the last attempt's, thrown or returned.
  print(ebb.retry(function(attempt) return nil, "busy, attempt " .. attempt end, { attempts = 3 }))
  print(pcall(ebb.retry, function() error("crashed", 0) end, { attempts = 2, delay = 0.1 }))

  -- A deadline holds for all of it, pauses included; a cancel is never retried.
  print(ebb.timeout(10, ebb.retry, function()
    ebb.sleep(1)
    error "no answer"
  end, { attempts = math.huge, delay = 1 }))
  note "done"
end)
