-- A question with the way back for its answer: exactly one reply, or the news that none will come.
local ebb = require "ebb"

local rt <close> = ebb.runtime { clock = "virtual" }
rt:run(function()
  local requests = ebb.channel(8)

  local server = ebb.spawn(function()
    for request in requests do
      ebb.sleep(0.1)
      if request.n == 0 then
        request.reply:fail "cannot divide by zero" -- thrown where the reply is awaited
      elseif request.n > 100 then
        request.reply:close() -- no answer at all
      else
        request.reply:send(100 // request.n, 100 % request.n) -- any number of values
      end
    end
    return "server ends"
  end)

  local function ask(n)
    local reply = ebb.oneshot()
    requests:send { n = n, reply = reply }
    return reply:recv()
  end

  print("100 / 7", ask(7))
  print("100 / 0", pcall(ask, 0))
  print("100 / 101", ask(101))

  -- Too slow: the question is withdrawn; the server's reply finds nobody and harms nobody.
  print("in a hurry", ebb.timeout(0.05, ask, 3))
  print("the next one", ask(8))

  -- Once means once.
  local once = ebb.oneshot()
  print(once:send "first", once:send "second")
  print(once:recv())
  print(once:recv())

  -- As a branch beside others.
  local answer = ebb.oneshot()
  ebb.delay(0.2, answer.send, answer, "hello from afar")
  print(ebb.select { answer = answer, late = ebb.after(1) })

  requests:close()
  print(server:await())
end)
