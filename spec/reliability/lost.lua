-- A program, run by lost_finaliser_spec.lua: objects that stand in lists of others are freed and
-- their finalisers never run. Arguments: how they are lost ("taken": the metatable is; "overflow":
-- there is no C stack left to call them), and what comes next: "cycle" (they are freed), "use" (by
-- those whose lists they stood in), "close" (of the state, at once).
local how, what = ...
local ebb = require "ebb"
ebb.on_task_error(function() end)

local function fails() error("nobody's", 0) end

-- Each returns what is lost, and who uses the lists.
local kinds = {}

function kinds.token()
  local root = ebb.token()
  local child = root:child()
  return { child, child:child(), root:child() }, function()
    root:child():close()
    root:cancel "over"
    assert(root:child():is_cancelled())
  end
end

function kinds.token_parent()
  local root = ebb.token()
  local child = root:child()
  return { root }, function() child:close() end
end

function kinds.scope()
  local s = ebb.scope()
  local inner = s:spawn(ebb.sleep, 100)
  s:spawn(fails)
  s:spawn(ebb.yield)
  s:defer(function() end)
  ebb.yield()
  return { s }, function() inner:cancel() ebb.yield() end
end

function kinds.join_set()
  local js = ebb.join_set()
  js:spawn(fails)
  js:spawn(ebb.yield)
  local last = js:spawn(ebb.sleep, 100)
  js:spawn(function() ebb.yield() ebb.yield() fails() end)
  ebb.yield()
  return { js, debug.getuservalue(js, 1) }, function() last:cancel() ebb.sleep(0.01) end
end

function kinds.join_set_not_its_scope()
  local js = ebb.join_set()
  js:spawn(fails)
  local last = js:spawn(ebb.sleep, 100)
  js:spawn(ebb.yield)
  return { js }, function() last:cancel() ebb.sleep(0.01) end
end

function kinds.failure()
  local task, other = ebb.spawn(fails), ebb.spawn(fails)
  ebb.yield()
  ebb.yield()
  return { (debug.getuservalue(task, 1)), task }, function()
    pcall(other.join, other)
    ebb.sleep(2) -- what nobody took is reported
  end
end

function kinds.runtime()
  local rt = ebb.runtime { clock = "virtual", name = "lost" }
  local used = ebb.runtime { clock = "virtual" }
  return { rt, used }, function() ebb.runtime { clock = "virtual" } end
end

function kinds.broadcastsub()
  local b = ebb.broadcast(2)
  local other = b:subscribe()
  return { b:subscribe(), b:subscribe() }, function()
    for i = 1, 5 do b:send(i) end
    b:subscribe():close()
    other:close()
    b:close()
  end
end

function kinds.clock()
  local clock = ebb.clock()
  local child = clock:child { scale = 2 }
  return { child, child:child(), ebb.clock { manual = true } }, function()
    clock:child():sleep(0.001)
    clock:scale(3)
    clock:pause()
  end
end

function kinds.guard()
  local outer = ebb.guard()
  local inner = outer:guard()
  inner:defer(function() end)
  local bytes = inner:bytes(100)
  return { inner:guard(), inner, bytes, ebb.guard() }, function()
    outer:guard():close()
    outer:stats()
    outer:close()
    ebb.guard():close()
  end
end

