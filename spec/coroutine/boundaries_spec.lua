-- Where a task may await.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.runtime.support"
local it_runs = helper.it
local closer, near, contains = support.closer, support.near, support.contains

describe("an await works in", function()
  it_runs("R33 pcall: results and errors pass through", function()
    assert.same({ true, 1, 2 }, { pcall(function()
      ebb.sleep(1)
      return 1, 2
    end) })
    local payload = {}
    local ok, err = pcall(function()
      ebb.sleep(1)
      error(payload)
    end)
    assert.is_false(ok)
    assert.is_true(rawequal(payload, err))
    assert.same({ true }, { pcall(ebb.sleep, 1) })
  end)

  it_runs("R33 xpcall: the handler sees the frames that failed", function()
    local function failing_frame()
      ebb.sleep(1)
      error("broken")
    end
    local ok, text = xpcall(function() failing_frame() end, debug.traceback)
    assert.is_false(ok)
    contains("broken", text)
    contains("failing_frame", text)
    assert.same({ true, 7 }, { xpcall(function(...)
      ebb.sleep(1)
      return ...
    end, debug.traceback, 7) })
  end)

  it_runs("R33 pcall in pcall in pcall", function()
    local ok, inner = pcall(pcall, pcall, function()
      ebb.sleep(1)
      error("broken")
    end)
    assert.is_true(ok)
    assert.is_true(inner)
  end)

  for _, event in ipairs { "add", "sub", "mul", "div", "mod", "pow", "unm", "idiv", "band", "bor",
    "bxor", "shl", "shr", "bnot", "concat", "len", "eq", "lt", "le", "index",
    "newindex", "call" } do
    local use = ({
      add = "a + b", sub = "a - b", mul = "a * b", div = "a / b", mod = "a % b", pow = "a ^ b",
      unm = "-a", idiv = "a // b", band = "a & b", bor = "a | b", bxor = "a ~ b", shl = "a << b",
      shr = "a >> b", bnot = "~a", concat = "a .. b", len = "#a", eq = "a == b", lt = "a < b",
      le = "a <= b", index = "a.x", call = "a(1)",
    })[event]
    it_runs("R34 the metamethod __" .. event, function()
      local mt, start = {}, ebb.now()
      local got
      mt["__" .. event] = function()
        ebb.sleep(1)
        got = true
        return true
      end
      local a, b = setmetatable({}, mt), setmetatable({}, mt)
      if event == "newindex" then
        a.x = 1
      else
        assert.is_true(assert(load("local a, b = ... return " .. use))(a, b))
      end
      assert.is_true(got)
      near(1, ebb.now() - start)
    end)
  end

  it_runs("R34 the metamethod __pairs", function()
    local proxy = setmetatable({}, { __pairs = function()
      ebb.sleep(1)
      return next, { x = 1 }, nil
    end })
    for k, v in pairs(proxy) do
      assert.equal("x", k)
      assert.equal(1, v)
    end
  end)

  it_runs("R37 the iterator of a for loop", function()
    local start, sum = ebb.now(), 0
    for i in function(_, last)
      ebb.sleep(1)
      return last < 5 and last + 1 or nil
    end, nil, 0 do sum = sum + i end
    assert.equal(15, sum)
    near(6, ebb.now() - start)
  end)

  it_runs("R37 the closing value of a for loop, on break too", function()
    local log = helper.log()
    local function once(_, last)
      if not last then return 1 end
    end
    for i in once, nil, nil, closer(function()
      ebb.sleep(1)
      log("closed")
    end) do log(i) end
    for i in once, nil, nil, closer(function()
      ebb.sleep(1)
      log("closed")
    end) do
      log(i)
      if log then break end
    end
    assert.equal("1 closed 1 closed", log:text())
  end)

  it_runs("R39 __close: at the end of a block, on break, goto, return and error", function()
    local log = helper.log()
    local function held(name)
      return closer(function(err)
        ebb.sleep(1)
        log(name, err)
      end)
    end
    do
      local _ <close> = held("end")
    end
    while true do
      local _ <close> = held("break")
      if log then break end
    end
    do
      local _ <close> = held("goto")
      goto out
    end
    ::out::
    local a, b = (function()
      local _ <close> = held("return")
      return 1, 2
    end)()
    local ok, err = pcall(function()
      local _ <close> = held("outer")
      local _ <close> = held("inner")
      error("broken", 0)
    end)
    assert.equal(1, a)
    assert.equal(2, b)
    assert.is_false(ok)
    assert.equal("broken", err)
    assert.equal("end:nil break:nil goto:nil return:nil inner:broken outer:broken", log:text())
  end)

  it_runs("R60 varargs, tail calls and goto loops give what they give without it", function()
    local function program(wait)
      local log = helper.log()
      local function varargs(...)
        wait()
        return select("#", ...), ...
      end
      local function tail(n, ...)
        wait()
        if n == 0 then return ... end
        return tail(n - 1, n, ...)
      end
      log(varargs(nil, 2, nil))
      log(tail(5, "end"))
      local i = 0
      ::again::
      i = i + 1
      wait()
      if i < 5 then goto again end
      log(i)
      local t = { varargs(1), varargs(1, 2), tail(2) }
      log(table.unpack(t))
      return log:text()
    end
    assert.equal(program(function() end), program(function() ebb.sleep(1) end))
  end)

  it_runs("R60 a thousand tail calls", function()
    local function tail(n)
      ebb.yield()
      if n > 0 then return tail(n - 1) end
      return "end"
    end
    assert.equal("end", tail(1000))
  end)

  it_runs("R33 chunks of load and dofile", function()
    local path = support.file("local ebb = require 'ebb' ebb.sleep(1) return 'chunk'")
    assert.equal("chunk", dofile(path))
    os.remove(path)
    local chunk = assert(load("local ebb = ... ebb.sleep(1) return 'loaded'"))
    assert.equal("loaded", chunk(ebb))
  end)
end)

