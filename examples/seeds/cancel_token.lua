-- A token cancels code from outside: a loop that asks, code that does not, and whole trees.
local ebb = require "ebb"

local rt <close> = ebb.runtime { clock = "virtual" }
rt:run(function()
  -- A loop that listens, and says goodbye in its own way.
  local token = ebb.token()
  local polite = ebb.spawn(function()
    local n = 0
    while true do
      if ebb.select(ebb.after(1), token) == 2 then break end
      n = n + 1
    end
    ebb.sleep(0.1) -- cleaning up
    return "worked " .. n .. " times, then stopped"
  end)
  ebb.sleep(5.5)
  token:cancel "enough"
  print(polite:await())

  -- Code that has never heard of tokens. Its cleanups run, and may wait.
  local function important(seconds)
    local _ <close> = setmetatable({}, { __close = function(_, err)
      ebb.sleep(0.1)
      print(err and "rolled back" or "committed")
    end })
    ebb.sleep(seconds)
    return "saved"
  end
  local second = ebb.token()
  ebb.delay(5, second.cancel, second, "user pressed Esc")
  print(second:run(important, 1))
  print(second:run(important, 60))
  print(second:run(important, 1)) -- a cancelled token stays so

  -- Children: cancelling the parent cancels them; a child alone leaves the rest.
  local app = ebb.token()
  local page, dialog = app:child(), app:child()
  dialog:cancel "closed"
  print("app", app:is_cancelled(), "page", page:is_cancelled(), "dialog", dialog:is_cancelled())
  app:cancel "quit"
  print("page", page:is_cancelled(), page:cancelled())
end)
