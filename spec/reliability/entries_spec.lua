-- Entries of the catalogue of failures that no other spec is about.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.runtime.support"
local house = require "spec.house.support"

local collect = helper.collect
local real = { clock = "system" }

describe("entries of the catalogue:", function()
  -- No frame of C holds memory of its own or a lock while Lua may raise through it: what csrc/lua gets from the system
  -- belongs to what other threads or hosts share, in files that are known and read with that in mind; the rest is
  -- Lua's or ebb's allocator's, which the sweep of failing allocations (spec/oom) counts.
  it("R1 R18 csrc/lua allocates by Lua or by ebb, but for what others share", function()
    local known = { ["l_threads.c"] = true, ["l_clone.c"] = true, ["l_paths.c"] = true, ["l_worker.c"] = true }
    local found = {}
    for _, path in ipairs(house.files("csrc/lua", ".c")) do
      local name = path:match "[^/]+$"
      if not known[name] and not name:match "^api_" then
        local text = house.slurp(path):gsub("/%*.-%*/", "")
        for word in text:gmatch "([%w_]+)%(" do
          if word:match "^[mc]alloc$" or word == "realloc" or word == "strdup" or word:match "mutex_lock$" then
            found[#found + 1] = name .. ": " .. word
          end
        end
      end
    end
    assert.equal("", table.concat(found, "\n"))
  end)

  -- A luaL_Buffer may have a box on the stack: nothing may yield or call between its begin and its end.
  it("R27 no function of csrc yields while it fills a luaL_Buffer", function()
    local n = 0
    for _, path in ipairs(house.files("csrc", ".c")) do
      for body in house.slurp(path):gmatch "\n{(.-)\n}" do
        local from, to = body:find "luaL_buffinit", body:find "luaL_pushresult"
        if from then
          n = n + 1
          assert.is_truthy(to, path)
          local between = body:sub(from, to)
          for _, word in ipairs { "lua_yield", "lua_callk", "lua_pcallk", "ebbL_drive", "ebbL_park" } do
            assert.is_nil(between:find(word, 1, true), path .. ": " .. word)
          end
        end
      end
    end
    assert.is_true(n >= 2)
  end)

  it("R80 nothing that measures asks the wall clock", function()
    local found = {}
    for _, folder in ipairs { "csrc/core", "csrc/sync", "csrc/lua", "csrc/base" } do
      for _, path in ipairs(house.files(folder, ".c")) do
        for _, word in ipairs { "CLOCK_REALTIME", "gettimeofday", "uv_gettimeofday", "uv_clock_gettime" } do
          if house.slurp(path):find(word, 1, true) then found[#found + 1] = path .. ": " .. word end
        end
      end
    end
    assert.equal("", table.concat(found, "\n"))
  end)

  helper.it("R28 strings that only a wait has stay whole through collections", function()
    local function long(i) return (("%d;"):format(i)):rep(30000) end
    local a, b = ebb.net.duplex(1000)
    local ch, path = ebb.channel(), os.tmpname()
    local writer = ebb.spawn(function() return a:write(long(1), long(2)) end)
    local sender = ebb.spawn(function() return ch:send(long(3)) end)
    local file = ebb.spawn(function() return ebb.fs.write(path, long(4)) end)
    helper.settle()
    collect()
    for i = 1, 20 do local _ = ("x"):rep(10000 + i) end -- what was freed is used again
    local size = #long(1) + #long(2)
    assert.equal(long(1) .. long(2), (b:read_exactly(size)))
    assert.equal(long(3), ch:recv())
    assert.is_true(file:await())
    assert.equal(long(4), ebb.fs.read(path))
    os.remove(path)
    writer:await()
    sender:await()
  end, real)

  helper.it("R29 zeros and empty strings arrive as they were sent", function()
    local payloads = { "", "\0", "a\0b", "\0\0", ("\0x"):rep(1000) }
    local path = os.tmpname()
    local ch, threads = ebb.channel(1), ebb.thread.channel(1)
    local left, right = ebb.net.duplex()
    local u <close> = ebb.net.udp "127.0.0.1"
    local v <close> = ebb.net.udp "127.0.0.1"
    local _, port = v:local_address()
    local guard <close> = ebb.guard()
    for _, payload in ipairs(payloads) do
      ch:send(payload)
      assert.equal(payload, ch:recv())
      threads:send(payload)
      assert.equal(payload, threads:recv())
      local o = ebb.oneshot()
      o:send(payload, payload)
      assert.same({ payload, payload }, { o:recv() })
      left:write(payload, "end")
      assert.equal(payload .. "end", right:read_exactly(#payload + 3))
      assert(ebb.fs.write(path, payload))
      assert.equal(payload, ebb.fs.read(path))
      assert(u:sendto(payload, "127.0.0.1", port))
      assert.equal(payload, (v:recvfrom()))
      assert.equal(payload, ebb.blocking(function(s) return s end, payload))
      local buffer = guard:buffer()
      buffer:put(payload)
      assert.equal(payload, buffer:get())
      assert.equal(payload, ebb.spawn(function() return payload end):await())
      local token = ebb.token()
      token:cancel(payload)
      assert.same({ true, payload }, { token:cancelled() })
    end
    os.remove(path)
  end, real)

  helper.it("R31 with the collector stopped tasks cost what Lua makes for them, and nothing of ebb's grows", function()
    local function many(n)
      for _ = 1, n / 100 do
        local js <close> = ebb.join_set()
        for i = 1, 100 do js:spawn(function(v) return v end, i) end
        for _ in js do ebb.current() end
      end
    end
    many(1000)
    collect()
    local stats = ebb.alloc.stats()
    local off_heap = stats.pool.live + stats.heap.live
    local before = collectgarbage "count"
    local was_running = collectgarbage "isrunning"
    collectgarbage "stop"
    local _ <close> = setmetatable({}, { __close = function() if was_running then collectgarbage "restart" end end })
    many(20000)
    local grown = (collectgarbage "count" - before) * 1024 / 20000
    assert.is_true(grown < 8192, ("%.0f bytes a task"):format(grown))
    stats = ebb.alloc.stats()
    assert.is_true(stats.pool.live + stats.heap.live - off_heap < 65536)
    collect()
    assert.is_true(collectgarbage "count" - before < 1024, "what the tasks left is not collected")
  end)

  helper.it("R32 collections between a close and the loop's word of it", function()
    for _ = 1, 5 do
      local closed = {}
      local l = assert(ebb.net.listen("127.0.0.1", 0))
      local _, port = l:local_address()
      closed[#closed + 1] = l
      closed[#closed + 1] = assert(ebb.net.connect("127.0.0.1", port))
      closed[#closed + 1] = assert(ebb.net.udp "127.0.0.1")
      closed[#closed + 1] = assert(ebb.fs.watch "spec/reliability")
      closed[#closed + 1] = ebb.signal "winch"
      closed[#closed + 1] = assert(ebb.process.spawn { "sleep", "100" })
      closed[#closed + 1] = ebb.timer(10)
      closed[#closed + 1] = ebb.interval(10)
      closed[#closed + 1] = ebb.io.tmpfile()
      for i = 1, #closed do
        closed[i]:close()
        closed[i] = nil
        collectgarbage()
      end
      l = nil -- luacheck: ignore 311
      collect()
      ebb.sleep(0.001)
      collect()
    end
  end, real)

  helper.it("R64 a wake that comes second does not reach where the task waits next", function()
    for first = 1, 2 do
      local a, b, latch = ebb.channel(1), ebb.channel(1), ebb.latch(1)
      local got = {}
      local task = ebb.spawn(function()
        got[1] = table.pack(ebb.timeout(1, function() return ebb.select(a, b) end))
        latch:wait()
        got[2] = true
        return ebb.select_first(a, b)
      end)
      helper.settle()
      ebb.sleep(1) -- the deadline is due in this very turn
      local order = first == 1 and { a, b } or { b, a }
      order[1]:try_send "first"
      order[2]:try_send "second"
      helper.settle()
      assert.is_nil(got[2], "it was woken where it did not wait for that")
      assert.is_truthy(got[1])
      latch:count_down()
      local _, v = task:await()
      -- the one that was not taken is there; both, if the deadline was first
      assert.is_true(v == "second" or v == "first")
      assert.equal(got[1][2] == "timeout" and 1 or 0, #a + #b)
    end
  end)

  helper.it("R64 a notification, a close and a cancel in one turn wake once", function()
    local ch, notify, n = ebb.channel(), ebb.notify(), 0
    local task = ebb.spawn(function()
      pcall(ebb.select, ch, notify)
      n = n + 1
      pcall(ebb.sleep, 1000)
      n = n + 1
    end)
    helper.settle()
    notify:notify_all()
    ch:close()
    notify:notify_all()
    helper.settle()
    assert.equal(1, n)
    task:cancel()
    task:join()
    assert.equal(2, n)
  end)

  -- A process that is stopped for a while: what an interval has missed then.
  local stopped = [[
local ebb = require "ebb"
ebb.run(function()
  local pid = assert(io.open "/proc/self/stat"):read "n"
  local ticks = ebb.interval(0.02, { missed = %q })
  ticks:tick()
  os.execute(("(sleep 0.5; kill -CONT %%d) >/dev/null 2>&1 & kill -STOP %%d"):format(pid, pid))
  local start = ticks:tick()
  for _ = 1, 14 do
    local t = ticks:tick()
    io.write(("%%d "):format(math.floor((t - start) * 1000 + 0.5)))
    start = t
  end
end)
]]
  for _, policy in ipairs { "skip", "burst", "delay" } do
    it("R81 stopped for half a second: " .. policy, function()
      local result = support.child(stopped:format(policy))
      assert.equal("", result.err)
      local n = 0
      for text in result.out:gmatch "%S+" do
        local gap = tonumber(text)
        n = n + 1
        if policy == "burst" then
          assert.equal(20, gap) -- none is missing
        elseif policy == "skip" then
          assert.equal(0, gap % 20) -- the beat is kept
        else
          assert.is_true(gap >= 20) -- never closer than a period
        end
      end
      assert.equal(14, n)
    end)
  end

  helper.it("R90 the reading end is collected: who waits to write is told", function()
    local function half()
      local a = ebb.net.duplex(4)
      return a
    end
    local a = half()
    local task = ebb.spawn(function() return a:write "more than four" end)
    helper.settle()
    collect()
    local ok, why, code = select(2, task:join())
    assert.is_nil(ok)
    assert.equal("EPIPE", code or why)
  end)
end)
