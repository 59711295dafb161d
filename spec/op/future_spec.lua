-- What the combinators of futures come to in ops, groups and task handles.
local ebb = require "ebb"
local helper = require "spec.helper"
local after = require("spec.task.support").after
local it_seeded, pack = helper.it_seeded, table.pack

describe("ops as futures", function()
  it_seeded("ready, never and defer_op; try_select polls once (FU1)", function()
    local made = 0
    local lazy = ebb.defer_op(function()
      made = made + 1
      return ebb.ready("lazy")
    end)
    assert.equal(0, made)
    assert.same({ n = 1, "lazy" }, pack(ebb.await(lazy)))
    assert.equal(1, made)
    assert.same({ n = 3, 1, 1, nil }, pack(ebb.try_select(ebb.ready(1, nil))))
    assert.is_nil((ebb.try_select(ebb.never())))
    local ch = ebb.channel(1)
    assert.is_nil((ebb.try_select(ch)))
    ch:send("kept")
    assert.equal(1, #ch)
    assert.same({ n = 2, 1, "kept" }, pack(ebb.try_select(ch)))
  end)

  it_seeded("map runs once, and never for an arm that lost (FU2)", function()
    local ran = 0
    local function count(v)
      ran = ran + 1
      ebb.sleep(1)
      return v * 2
    end
    assert.equal(4, ebb.await(ebb.ready(2):map(count)))
    assert.equal(1, ran)
    assert.equal(2, (ebb.select(ebb.never():map(count), ebb.after(1))))
    assert.equal(1, ran)
  end)

  it_seeded("and_then only on success, or_else only on nil, err (FU3)", function()
    local function never_called() error "the other side" end
    local good, bad = ebb.ready(1), ebb.ready(nil, "bad")
    assert.equal(2, ebb.await(good:and_then(function(v) return v + 1 end)))
    assert.same({ n = 2, nil, "bad" }, pack(ebb.await(bad:and_then(never_called))))
    assert.equal(1, ebb.await(good:or_else(never_called)))
    assert.equal("was bad", ebb.await(bad:or_else(function(_, err) return "was " .. err end)))
  end)

  it_seeded("an op given by and_then is performed: flatten (FU4)", function()
    local start = ebb.now()
    local op = ebb.ready(2):and_then(function(s) return ebb.after(s):map(function() return s end) end)
    assert.equal(2, ebb.await(op))
    assert.equal(2, ebb.now() - start)
  end)
end)

describe("groups as futures", function()
  it_seeded("join_all: input order, together, no early end (FU5)", function()
    local start = ebb.now()
    assert.same({ "a", "b", "c" }, ebb.join_all { after(3, "a"), after(1, "b"), after(2, "c") })
    assert.equal(3, ebb.now() - start)
    assert.same({}, ebb.join_all {})
    local ended = false
    local ok, err = pcall(ebb.join_all, {
      function() error("first", 0) end,
      function() ebb.sleep(5) ended = true end,
    })
    assert.is_false(ok)
    assert.equal("first", err)
    assert.is_true(ended)
  end)

  it_seeded("try_join_all: the first failure ends the others (FU6)", function()
    local start, ended = ebb.now(), false
    local function slow() ebb.sleep(5) ended = true return 1 end
    local function fails() ebb.sleep(1) return nil, "no" end
    assert.same({ n = 2, nil, "no" }, pack(ebb.try_join_all { slow, fails }))
    assert.equal(1, ebb.now() - start)
    assert.is_false(ended)
    assert.same({ "x", "y" }, ebb.try_join_all { after(2, "x"), after(1, "y") })
  end)

  it_seeded("the loser of a select over tasks goes on (FU7)", function()
    local slow, quick = ebb.spawn(after(2, "slow")), ebb.spawn(after(1, "quick"))
    assert.same({ n = 2, 2, "quick" }, pack(ebb.select(slow, quick)))
    assert.is_false(slow:finished())
    assert.equal("slow", slow:await())
  end)

  it_seeded("select over a list, taking out the winner each round (FU8)", function()
    local rest, order = {}, {}
    for i = 1, 4 do rest[i] = ebb.spawn(after(5 - i, i)) end
    while #rest > 0 do
      local index, value = ebb.select(rest)
      order[#order + 1] = value
      table.remove(rest, index)
    end
    assert.same({ 4, 3, 2, 1 }, order)
    helper.throws("EBB061", ebb.select, {})
  end)

  it_seeded("first success of many by a join_set (FU9)", function()
    local function first_success(fns)
      local js <close> = ebb.join_set()
      for _, fn in ipairs(fns) do js:spawn(fn) end
      local ok, value
      for task in js do
        ok, value = task:join()
        if ok then return value end
      end
      return nil, value
    end
    local function fails(s, err) return function() ebb.sleep(s) error(err, 0) end end
    local start = ebb.now()
    assert.equal("v", first_success { fails(1, "e1"), after(2, "v"), after(9, "late") })
    assert.equal(2, ebb.now() - start)
    assert.same({ n = 2, nil, "last" }, pack(first_success { fails(2, "last"), fails(1, "e") }))
  end)
end)

describe("task handles as futures", function()
  it_seeded("cancel: before the first run, while waiting, after the end (FU10)", function()
    local ran = 0
    local function body() ran = ran + 1 ebb.sleep(5) ran = ran + 1 end
    local early = ebb.spawn(body)
    assert.is_true(early:cancel())
    assert.is_false((early:join()))
    assert.equal(0, ran)
    local waiting, start = ebb.spawn(body), ebb.now()
    ebb.sleep(1)
    waiting:cancel("stop")
    assert.is_false((waiting:join()))
    assert.equal(1, ran)
    assert.equal(1, ebb.now() - start)
    assert.equal("cancelled", waiting:status())
    local done = ebb.spawn(after(0, "v"))
    assert.equal("v", done:await())
    assert.is_false(done:cancel() or false)
    assert.equal("v", done:await())
    assert.equal("done", done:status())
  end)

  it_seeded("one run, many awaiters, all get the same (FU11)", function()
    local runs, result = 0, {}
    local task = ebb.spawn(function() runs = runs + 1 ebb.sleep(1) return result end)
    local waiters = {}
    for i = 1, 5 do waiters[i] = function() return task:await() end end
    for _, got in ipairs(ebb.join_all(waiters)) do assert.equal(result, got) end
    assert.equal(result, task:await())
    assert.equal(1, runs)
  end)

  it_seeded("spawn lets it run, a join_set ends it, the error travels (FU12)", function()
    local ran = {}
    local function work(name) ebb.sleep(1) ran[#ran + 1] = name end
    ebb.spawn(work, "spawned")
    do
      local js <close> = ebb.join_set()
      js:spawn(work, "held")
      ebb.yield()
    end
    ebb.sleep(3)
    assert.same({ "spawned" }, ran)
    local err = {}
    local ok, got = pcall(ebb.await, ebb.spawn(function() error(err) end))
    assert.is_false(ok)
    assert.equal(err, got)
  end)

  it_seeded("pcall around awaits is catch_unwind (FU13)", function()
    local ok, err = pcall(function() ebb.sleep(1) error("late", 0) end)
    assert.is_false(ok)
    assert.equal("late", err)
    assert.same({ n = 3, true, 1, nil }, pack(pcall(function() ebb.sleep(1) return 1, nil end)))
  end)

  it_seeded("select over a set with false arms: ended sources are skipped (FU14)", function()
    local a, b, seen = ebb.channel(2), ebb.channel(2), {}
    for i = 1, 2 do a:send(i) b:send(i * 10) end
    a:close()
    b:close()
    local set = { a = a, b = b }
    while set.a or set.b do
      local which, v = ebb.select(set)
      if v == nil then set[which] = false else seen[#seen + 1] = v end
    end
    table.sort(seen)
    assert.same({ 1, 2, 10, 20 }, seen)
    helper.throws("EBB061", ebb.select, set)
  end)
end)
