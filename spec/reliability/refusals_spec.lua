-- What is refused, word by word: options that do not exist or are of a wrong kind, values that do not fit, objects in a
-- state in which the call makes no sense. Each says so at the place of the call, and has changed nothing.
local ebb = require "ebb"
local helper = require "spec.helper"

-- (Errors are made alike, and a collection changes none.)
if os.getenv "EBB_SPEC_TORTURE" then return end

local function noop() end

--- Each row: code that throws, and a part of what it says.
local function refused(what, rows, before)
  describe(what .. " #fifo", function() -- with EBB_SPEC_SEED, ebb.runtime is another function
    for _, row in ipairs(rows) do
      helper.it("refuses " .. row[1]:gsub("%s+", " "):sub(1, 90) .. " (R146)", function()
        local object
        if before then object = before() end
        local chunk = assert(load("local ebb, noop, x = ... " .. row[1], "=row"))
        local ok, err = pcall(chunk, ebb, noop, object)
        assert.is_false(ok)
        assert.equal("string", type(err))
        assert.equal("row:1: ", err:sub(1, 7), err)
        assert.truthy(err:find(row[2], 1, true), err)
      end)
    end
  end)
end

refused("a runtime", {
  { "ebb.runtime { seed = 'x' }", "option 'seed': integer expected, got" },
  { "ebb.runtime { seed = 1.5 }", "option 'seed': integer expected" },
  { "ebb.runtime { slice = 0 }", "option 'slice': seconds from 0.0001 to 3600" },
  { "ebb.runtime { slice = 3601 }", "option 'slice'" },
  { "ebb.runtime { slice = 0/0 }", "option 'slice'" },
  { "ebb.runtime { slice = '1' }", "option 'slice'" },
  { "ebb.runtime { on_slice = 'yield' }", "'on_slice' needs option 'slice'" },
  { "ebb.runtime { slice = 1, on_slice = 'no' }", "option 'on_slice': \"report\", \"yield\" or \"throw\"" },
  { "ebb.runtime { slice = 1, on_slice = 1 }", "option 'on_slice'" },
  { "ebb.runtime { slice_signal = 'nothing' }", "option 'slice_signal'" },
  { "ebb.runtime { slice_signal = -3 }", "option 'slice_signal'" },
  { "ebb.runtime { slice_signal = {} }", "option 'slice_signal'" },
  { "ebb.runtime { slice_signal = 2^40 // 1 | 5 }", "option 'slice_signal'" },
  { "ebb.runtime { memory = 0 }", "option 'memory': bytes above 0" },
  { "ebb.runtime { memory = '10' }", "option 'memory'" },
  { "ebb.runtime { memory = 1.5 }", "option 'memory'" },
  { "ebb.runtime { cleanup_timeout = -1 }", "option 'cleanup_timeout'" },
  { "ebb.runtime { cleanup_timeout = 'x' }", "option 'cleanup_timeout'" },
  { "ebb.runtime { name = 5 }", "option 'name': string" },
  { "ebb.runtime { on_task_error = 5 }", "option 'on_task_error': function" },
  { "ebb.runtime { gc = 'no' }", "option 'gc': \"frame\"" },
  { "ebb.runtime { gc = 5 }", "option 'gc'" },
  { "ebb.runtime { clock = 'wall' }", "option 'clock'" },
  { "ebb.runtime { clock = 5 }", "option 'clock'" },
  { "ebb.runtime { frame = -1 }", "'frame'" },
  { "ebb.runtime { [1] = 2 }", "unknown option '1'" },
  { "ebb.runtime { speed = 2 }", "unknown option 'speed'" },
  { "ebb.runtime { [noop] = 2 }", "unknown option 'function: " },
  { "ebb.runtime(5)", "table of options" },
  { "ebb.runtime():advance(1)", "virtual clock expected" },
  { "ebb.runtime():step('x')", "step" },
  { "ebb.current_runtime():run(noop)", "EBB052" },
  { "ebb.current_runtime():close()", "EBB052" },
})

refused("a clock", {
  { "ebb.clock(5)", "table of options expected" },
  { "ebb.clock { scale = -1 }", "scale" },
  { "ebb.clock { scale = 'x' }", "scale" },
  { "ebb.clock { [5] = 1 }", "unknown option '5'" },
  { "ebb.clock { paused = true }", "unknown option 'paused'" },
  { "ebb.clock():advance(1)", "manual" },
  { "ebb.clock():scale(0/0)", "scale" },
  { "ebb.clock():child(5)", "table of options expected" },
})

