--- The reference model's tasks as programs see them, scopes, groups, join sets and tokens.
local pack, unpack = table.pack, table.unpack

local function add_tasks(w, ebb)
  local Task = { __name = "model.task" }
  Task.__index = Task

  local function was_cancelled(task)
    return setmetatable({ cancelled_task = task, reason = task.reason }, { __name = "model.was_cancelled" })
  end

  --- What awaiting it throws.
  function w.failure(task)
    task.taken = true
    if task.state == "cancelled" then return was_cancelled(task) end
    return task.err
  end

  --- Does `task` wait, directly or through others, for the end of `target`?
  local function waits_for(task, target)
    while task do
      if task == target then return true end
      local arms = task.wait and task.wait.arms
      task = arms and #arms == 1 and arms[1].leaf.joins or nil
    end
  end

  local function join_leaf(target, throws)
    local leaf = { joins = target }
    function leaf.throws(task)
      if w.finished(target) then return throws and target.state ~= "done" end
      return waits_for(target, task) and "EBB044"
    end
    function leaf.ready(task) return w.finished(target) or waits_for(target, task) end
    function leaf.take()
      if not w.finished(target) then return { n = 1, "EBB044", throws = true } end
      return leaf.outcome()
    end
    function leaf.outcome()
      if target.state == "done" then
        local results = target.results
        if throws then return results end
        return pack(true, unpack(results, 1, results.n))
      end
      if throws then return { n = 1, w.failure(target), throws = true } end
      return pack(false, w.failure(target))
    end
    function leaf.link(arm) w.join_queue(arm, target.joiners) end
    return leaf
  end

  local function as_handle(task)
    task.leaf = join_leaf(task, true)
    return setmetatable(task, Task)
  end
  w.as_handle = as_handle

  function ebb.spawn(fn, ...) return as_handle(w.spawn(fn, ...)) end
  function ebb.go(fn, ...) as_handle(w.spawn(fn, ...)) end
  function ebb.delay(s, fn, ...)
    local due = w.later(w.now, s)
    return ebb.spawn(function(...)
      ebb.sleep_until(due)
      return fn(...)
    end, ...)
  end
  function ebb.current() return w.current end
  ebb.coroutine = {}
  --- Awaits pass through; closers that fail in it do what they do within a pcall.
  function ebb.coroutine.wrap(fn)
    return function(...)
      local results = pack(w.pcall(fn, ...))
      if not results[1] then error(results[2], 0) end
      return unpack(results, 2, results.n)
    end
  end
  function ebb.is_cancelled(e) return w.is_cancel(e) end

  function Task.await(task) return w.await(task.leaf) end
  function Task.join(task) return w.await(join_leaf(task, false)) end
  function Task.join_op(task) return w.leaf_op(join_leaf(task, false)) end
  function Task.cancel(task, reason) return w.cancel(task, reason) end
  function Task.status(task) return task.state end
  function Task.finished(task) return w.finished(task) end
end