function kinds.memory()
  local g = ebb.guard()
  local array, buffer = g:array("f64", 10), g:buffer(10)
  local view = array:view(2, 3)
  local kept = g:array("f64", 10)
  return { g:box {}, array, view, g:bytes(8), g:vec("u8"), buffer, kept:view(1, 4) }, function()
    g:bytes(100):fill(1)
    g:box(1):get()
    g:vec("f64"):push(1)
    assert(#kept:view(2, 3) == 2)
    ebb.alloc.leaks()
    g:close()
  end
end

function kinds.registry()
  local reg = ebb.alloc.registry()
  reg:add {}
  return { reg }, function() ebb.alloc.registry():add(1) end
end

function kinds.lock()
  local m, rw, lost = ebb.mutex(), ebb.rwlock(), {}
  local go = ebb.oneshot()
  local task = ebb.spawn(function()
    lost[1], lost[2], lost[3] = m:lock(), ebb.mutex(1):lock(), rw:read()
    lost[4] = ebb.rwlock():write()
    go:recv()
    ebb.mutex():lock():close()
    pcall(m.lock, m)
  end)
  ebb.yield()
  return lost, function()
    local waits = ebb.spawn(function() m:lock():close() end)
    ebb.yield()
    go:send(true)
    task:join()
    assert(waits:join())
    rw:write():close()
  end
end

function kinds.lock_of_nobody()
  local m, lost = ebb.mutex(), nil
  coroutine.wrap(function() lost = m:try_lock() end)()
  return { lost }, function() m:try_lock() end
end

function kinds.channel()
  local ch, sem = ebb.channel(2), ebb.semaphore(3)
  return { ch:sender(), ch:reserve(), sem:acquire(), ebb.watch(1):subscribe() }, function()
    ch:send(1)
    sem:acquire():close()
    ch:close()
  end
end

function kinds.waits()
  local ch = ebb.channel()
  local t = ebb.spawn(function() return ebb.select(ch, ebb.timer(1), ebb.interval(1)) end)
  local resolve, op = ebb.callback()
  ebb.yield()
  return { ebb.timer(1), ebb.interval(1), ebb.choice(ch, ebb.never()), op }, function()
    resolve(1)
    ch:send(1)
    t:join()
  end
end

-- What owns something outside of Lua gives it back with the state.
function kinds.files()
  local f = ebb.io.tmpfile()
  f:write "abc"
  return { f, ebb.fs.watch "spec/io" }, function() ebb.io.tmpfile():close() end
end

function kinds.sockets()
  local l = ebb.net.listen("127.0.0.1", 0)
  local _, port = l:local_address()
  local a, b = ebb.join(function() return ebb.net.connect("127.0.0.1", port) end, function() return l:accept() end)
  a:write "abc"
  local one, other = ebb.net.duplex()
  one:write "abc"
  local raw = require "ebb.core"._descriptor.open(false, true)
  pcall(ebb.timeout, 0.001, raw:readable_op())
  return { l, a, b, one, other, raw, ebb.net.udp "127.0.0.1" }, function()
    ebb.net.listen("127.0.0.1", 0):close()
  end
end

function kinds.processes()
  local p = ebb.process.spawn { "true", stdout = "pipe" }
  return { p, p.stdout, ebb.signal "winch" }, function() ebb.process.output { "true" } end
end

function kinds.threads()
  local ch = ebb.thread.channel(2)
  ch:send { 1, 2, 3 }
  local receiver = ebb.spawn(ch.recv, ebb.thread.channel())
  local thread = ebb.thread.spawn(function() end)
  thread:join()
  ebb.yield()
  return { ch, thread }, function()
    receiver:cancel()
    ebb.blocking(function() end)
  end
end

local function no_metatables(lost)
  for i = 1, #lost do debug.setmetatable(lost[i], nil) end
end

--- Collects at `depth` calls of C functions; one of them is where the stack ends for finalisers.
local function collect_at(depth, lost)
  if depth > 0 then
    pcall(collect_at, depth - 1, lost)
    return
  end
  for i = #lost, 1, -1 do lost[i] = nil end
  collectgarbage()
end

local function lose(kind, depth)
  local lost, use = kind()
  if how == "taken" then
    no_metatables(lost)
    for i = #lost, 1, -1 do lost[i] = nil end
    if what ~= "close" then collectgarbage() end
  else
    pcall(collect_at, depth, lost)
  end
  for i = #lost, 1, -1 do lost[i] = nil end
  if what == "close" then return use end
  collectgarbage()
  collectgarbage()
  if what == "use" then use() end
  collectgarbage()
end

local kept = {}
local function all(depth)
  for _, name in ipairs { "token", "token_parent", "scope", "join_set", "join_set_not_its_scope",
    "failure", "runtime", "broadcastsub", "clock", "guard", "memory", "registry", "lock",
    "lock_of_nobody", "channel", "waits", "files", "sockets", "processes", "threads" } do
    kept[#kept + 1] = lose(kinds[name], depth)
  end
end

local rt = ebb.runtime { clock = "virtual" }
if how == "taken" then
  rt:run(all)
else
  for depth = 165, 200, 1 do rt:run(all, depth) end
end
print(#kept >= 0 and "fine")