refused("memory", {
  { "ebb.alloc.configure(5)", "table of options expected" },
  { "ebb.alloc.configure { [5] = 1 }", "unknown option '5'" },
  { "ebb.alloc.configure { size = 1 }", "unknown option 'size'" },
  { "ebb.alloc.budget('refused', { bytes = -1 })", "option 'bytes': integer of at least 0" },
  { "ebb.alloc.budget('refused', { bytes = 1.5 })", "option 'bytes'" },
  { "ebb.alloc.budget('refused', { bytes = '5' })", "option 'bytes'" },
  { "ebb.alloc.budget('refused', { soft = {} })", "option 'soft'" },
  { "ebb.alloc.budget('refused', { on_soft = 5 })", "option 'on_soft': function" },
  { "ebb.alloc.budget('refused', { on_exceed = {} })", "option 'on_exceed': function" },
  { "ebb.alloc.budget('refused', { [5] = 5 })", "unknown option '5'" },
  { "ebb.alloc.budget('refused', { hard = 5 })", "unknown option 'hard'" },
  { "ebb.spawn_with({ memory = 0 }, noop)", "memory" },
  { "ebb.spawn_with({ memory = 1.5 }, noop)", "memory" },
  { "ebb.spawn_with({ memory = 'x' }, noop)", "memory" },
  { "ebb.spawn_with({ cpu = 0 }, noop)", "cpu" },
  { "ebb.spawn_with({ speed = 1 }, noop)", "unknown option 'speed'" },
  { "ebb.spawn_with({ [1] = 1 }, noop)", "unknown option '1'" },
})

refused("memory of a guard", {
  { "x:array('u8', 3):set(2, 1, 2, 3)", "EBB013" },
  { "x:array('u8', 30):set(1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 256)", "u8" },
  { "x:array('u8', 30):set(1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, {}, 1)", "table" },
  { "x:array('f32', 30):set(1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 'x')", "f32" },
  { "x:array('u8', 3)[1] = '5'", "u8 cannot hold string" },
  { "x:array('u8', 3)[1] = {}", "table" },
  { "x:array('i16', 3)[1] = 1.5", "1.5" },
  { "x:array('i16', 3)[1] = 2^70", "i16" },
  { "x:array('i8', 3):add(200)", "i8" },
  { "x:array('i8', 3):add('1')", "add" },
  { "x:array('i8', 3):add(x:array('i8', 4))", "3" },
  { "x:array('i8', 3):fill(100):add(x:array('i8', 3):fill(100))", "i8" },
  { "x:array('i8', 3):fill(100):mul(2)", "i8" },
  { "x:array('i32', 3):fill(2):mul(0.25)", "i32" },
  { "x:array('nine', 3)", "nine" },
  { "x:bytes(3):set(1, {})", "string expected" },
  { "x:bytes(3):set(2, 'abc')", "EBB013" },
  { "x:bytes(3):copy(x:bytes(5))", "EBB013" },
  { "x:bytes(3):copy('abc')", "copy" },
  { "x:bytes(3):sub({})", "integer" },
  { "return x:bytes(3)[4]", "EBB013" },
  { "x:bytes(3)[0] = 1", "EBB013" },
  { "x:bytes(3)[1.5] = 1", "1.5" },
  { "x:buffer():put({})", "string expected" },
  { "x:buffer():put('a', nil)", "string expected" },
  { "x:buffer():pack(5, 5)", "format string expected" },
  { "x:buffer():pack('y', 5)", "invalid format" },
  { "x:buffer():unpack('y')", "invalid format" },
  { "x:buffer():unpack({})", "format string expected" },
  { "x:buffer():get(-1)", "get" },
  { "x:vec('u8', -1)", "vec" },
  { "x:array('u8', 2000000):unpack()", "too many elements to unpack" },
  { "x:own(x)", "own" },
  { "x:own(5)", "own" },
  { "x:promote(5)", "promote" },
  { "x:promote(ebb.guard():bytes(5))", "EBB014" },
  { "x:release(ebb.guard():bytes(5))", "EBB014" },
}, function()
  local guard = ebb.guard()
  ebb.spawn(function() guard:close() end)
  return guard
end)

