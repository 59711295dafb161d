-- ebb.fs on real files, in a directory of its own for each test.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.runtime.support"
local system = require "spec.system"

local fs, slurp, spit = ebb.fs, system.slurp, system.spit
local real = { clock = "system" }

local root

local function shell(command, ...)
  local words = { command }
  for i, word in ipairs { ... } do words[i + 1] = support.quote(word) end
  assert(os.execute(table.concat(words, " ")))
end

local function failing(message, code, ...)
  assert.same({ nil, code .. ": " .. message, code, n = 3 }, table.pack(...))
end

local function is_root()
  local pipe <close> = assert(io.popen "id -u")
  return pipe:read "n" == 0
end

local function tree()
  for _, dir in ipairs { "/a", "/a/deep", "/a/deep/er", "/b" } do assert(fs.mkdir(root .. dir)) end
  for _, file in ipairs { "/z", "/a.txt", "/a/2", "/a/10", "/a/deep/er/x", "/.hidden" } do
    spit(root .. file, file)
  end
  assert(fs.symlink("a", root .. "/link"))
  assert(fs.symlink("nowhere", root .. "/b/dangling"))
end

local function walked(dir)
  local lines = {}
  for path, kind in fs.walk(dir) do
    assert.equal(dir, path:sub(1, #dir))
    lines[#lines + 1] = path:sub(#dir + 1) .. " " .. kind
  end
  return lines
end

local whole_tree = {
  "/.hidden file", "/a directory", "/a/10 file", "/a/2 file", "/a/deep directory",
  "/a/deep/er directory", "/a/deep/er/x file", "/a.txt file", "/b directory", "/b/dangling link",
  "/link link", "/z file",
}

before_each(function() root = system.folder() end)
after_each(function() system.remove(root) end)

describe("ebb.fs.read", function()
  helper.it("gives the whole file", function()
    spit(root .. "/f", "one\ntwo\n")
    assert.equal("one\ntwo\n", fs.read(root .. "/f"))
  end)

  helper.it("gives an empty file as an empty string", function()
    spit(root .. "/f", "")
    assert.equal("", fs.read(root .. "/f"))
  end)

  helper.it("gives every byte as it is", function()
    local bytes = {}
    for i = 0, 255 do bytes[i + 1] = string.char(i) end
    local data = table.concat(bytes):rep(3) .. "\0\0\r\n\26"
    spit(root .. "/f", data)
    assert.equal(data, fs.read(root .. "/f"))
  end)

  helper.it("gives a large file", function()
    local data = ("0123456789abcdef"):rep(500000)
    spit(root .. "/f", data)
    assert.is_true(data == fs.read(root .. "/f"))
  end)

  helper.it("does not believe the size of files of /proc", function()
    if not io.open "/proc/self/status" then return pending "no /proc here" end
    assert.equal(0, fs.stat "/proc/self/status".size)
    assert.truthy(fs.read "/proc/self/status":find "Pid")
  end)

  helper.it("reads devices", function() assert.equal("", fs.read "/dev/null") end)

  helper.it("follows links", function()
    spit(root .. "/f", "x")
    assert(fs.symlink("f", root .. "/l"))
    assert.equal("x", fs.read(root .. "/l"))
  end)

  helper.it("fails with three values", function()
    failing("no such file or directory", "ENOENT", fs.read(root .. "/none"))
    failing("illegal operation on a directory", "EISDIR", fs.read(root))
    spit(root .. "/f", "")
    failing("not a directory", "ENOTDIR", fs.read(root .. "/f/g"))
    failing("name too long", "ENAMETOOLONG", fs.read(root .. "/" .. ("n"):rep(300)))
    failing("no such file or directory", "ENOENT", fs.read "")
    fs.symlink("loop", root .. "/loop")
    failing("too many symbolic links encountered", "ELOOP", fs.read(root .. "/loop"))
  end)

  helper.it("fails where it is not allowed to", function()
    if is_root() then return pending "root is allowed everything" end
    spit(root .. "/f", "")
    assert(fs.chmod(root .. "/f", 0))
    failing("permission denied", "EACCES", fs.read(root .. "/f"))
  end)
end)

describe("ebb.fs.write and append", function()
  helper.it("write makes the file", function()
    assert.is_true(fs.write(root .. "/f", "some\0thing"))
    assert.equal("some\0thing", slurp(root .. "/f"))
  end)

  helper.it("write replaces what was there", function()
    spit(root .. "/f", "a long text")
    assert.is_true(fs.write(root .. "/f", "short"))
    assert.equal("short", slurp(root .. "/f"))
    assert.is_true(fs.write(root .. "/f", ""))
    assert.equal("", slurp(root .. "/f"))
  end)

  helper.it("it is complete when the call returns", function()
    local data = ("x"):rep(3000000)
    fs.write(root .. "/f", data)
    assert.equal(#data, fs.stat(root .. "/f").size)
  end)

  helper.it("append makes it or goes on at its end", function()
    assert.is_true(fs.append(root .. "/f", "1"))
    assert.is_true(fs.append(root .. "/f", "2\0"))
    assert.is_true(fs.append(root .. "/f", 3))
    assert.equal("12\0003", slurp(root .. "/f"))
  end)

  helper.it("many appends at once lose nothing", function()
    ebb.scope(function(s)
      for _ = 1, 100 do s:spawn(fs.append, root .. "/f", "0123456789") end
    end)
    assert.equal(("0123456789"):rep(100), slurp(root .. "/f"))
  end)

  helper.it("fail with three values", function()
    failing("no such file or directory", "ENOENT", fs.write(root .. "/no/f", "x"))
    failing("illegal operation on a directory", "EISDIR", fs.write(root, "x"))
    failing("no such file or directory", "ENOENT", fs.append(root .. "/no/f", "x"))
    failing("no space left on device", "ENOSPC", fs.write("/dev/full", "x"))
  end)
end)

describe("ebb.fs.stat and exists", function()
  helper.it("tells what a file is", function()
    spit(root .. "/f", "12345")
    assert(fs.chmod(root .. "/f", tonumber("640", 8)))
    local info = assert(fs.stat(root .. "/f"))
    assert.equal("file", info.type)
    assert.equal(5, info.size)
    assert.equal(tonumber("640", 8), info.mode)
    assert.equal(1, info.nlink)
    assert.is_true(math.abs(os.time() - info.mtime) < 60)
    for _, key in ipairs { "size", "mode", "ino", "nlink", "uid", "gid" } do
      assert.equal("integer", math.type(info[key]), key)
    end
    for _, key in ipairs { "mtime", "atime", "ctime" } do
      assert.equal("float", math.type(info[key]), key)
    end
  end)

  helper.it("knows the kinds", function()
    assert.equal("directory", fs.stat(root).type)
    assert.equal("char", fs.stat "/dev/null".type)
    shell("mkfifo", root .. "/p")
    assert.equal("fifo", fs.stat(root .. "/p").type)
    fs.symlink("p", root .. "/l")
    assert.equal("fifo", fs.stat(root .. "/l").type)
  end)

  helper.it("what is not there", function()
    failing("no such file or directory", "ENOENT", fs.stat(root .. "/none"))
    assert.equal(false, fs.exists(root .. "/none"))
    assert.equal(false, fs.exists(root .. "/none/at/all"))
    spit(root .. "/f", "")
    assert.equal(true, fs.exists(root .. "/f"))
    assert.equal(false, fs.exists(root .. "/f/g"))
    assert.equal(true, fs.exists(root))
    fs.symlink("nowhere", root .. "/l")
    assert.equal(false, fs.exists(root .. "/l"))
    failing("name too long", "ENAMETOOLONG", fs.exists(("n"):rep(300)))
  end)
end)

describe("ebb.fs.list and walk", function()
  helper.it("list gives the names, sorted, without dots", function()
    assert.same({}, fs.list(root))
    tree()
    assert.same({ ".hidden", "a", "a.txt", "b", "link", "z" }, fs.list(root))
    failing("no such file or directory", "ENOENT", fs.list(root .. "/none"))
    failing("not a directory", "ENOTDIR", fs.list(root .. "/z"))
  end)

  helper.it("list of many files", function()
    local expected = {}
    for i = 1, 2000 do
      local name = ("%05d"):format(i * 7919 % 100000)
      spit(root .. "/" .. name, "")
      expected[i] = name
    end
    table.sort(expected)
    assert.same(expected, fs.list(root))
  end)

  helper.it("walk goes depth first, sorted, without the root itself, and follows no links", function()
    tree()
    assert.same(whole_tree, walked(root))
    assert.same({ "10 file", "2 file", "deep directory", "deep/er directory", "deep/er/x file" },
      walked(root .. "/a/"))
  end)

  helper.it("a root that cannot be read throws, as io.lines does", function()
    helper.throws("/none: ENOENT: no such file or directory", walked, root .. "/none")
    spit(root .. "/f", "")
    helper.throws("/f: ENOTDIR: not a directory", walked, root .. "/f")
  end)

  helper.it("a directory that goes away meanwhile is as if empty", function()
    tree()
    local seen = {}
    for path in fs.walk(root) do
      seen[#seen + 1] = path:sub(#root + 1)
      if path == root .. "/a" then shell("rm -r", path) end
    end
    assert.same({ "/.hidden", "/a", "/a.txt", "/b", "/b/dangling", "/link", "/z" }, seen)
  end)

  helper.it("a walk may be left and several may go on at once", function()
    tree()
    for path in fs.walk(root) do
      if path:find "deep" then break end
    end
    local results = ebb.map({ root, root, root }, walked)
    for i = 1, 3 do assert.same(whole_tree, results[i]) end
  end)

  it("walks outside of tasks", function()
    tree()
    assert.same(whole_tree, walked(root))
  end)
end)

describe("what changes names", function()
  helper.it("mkdir", function()
    assert.is_true(fs.mkdir(root .. "/d"))
    assert.equal("directory", fs.stat(root .. "/d").type)
    failing("file already exists", "EEXIST", fs.mkdir(root .. "/d"))
    failing("no such file or directory", "ENOENT", fs.mkdir(root .. "/x/y"))
    failing("no such file or directory", "ENOENT", fs.mkdir(root .. "/x/y", { parents = false }))
  end)

  helper.it("mkdir with parents", function()
    assert.is_true(fs.mkdir(root .. "/x/y/z", { parents = true }))
    assert.equal("directory", fs.stat(root .. "/x/y/z").type)
    assert.is_true(fs.mkdir(root .. "/x/y/z", { parents = true }))
    assert.is_true(fs.mkdir(root .. "/x//w/", { parents = true }))
    assert.equal("directory", fs.stat(root .. "/x/w").type)
    spit(root .. "/f", "")
    failing("file already exists", "EEXIST", fs.mkdir(root .. "/f", { parents = true }))
    assert.is_nil((fs.mkdir(root .. "/f/g", { parents = true })))
  end)

  helper.it("remove takes files and empty directories", function()
    tree()
    assert.is_true(fs.remove(root .. "/z"))
    assert.is_true(fs.remove(root .. "/link"))
    assert.is_true(fs.exists(root .. "/a"))
    assert.is_true(fs.remove(root .. "/a/deep/er/x"))
    assert.is_true(fs.remove(root .. "/a/deep/er"))
    failing("directory not empty", "ENOTEMPTY", fs.remove(root .. "/a"))
    failing("no such file or directory", "ENOENT", fs.remove(root .. "/z"))
  end)

  helper.it("rename", function()
    spit(root .. "/f", "x")
    spit(root .. "/g", "y")
    assert.is_true(fs.rename(root .. "/f", root .. "/g"))
    assert.equal("x", slurp(root .. "/g"))
    assert.is_false(fs.exists(root .. "/f"))
    failing("no such file or directory", "ENOENT", fs.rename(root .. "/f", root .. "/h"))
  end)

  helper.it("copy", function()
    local data = ("\0 binary\n"):rep(30000)
    spit(root .. "/f", data)
    spit(root .. "/g", ("longer"):rep(100000))
    assert(fs.chmod(root .. "/f", tonumber("700", 8)))
    assert.equal(#data, fs.copy(root .. "/f", root .. "/g"))
    assert.is_true(data == slurp(root .. "/g"))
    assert.equal(#data, fs.copy(root .. "/f", root .. "/h"))
    assert.equal(tonumber("700", 8), fs.stat(root .. "/h").mode)
    failing("invalid argument", "EINVAL", fs.copy(root .. "/f", root .. "/f"))
    assert.is_true(data == slurp(root .. "/f"))
    failing("illegal operation on a directory", "EISDIR", fs.copy(root, root .. "/h"))
    failing("no such file or directory", "ENOENT", fs.copy(root .. "/none", root .. "/i"))
    assert.is_false(fs.exists(root .. "/i"))
  end)

  helper.it("symlink and realpath", function()
    spit(root .. "/f", "x")
    assert.is_true(fs.symlink("f", root .. "/l"))
    assert.equal(fs.realpath(root) .. "/f", fs.realpath(root .. "/./l"))
    failing("file already exists", "EEXIST", fs.symlink("f", root .. "/l"))
    failing("no such file or directory", "ENOENT", fs.realpath(root .. "/none"))
  end)

  helper.it("chmod", function()
    spit(root .. "/f", "x")
    assert.is_true(fs.chmod(root .. "/f", tonumber("604", 8)))
    assert.equal(tonumber("604", 8), fs.stat(root .. "/f").mode)
    failing("no such file or directory", "ENOENT", fs.chmod(root .. "/none", 0))
  end)

  helper.it("mkdtemp", function()
    local one, two = assert(fs.mkdtemp(root .. "/t")), assert(fs.mkdtemp(root .. "/t"))
    assert.not_equal(one, two)
    assert.equal(root .. "/t", one:sub(1, #root + 2))
    assert.equal("directory", fs.stat(one).type)
    assert.equal(tonumber("700", 8), fs.stat(one).mode)
    failing("no such file or directory", "ENOENT", fs.mkdtemp(root .. "/none/t"))
  end)
end)

describe("wrong arguments of ebb.fs", function()
  local function refuses(text, name, ...)
    local args = table.pack(...)
    helper.throws(text, function()
      local result = fs[name](table.unpack(args, 1, args.n))
      return result
    end)
  end

  for _, name in ipairs { "read", "stat", "exists", "list", "walk", "mkdir", "remove", "realpath", "mkdtemp" } do
    helper.it(name .. " wants a path", function()
      refuses("(string expected, got ", name)
      refuses("(string expected, got number)", name, 12)
      refuses("(path without zeros expected)", name, "a\0b")
    end)
  end

  helper.it("of two paths or a path and data", function()
    refuses("bad argument #2", "write", "f")
    refuses("bad argument #2", "write", "f", {})
    refuses("bad argument #1", "append", nil, "f")
    refuses("bad argument #2", "rename", "f")
    refuses("bad argument #2", "rename", "f", "a\0b")
    refuses("bad argument #2", "copy", "f", 1)
    refuses("bad argument #1", "symlink", nil, "f")
    refuses("bad argument #2", "chmod", "f", "644")
    refuses("bad argument #2", "chmod", "f", -1)
    refuses("bad argument #2", "mkdir", "f", true)
  end)

  helper.it("the error is at the caller's line", function()
    local here = support.here(1)
    local err = helper.throws("path without zeros", function() local x = fs.read "a\0b" return x end)
    support.contains(here, err)
    here = support.here(1)
    err = helper.throws("path without zeros", function() local x = fs.exists "a\0b" return x end)
    support.contains(here, err)
  end)

  helper.it("where it cannot await it says so", function()
    spit(root .. "/f", "x")
    helper.throws("EBB051", table.sort, { 1, 2, 3 }, function() return fs.read(root .. "/f") end)
  end)
end)

describe("requests", function()
  helper.it("other tasks run meanwhile", function()
    spit(root .. "/f", "x")
    local log = helper.log()
    local other = ebb.spawn(function() log "other" end)
    fs.read(root .. "/f")
    log "read"
    other:await()
    assert.equal("other read", log:text())
  end)

  helper.it("two hundred at once", function()
    for i = 1, 200 do spit(root .. "/" .. i, ("%d,"):format(i):rep(i)) end
    local list = {}
    for i = 1, 200 do list[i] = root .. "/" .. i end
    for i, data in ipairs(ebb.map(list, fs.read)) do
      assert.equal(("%d,"):format(i):rep(i), data)
    end
  end)

  it("work without any task, at the prompt", function()
    assert.is_true(fs.write(root .. "/f", "x"))
    assert.equal("x", fs.read(root .. "/f"))
    failing("no such file or directory", "ENOENT", fs.read(root .. "/none"))
  end)

  it("no deadlock is seen while one runs, with either clock", function()
    shell("mkfifo", root .. "/p")
    for _, clock in ipairs { "system", "virtual" } do
      os.execute(("(sleep 0.2; printf late >%s) &"):format(support.quote(root .. "/p")))
      helper.run(function()
        assert.equal("late", fs.read(root .. "/p"))
      end, { clock = clock })
    end
  end)

  helper.it("hold virtual time", function()
    spit(root .. "/f", ("x"):rep(1000000))
    local ended
    local hour = ebb.spawn(function() ebb.sleep(3600) ended = true end)
    fs.read(root .. "/f")
    assert.is_nil(ended)
    hour:cancel()
  end)

  it("a stepped runtime takes their results", function()
    spit(root .. "/f", "data")
    support.with_runtime(function(rt)
      local task = rt:spawn(fs.read, root .. "/f")
      local stuck = rt:step(0).stuck
      assert.is_false(stuck)
      support.step_until(rt, function() return task:status() == "done" end)
      assert.equal("data", select(2, task:join()))
    end, real)
  end)

  helper.it("a timeout ends the waiting, of reads and of writes", function()
    shell("mkfifo", root .. "/p")
    local start = ebb.now()
    assert.equal("timeout", select(2, ebb.timeout(0.05, fs.read, root .. "/p")))
    assert.is_true(ebb.now() - start < 30)
    shell("mkfifo", root .. "/q") -- another: the job that reads the first may still be about to give up
    assert.equal("timeout", select(2, ebb.timeout(0.05, fs.write, root .. "/q", "x")))
  end, real)

  helper.it("a cancel ends the waiting", function()
    shell("mkfifo", root .. "/p")
    local log = helper.log()
    local task = ebb.spawn(function()
      local _ <close> = support.closer(function() log "closed" end)
      fs.read(root .. "/p")
      log "never"
    end)
    helper.settle()
    support.contains("waiting (file read)", tostring(task))
    task:cancel()
    task:join()
    assert.equal("cancelled", task:status())
    assert.equal("closed", log:text())
  end, real)

  helper.it("a task that was cancelled before it starts none #fifo", function()
    local task = ebb.spawn(function()
      ebb.shield(function() ebb.yield() end)
      pcall(ebb.yield)
      fs.write(root .. "/f", "x")
    end)
    ebb.yield()
    task:cancel()
    task:join()
    assert.is_false(fs.exists(root .. "/f"))
  end)

  helper.it("many cancelled while they wait for a thread", function()
    shell("mkfifo", root .. "/p")
    for _ = 1, 3 do
      ebb.timeout(0.02, ebb.scope, function(s)
        for _ = 1, 100 do s:spawn(fs.read, root .. "/p") end
      end)
    end
    spit(root .. "/f", "x")
    assert.equal("x", fs.read(root .. "/f"))
  end, real)

  it("a runtime is closed with requests in flight", function()
    shell("mkfifo", root .. "/p")
    spit(root .. "/f", ("x"):rep(100000))
    for _ = 1, 3 do
      local rt = ebb.runtime()
      for _ = 1, 10 do
        rt:spawn(fs.read, root .. "/p")
        rt:spawn(fs.read, root .. "/f")
        rt:spawn(fs.list, root)
      end
      rt:step(0)
      rt:close()
    end
  end)

  it("a state is closed with requests in flight", function()
    local result = support.prints("started\n", ([[
      local ebb = require "ebb"
      local root = %q
      os.execute("mkfifo " .. root .. "/q")
      ebb.fs.write(root .. "/f", ("x"):rep(100000))
      local rt = ebb.runtime()
      for _ = 1, 10 do
        rt:spawn(ebb.fs.read, root .. "/q")
        rt:spawn(ebb.fs.read, root .. "/f")
      end
      rt:step(0)
      print "started"
    ]]):format(root))
    assert.is_true(result.seconds < 30)
  end)

  it("too large for the memory is an error as any other", function()
    if not support.interpreter():find "lua[%d.]*$" then return end -- sanitizers need the address space
    shell("truncate -s 100G", root .. "/f")
    local path = support.file(([[
      local ebb = require "ebb"
      print(ebb.fs.read(%q))
      print(ebb.fs.exists(%q))
    ]]):format(root .. "/f", root))
    local result = support.shell(("ulimit -v 4000000; %s %s"):format(support.interpreter(), support.quote(path)))
    os.remove(path)
    assert.equal("nil\tENOMEM: not enough memory\tENOMEM\ntrue\n", result.out)
  end)

  it("a writer whose reader goes away gets EPIPE and no signal", function()
    shell("mkfifo", root .. "/p")
    os.execute(("head -c 1 %s >/dev/null 2>&1 &"):format(support.quote(root .. "/p")))
    failing("broken pipe", "EPIPE", fs.write(root .. "/p", ("x"):rep(1000000)))
  end)
end)