local function add_scopes(w, ebb)
  local Scope = { __name = "model.scope" }
  Scope.__index = Scope

  local function cancel_children(s, err)
    for i = #s.children, 1, -1 do
      local child = s.children[i]
      if child and not child.asked then w.ask_end(child, err) end
    end
  end

  local function cancel_all(s, err)
    cancel_children(s, err)
    if s.body then w.strike(s.body, err, false) end
  end

  local function failed(s, task, err)
    if s.isolate or s.failure then
      w.report(task, err)
    else
      s.failure = { err }
      cancel_all(s, w.cancel_error "a sibling failed")
    end
  end

  local function new_scope(opts)
    local s = setmetatable({ children = {}, n = 0, waiters = {}, defers = {}, of_cleanup = w.closing }, Scope)
    s.isolate = opts and opts.isolate
    s.collect = opts and opts.collect
    function s.child_ended(task)
      if task.state == "failed" and not s.collect then
        task.taken = true
        failed(s, task, task.err)
      end
    end
    function s.child_left(task)
      w.remove(s.children, task)
      s.n = s.n - 1
      if s.n == 0 then w.wake_all(s.waiters) end
    end
    return s
  end

  --- Waits until every child has ended; a strike meanwhile asks them to end, and the wait goes on.
  local function wait_for_children(s)
    local leaf = { link = function(arm) w.join_queue(arm, s.waiters) end }
    local interrupted = false
    while s.n > 0 or interrupted do
      local region = not s.firm and w.visible(w.current)
      interrupted = false
      if region then
        s.firm, s.struck = true, true
        region.soft = false
        region.err = region.err or w.cancel_error(region.kind == "timeout" and "timeout" or nil)
        cancel_children(s, region.err)
      end
      if s.n > 0 then
        w.current.silent = true -- an interrupt is told to the children, and the wait goes on
        interrupted = w.park({ { leaf = leaf } }, s.firm).interrupted
        w.current.silent = false
      end
    end
  end

  local function run_defers(s, block_failed)
    while s.defers[1] do
      local fn = table.remove(s.defers)
      local region = w.open "cleanup"
      region.is_defer = true
      local ok, err = pcall(fn)
      w.close(region)
      if not ok then
        if s.failure or block_failed then w.report(nil, err) else s.failure = { err } end
      end
    end
  end

  local function take_failure(s)
    local failure = s.failure
    s.failure = nil
    return failure
  end

  local function run_body(fn)
    local s = new_scope()
    s.body = w.open "scope"
    local region = s.body
    local results = pack(pcall(fn, s))
    w.close(region)
    s.body = nil
    local block_err, own
    if not results[1] then
      local err = results[2]
      own = region.err ~= nil and rawequal(err, region.err)
      if own then
        results = nil
      elseif w.is_cancel(err) then
        block_err, s.firm = { err }, true
        cancel_children(s, err)
      else
        if not s.failure then
          s.failure = { err }
        elseif not rawequal(s.failure[1], err) then
          w.report(nil, err)
        end
        cancel_children(s, w.cancel_error "the scope's body failed")
      end
    end
    if block_err and s.failure then block_err = nil end
    wait_for_children(s)
    run_defers(s, block_err)
    s.ended = true
    local failure = take_failure(s)
    if failure and not block_err then error(failure[1], 0) end
    if failure then w.report(nil, failure[1]) end
    if block_err then error(block_err[1], 0) end
    if s.struck then w.check(true) end
    if own then return nil, "cancelled", region.err.reason end
    return unpack(results, 2, results.n)
  end

  function ebb.scope(arg)
    if type(arg) == "function" then return run_body(arg) end
    return new_scope(arg)
  end

  function Scope.spawn(s, fn, ...)
    if s.ended then error("cannot spawn in a scope that has ended", 0) end
    local task = w.as_handle(w.spawn(fn, ...))
    task.scope = s
    s.children[#s.children + 1] = task
    s.n = s.n + 1
    if s.failure or s.cancelled or s.firm or s.closing then w.cancel(task) end
    return task
  end

  function Scope.cancel(s, reason)
    if s.ended or s.cancelled then return false end
    s.cancelled = w.cancel_error(reason)
    cancel_all(s, s.cancelled)
    return true
  end

  function Scope.defer(s, fn)
    if s.ended then error("cannot defer in a scope that has ended", 0) end
    s.defers[#s.defers + 1] = fn
  end

  local function begin_waiting(s)
    if s.waiting or s.body then error("somebody waits for this scope already", 0) end
    s.waiting = true
  end

  --- Everything has ended: what the scope remembers, for one wait.
  local function done_waiting(s)
    local cancelled, struck = s.cancelled, s.struck
    s.waiting, s.firm, s.struck, s.cancelled = false, false, false, nil
    return cancelled, struck
  end

  function Scope.wait(s)
    w.check(false)
    begin_waiting(s)
    wait_for_children(s)
    local cancelled, struck = done_waiting(s)
    local failure = take_failure(s)
    if failure then error(failure[1], 0) end
    if struck then w.check(true) end
    if cancelled then return nil, "cancelled", cancelled.reason end
    return true
  end

  local function leave(s, block_err, by_hand)
    begin_waiting(s)
    wait_for_children(s)
    run_defers(s, block_err)
    s.ended = true
    local _, struck = done_waiting(s)
    local failure = take_failure(s)
    if failure then
      if not block_err and not by_hand then error(failure[1], 0) end
      w.report(nil, failure[1])
    end
    if struck then w.check(true) end
  end

  function Scope.close(s)
    local err = w.cancel_error "the scope was closed"
    if s.ended or s.waiting or s.body then
      if not s.ended then cancel_all(s, err) end
      return
    end
    cancel_children(s, err)
    s.closing = true
    if w.current then return leave(s, nil, true) end
    -- a host's: nobody waits, nobody is thrown a failure
    s.cancelled, s.isolate = s.cancelled or err, true
    local failure = take_failure(s)
    if failure then w.report(nil, failure[1]) end
  end

  function Scope.__close(s, err)
    if s.ended or s.waiting then return end
    if err ~= nil then
      cancel_children(s, w.is_cancel(err) and err or w.cancel_error "the scope's block failed")
      s.firm = true
    end
    local ok, failure = pcall(leave, s, err)
    if not ok then w.close_failed(failure, err) end
  end
end

--- Groups: functions become children of a scope that only collects.
local function add_groups(w, ebb)
  local function start(s, ends, i, item, ...)
    local task = s:spawn(function(...)
      local _ <close> = setmetatable({}, { __close = function() ends:try_send(i) end })
      if w.is_op(item) then return ebb.await(item) end
      return item(...)
    end, ...)
    task.fn = item
    return task
  end

  --- body(s, ends) in a scope that is closed whatever happens.
  local function grouped(body)
    local s <close> = ebb.scope { collect = true }
    return body(s, ebb.channel(math.huge))
  end

  local function report_others(tasks, except)
    for i = 1, #tasks do
      local task = tasks[i]
      if i ~= except and task and task.state == "failed" and not task.taken then
        task.taken = true
        w.report(task, task.err)
      end
    end
  end

  local function throw(task)
    w.check(false)
    error(w.failure(task), 0)
  end

  --- Which member has ended; a cancel wins over the end of a task.
  local function next_end(ends)
    local i = ends:recv()
    w.check(false)
    return i
  end

  function ebb.join(...)
    local items = { ... }
    return grouped(function(s, ends)
      local tasks, results, first = {}, { n = #items }, nil
      for i, item in ipairs(items) do tasks[i] = start(s, ends, i, item) end
      for _ = 1, #items do
        local i = next_end(ends)
        if tasks[i].state == "done" then results[i] = tasks[i].results[1] else first = first or i end
      end
      if first then
        report_others(tasks, first)
        throw(tasks[first])
      end
      return unpack(results, 1, results.n)
    end)
  end

  function ebb.try_join(...)
    local items = { ... }
    return grouped(function(s, ends)
      local tasks, results = {}, { n = #items }
      for i, item in ipairs(items) do tasks[i] = start(s, ends, i, item) end
      for _ = 1, #items do
        local i = next_end(ends)
        local task = tasks[i]
        local failed = task.state ~= "done"
        if failed or (task.results[1] == nil and task.results[2] ~= nil) then
          s:close()
          report_others(tasks, failed and i)
          if failed then throw(task) end
          return unpack(task.results, 1, task.results.n)
        end
        results[i] = task.results[1]
      end
      return unpack(results, 1, results.n)
    end)
  end

  function ebb.race(...)
    local items = { ... }
    return grouped(function(s, ends)
      local tasks = {}
      for i, item in ipairs(items) do tasks[i] = start(s, ends, i, item) end
      local i = next_end(ends)
      s:close()
      report_others(tasks, i)
      if tasks[i].state ~= "done" then throw(tasks[i]) end
      w.check(false)
      return i, unpack(tasks[i].results, 1, tasks[i].results.n)
    end)
  end

  function ebb.map(list, fn, limit)
    return grouped(function(s, ends)
      local tasks, results = {}, {}
      local function next_item()
        local i = #tasks + 1
        tasks[i] = start(s, ends, i, fn, list[i], i)
      end
      while #tasks < #list and #tasks < (limit or math.huge) do next_item() end
      for _ = 1, #list do
        local i = next_end(ends)
        if tasks[i].state ~= "done" then
          s:close()
          report_others(tasks, i)
          throw(tasks[i])
        end
        results[i] = tasks[i].results[1]
        if #tasks < #list then next_item() end
      end
      return results
    end)
  end
end

local function add_join_set(w, ebb)
  function ebb.join_set()
    local js, ended, queue, n = {}, {}, {}, 0
    local s = ebb.scope { collect = true }
    js.leaf = { takes = true }
    function js.leaf.ready() return ended[1] ~= nil or n == 0 end
    function js.leaf.take()
      if n == 0 then return pack(nil) end
      n = n - 1
      return pack(table.remove(ended, 1))
    end
    function js.leaf.link(arm) w.join_queue(arm, queue) end
    local function collected(task)
      ended[#ended + 1] = task
      if queue[1] then
        n = n - 1
        w.wake(queue[1], table.remove(ended, 1))
        if n == 0 then w.wake_all(queue, nil) end
      end
    end
    s.child_ended = collected
    function js.spawn(_, fn, ...)
      local task = s:spawn(fn, ...)
      n = n + 1
      return task
    end
    function js.join_next() return w.await(js.leaf) end
    function js.try_join_next()
      if ended[1] then return js.leaf.take()[1] end
      return nil
    end
    function js.cancel_all(_, reason)
      local err = w.cancel_error(reason)
      for i = #s.children, 1, -1 do
        if s.children[i] and not s.children[i].asked then w.ask_end(s.children[i], err) end
      end
    end
    --- Ends all and waits for that; the set is empty then.
    local function close_all(over)
      ended = {}
      local function ends_unseen(task)
        if queue[1] then collected(task) else n = n - 1 end
      end
      s.child_ended = ends_unseen
      n = s.n
      if over then s:close() else
        js:cancel_all()
        s:wait()
      end
      n, s.child_ended = 0, collected
      w.wake_all(queue, nil)
    end
    function js.shutdown()
      if s.n > 0 then close_all(false) end
      ended, n = {}, 0
      return true
    end
    function js.close() if not s.ended then close_all(true) end end
    function js.leave(_, err)
      local ok, failure = pcall(js.close)
      if not ok then w.close_failed(failure, err) end
    end
    return setmetatable(js, { __len = function() return n end, __close = js.leave, __call = js.join_next })
  end
end

local function add_tokens(w, ebb)
  local Token = {}
  Token.__index = Token

  function ebb.token(parent)
    local tok = setmetatable({ queue = {}, regions = {}, children = {} }, Token)
    if parent then
      parent.children[#parent.children + 1] = tok
      tok.err = parent.err
    end
    tok.leaf = {}
    function tok.leaf.ready() return tok.err ~= nil end
    function tok.leaf.take() return pack(true, tok.err.reason) end
    function tok.leaf.link(arm) w.join_queue(arm, tok.queue) end
    return tok
  end

  local function cancel(tok, err)
    if tok.err then return false end
    tok.err = err
    for _, region in ipairs({ unpack(tok.regions) }) do w.strike(region, err, false) end
    w.wake_all(tok.queue, true, err.reason)
    for _, child in ipairs(tok.children) do cancel(child, err) end
    return true
  end

  function Token.cancel(tok, reason) return cancel(tok, w.cancel_error(reason)) end
  function Token.is_cancelled(tok) return tok.err ~= nil end
  function Token.cancelled(tok) return w.await(tok.leaf) end
  function Token.child(tok) return ebb.token(tok) end
  function Token.run(tok, fn, ...)
    if tok.err then return nil, "cancelled", tok.err.reason end
    local region = w.open "token"
    tok.regions[#tok.regions + 1] = region
    local results = pack(pcall(w.region, region, fn, ...))
    w.remove(tok.regions, region)
    if not results[1] then error(results[2], 0) end
    if not results[2] then return nil, "cancelled", tok.err.reason end
    return unpack(results, 3, results.n)
  end
end

return function(w, ebb)
  add_tasks(w, ebb)
  add_scopes(w, ebb)
  add_groups(w, ebb)
  add_join_set(w, ebb)
  add_tokens(w, ebb)
end
