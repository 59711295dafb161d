-- ebb.notify: one, all, the one that is kept, and cancels that lose none.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.task.support"
local it_runs, settle, pack = helper.it, support.settle, table.pack

-- n tasks that wait, each of them behind the others if `in_order`; log gets their numbers.
local function waiters(notify, n, log, in_order)
  local tasks = {}
  for i = 1, n do
    tasks[i] = ebb.spawn(function()
      assert.is_true(notify:wait())
      log(i)
    end)
    if in_order then settle() end
  end
  ebb.sleep(1) -- until all wait, however many
  return tasks
end

describe("a notify", function()
  it_runs("NO1 R104 keeps one notification for the next to come, never more", function()
    local notify = ebb.notify()
    notify:notify_one()
    notify:notify_one()
    assert.equal("ebb.notify: 0 waiting, one notification kept", tostring(notify))
    assert.is_true(notify:wait())
    assert.same({ n = 3, nil, "timeout", 1 }, pack(ebb.timeout(1, notify)))
  end)

  it_runs("NO2 notify_one wakes the one that has waited longest", function()
    local notify, log = ebb.notify(), helper.log()
    waiters(notify, 3, log, true)
    notify:notify_one()
    settle()
    assert.equal("1", log:text())
    notify:notify_one()
    settle()
    assert.equal("1 2", log:text())
    notify:notify_one()
    settle()
    assert.equal("1 2 3", log:text())
    assert.equal("ebb.notify: 0 waiting", tostring(notify))
  end)

  it_runs("NO3 NO7 R41 notify_all wakes all who wait now and keeps nothing", function()
    local notify, log = ebb.notify(), helper.log()
    notify:notify_all()
    assert.is_nil((ebb.timeout(1, notify)))
    waiters(notify, 3, log)
    notify:notify_all()
    notify:notify_one()
    settle()
    table.sort(log)
    assert.equal("1 2 3", log:text())
    assert.is_true(ebb.timeout(0, notify))
  end)

  it_runs("R105 a task that waits again is not woken twice by one call", function()
    local notify, n = ebb.notify(), 0
    local task = ebb.spawn(function()
      while true do
        notify:wait()
        n = n + 1
      end
    end)
    settle()
    notify:notify_all()
    settle()
    assert.equal(1, n)
    task:cancel()
  end)

  it_runs("R101 wakes a crowd", function()
    local notify, log = ebb.notify(), helper.log()
    waiters(notify, 10001, log)
    notify:notify_all()
    ebb.sleep(1)
    assert.equal(10001, #log)
  end)

  it_runs("is an op, and in select loses nothing", function()
    local a, b = ebb.notify(), ebb.notify()
    local task = ebb.spawn(ebb.select, a, b)
    settle()
    b:notify_one()
    a:notify_one()
    assert.same({ n = 2, 2, true }, pack(task:await()))
    assert.is_true(a:wait())
    assert.is_nil((ebb.try_select(a, b)))
  end)
end)

describe("a cancelled wait", function()
  it_runs("before its start takes nothing", function()
    local notify = ebb.notify()
    notify:notify_one()
    local task = ebb.spawn(notify.wait, notify)
    task:cancel()
    task:join()
    assert.is_true(ebb.timeout(0, notify))
  end)

  it_runs("while waiting leaves its place to the next", function()
    local notify, log = ebb.notify(), helper.log()
    local tasks = waiters(notify, 2, log)
    tasks[1]:cancel()
    tasks[1]:cancel()
    notify:notify_one()
    settle()
    assert.equal("2", log:text())
  end)

  it_runs("NO6 in the turn of its wake passes the notification on", function()
    for _, form in ipairs { "wait", "await", "select", "timeout" } do
      local notify, log = ebb.notify(), helper.log()
      local first = ebb.spawn(function()
        if form == "wait" then notify:wait()
        elseif form == "await" then ebb.await(notify)
        elseif form == "select" then ebb.select(ebb.never(), notify)
        else ebb.timeout(9, notify) end
        log "never"
      end)
      settle()
      waiters(notify, 1, log)
      notify:notify_one()
      first:cancel()
      first:cancel()
      first:join()
      settle()
      assert.equal("1", log:text())
      assert.equal("cancelled", first:status())
    end
  end)

  it_runs("NO6 with nobody behind it keeps the notification", function()
    local notify = ebb.notify()
    local task = ebb.spawn(notify.wait, notify)
    settle()
    notify:notify_one()
    task:cancel()
    task:join()
    assert.is_true(ebb.timeout(0, notify))
  end)

  it_runs("woken by notify_all keeps nothing", function()
    local notify = ebb.notify()
    local task = ebb.spawn(notify.wait, notify)
    settle()
    notify:notify_all()
    task:cancel()
    task:join()
    assert.equal("cancelled", task:status())
    assert.is_nil((ebb.timeout(0, notify)))
  end)
end)
