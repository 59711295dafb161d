--- Tasks, scopes, groups, tokens and what is made of them. A completion opens a latch that a task or a member waits for.
local ebb = require "ebb"

--- A wait that ends when a latch opens. `inside` counts members that run: none when the wait is over.
local function gated(name, of, numbers, make, extra)
  local row = {
    name = name, of = of, numbers = numbers, carries = nil,
    make = function()
      local latch, inside = ebb.latch(1), { n = 0 }
      local function member()
        inside.n = inside.n + 1
        local _ <close> = setmetatable({}, { __close = function()
          ebb.yield() -- a cleanup that waits
          inside.n = inside.n - 1
        end })
        latch:wait()
        return "v"
      end
      local case = make(member, latch, inside)
      case.complete = case.complete or function() latch:count_down() end
      case.expect = case.expect or { "v" }
      case.check = case.check or function() assert(inside.n == 0, "a member still runs") end
      return case
    end,
  }
  for k, v in pairs(extra or {}) do row[k] = v end
  return row
end

--- A wait for a task that is nobody's child: it goes on when the waiter is struck.
local function of_task(name, of, make, extra)
  return gated(name, of, "TS3 TS19", function(member)
    local task = ebb.spawn(member)
    local case = make(task)
    case.check = function(_, completed)
      if not completed then
        assert(not task:finished(), "the task was struck, too")
        task:cancel()
      end
      local ok, v = task:join()
      assert(ok == completed and (not ok or v == "v"), "the result is lost")
    end
    return case
  end, extra)
end

--- A wait for the end of a child whose cleanup takes until complete(): make() makes the owner, `ending` is the method.
local function ended_slowly(inside, make, ending)
  local latch = ebb.latch(1)
  return { wait = function()
    local owner <close> = make()
    owner:spawn(function()
      inside.n = inside.n + 1
      local _ <close> = setmetatable({}, { __close = function()
        latch:wait()
        inside.n = inside.n - 1
      end })
      ebb.sleep(math.huge)
    end)
    while inside.n == 0 do ebb.yield() end
    return owner[ending](owner)
  end, complete = function() latch:count_down() end, expect = function() return true end }
end

