-- ebb.io: files, standard files and commands, as Lua's io.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.runtime.support"
local system = require "spec.system"

local slurp = system.slurp
local real = { clock = "system" }
local paths = {}

local function new_path(data)
  local path = os.tmpname()
  paths[#paths + 1] = path
  if data then system.spit(path, data) end
  return path
end

--- A program of its own with ebb, run by the shell: `line` has %s where it stands.
local function shell(line, program)
  local path = support.file('local ebb = require "ebb"\nebb.run(function()\n' .. program .. "\nend)")
  local result = support.shell(line:gsub("%%s", support.interpreter() .. " " .. path))
  os.remove(path)
  return result
end

describe("ebb.io", function()
  after_each(function()
    for i, path in ipairs(paths) do
      os.remove(path)
      paths[i] = nil
    end
  end)

  helper.it("reads in every format of Lua's files", function()
    local path = new_path "first\nsecond\n12 -3.5e1 0x1p4 nan\nrest\nlast"
    local ours <close> = assert(ebb.io.open(path))
    local theirs <close> = assert(io.open(path))
    for _, formats in ipairs { {}, { "L" }, { "n", "n", "n" }, { "n" }, { "l" }, { 0 }, { 2, 1 },
      { "a" }, { "a" }, { "l" }, { 0 }, { "n" } } do
      local expected = table.pack(theirs:read(table.unpack(formats)))
      local got = table.pack(ours:read(table.unpack(formats)))
      for i = 1, expected.n do assert.equal(expected[i], got[i]) end
    end
    assert.same({ nil, "eof" }, { ours:read() })
    assert.equal("", ours:read "*a")
    helper.throws("invalid format", ours.read, ours, "x")
    helper.throws("invalid format", ours.lines, ours, "x")
    helper.throws("format expected", ours.read, ours, {})
  end)

  helper.it("reads exactly, until, some, into (IO3, IO4, IO5)", function()
    local file <close> = assert(ebb.io.open(new_path "key: value\r\nnext\n\nabc--b-end"))
    assert.equal("key: ", file:read_until ": ")
    assert.equal("value\r", file:read())
    assert.same({ nil, "too long", "ne" }, { file:read_until("\n", 2) })
    assert.equal("xt\n", file:read_until("\n", 3))
    assert.equal("", file:read())
    assert.equal("abc--b-", file:read_until "-b-")
    assert.equal("", file:read_exactly(0))
    assert.equal("e", file:read_some(1))
    assert.equal("", file:read_some(0))
    assert.same({ nil, "eof", "nd" }, { file:read_exactly(3) })
    assert.same({ nil, "eof", "" }, { file:read_exactly(3) })
    assert.same({ nil, "eof", "" }, { file:read_until "x" })
    assert.same({ nil, "eof" }, { file:read_some() })
    file:seek "set"
    local guard <close> = ebb.guard()
    local buffer = guard:buffer()
    assert.equal(3, file:read_into(buffer, 3))
    assert.equal(25, file:read_into(buffer))
    assert.equal("key: value", buffer:get(10))
    assert.same({ nil, "eof" }, { file:read_into(buffer) })
    helper.throws("a delimiter of one byte", file.read_until, file, "")
    assert.is_false(pcall(file.read_into, file, "x"))
  end)

  helper.it("a read is an op; what a timeout leaves is read by the next (R142)", function()
    local p <close> = assert(ebb.process.spawn { "cat", stdin = "pipe", stdout = "pipe" })
    p.stdin:write "half"
    assert.equal("timeout", select(2, ebb.timeout(0.05, p.stdout:read_op "l")))
    local task = ebb.spawn(p.stdout.read_exactly, p.stdout, 100)
    ebb.sleep(0.01)
    assert.equal("read", task:waiting_on())
    task:cancel()
    task:join()
    assert.is_nil(ebb.try_select(p.stdout:read_op(9)))
    p.stdin:write " a line\nand more"
    local which, line = ebb.select(ebb.never(), p.stdout:read_op "l")
    assert.same({ 2, "half a line" }, { which, line })
    assert.equal("and more", select(2, ebb.select(p.stdout)))
  end, real)

  helper.it("one reader and one writer at a time (EBB046)", function()
    local p <close> = assert(ebb.process.spawn { "sleep", "100", stdin = "pipe", stdout = "pipe" })
    local reader = ebb.spawn(p.stdout.read, p.stdout)
    local writer = ebb.spawn(p.stdin.write, p.stdin, ("x"):rep(1000000))
    ebb.sleep(0.01)
    helper.throws("EBB046", p.stdout.read, p.stdout)
    helper.throws("EBB046", p.stdin.write, p.stdin, "x")
    p.stdin:close()
    p.stdout:close()
    assert.same({ nil, "closed" }, { reader:await() })
    assert.same({ nil, "closed" }, { writer:await() })
    assert.same({ nil, "closed" }, { p.stdout:read() })
    assert.same({ nil, "closed" }, { p.stdin:write "x" })
  end, real)

  helper.it("writes: strings, numbers as Lua writes them, large ones in order", function()
    local path = new_path()
    local ours <close> = assert(ebb.io.open(path, "w"))
    assert.equal(ours, ours:write("a", 1, 2.5, 1e100, 2^53, "\n", ("x"):rep(300000)))
    ours:write(("y"):rep(70000))
    assert.equal("", slurp(path):sub(1, 0))
    assert.is_true(ours:flush())
    local other = new_path()
    do
      local theirs <close> = assert(io.open(other, "w"))
      theirs:write("a", 1, 2.5, 1e100, 2^53, "\n", ("x"):rep(300000), ("y"):rep(70000))
    end
    assert.is_true(slurp(other) == slurp(path))
    helper.throws("string expected", ours.write, ours, {})
    assert.is_true(ours:close())
    assert.is_true(ours:close())
    assert.same({ nil, "closed" }, { ours:write "x" })
  end)

  -- What C leaves undefined without a seek between reading and writing gets one, in both.
  helper.it("does in every mode what Lua's files do, in 3000 random steps", function()
    math.randomseed(tonumber(os.getenv "EBB_SPEC_IO_SEED") or 1)
    local random = math.random
    local modes = { "r", "w", "a", "r+", "w+", "a+" }
    local words = { "a", "line\n", " 42 ", ("long "):rep(2000), "\n\n", "0x1F,", "" }
    local formats = { "l", "L", "n", 1, 7, 5000, 0, "a" }
    for round = 1, 100 do
      local start = {}
      for i = 1, random(0, 20) do start[i] = words[random(#words)] end
      local paths_of = { new_path(table.concat(start)), new_path(table.concat(start)) }
      local mode = modes[random(#modes)]
      local ours, theirs = assert(ebb.io.open(paths_of[1], mode)), assert(io.open(paths_of[2], mode))
      local can_read = mode:find "[r+]" ~= nil
      local can_write = mode ~= "r"
      local log = { mode }
      for _ = 1, 30 do
        local step, a, b = random(5)
        if step == 1 and can_write then
          local word = words[random(#words)]
          log[#log + 1] = "write " .. #word
          if can_read then ours:seek "cur"; theirs:seek "cur" end
          a, b = ours:write(word) == ours, theirs:write(word) == theirs
          if can_read then ours:seek "cur"; theirs:seek "cur" end
        elseif step == 2 and can_read then
          local format = formats[random(#formats)]
          log[#log + 1] = "read " .. format
          a, b = ours:read(format), theirs:read(format)
        elseif step == 3 then
          local whence = ({ "set", "cur", "end" })[random(3)]
          local offset = whence == "set" and random(0, 100) or random(-10, 10)
          log[#log + 1] = "seek " .. whence .. offset
          a, b = ours:seek(whence, offset), theirs:seek(whence, offset)
        elseif step == 4 and can_write then
          log[#log + 1] = "flush"
          assert.is_true(ours:flush())
          theirs:flush()
          a, b = slurp(paths_of[1]), slurp(paths_of[2])
        elseif step == 5 then
          local kind, size = ({ "no", "full", "line" })[random(3)], random(1, 5000)
          log[#log + 1] = "setvbuf " .. kind
          ours:setvbuf(kind, size)
        end
        if a ~= b then
          error(("round %d: %s: %q instead of %q"):format(round, table.concat(log, ", "), a, b))
        end
      end
      assert.is_true(ours:close())
      theirs:close()
      assert.is_true(slurp(paths_of[1]) == slurp(paths_of[2]), table.concat(log, ", "))
    end
  end)

  helper.it("errors are three values (FS5)", function()
    assert.same({ nil, "ENOENT: no such file or directory", "ENOENT" },
      { ebb.io.open "/tmp/ebb no such" })
    assert.equal("ENOENT", select(3, ebb.io.open("/no such/x", "w")))
    assert.equal("EISDIR", select(3, ebb.io.open("/tmp", "w")))
    local dir <close> = assert(ebb.io.open "/tmp")
    assert.equal("EISDIR", select(3, dir:read()))
    assert.equal("EISDIR", select(3, dir:read "a"))
    local path = new_path "x"
    local reading <close> = assert(ebb.io.open(path))
    assert.same({ nil, "EBADF: bad file descriptor", "EBADF" }, { reading:write "x" })
    assert.equal("x", reading:read())
    local writing <close> = assert(ebb.io.open(path, "a"))
    assert.equal("EBADF", select(3, writing:read()))
    assert.equal("EINVAL", select(3, reading:seek("set", -1)))
    assert.equal("EOVERFLOW", select(3, reading:seek("end", math.maxinteger)))
    for _, mode in ipairs { "", "x", "rw", "r+x", "+", "br" } do
      helper.throws("invalid mode", ebb.io.open, path, mode)
    end
    assert(ebb.io.open(path, "r+b")):close()
    helper.throws("string expected", ebb.io.open)
    helper.throws("invalid option", reading.seek, reading, "start")
    helper.throws("invalid option", reading.setvbuf, reading, "some")
  end)

  helper.it("an error of what was written behind is told by what follows (FS3)", function()
    local full = assert(ebb.io.open("/dev/full", "w"))
    full:setvbuf "full"
    assert.equal(full, full:write "x")
    assert.same({ nil, "ENOSPC: no space left on device", "ENOSPC" }, { full:flush() })
    assert.equal(full, full:write "x")
    assert.equal("ENOSPC", select(3, full:close()))
    local direct <close> = assert(ebb.io.open("/dev/full", "w"))
    assert.equal("ENOSPC", select(3, direct:write "x"))
  end)

  helper.it("lines: formats, the end closes, leaving the loop closes, errors are thrown", function()
    local path = new_path "a\nb\n\nc"
    local list = {}
    for line in ebb.io.lines(path) do list[#list + 1] = line end
    assert.same({ "a", "b", "", "c" }, list)
    list = {}
    for one, two in ebb.io.lines(path, 1, "L") do
      list[#list + 1] = one .. "|" .. tostring(two)
    end
    assert.same({ "a|\n", "b|\n", "\n|c" }, list)
    collectgarbage()
    collectgarbage()
    local before = system.n_descriptors()
    for line in ebb.io.lines(path) do
      if line == "b" then break end
    end
    assert.is_true(system.n_descriptors() <= before)
    helper.throws("ENOENT", ebb.io.lines, "/no such file")
    helper.throws("EISDIR", ebb.io.lines "/tmp")
    local file <close> = assert(ebb.io.open(path))
    local next_line = file:lines()
    assert.equal("a", next_line())
    file:close()
    helper.throws("already closed", next_line)
  end)

  helper.it("tmpfile: read and written, gone when closed", function()
    local file <close> = assert(ebb.io.tmpfile())
    file:write "some text"
    assert.equal(0, file:seek "set")
    assert.equal("some text", file:read "a")
  end)

  helper.it("what is buffered is written by close, by leaving the block, by the collector (IO7)",
    function()
      local path = new_path()
      do
        local file <close> = assert(ebb.io.open(path, "w"))
        file:write "left"
      end
      assert.equal("left", slurp(path))
      assert(ebb.io.open(path, "a")):write ", collected"
      collectgarbage()
      collectgarbage()
      assert.equal("left, collected", slurp(path))
      local file = assert(ebb.io.open(path, "w"))
      file:write(("z"):rep(1000000))
      file:close()
      assert.equal(1000000, #slurp(path))
    end)

  helper.it("close writes what is on its way, though every thread is busy", function()
    local path, pipe = new_path(), new_path()
    os.remove(pipe)
    assert.equal(0, ebb.process.output({ "mkfifo", pipe }).code)
    local file = assert(ebb.io.open(path, "w"))
    local blocked = {}
    for i = 1, 20 do blocked[i] = ebb.spawn(ebb.io.open, pipe, "w") end -- nobody reads it
    ebb.sleep(0.02)
    assert(file:write(("z"):rep(100000)))
    assert.equal(0, #slurp(path))
    assert.is_true(file:close())
    assert.is_true(slurp(path) == ("z"):rep(100000))
    for i = 1, 20 do blocked[i]:cancel() end
    for i = 1, 20 do blocked[i]:join() end
  end, real)

  it("the runtime's end writes it too", function()
    local path = new_path()
    local kept
    helper.run(function()
      kept = assert(ebb.io.open(path, "w"))
      kept:write(("z"):rep(100000))
    end)
    assert.equal(100000, #slurp(path))
    assert.same({ nil, "closed" }, { kept:write "x" })
    assert.same({ nil, "closed" }, { kept:read() })
  end)

  helper.it("a file is copied in bounded memory; the others run meanwhile (FS1)", function()
    local from, to = new_path(), new_path()
    assert(ebb.process.output { "sh", "-c", "head -c 64000000 /dev/zero > " .. from })
    local turns = 0
    local other = ebb.spawn(function()
      while true do
        turns = turns + 1
        ebb.yield()
      end
    end)
    local source <close>, most = assert(ebb.io.open(from)), 0
    local target <close> = assert(ebb.io.open(to, "w"))
    local mode = collectgarbage "incremental" -- the other one may put off what there is much of
    local _ <close> = setmetatable({}, { __close = function() collectgarbage(mode) end })
    collectgarbage()
    local base = collectgarbage "count"
    while true do
      local data = source:read_some()
      if not data then break end
      assert(target:write(data))
      most = math.max(most, collectgarbage "count" - base)
    end
    target:close()
    other:cancel()
    assert.equal(64000000, assert(ebb.fs.stat(to)).size)
    assert.is_true(turns > 100)
    assert.is_true(most < base + 8000, most) -- the collector begins at twice what is alive
  end, real)

  helper.it("ebb.copy: from a file to a pipe, to a file; shutdown ends what is written (IO1)", function()
    local data = ("0123456789"):rep(100000)
    local path = new_path(data)
    local other = new_path()
    local from <close> = assert(ebb.io.open(path))
    local sum <close> = assert(ebb.process.spawn { "wc", "-c", stdin = "pipe", stdout = "pipe" })
    assert.equal(1000000, ebb.copy(from, sum.stdin))
    assert.is_true(sum.stdin:shutdown())
    assert.equal(1000000, sum.stdout:read "n")
    from:seek "set"
    local to <close> = assert(ebb.io.open(other, "w+"))
    assert.equal(1000000, ebb.copy(from, to))
    assert.is_true(to:shutdown())
    assert.is_true(slurp(other) == data)
    assert.is_true(to:close())
    assert.equal("closed", select(2, to:shutdown()))
  end, real)

  helper.it("a named pipe: opened when the other end is, read as it comes", function()
    local path = new_path()
    os.remove(path)
    assert.equal(0, ebb.process.output({ "mkfifo", path }).code)
    local writer = ebb.spawn(function()
      local file <close> = assert(ebb.io.open(path, "w"))
      file:write "through"
      ebb.sleep(0.01)
      file:write " the pipe\n"
    end)
    ebb.sleep(0.02)
    assert.equal("waiting", writer:status())
    local file <close> = assert(ebb.io.open(path))
    assert.equal("through the pipe", file:read())
    assert.same({ nil, "eof" }, { file:read() })
    assert.same({ nil, "ESPIPE: invalid seek", "ESPIPE" }, { file:seek() })
    writer:await()
    file:close()
    assert.equal("timeout", select(2, ebb.timeout(0.03, ebb.io.open, path, "w")))
  end, real)

  helper.it("a cancelled open leaves no descriptor", function()
    local path = new_path "x"
    assert(ebb.io.open(path)):close()
    collectgarbage()
    local before = system.n_descriptors()
    for _ = 1, 20 do
      local task = ebb.spawn(ebb.io.open, path)
      ebb.yield()
      task:cancel()
      task:join()
    end
    system.none_left(before)
  end, real)

  helper.it("popen: reads and writes a command, close waits for its end", function()
    local file = assert(ebb.io.popen "echo one; echo two; exit 3")
    assert.equal("file", ebb.io.type(file))
    assert.equal("one", file:read())
    assert.equal("two\n", file:read "a")
    support.contains("open", tostring(file))
    assert.same({ nil, "exit", 3 }, { file:close() })
    assert.equal("closed file", ebb.io.type(file))
    local path = new_path()
    do
      local out <close> = assert(ebb.io.popen("cat > " .. path, "w"))
      assert.equal(out, out:write("to ", "cat"))
    end
    assert.equal("to cat", slurp(path))
    assert.same({ true, "exit", 0 }, { assert(ebb.io.popen("true")):close() })
    assert.same({ nil, "signal", 9 }, { assert(ebb.io.popen("kill -9 $$")):close() })
    local words = {}
    for line in assert(ebb.io.popen "echo a; echo b"):lines() do words[#words + 1] = line end
    assert.same({ "a", "b" }, words)
    helper.throws("invalid mode", ebb.io.popen, "true", "x")
  end, real)

  helper.it("type, input, output, read, write, close as io's", function()
    local path = new_path()
    assert.is_nil(ebb.io.type(io.stdout))
    assert.is_nil(ebb.io.type "x")
    local out = ebb.io.output(path)
    assert.equal("file", ebb.io.type(out))
    assert.equal(out, ebb.io.write("default\n", 2))
    assert.is_true(ebb.io.close())
    assert.equal("closed file", ebb.io.type(out))
    ebb.io.output(ebb.io.stdout)
    ebb.io.input(path)
    assert.equal("default", ebb.io.read())
    assert.equal(2, ebb.io.read "n")
    ebb.io.close(ebb.io.input())
    ebb.io.input(ebb.io.stdin)
    assert.same({ nil, "cannot close standard file" }, { ebb.io.stdout:close() })
    helper.throws("ENOENT", ebb.io.input, "/no such file")
    helper.throws("ebb.file or path", ebb.io.output, io.stdout)
  end)

  it("R130 the standard input is a file, a pipe, a terminal, closed", function()
    local program = [[
      local n = 0
      for line in ebb.io.stdin:lines() do n = n + #line end
      ebb.io.stdout:write(n, "\n")
    ]]
    local path = new_path(("line\n"):rep(10000))
    assert.equal("40000\n", shell("%s < " .. path, program).out)
    assert.equal("40000\n", shell("cat " .. path .. " | %s", program).out)
    assert.equal("40000\n", shell("cat " .. path .. " | %s | cat", program).out)
    assert.equal("0\n", shell("%s < /dev/null", program).out)
    local result = shell("%s <&-", [[print(pcall(function() return ebb.io.stdin end))]])
    support.contains("EBADF", result.out)
    if os.execute "command -v script >/dev/null 2>&1" then
      local ended = new_path()
      os.remove(ended)
      result = shell(("(sleep 0.1; echo typed; while [ ! -e %s ]; do sleep 0.01; done) | "):format(ended)
        .. ("script -qec '%%s' /dev/null; touch %s"):format(ended),
        ([[ebb.io.stdout:write("got ", ebb.io.stdin:read(), "\n") io.open(%q, "w"):close()]]):format(ended))
      support.contains("got typed", result.out)
    end
  end)

  it("a standard input that waits does not keep the others, and is left blocking", function()
    local go = new_path()
    os.remove(go)
    local line = ("(while [ ! -e %s ]; do sleep 0.01; done; echo late) | "):format(go)
      .. ("(%%s; touch %s; read line; echo \"shell: $line\")"):format(go)
    local result = shell(line, [[
      local value, why = ebb.timeout(0.02, ebb.io.stdin)
      ebb.io.stdout:write(tostring(value), " ", why, "\n")
    ]])
    assert.equal("nil timeout\nshell: late\n", result.out)
    os.remove(go)
  end)

  it("the standard output keeps its order, to a file, a pipe and nobody (R118)", function()
    local path = new_path()
    local program = [[
      for i = 1, 1000 do assert(ebb.io.stdout:write(i, "\n")) end
      ebb.process.output { "echo", "child", stdout = "inherit" }
      assert(ebb.io.stdout:write(("x"):rep(200000), "\n"))
      ebb.io.stderr:write "done"
    ]]
    local expected = {}
    for i = 1, 1000 do expected[i] = i end
    expected = table.concat(expected, "\n") .. "\nchild\n" .. ("x"):rep(200000) .. "\n"
    assert.equal("done", shell("%s > " .. path, program).err)
    assert.is_true(slurp(path) == expected)
    assert.equal("done", shell("%s | cat > " .. path, program).err)
    assert.is_true(slurp(path) == expected)
    local result = shell("%s | true", [[
      local _, message, code
      for _ = 1, 1000 do -- until the other end is gone
        ebb.sleep(0.01)
        _, message, code = ebb.io.stdout:write "x"
        if code then break end
      end
      io.stderr:write(tostring(code), " ", message)
    ]])
    assert.equal("EPIPE EPIPE: broken pipe", result.err)
  end)

  it("belongs to its runtime", function()
    local file
    local path = new_path "x"
    local rt = helper.runtime()
    rt:run(function() file = assert(ebb.io.open(path, "r+")) end)
    helper.run(function()
      helper.throws("EBB052", file.read, file)
      helper.throws("EBB052", file.write, file, "x")
    end)
    rt:close()
  end)

  it("works outside of tasks, as at the prompt", function()
    support.prints("line\n", [[
      local ebb = require "ebb"
      local file = assert(ebb.io.tmpfile())
      file:write "line\n"
      file:seek "set"
      print(file:read())
    ]])
  end)
end)