describe("a task's own coroutine", function()
  it_runs("R61 coroutine.running and isyieldable answer as ever", function()
    local thread, main = coroutine.running()
    assert.equal("thread", type(thread))
    assert.is_false(main)
    assert.is_true(coroutine.isyieldable())
    assert.equal("running", coroutine.status(thread))
    local other
    ebb.spawn(function() other = coroutine.running() end):await()
    assert.is_false(rawequal(thread, other))
  end)

  it("R49 resumed by hand while it waits: no crash, and the others go on", function()
    support.prints("canary\n", [[
      local ebb = require "ebb"
      pcall(ebb.run, function()
        local thread
        local task = ebb.spawn(function()
          thread = coroutine.running()
          ebb.sleep(0.01)
        end)
        ebb.yield()
        for _ = 1, 3 do
          pcall(coroutine.resume, thread)
          pcall(coroutine.resume, thread, "value")
        end
        local canary = ebb.spawn(function() ebb.sleep(0.03) return "canary" end)
        print(canary:await())
        task:cancel()
      end)
    ]])
  end)

  it("R51 closed by hand while it waits: no crash, and the others go on", function()
    support.prints("canary\n", [[
      local ebb = require "ebb"
      pcall(ebb.run, function()
        local thread
        local task = ebb.spawn(function()
          thread = coroutine.running()
          ebb.sleep(0.01)
        end)
        ebb.yield()
        pcall(coroutine.close, thread)
        local canary = ebb.spawn(function() ebb.sleep(0.03) return "canary" end)
        print(canary:await())
        task:cancel()
      end)
    ]])
  end)

  it("R49 R51 resumed or closed by hand after it ended: the tasks to come are unharmed", function()
    support.prints("10\n10\n", [[
      local ebb = require "ebb"
      for _, touch in ipairs { coroutine.resume, coroutine.close } do
        local threads = {}
        ebb.run(function()
          for i = 1, 10 do
            ebb.spawn(function() threads[i] = coroutine.running() end):await()
          end
          for i = 1, #threads do pcall(touch, threads[i]) end
          local n = 0
          for _ = 1, 10 do
            ebb.spawn(function() ebb.yield() n = n + 1 end):join()
          end
          print(n)
        end)
      end
    ]])
  end)

  it_runs("R57 a count hook of the user does not disturb awaits", function()
    local n = 0
    debug.sethook(function() n = n + 1 end, "", 100)
    for _ = 1, 10 do
      ebb.sleep(1)
      ebb.yield()
    end
    for _ = 1, 1000 do n = n + 0 end
    debug.sethook()
    assert.is_true(n > 0)
  end)
end)