return {
  of_task("a task's await", { "Task:await", "ebb.Task" }, function(task)
    return { wait = function() return task:await() end, ops = { itself = function() return task end } }
  end, { ready = "either" }),
  of_task("a task's join", { "Task:join", "Task:join_op" }, function(task)
    return { wait = function() return task:join() end, expect = { true, "v" },
      ops = { join_op = function() return task:join_op() end } }
  end, { ready = "either" }),
  gated("a scope's body", { "ebb.scope" }, "JO9", function(member)
    return { wait = function() return ebb.scope(function() return member() end) end }
  end, { ready = "either" }),
  gated("a scope's children", { "ebb.scope" }, "JO9", function(member)
    return { wait = function()
      return ebb.scope(function(s)
        s:spawn(member)
        s:spawn(member)
        return "v"
      end)
    end }
  end, { ready = "either" }),
  gated("s:wait", { "Scope:wait" }, "LS2", function(member)
    return { wait = function()
      local s <close> = ebb.scope()
      s:spawn(member)
      return s:wait()
    end, expect = { true } }
  end, { ready = "either" }),
  gated("the end of a scope's block", { "Scope:close" }, "JS4", function(member)
    return { wait = function()
      do
        local s <close> = ebb.scope()
        s:spawn(member)
      end
      return "v"
    end }
  end, { ready = "either" }),
  gated("s:close", { "Scope:close" }, "JS6", function(_, _, inside)
    return ended_slowly(inside, ebb.scope, "close")
  end, { shielded = true, ready = "either" }),
  gated("join", { "ebb.join" }, "JO1 JO9 FU5", function(member)
    return { wait = function() return ebb.join(member, function() return 2 end) end, expect = { "v", 2 } }
  end, { ready = "either" }),
  gated("try_join", { "ebb.try_join" }, "JO5 JO9", function(member)
    return { wait = function() return ebb.try_join(member, member) end, expect = { "v", "v" } }
  end, { ready = "either" }),
  gated("join_all", { "ebb.join_all" }, "FU5", function(member)
    return { wait = function() return table.unpack(ebb.join_all { member, member }) end, expect = { "v", "v" } }
  end, { ready = "either" }),
  gated("try_join_all", { "ebb.try_join_all" }, "FU6", function(member)
    return { wait = function() return table.unpack(ebb.try_join_all { member, member } or {}) end,
      expect = { "v", "v" } }
  end, { ready = "either" }),
  gated("race", { "ebb.race" }, "FU7", function(member, _, inside)
    return { wait = function()
      return ebb.race(member, function()
        inside.n = inside.n + 1
        local _ <close> = setmetatable({}, { __close = function() inside.n = inside.n - 1 end })
        ebb.sleep(math.huge)
      end)
    end, expect = { 1, "v" } }
  end, { ready = "either" }),
  gated("map", { "ebb.map" }, "FU5", function(member)
    return { wait = function() return table.unpack(ebb.map({ 1, 2, 3 }, member, 2)) end, expect = { "v", "v", "v" } }
  end, { ready = "either" }),
  gated("shield", { "ebb.shield" }, "TS18", function(member)
    return { wait = function() return ebb.shield(member) end }
  end, { shielded = true, ready = "either" }),
  {
    name = "a token", of = { "Token:cancelled", "ebb.Token" }, numbers = "CT1", carries = false,
    make = function()
      local token = ebb.token()
      return {
        wait = function() return token:cancelled() end, ops = { itself = function() return token end },
        complete = function() assert(token:cancel "why") end, expect = { true, "why" }, objects = { token },
        check = function(_, completed) assert(token:is_cancelled() == completed) end,
      }
    end,
  },
  gated("tok:run", { "Token:run" }, "CT5", function(member)
    local token = ebb.token()
    return { wait = function() return token:run(member) end }
  end, { ready = "either" }),
  gated("tok:run, its token cancelled", { "Token:run" }, "CT5", function(_, _, inside)
    local token = ebb.token()
    return { wait = function()
      return token:run(function()
        inside.n = inside.n + 1
        local _ <close> = setmetatable({}, { __close = function() inside.n = inside.n - 1 end })
        ebb.sleep(math.huge)
      end)
    end, complete = function() token:cancel "why" end, expect = { n = 3, nil, "cancelled", "why" } }
  end, { ready = "either" }),
  gated("join_next", { "JoinSet:join_next", "JoinSet:join_next_op", "ebb.Join_set" }, "JS1 JS3", function(member)
    local js = ebb.join_set()
    local task = js:spawn(member)
    local function name(joined) return joined == task and "the task" or joined end
    return {
      wait = function() return name(js:join_next()) end, expect = { "the task" },
      ops = {
        join_next_op = function() return js:join_next_op():map(name) end,
        itself = function() return ebb.map_op(js, name) end,
      },
      check = function(taken, completed)
        assert(#js == (taken and 0 or 1), "a task is lost")
        if completed and not taken then assert(js:join_next() == task and task:await() == "v") end
        js:shutdown()
      end,
    }
  end, { ready = "either" }),
  gated("the loop over a join set", { "JoinSet:join_next" }, "JS11", function(member)
    return { wait = function()
      local js <close> = ebb.join_set()
      js:spawn(member)
      for task in js do return task:await() end -- luacheck: ignore 512
    end }
  end, { ready = "either" }),
  gated("js:shutdown", { "JoinSet:shutdown", "JoinSet:close" }, "JS6", function(_, _, inside)
    return ended_slowly(inside, ebb.join_set, "shutdown")
  end, { shielded = true, ready = "either" }),
  gated("retry", { "ebb.retry" }, nil, function(member)
    return { wait = function()
      return ebb.retry(function(attempt)
        if attempt == 1 then return nil, "once" end
        return member()
      end, { delay = 0 })
    end }
  end, { ready = "either" }),
  gated("supervise", { "ebb.supervise" }, nil, function(member)
    return { wait = function()
      ebb.supervise { { run = member, restart = "temporary" }, { run = member, restart = "transient" } }
      return "v"
    end }
  end, { ready = "either" }),
  gated("an await in a coroutine", { "ebb.coroutine.resume" }, "TS10", function(member)
    return { wait = function() return ebb.coroutine.wrap(function() return member() end)() end }
  end, { ready = "either" }),
  gated("an await in a coroutine's coroutine, in pcall", { "ebb.coroutine.resume" }, "TS10", function(member)
    return { wait = function()
      return ebb.coroutine.wrap(function()
        local ok, v = pcall(ebb.coroutine.wrap(member))
        if not ok then error(v, 0) end
        return v
      end)()
    end }
  end, { ready = "either" }),
  gated("ebb.require", { "ebb.require" }, nil, function(member)
    return { wait = function()
      package.preload["spec.matrix.loaded"] = member
      local _ <close> = setmetatable({}, { __close = function()
        package.preload["spec.matrix.loaded"], package.loaded["spec.matrix.loaded"] = nil, nil
      end })
      return (ebb.require "spec.matrix.loaded")
    end }
  end, { ready = "either", one_at_a_time = true }),
  gated("a select of many", { "ebb.select", "ebb.choice" }, "SE1 SE9", function(_, latch)
    local ch = ebb.channel(1)
    return { wait = function() return ebb.select(ebb.never(), ebb.after(1e6), ch, latch) end,
      expect = { 4, true },
      ops = { choice = function()
        return ebb.choice(ebb.never(), ch, false, latch):map(function() return 4, true end)
      end },
      objects = { ch },
      check = function() assert(table.concat({ ch:waiters() }, " ") == "0 0") end }
  end),
  gated("a named select", { "ebb.select" }, "SE4 SE13", function(_, latch)
    return { wait = function() return ebb.select { gone = false, never = ebb.never(), open = latch } end,
      expect = { "open", true } }
  end),
  gated("select_first", { "ebb.select_first" }, "SE2", function(_, latch)
    return { wait = function() return ebb.select_first(ebb.never(), latch, latch) end, expect = { 2, true } }
  end),
  gated("op:map", { "ebb.map_op", "Op:map" }, "FU2", function(_, latch)
    local function name() return "v" end
    return { wait = function() return ebb.await(ebb.map_op(latch, name)) end,
      ops = { map = function() return ebb.map_op(latch, name):map(name) end } }
  end),
  gated("op:and_then", { "Op:and_then" }, "FU3", function(_, latch)
    local function after() return ebb.ready "v" end
    return { wait = function() return ebb.map_op(latch, function() return true end):and_then(after):await() end }
  end, { ready = "either" }),
  gated("op:or_else", { "Op:or_else" }, "FU3", function(_, latch)
    local op = ebb.map_op(latch, function() return nil, "lost" end)
      :or_else(function(_, why) return why == "lost" and "v" end)
    return { wait = function() return op:await() end, ops = { or_else = function() return op end } }
  end),
  gated("defer_op", { "ebb.defer_op" }, "FU1", function(_, latch)
    local op = ebb.defer_op(function() return latch end)
    return { wait = function() return op:await() end, expect = { true }, ops = { defer = function() return op end } }
  end),
}
