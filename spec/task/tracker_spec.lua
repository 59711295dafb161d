-- Keyed tasks, ordered queues and trackers, made of join_set, scope, latch and plain tables.
local ebb = require "ebb"
local helper = require "spec.helper"
local after = require("spec.task.support").after
local it_seeded = helper.it_seeded

describe("join_set by key", function()
  it_seeded("task handles are ids; join_next tells which failed (JS10)", function()
    local js <close> = ebb.join_set()
    local bad = js:spawn(function() error("boom", 0) end)
    local stopped = js:spawn(after(9, "never"))
    stopped:cancel()
    local good = js:spawn(after(1, "fine"))
    local seen = {}
    for task in js do seen[task] = table.pack(task:join()) end
    assert.same({ n = 2, false, "boom" }, seen[bad])
    assert.is_false(seen[stopped][1])
    assert.equal(stopped, seen[stopped][2].cancelled_task)
    assert.same({ n = 2, true, "fine" }, seen[good])
  end)

  it_seeded("await in turn: completion order, a failure ends the rest (JS8)", function()
    local got, ended = {}, false
    helper.throws("boom", function()
      local js <close> = ebb.join_set()
      js:spawn(after(2, "b"))
      js:spawn(after(1, "a"))
      js:spawn(function() ebb.sleep(3) error("boom", 0) end)
      js:spawn(function() ebb.sleep(9) ended = true end)
      for task in js do got[#got + 1] = task:await() end
    end)
    ebb.sleep(9)
    assert.same({ "a", "b" }, got)
    assert.is_false(ended)
  end)

  it_seeded("a table of keys: replaced, cancelled by key, used again (JM1, JM2, JM3)", function()
    local js <close> = ebb.join_set()
    local by_key, key_of = {}, {}
    local function put(key, fn)
      if by_key[key] then
        key_of[by_key[key]] = nil
        by_key[key]:cancel()
      end
      local task = js:spawn(fn)
      by_key[key], key_of[task] = task, key
    end
    local function next_pair()
      for task in js do
        local key = key_of[task]
        if key then
          key_of[task], by_key[key] = nil, nil
          return key, task:join()
        end
      end
    end
    put("a", after(1, "old"))
    put("a", after(2, "new"))
    put("b", after(3, "b"))
    put("c", after(9, "c"))
    assert.is_true(by_key.c:cancel())
    local results = {}
    for key, ok, value in next_pair do results[key] = ok and value or "cancelled" end
    assert.same({ a = "new", b = "b", c = "cancelled" }, results)
    assert.is_nil(next(by_key))
    assert.equal(0, #js)
    put("a", after(1, "again"))
    assert.same({ n = 3, "a", true, "again" }, table.pack(next_pair()))
  end)

  it_seeded("results in the order of spawning, though later ones end first (JQ1)", function()
    local start, got = ebb.now(), {}
    local tasks = {}
    for i = 1, 4 do tasks[i] = after(5 - i, i) end
    for v in ebb.stream.iter(tasks):buffered(4):each() do
      got[#got + 1] = v
      assert.equal(4, ebb.now() - start)
    end
    assert.same({ 1, 2, 3, 4 }, got)
    assert.same({ 1, 2, 3 }, ebb.map({ 3, 2, 1 }, function(s, i) ebb.sleep(s) return i end))
  end)
end)

describe("tracking tasks", function()
  it_seeded("wait ends when all children have; one may come late (TT1, TT2)", function()
    local s <close> = ebb.scope()
    local start, late = ebb.now(), false
    s:spawn(function()
      ebb.sleep(1)
      s:spawn(function() ebb.sleep(2) late = true end)
    end)
    assert.is_true(s:wait())
    assert.is_true(late)
    assert.equal(3, ebb.now() - start)
    s:spawn(ebb.sleep, 1)
    assert.is_true(s:wait())
    assert.equal(4, ebb.now() - start)
  end)

  it_seeded("a latch that opened before the wait is still open (TT3, TT6)", function()
    local latch = ebb.latch(2)
    local waiter = ebb.spawn(function() latch:wait() return ebb.now() end)
    local start = ebb.now()
    ebb.go(function() ebb.sleep(1) latch:count_down() end)
    assert.is_nil((ebb.timeout(0.5, waiter)))
    latch:count_down()
    assert.equal(1, waiter:await() - start)
    latch:wait()
    assert.equal(1, ebb.now() - start)
  end)

  helper.it("an ended child of a scope is collected (TT4)", function()
    local s <close> = ebb.scope()
    local weak = setmetatable({}, { __mode = "k" })
    for _ = 1, 50 do
      s:spawn(function()
        local result = {}
        weak[result] = true
        return result
      end)
    end
    ebb.sleep(1)
    collectgarbage()
    collectgarbage()
    assert.is_nil(next(weak))
  end)

  it_seeded("letting go of detached tasks ends none of them (TT5)", function()
    local ended = 0
    do
      local list = {}
      for i = 1, 5 do list[i] = ebb.spawn(function() ebb.sleep(1) ended = ended + 1 end) end
      assert.equal(5, #list)
    end
    collectgarbage()
    ebb.sleep(2)
    assert.equal(5, ended)
  end)

  it_seeded("abort on drop is a join_set with <close>; spawn is detach (AD1)", function()
    local ended, cleaned = {}, false
    local start = ebb.now()
    do
      local held <close> = ebb.join_set()
      held:spawn(function()
        local _ <close> = setmetatable({}, { __close = function() cleaned = true end })
        ebb.sleep(5)
        ended[#ended + 1] = "held"
      end)
      ebb.spawn(function() ebb.sleep(5) ended[#ended + 1] = "detached" end)
      ebb.sleep(1)
    end
    assert.is_true(cleaned)
    assert.equal(1, ebb.now() - start)
    ebb.sleep(9)
    assert.same({ "detached" }, ended)
  end)
end)
