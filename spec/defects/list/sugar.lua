--- Defects of lua/ebb: groups, pools, retry, supervisors, streams, servers, assets, tests.
return {
  {
    name = "group-error-swallowed",
    what = "a failed member of a join is not rethrown",
    file = "lua/ebb/group.lua",
    find = "  if first_failed then throw(tasks, first_failed) end",
    put = "",
    caught_by = "spec/structure/group_spec.lua",
  },
  {
    name = "group-others-silent",
    what = "later failures of a join pass silently",
    file = "lua/ebb/group.lua",
    find = [[tasks[i]:status() == "failed" then report(tasks[i]) end]],
    put = [[tasks[i]:status() == "failed" then report(nil) end]],
    caught_by = "spec/structure/group_spec.lua",
  },
  {
    name = "race-losers-run",
    what = "the losers of a race go on",
    file = "lua/ebb/group.lua",
    find = [[
  tasks[i]:join()
  s:close()]],
    put = [[
  tasks[i]:join()
  for _, t in ipairs(tasks) do t:join() end]],
    caught_by = "spec/structure/group_spec.lua",
  },
  {
    name = "map-limit",
    what = "map runs one more than its limit at a time",
    file = "lua/ebb/group.lua",
    find = "  while tasks.n < n and tasks.n < limit do start() end",
    put = "  while tasks.n < n and tasks.n <= limit do start() end",
    caught_by = "spec/structure/group_spec.lua",
  },
  {
    name = "pool-permit-lost",
    what = "a value that could not be made keeps its place",
    file = "lua/ebb/resource_pool.lua",
    find = [[
  local _ <close> = permit
  local value = take_idle(pool)]],
    put = "  local value = take_idle(pool)",
    caught_by = "spec/sync/resource_pool_spec.lua",
  },
  {
    name = "pool-old-value",
    what = "a value that has been idle for too long is used",
    file = "lua/ebb/resource_pool.lua",
    find = "    local is_old = pool.idle and core.now() - item.since >= pool.idle",
    put = "    local is_old = false",
    caught_by = "spec/sync/resource_pool_spec.lua",
  },
  {
    name = "pool-check-leaks",
    what = "a value whose check was cancelled is not closed",
    file = "lua/ebb/resource_pool.lua",
    find = "    local fate <close> = setmetatable({ fn = function() end_value(pool, value) end }, on_exit)",
    put = "    local fate = {}",
    caught_by = "spec/sync/resource_pool_spec.lua",
  },
  {
    name = "pool-close-leaks",
    what = "values that come back to a closed pool are not closed",
    file = "lua/ebb/resource_pool.lua",
    find = [[
  if lease.pool.closed then
    end_value(lease.pool, value)
  else]],
    put = [[
  if false then
    end_value(lease.pool, value)
  else]],
    caught_by = "spec/sync/resource_pool_spec.lua",
  },
  {
    name = "retry-cancel",
    what = "a cancel is retried",
    file = "lua/ebb/retry.lua",
    find = "      if is_cancelled(err) then error(err, 0) end",
    put = "",
    caught_by = "spec/task/retry_spec.lua",
  },
  {
    name = "retry-one-more",
    what = "retry tries once more than it should",
    file = "lua/ebb/retry.lua",
    find = "  while attempt < attempts do",
    put = "  while attempt <= attempts do",
    caught_by = "spec/task/retry_spec.lua",
  },
  {
    name = "supervise-window",
    what = "restarts of long ago count",
    file = "lua/ebb/supervise.lua",
    find = "    if at - time < self.within then",
    put = "    if at - time >= 0 then",
    caught_by = "spec/task/supervise_spec.lua",
  },
  {
    name = "supervise-rest",
    what = "rest_for_one leaves the later ones running",
    file = "lua/ebb/supervise.lua",
    find = [[self.strategy == "rest_for_one" and #self.specs or i]],
    put = [[self.strategy == "rest_for_one" and i or i]],
    caught_by = "spec/task/supervise_spec.lua",
  },
  {
    name = "supervise-put-by",
    what = "a child that ends while others are stopped is forgotten",
    file = "lua/ebb/supervise.lua",
    find = "      self.put_by[#self.put_by + 1] = task",
    put = "",
    seconds = 10,
    caught_by = "spec/task/supervise_spec.lua",
  },
  {
    name = "stream-places",
    what = "buffered runs as many as there are",
    file = "lua/ebb/stream/concurrent.lua",
    find = [[
    places:send(true)
]],
    put = "",
    seconds = 10,
    caught_by = "spec/stream/concurrent_spec.lua",
  },
  {
    name = "stream-pump-error",
    what = "an error of the source is lost behind buffered items",
    file = "lua/ebb/stream/concurrent.lua",
    find = [[
        shield(self.pump.await, self.pump) -- its error, not a cancel's
        return nil]],
    put = "        return nil",
    caught_by = "spec/stream/concurrent_spec.lua",
  },
  {
    name = "stream-pump-unreported",
    what = "an error of the source is lost when a stream is closed before its last items are taken",
    file = "lua/ebb/stream/concurrent.lua",
    find = "    if not self.pump_taken then report_failed(self.pump) end",
    put = "    if not self.pump_ended then report_failed(self.pump) end",
    caught_by = "spec/stream/concurrent_spec.lua",
  },
  {
    name = "merge-cancel-loses",
    what = "an error of a branch is lost when the consumer is cancelled at the same moment",
    file = "lua/ebb/stream/puller.lua",
    find = "    shield(member.task.await, member.task) -- its error, not a cancel's",
    put = "    member.task:await()",
    caught_by = "spec/stream/combine_spec.lua",
  },
  {
    name = "supervise-cancel-loses",
    what = "on() is not told of a child that fails as its supervisor is cancelled",
    file = "lua/ebb/supervise.lua",
    find = "  local _, err = shield(task.join, task)",
    put = "  local _, err = task:join()",
    caught_by = "spec/task/supervise_spec.lua",
  },
  {
    name = "stream-head-lost",
    what = "a result whose wait was cancelled is lost",
    file = "lua/ebb/stream/concurrent.lua",
    find = [[
      self.head = task
      if type(task)]],
    put = "      if type(task)",
    caught_by = "spec/stream/concurrent_spec.lua",
  },
  {
    name = "peek-takes",
    what = "a peek takes the item",
    file = "lua/ebb/stream/stage.lua",
    find = [[
    if not held then held = pack(up()) end
    return unpack(held, 1, held.n)]],
    put = "    return up()",
    caught_by = "spec/stream/stage_spec.lua",
  },
  {
    name = "merge-open",
    what = "a merge that one of its streams fails leaves the others pulling",
    file = "lua/ebb/stream/puller.lua",
    find = [[
  children:close()
]],
    put = "",
    seconds = 10,
    caught_by = "spec/stream/combine_spec.lua",
  },
  {
    name = "serve-unlimited",
    what = "a server's limit of connections is not kept",
    file = "lua/ebb/net/serve.lua",
    find = [[
      local _ <close> = permit or nil
]],
    put = [[
      if permit then permit:close() end
]],
    caught_by = "spec/io/net_serve_spec.lua",
  },
  {
    name = "serve-socket-open",
    what = "the sockets of handlers that were cancelled before they began stay open",
    file = "lua/ebb/net/serve.lua",
    find = "  for sock in next, live do sock:close() end\n",
    put = "",
    seconds = 40,
    caught_by = "spec/io/net_serve_spec.lua | not begun",
  },
  {
    name = "assets-over-limit",
    what = "a cache of assets goes over its limit while files are read",
    file = "lua/ebb/alloc/assets.lua",
    find = "  while cache.live + cache.reserved + n > cache.limit do",
    put = "  while cache.live + n > cache.limit do",
    caught_by = "spec/alloc/assets_spec.lua",
  },
  {
    name = "assets-pinned-evicted",
    what = "an asset that is pinned is evicted",
    file = "lua/ebb/alloc/assets.lua",
    find = [[
    cache.victims:unlink(entry)
    cache.evictable = cache.evictable - entry.size
  end
  entry.holds]],
    put = [[
    cache.evictable = cache.evictable - entry.size
  end
  entry.holds]],
    caught_by = "spec/alloc/assets_spec.lua",
  },
  {
    name = "assets-turn-lost",
    what = "a read that was cancelled in the queue keeps its turn",
    file = "lua/ebb/alloc/assets.lua",
    find = [[
    flight.has_turn = false
    cache.reading = cache.reading - 1]],
    put = "    flight.has_turn = false",
    seconds = 15,
    caught_by = "spec/alloc/assets_spec.lua",
  },
  {
    name = "victims-most-recent",
    what = "the asset used last goes first",
    file = "lua/ebb/alloc/victims.lua",
    find = "    if list.next ~= list then return list.next end",
    put = "    if list.next ~= list then return list.prev end",
    seconds = 15,
    caught_by = "spec/alloc/assets_spec.lua",
  },
  {
    name = "test-leftover",
    what = "ebb.test does not notice tasks left behind",
    file = "lua/ebb/test/run.lua",
    find = "    if task ~= main then left[#left + 1]",
    put = "    if task == rt then left[#left + 1]",
    caught_by = "spec/test/test_spec.lua",
  },
  {
    name = "test-unobserved",
    what = "ebb.test does not notice errors that nobody took",
    file = "lua/ebb/test/run.lua",
    find = "  if #errors > 0 then problem = unobserved(errors) end",
    put = "",
    caught_by = "spec/test/test_spec.lua",
  },
  {
    name = "explore-one-seed",
    what = "ebb.test.explore tries one schedule again and again",
    file = "lua/ebb/test.lua",
    find = "    local report, ok, err = run(fn, seed, what)",
    put = "    local report, ok, err = run(fn, first, what)",
    caught_by = "spec/test/test_spec.lua",
  },
  {
    name = "run-until-deaf",
    what = "run_until_signal leaves its subscriptions open",
    file = "lua/ebb/run_until_signal.lua",
    find = "    for _, subscription in ipairs(self) do subscription:close() end",
    put = "",
    seconds = 15,
    caught_by = "spec/runtime/run_until_signal_spec.lua",
  },
}