refused("channels and locks", {
  { "ebb.channel(1):send(nil)", "nil cannot be sent" },
  { "ebb.channel(1):reserve():send()", "nil cannot be sent" },
  { "local p = ebb.channel(1):reserve() p:send(1) p:send(2)", "used or closed" },
  { "ebb.channel(1):send_op(nil)", "nil cannot be sent" },
  { "ebb.broadcast(1):send(nil)", "nil cannot be sent" },
  { "ebb.channel(1):send_many(5)", "list of values expected" },
  { "ebb.channel(1).send('x')", "ebb.channel expected, got string" },
  { "ebb.channel(1).try_send('x')", "ebb.channel expected, got string" },
  { "ebb.channel(1).send_op('x')", "ebb.channel expected, got string" },
  { "ebb.channel(1).send_many({ 1 })", "ebb.channel expected, got table" },
  { "ebb.channel(1):recv_many(0)", "recv_many" },
  { "ebb.channel(-1)", "channel" },
  { "ebb.channel(1.5)", "integer expected, got 1.5" },
  { "ebb.channel(0/0)", "integer expected, got NaN" },
  { "ebb.semaphore(1):acquire(-1)", "acquire" },
  { "local p = ebb.semaphore(1):acquire() p:close() p:split(1)", "given back" },
  { "local p = ebb.semaphore(1):acquire() p:merge(ebb.semaphore(1):acquire())", "another semaphore" },
  { "local m = ebb.mutex() local g <close> = m:lock() m:lock()", "EBB042" },
  { "local o o = ebb.once(function() return o:get() end) o:get()", "EBB042" },
  { "ebb.latch(-1)", "latch" },
})

refused("operations", {
  { "ebb.select()", "EBB061" },
  { "ebb.select({})", "EBB061" },
  { "ebb.select(ebb.never(), 5)", "argument #2" },
  { "ebb.select({ a = 5 })", "a" },
  { "ebb.select({ ebb.never(), 5 })", "argument #1" },
  { "ebb.select_first()", "EBB061" },
  { "ebb.try_select(5)", "argument #1" },
  { "ebb.choice()", "EBB061" },
  { "ebb.choice({})", "EBB061" },
  { "ebb.await(5)", "await" },
  { "ebb.map_op(5, noop)", "argument #1" },
  { "ebb.map_op(ebb.never(), 5)", "argument #2" },
  { "ebb.never():and_then(5)", "and_then" },
  { "ebb.never():map()", "map" },
  { "ebb.defer_op(5)", "defer_op" },
  { "ebb.defer_op(function() return 5 end):await()", "operation" },
  { "local d d = ebb.defer_op(function() return d end) d:await()", "deep" },
  { "local t = {} for i = 1, 2^20 do t[i] = false end ebb.choice(t)", "too many operations" },
  { "local t = {} for i = 1, 2^20 do t[i] = false end ebb.select(t)", "too many operations" },
  { "local t = {} for i = 1, 999990 do t[i] = false end ebb.select(t)", "too many operations" },
  { "local t = {} for i = 1, 999990 do t[i] = false end t.a = false ebb.choice(t)", "too many operations" },
  { "ebb.select(false, false)", "EBB061" },
  { "ebb.select({ a = false })", "EBB061" },
  { "ebb.choice({ false, a = false })", "EBB061" },
  { "local o = ebb.ready() for i = 1, 20 do o = ebb.choice(o, o) end o:await()", "too large" },
})

refused("tasks and scopes", {
  { "ebb.spawn(noop, table.unpack({}, 1, 999000))", "too many" },
  { "ebb.spawn(5)", "argument #1" },
  { "ebb.spawn({})", "argument #1" },
  { "ebb.timeout(0/0, noop)", "NaN" },
  { "ebb.timeout('1', noop)", "seconds" },
  { "ebb.timeout(1)", "argument #2" },
  { "ebb.timeout_at(1, 5)", "argument #2" },
  { "ebb.sleep(0/0)", "NaN" },
  { "ebb.sleep({})", "number of seconds" },
  { "ebb.sleep('1')", "number of seconds" },
  { "ebb.delay(1)", "argument #2" },
  { "ebb.shield()", "shield" },
  { "ebb.exclusive(5)", "exclusive" },
  { "ebb.token(5)", "token" },
  { "ebb.use(5)", "use" },
  { "ebb.scope(5)", "scope" },
  { "local s = ebb.scope() ebb.go(s.wait, s) s:spawn(ebb.sleep, 1) ebb.yield() ebb.yield() s:wait()",
    "waits for this scope" },
  { "local j = ebb.join_set() j:spawn(ebb.shield, ebb.sleep, 1) ebb.yield() ebb.go(j.shutdown, j) ebb.yield() "
    .. "ebb.yield() j:shutdown()", "waits for this join_set" },
  { "local s = ebb.scope() s:close() s:spawn(noop)", "in a scope that has ended" },
  { "local s = ebb.scope() s:close() s:defer(noop)", "in a scope that has ended" },
  { "ebb.join_set().spawn(5, noop)", "ebb.join_set expected, got number" },
  { "ebb.require(5)", "require" },
  { "ebb.require 'no.such.module'", "no.such.module" },
  { "ebb.on_task_error(5)", "on_task_error" },
  { "ebb.task_local():with()", "with" },
  { "ebb.coroutine.wrap(5)", "wrap" },
  { "ebb.coroutine.resume(5)", "resume" },
  { "ebb.coroutine.close(coroutine.running())", "close" },
})
