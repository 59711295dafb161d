-- ebb.fs.watch: what happens in a directory or to a file, received like anything else.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.runtime.support"
local system = require "spec.system"

local write = system.spit
local real = { clock = "system" }

local dirs = {}

--- A new directory, removed after the spec.
local function new_dir()
  local dir = system.folder()
  dirs[#dirs + 1] = dir
  return dir
end

--- Receives until `name` has had an event of `kind`; what came before does not matter.
local function await_event(watch, name, kind)
  local got_name, got_kind
  assert(ebb.timeout(10, function()
    repeat got_name, got_kind = watch:recv() until got_name == name and got_kind == kind
    return true
  end), "no such event")
end

--- Everything that is there; the events of what was done before are.
local function drain(watch)
  local list = {}
  while true do
    local name, kind = ebb.timeout(0.05, watch)
    if not name then return list, kind end
    list[#list + 1] = name .. ":" .. kind
  end
end

describe("ebb.fs.watch", function()
  after_each(function()
    for i, dir in ipairs(dirs) do
      system.remove(dir)
      dirs[i] = nil
    end
  end)

  helper.it("tells what comes into a directory, changes there and goes (FS5)", function()
    local dir = new_dir()
    local watch <close> = assert(ebb.fs.watch(dir))
    local task = ebb.spawn(watch.recv, watch)
    helper.settle()
    assert.equal("file watch", task:waiting_on())
    write(dir .. "/a", "1")
    assert.same({ "a", "rename" }, { task:await() })
    await_event(watch, "a", "change")
    drain(watch)
    os.rename(dir .. "/a", dir .. "/b")
    local seen = table.concat(drain(watch), " ")
    support.contains("a:rename", seen)
    support.contains("b:rename", seen)
    os.remove(dir .. "/b")
    await_event(watch, "b", "rename")
  end, real)

  helper.it("is an op: select, timeout, several in one select", function()
    local dir, other = new_dir(), new_dir()
    local first <close> = assert(ebb.fs.watch(dir))
    local second <close> = assert(ebb.fs.watch(other))
    assert.same({ nil, "timeout" }, { table.unpack(table.pack(ebb.timeout(0.02, first)), 1, 2) })
    assert.is_nil(ebb.try_select(first, second))
    write(other .. "/x", "1")
    local which, name = ebb.select(first, second)
    assert.same({ 2, "x" }, { which, name })
    write(dir .. "/y", "1")
    which, name = ebb.select(first:recv_op(), ebb.never())
    assert.same({ 1, "y" }, { which, name })
  end, real)

  helper.it("a file is watched by name: deleted, written anew, put in place by a rename", function()
    local dir = new_dir()
    local path = dir .. "/config"
    write(path, "1")
    write(dir .. "/other", "1")
    local watch <close> = assert(ebb.fs.watch(path))
    write(dir .. "/other", "2")
    write(path, "2")
    assert.equal("config", (watch:recv()))
    drain(watch)
    os.remove(path)
    assert.same({ "config", "rename" }, { watch:recv() })
    write(path, "3")
    await_event(watch, "config", "change")
    drain(watch)
    write(dir .. "/new", "4")
    os.rename(dir .. "/new", path)
    await_event(watch, "config", "rename")
    write(path, "5")
    await_event(watch, "config", "change")
    assert.same({}, (drain(watch)))
  end, real)

  helper.it("a link is followed and keeps its name", function()
    local dir = new_dir()
    write(dir .. "/file", "1")
    assert(ebb.fs.symlink("file", dir .. "/link"))
    local watch <close> = assert(ebb.fs.watch(dir .. "/link"))
    write(dir .. "/file", "2")
    assert.same({ "link", "change" }, { watch:recv() })
  end, real)

  helper.it("what is not there: three values", function()
    local watch, message, code = ebb.fs.watch("/tmp/ebb no such thing")
    assert.is_nil(watch)
    assert.equal("ENOENT: no such file or directory", message)
    assert.equal("ENOENT", code)
    helper.throws("string expected", ebb.fs.watch, 1)
    helper.throws("zeros", ebb.fs.watch, "a\0b")
  end, real)

  helper.it("a directory that goes is an error, after its events", function()
    local dir = new_dir()
    write(dir .. "/a", "1")
    local watch <close> = assert(ebb.fs.watch(dir))
    os.execute("rm -r " .. dir)
    local name, kind, code
    assert(ebb.timeout(10, function()
      repeat name, kind, code = watch:recv() until not name
      return true
    end))
    assert.equal("ENOENT: no such file or directory", kind)
    assert.equal("ENOENT", code)
    assert.equal("ENOENT", select(3, watch:recv()))
    support.contains("failed", tostring(watch))
  end, real)

  helper.it("a directory that goes wakes who waits", function()
    local dir = new_dir()
    local path = dir .. "/sub"
    assert(ebb.fs.mkdir(path))
    write(path .. "/file", "1")
    local watch <close> = assert(ebb.fs.watch(path .. "/file"))
    local task = ebb.spawn(function()
      local list = {}
      while true do
        local name, kind, code = watch:recv()
        if not name then return code, #list end
        list[#list + 1] = name .. kind
      end
    end)
    helper.settle()
    os.execute("rm -r " .. path)
    assert.equal("ENOENT", (ebb.timeout(10, task)))
  end, real)

  helper.it("equal events are one while nobody takes them", function()
    local dir = new_dir()
    write(dir .. "/a", "0")
    write(dir .. "/b", "0")
    local watch <close> = assert(ebb.fs.watch(dir))
    local a <close> = assert(io.open(dir .. "/a", "a"))
    local b <close> = assert(io.open(dir .. "/b", "a"))
    -- in turns: equal ones that follow each other are one in the system already
    for i = 1, 100 do
      a:write(i)
      a:flush()
      b:write(i)
      b:flush()
    end
    ebb.sleep(0.02)
    assert.same({ "a:change", "b:change" }, (drain(watch)))
  end, real)

  helper.it("the buffer is bounded: what came too much is told in its place", function()
    local dir = new_dir()
    local watch <close> = assert(ebb.fs.watch(dir))
    for i = 1, 2000 do
      write(dir .. "/" .. i, "")
      if i % 200 == 0 then ebb.yield() end
    end
    ebb.sleep(0.05)
    support.contains("1024 event(s)", tostring(watch))
    local n, name, why, lost = 0
    repeat
      name, why, lost = watch:recv()
      if name then n = n + 1 end
    until not name
    assert.equal(1024, n)
    assert.equal("lagged", why)
    assert.is_true(lost >= 900)
    assert.same({}, (drain(watch)))
    write(dir .. "/last", "")
    assert.equal("last", (watch:recv()))
  end, real)

  helper.it("R125 close wakes who waits, once; closing twice is harmless", function()
    local watch = assert(ebb.fs.watch(new_dir()))
    local tasks = {}
    for i = 1, 3 do tasks[i] = ebb.spawn(watch.recv, watch) end
    helper.settle()
    watch:close()
    watch:close()
    for i = 1, 3 do assert.same({ nil, "closed" }, { tasks[i]:await() }) end
    assert.same({ nil, "closed" }, { watch:recv() })
    support.contains("closed", tostring(watch))
  end, real)

  helper.it("a cancelled wait loses nothing", function()
    local dir = new_dir()
    local watch <close> = assert(ebb.fs.watch(dir))
    local task = ebb.spawn(watch.recv, watch)
    helper.settle()
    task:cancel()
    assert.is_false((task:join()))
    write(dir .. "/a", "")
    assert.equal("a", (watch:recv()))
  end, real)

  helper.it("what a task was woken with is its own, though the watch closes", function()
    local dir = new_dir()
    local watch = assert(ebb.fs.watch(dir))
    local task = ebb.spawn(watch.recv, watch)
    helper.settle()
    assert.equal("waiting", task:status())
    write(dir .. "/a", "")
    repeat ebb.yield() until task:status() ~= "waiting"
    watch:close()
    assert.same({ "a", "rename" }, { task:await() })
  end, real)

  helper.it("R162 one that is collected lets its descriptor go", function()
    local dir = new_dir()
    assert(ebb.fs.watch(dir)):close()
    collectgarbage()
    collectgarbage()
    ebb.sleep(0.01)
    local before = system.n_descriptors()
    for _ = 1, 50 do assert(ebb.fs.watch(dir)) end
    collectgarbage()
    collectgarbage()
    system.none_left(before)
  end, real)

  it("the runtime's end closes it; with its waiter when it is cut short", function()
    local kept
    helper.run(function()
      kept = assert(ebb.fs.watch "/tmp")
      ebb.spawn(kept.recv, kept)
      helper.settle()
    end, real)
    assert.same({ nil, "closed" }, { kept:recv() })
  end)

  it("belongs to its runtime", function()
    local watch
    local rt = helper.runtime(real)
    rt:run(function() watch = assert(ebb.fs.watch "/tmp") end)
    helper.run(function() helper.throws("EBB052", watch.recv, watch) end, real)
    rt:close()
  end)

  it("nothing but a watch to wait for is no deadlock; it ends as one without", function()
    local dir
    helper.run(function() dir = new_dir() end, real)
    helper.run(function()
      local watch <close> = assert(ebb.fs.watch(dir))
      os.execute(("(sleep 0.1; touch %s/later) >/dev/null 2>&1 &"):format(dir))
      assert.equal("later", (watch:recv()))
    end)
    local rt = helper.runtime(real)
    helper.throws("deadlock", rt.run, rt, function()
      local watch <close> = assert(ebb.fs.watch(dir))
      ebb.never():await()
      return watch
    end)
    rt:close()
  end)
end)
