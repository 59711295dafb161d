-- Frames and tasks: tasks never see the frame.
local ebb = require "ebb"
local helper = require "spec.helper"
local throws = helper.throws
local alloc = ebb.alloc

local function here() return "frame_task_spec.lua:" .. debug.getinfo(2, "l").currentline end

local function framed(name, fn)
  it(name, function()
    alloc.begin_frame()
    local rt, errors = helper.runtime()
    local ok, err = pcall(fn, rt, errors)
    rt:close()
    if pcall(alloc.frame) then alloc.end_frame() end
    if not ok then error(err, 0) end
  end)
end

--- Runs fn as a task of rt to its end or first wait; its error is thrown here.
local function task(rt, fn)
  local handle = rt:spawn(fn)
  rt:step(1)
  return handle
end

describe("frames and tasks", function()
  framed("allocation inside a task is refused (EBB003)", function(rt)
    local f = alloc.frame()
    local done
    task(rt, function()
      for _, name in ipairs { "begin_frame", "end_frame", "frame" } do throws("EBB003", alloc[name]) end
      throws("EBB003", alloc.in_frame, function() end)
      throws("EBB003", alloc.configure, { frame = 100 })
      for _, name in ipairs { "bytes", "array", "vec", "buffer", "checkpoint", "phase", "summary", "close" } do
        throws("EBB003", f[name], f, "f64", 1)
      end
      done = true
    end)
    assert.is_true(done)
    assert.equal(f, alloc.frame()) -- as it was
  end)

  it("nor when no frame is open, nor in what a task calls", function()
    helper.run(function()
      throws("EBB003", alloc.begin_frame)
      throws("EBB003", alloc.frame)
      throws("EBB003", ebb.coroutine.wrap(alloc.begin_frame))
      throws("EBB003", coroutine.wrap(alloc.begin_frame))
    end)
  end)

  framed("frame data cannot be touched inside a task (EBB003), and is unharmed after it", function(rt)
    local where = here() local a = alloc.frame():array("f64", 4)
    local cp = alloc.frame():checkpoint()
    local b = alloc.frame():bytes(1)
    local phase = alloc.frame():phase "x"
    a[1] = 1
    local done
    task(rt, function()
      local err = throws("EBB003", function() return a[1] end)
      assert.matches(where, err, 1, true)
      throws("EBB003", function() a[1] = 2 end)
      throws("EBB003", a.sum, a)
      throws("EBB003", b.string, b)
      throws("EBB003", cp.close, cp)
      throws("EBB003", cp.commit, cp)
      throws("EBB003", phase.close, phase)
      assert.matches("open", tostring(cp))
      done = true
    end)
    assert.is_true(done)
    assert.equal(1, a[1])
    cp:close()
    throws("EBB002", function() return b[1] end)
    assert.equal(1, a:sum())
  end)

  framed("R164 kept across an await: the message names both lines (EBB002)", function(rt, errors)
    local made = here() local b = alloc.frame():bytes(1)
    local waited, err
    rt:spawn(function()
      ebb.sleep(1)
      waited = here() ebb.sleep(1)
      err = throws("EBB002", function() return b[1] end)
    end)
    rt:step(1)
    rt:advance(1.5)
    rt:step(1)
    alloc.end_frame()
    rt:advance(3)
    rt:step(1)
    if errors[1] then error(errors[1].err) end
    assert.matches("its frame ended", err)
    assert.matches(made, err, 1, true)
    assert.matches("kept across the await at [^%s]*" .. waited:gsub("%p", "%%%0"), err)
  end)

  framed("R164 also for tasks that were there before, in debug mode", function(rt)
    alloc.end_frame()
    local ch, waited, err = ebb.channel(1), nil, nil
    rt:spawn(function()
      local b = ch:recv()
      waited = here() ebb.sleep(1)
      err = throws("EBB002", function() return b[1] end)
    end)
    rt:step(1)
    alloc.debug(true)
    alloc.begin_frame()
    ch:try_send(alloc.frame():bytes(1))
    rt:step(1)
    alloc.end_frame()
    alloc.debug(false)
    rt:advance(3)
    rt:step(1)
    assert.matches("kept across the await at [^%s]*" .. waited:gsub("%p", "%%%0"), err)
  end)

  framed("a task that has not waited in the frame is told no await", function(rt)
    local b = alloc.frame():bytes(1)
    local err
    alloc.end_frame()
    task(rt, function()
      ebb.yield()
      err = throws("EBB002", function() return b[1] end)
    end)
    rt:step(1)
    assert.is_nil(err:find("await", 1, true))
  end)

  framed("an await outside of tasks leaves the frame as it was", function()
    local b = alloc.frame():bytes(1)
    b[1] = 3
    ebb.sleep(0.001)
    assert.equal(3, b[1])
    assert.equal(1, #alloc.frame():bytes(1))
  end)

  framed("error handlers and cleanups run while tasks run", function(rt, errors)
    local b = alloc.frame():bytes(1)
    local seen
    rt:spawn(function()
      local _ <close> = setmetatable({}, { __close = function() seen = throws("EBB003", b.string, b) end })
      ebb.sleep(100)
    end)
    rt:step(1)
    rt:close() -- kills it
    assert.matches("EBB003", seen)
    assert.equal("\0", b:string())
    assert.equal(0, #errors)
  end)

  it("S0 the whole of a game's frame: host, step, host", function()
    local rt <close> = ebb.runtime { clock = "virtual", frame = 1 << 16 }
    local sums, frames = 0, 0
    rt:spawn(function()
      while true do
        ebb.next_frame()
        frames = frames + 1
        local g <close> = ebb.guard()
        sums = sums + g:array("f64", 10):fill(1):sum()
      end
    end)
    rt:step(1, 0.01)
    for i = 1, 20 do
      alloc.in_frame(function(f)
        local positions = f:array("f64", 300):fill(i)
        rt:step(1, 0.01)
        assert.equal(300 * i, positions:sum())
      end)
    end
    assert.equal(20, frames)
    assert.equal(200, sums)
    assert.equal(0, alloc.stats().frame.live)
    alloc.configure { frame = 1 << 20 }
  end)
end)
