-- Random programs against small models: nothing is lost, nothing comes twice, nothing overtakes.
local ebb = require "ebb"
local helper = require "spec.helper"
local pack = table.pack

local n_seeds = 200
local capacities = { 0, 1, 2, 3, 8, math.huge }

--- What a channel is without tasks: a list of values, a number of permits, a flag.
local function model_channel(capacity)
  local m = { capacity = capacity, values = {}, permits = 0, closed = false }
  function m.room() return #m.values + m.permits < m.capacity end
  function m.try_send(v)
    if m.closed then return nil, "closed" end
    if not m.room() then return nil, "full" end
    m.values[#m.values + 1] = v
    return true
  end
  function m.try_recv()
    if #m.values > 0 then return table.remove(m.values, 1) end
    return nil, m.closed and m.permits == 0 and "closed" or "empty"
  end
  return m
end

--- One task, no waiting: every result must be the model's.
local function compare_with_model(seed)
  local random = helper.random(seed)
  local capacity = capacities[random(#capacities - 1) + 1]
  local ch, m = ebb.channel(capacity), model_channel(capacity)
  local permits, n_values = {}, 0
  local steps = {
    function()
      n_values = n_values + 1
      assert.same(pack(m.try_send(n_values)), pack(ch:try_send(n_values)))
    end,
    function() assert.same(pack(m.try_recv()), pack(ch:try_recv())) end,
    function()
      local _, v, why = ebb.try_select(ch)
      local expected = pack(m.try_recv())
      if expected[2] == "empty" then expected = { n = 1, nil } end
      assert.same({ expected[1], expected[2] }, { v, why })
    end,
    function()
      if m.closed or not m.room() then return end
      m.permits = m.permits + 1
      permits[#permits + 1] = ch:reserve()
    end,
    function()
      local permit = table.remove(permits, random(math.max(#permits, 1)))
      if not permit then return end
      n_values = n_values + 1
      m.permits = m.permits - 1
      if random(2) == 1 then
        m.values[#m.values + 1] = n_values
        permit:send(n_values)
      end
      permit:close()
    end,
    function()
      if #m.values == 0 then return end
      local list = ch:recv_many(random(4))
      assert.is_true(#list >= 1)
      for _, v in ipairs(list) do assert.equal(table.remove(m.values, 1), v) end
    end,
    function()
      if random(25) > 1 then return end
      m.closed = true
      ch:close()
    end,
  }
  for _ = 1, 120 do
    steps[random(#steps)]()
    assert.equal(#m.values, #ch)
    if m.permits == 0 then assert.equal(m.closed, ch:is_closed()) end
  end
  for _, permit in ipairs(permits) do permit:close() end
end

--- One way for a producer to send v: returns true when it was sent, else why not.
local function send_somehow(random, ch, v)
  local way = random(6)
  if way == 1 then
    return ch:try_send(v)
  elseif way == 2 then
    return ebb.timeout(random(3) - 1, ch.send, ch, v)
  elseif way == 3 then
    return ebb.timeout(random(3) - 1, ch:send_op(v))
  elseif way == 4 then
    local index, ok, why = ebb.select(ch:send_op(v), ebb.after(random(3) - 1))
    if index == 1 then return ok, why end
    return nil, "timeout"
  elseif way == 5 then
    local permit <close> = ch:reserve()
    if not permit then return nil, "closed" end
    if random(4) == 1 then return nil, "timeout" end
    permit:send(v)
    return true
  end
  return ch:send(v)
end

--- One way for a consumer to receive: returns a list of values, or nil and why not.
local function recv_somehow(random, ch)
  local way = random(6)
  local v, why
  if way == 1 then
    v, why = ch:try_recv()
  elseif way == 2 then
    v, why = ebb.timeout(random(3) - 1, ch.recv, ch)
  elseif way == 3 then
    v, why = ebb.timeout(random(3) - 1, ch)
  elseif way == 4 then
    local index
    index, v, why = ebb.select(ebb.after(random(3) - 1), ch, ch:recv_op())
    if index == 1 then return nil, "timeout" end
  elseif way == 5 then
    return ch:recv_many(random(3))
  else
    v, why = ch:recv()
  end
  if v == nil then return nil, why end
  return { v }
end

local function producer(p, ch, random, state, n)
  for i = 1, n do
    local v = { p, i }
    local ok, why = send_somehow(random, ch, v)
    if ok then
      state.accepted[v] = true
      state.n_accepted = state.n_accepted + 1
    elseif why == "closed" then
      assert.is_true(state.closed)
      return
    else
      assert.is_true(why == "full" or why == "timeout")
    end
    if random(3) == 1 then ebb.sleep(random(2) - 1) end
  end
end

local function consumer(ch, random, state)
  local last = {}
  while true do
    local list, why = recv_somehow(random, ch)
    for _, v in ipairs(list or {}) do
      assert.is_nil(state.received[v])
      state.received[v] = true
      state.n_received = state.n_received + 1
      if v[2] <= (last[v[1]] or 0) then error("overtaken") end
      last[v[1]] = v[2]
    end
    if why == "closed" then
      assert.is_true(state.closed)
      return
    end
    if list == nil then assert.is_true(why == "empty" or why == "timeout") end
    if list == nil or random(3) == 1 then ebb.sleep(random(2)) end
  end
end

--- Producers and consumers of which some are cancelled; then the channel is closed and drained.
local function random_program(seed)
  local random = helper.random(seed)
  local ch = ebb.channel(capacities[random(#capacities)])
  local state = { accepted = {}, received = {}, n_accepted = 0, n_received = 0, closed = false }
  local producers, tasks = {}, {}
  for p = 1, random(4) do
    producers[p] = ebb.spawn(producer, p, ch, random, state, 5 + random(20))
    tasks[#tasks + 1] = producers[p]
  end
  for _ = 1, random(4) do tasks[#tasks + 1] = ebb.spawn(consumer, ch, random, state) end
  for _ = 1, random(3) - 1 do
    ebb.sleep(random(4) - 1)
    for _ = 1, random(3) do ebb.yield() end
    tasks[random(#tasks)]:cancel("unlucky")
  end
  ebb.sleep(random(30))
  state.closed = true
  ch:close()
  for _, task in ipairs(tasks) do
    local ok, err = task:join()
    if not ok and not (type(err) ~= "string" and err.cancelled_task) then error(err, 0) end
  end
  consumer(ch, random, state)
  assert.equal(0, #ch)
  assert.same({ n = 2, 0, 0 }, pack(ch:waiters()))
  for v in pairs(state.received) do
    if not state.accepted[v] then error("received, but its sender was told it was not sent") end
  end
  assert.equal(state.n_accepted, state.n_received)
  return state.n_received
end

describe("a channel", function()
  it("without waiting does what the model does (200 seeds)", function()
    for seed = 1, n_seeds do
      local ok, err = pcall(helper.run, function() compare_with_model(seed) end)
      if not ok then error(("seed %d: %s"):format(seed, tostring(err)), 0) end
    end
  end)

  it("R69 R70 MP1 loses, doubles, reorders nothing (200 random programs)", function()
    local n_received = 0
    for seed = 1, n_seeds do
      local ok, result = pcall(helper.run, function() return random_program(seed) end)
      if not ok then error(("seed %d: %s"):format(seed, tostring(result)), 0) end
      n_received = n_received + result
    end
    assert.is_true(n_received > 10 * n_seeds)
  end)

  it("R69 R70 MP1 nor with a shuffled ready queue (200 random programs)", function()
    local n_received = 0
    for seed = 1, n_seeds do
      local body = function() return random_program(seed) end
      local ok, result = pcall(helper.run, body, { seed = seed })
      if not ok then error(("seed %d: %s"):format(seed, tostring(result)), 0) end
      n_received = n_received + result
    end
    assert.is_true(n_received > 10 * n_seeds)
  end)
end)
