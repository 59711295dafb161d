-- Locks, barriers, notifies: what others do by further methods.
local ebb = require "ebb"
local helper = require "spec.helper"
local it_seeded = helper.it_seeded

describe("sync", function()
  it_seeded("a reader cannot become a writer (RW8)", function()
    local rw = ebb.rwlock()
    local guard <close> = rw:read()
    assert.is_nil(guard.upgrade)
    helper.throws("EBB042", rw.write, rw)
  end)

  it_seeded("in a try_join a party that fails frees the others (BA4)", function()
    local barrier, through = ebb.barrier(3), 0
    local function party() barrier:wait() through = through + 1 end
    helper.throws("no show", ebb.try_join, party, party, function()
      ebb.sleep(1)
      error("no show", 0)
    end)
    assert.equal(0, through)
    ebb.join(party, party, party)
    assert.equal(3, through)
  end)

  it_seeded("who waits gets notify_all, an op that is only made does not (NO4)", function()
    local n, woken = ebb.notify(), 0
    local op = n:map(function() woken = woken + 1 end)
    local waiter = ebb.spawn(function() n:wait() return "woken" end)
    ebb.sleep(1)
    n:notify_all()
    assert.equal("woken", waiter:await())
    assert.equal(2, (ebb.select(op, ebb.after(1))))
    assert.equal(0, woken)
  end)

  it_seeded("try_select takes a stored notification without waiting (NO5)", function()
    local n = ebb.notify()
    assert.is_nil((ebb.try_select(n)))
    n:notify_one()
    assert.equal(1, (ebb.try_select(n)))
    assert.is_nil((ebb.try_select(n)))
  end)

  it_seeded("set once: a oneshot refuses the second value (OC4)", function()
    local o = ebb.oneshot()
    assert.is_true(o:send(1))
    assert.same({ n = 2, nil, "closed" }, table.pack(o:send(2)))
    assert.equal(1, o:recv())
  end)

  it_seeded("set once, many wait: a watch and wait_for (SO1)", function()
    local w, fns = ebb.watch(false), {}
    local function is_set(v) return v end
    for i = 1, 4 do fns[i] = function() return w:subscribe():wait_for(is_set) end end
    fns[5] = function() ebb.sleep(1) w:set("v") return "set" end
    assert.same({ "v", "v", "v", "v", "set" }, ebb.join_all(fns))
    local start = ebb.now()
    assert.equal("v", w:subscribe():wait_for(is_set))
    assert.equal(start, ebb.now())
  end)
end)
