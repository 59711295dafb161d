-- ebb lint: each rule finds its mistake at its place, and leaves alone what only looks like it.
local lint = require "ebb.lint"
local support = require "spec.runtime.support"
local support_lint = require "spec.lint.support"
local quote = support.quote

local HEAD, found = support_lint.HEAD, support_lint.found

-- A list of programs, each after what is found in it.
local function cases(name, list)
  it(name, function()
    for i = 1, #list, 2 do
      local got = found(list[i + 1])
      if got ~= list[i] then
        error(("expected %q, found %q in:\n%s"):format(list[i], got, list[i + 1]), 2)
      end
    end
  end)
end

describe("ebb lint, memory:", function()
  cases("frame data after an await (S0.2)", {
    "4:1 EBB002", "local f = ebb.alloc.frame()\nlocal b = f:bytes(8)\nebb.sleep(1)\nb:fill(1)",
    "4:1 EBB002", "local frame = ebb.alloc.frame\nlocal b = frame():bytes(8):view(1, 2)\n"
      .. "ebb.alloc.end_frame()\nb:fill(1)",
    "5:1 EBB002", "local function nap() ebb.sleep(1) end\nlocal function doze() nap() end\n"
      .. "local b = ebb.alloc.frame():bytes(8)\ndoze()\nb:fill(1)",
    "3:3 EBB002", "local b = ebb.alloc.frame():bytes(8)\nfor i = 1, 3 do\n  b:set(i, 'x')\n"
      .. "  ebb.yield()\nend",
    "3:13 EBB002", "local b = ebb.alloc.frame():bytes(8)\nwhile x() do if y then ebb.sleep(1) else\n"
      .. "            b:fill(1) end end",
    "2:19 EBB002", "local b = ebb.alloc.frame():bytes(8)\nebb.go(function() b:fill(1) end)",
  })
  cases("frame data within its frame", {
    "", "local b = ebb.alloc.frame():bytes(8)\nb:fill(1)\nebb.sleep(1)",
    "", "local b = ebb.alloc.frame():bytes(8)\nif x then ebb.sleep(1) return end\nb:fill(1)",
    "", "local b = ebb.alloc.frame():bytes(8)\nif x then ebb.sleep(1) else b:fill(1) end",
    "", "for i = 1, 3 do\nlocal b = ebb.alloc.frame():bytes(8)\nb:fill(i)\nebb.yield()\nend",
    "", "local b = ebb.alloc.frame():bytes(8)\nfor i = 1, 3 do b:set(i, 'x')\n"
      .. "if x then ebb.sleep(1) break end end",
    "", "local b = ebb.alloc.frame():bytes(8)\nlocal function f() ebb.sleep(1) end\nb:fill(1)",
    "", "local b = ebb.alloc.frame():bytes(8)\nebb.await(b:string())",
    "", "local b = ebb.alloc.frame():bytes(8)\nb = other()\nebb.sleep(1)\nb:fill(1)",
  })
  cases("frame memory in a task", {
    "2:9 EBB003", "ebb.go(function()\nlocal b=ebb.alloc.frame():bytes(8)\nend)",
    "1:20 EBB003", "local function f() ebb.alloc.in_frame(print) end\nebb.run(f)",
    "", "local function f() ebb.alloc.in_frame(print) end\nf()",
  })
  cases("memory after its guard", {
    "4:1 EBB012", "local g = ebb.guard()\nlocal b = g:bytes(8)\ng:close()\nb:fill(1)",
    "3:11 EBB012", "local g = ebb.guard()\ng:close()\nlocal b = g:bytes(8)",
    "4:1 EBB012", "local g <close> = ebb.guard()\nlocal b = g:bytes(8)\ng:release(b)\nb:fill(1)",
    "3:10 EBB012", "local function f()\nlocal g <close> = ebb.guard()\n  return g:bytes(8)\nend",
    "", "local g = ebb.guard()\nlocal b = g:bytes(8)\nb:fill(1)\ng:close()\ng:close()",
    "", "local g = ebb.guard()\nlocal b = g:bytes(8)\ng:promote(b)\ng:close()\nb:fill(1)",
    "", "local g = ebb.guard()\nif x then g:close() return end\ng:bytes(8)\ng:close()",
    "", "local function f()\nlocal g <close> = ebb.guard()\nreturn g:promote(g:bytes(8))\nend",
    "", "local function f(g)\nreturn g:bytes(8)\nend",
    "", "local function f()\nlocal g <close> = ebb.guard()\nlocal b = g:bytes(8)\ng:promote(b)\n"
      .. "return b\nend",
  })
end)

describe("ebb lint, what is held:", function()
  cases("left open", {
    "1:7 EBB022", "local g = ebb.guard()\ng:bytes(8)",
    "1:7 EBB022", "local s = ebb.scope()\ns:spawn(print)",
    "2:7 EBB041", "local m = ebb.mutex()\nlocal lock = m:lock()\nprint(lock.value)",
    "2:1 EBB041", "local m = ebb.mutex()\nm:lock()",
    "2:20 EBB041", "local m = ebb.mutex()\nlocal function f() m:lock() end",
    "2:7 EBB041", "local s = ebb.semaphore(2)\nlocal permit = s:acquire()",
    "2:7 EBB041", "local c = ebb.channel(2)\nlocal permit = c:reserve()",
    "2:7 EBB022", "local f = ebb.alloc.frame()\nlocal cp = f:checkpoint()",
    "2:7 EBB022", "local b = ebb.broadcast(4)\nlocal sub = b:subscribe()\nprint(sub:recv())",
    "2:7 EBB022", "local p = ebb.resource_pool(open)\nlocal lease = p:acquire()\nprint(lease.value)",
    "2:7 EBB041", "local self = { m = ebb.mutex() }\nlocal lock = self.m:lock()",
    "2:7 EBB041", "local rw = ebb.rwlock()\nlocal r = rw:read()\nif r then print 'read' end",
  })
  cases("closed, handed on or kept elsewhere", {
    "", "local g <close> = ebb.guard()\ng:bytes(8)",
    "", "local g --[[x]] <close> = ebb.guard()",
    "", "local g = ebb.guard()\ng:close()",
    "", "local function f() local g = ebb.guard() return g end",
    "", "local g = ebb.guard()\nkeep(g)",
    "", "local g = ebb.guard()\nlocal t = { g = g }\nreturn t",
    "", "local g = ebb.guard()\nreturn function() g:close() end",
    "", "local m = ebb.mutex()\nm:with(print)\nm:lock():close()",
    "", "local s = ebb.semaphore(2)\ns:acquire()\ns:add(1)",
    "", "local c = ebb.channel(2)\nlocal permit = c:reserve()\npermit:send(1)",
    "", "local g = ebb.task_guard()\ng:bytes(8)",
    "", "local g <close> = ebb.guard()\nlocal child = g:guard()\nchild:bytes(8)",
    "", "ebb.scope(function(s) s:spawn(print) end)",
    "", "local door = other()\ndoor:lock()\nebb.sleep(1)",
    "", "local function f(ebb) local g = ebb.guard() end",
  })
  cases("a dropped task", {
    "1:1 EBB101", "ebb.spawn(print)",
    "2:1 EBB101", "local spawn <const> = ebb.spawn\nspawn(print)",
    "1:11 EBB101", "local t = ebb.spawn(print)",
    "", "local t = ebb.spawn(print)\nt:await()",
    "", "ebb.go(print)\nebb.spawn(print):await()\nreturn ebb.spawn(print)",
    "", "local ebb = { spawn = print }\nebb.spawn(print)\nrequire 'ebb'",
  })
  cases("an unbounded channel, a dropped operation", {
    "1:11 EBB102", "local c = ebb.channel(math.huge)\nc:close()",
    "2:11 EBB102", "local huge = math.huge\nlocal c = ebb.channel(huge)",
    "2:1 EBB103", "local c = ebb.channel(1)\nc:recv_op()",
    "1:1 EBB103", "ebb.after(1)",
    "", "local c = ebb.channel(16)\nebb.select(c:recv_op(), ebb.after(1))\nebb.after(1):await()",
  })
end)

describe("ebb lint, waiting:", function()
  cases("calls that block all tasks", {
    "1:20 EBB023", "ebb.run(function() os.execute 'true' end)",
    "2:25 EBB023", "local read = io.read\nebb.go(function() print(read()) end)",
    "1:20 EBB023", "local function f() os.rename('a', 'b') end\nebb.spawn(f):await()",
    "1:20 EBB023", "local function f() io.popen 'true' ebb.sleep(1) end",
    "2:23 EBB023", "local socket = require 'socket'\nebb.scope(function(s) socket.sleep(1) end)",
    "3:1 EBB023", "local socket = require 'socket'\nebb.go(function() local s = socket.tcp()\n"
      .. "s:connect('localhost', 80) end)",
    "", "local rt = ebb.runtime()\nlocal function loop() rt:step(0.01) io.read() end\nloop()",
    "", "os.execute 'true'\nebb.run(function() ebb.sleep(1) end)",
    "", "ebb.run(function() ebb.blocking(function() os.execute 'true' end) end)",
    "", "local os = { execute = print }\nebb.run(function() os.execute 'true' end)",
    "", "ebb.run(function() os.time() io.write 'x' end)",
    "", "local io = ebb.io\nebb.run(function() io.read() end)",
  })
  cases("loops without an await", {
    "1:1 EBB023", "while true do print 'x' end",
    "2:1 EBB023", "local function f() local s = ('x'):rep(3) return s end\nrepeat f() until false",
    "", "while true do ebb.yield() end",
    "", "local function f() ebb.sleep(1) end\nwhile true do f() end",
    "", "while true do if x then break end end",
    "2:3 EBB023", "while true do ebb.sleep(1)\n  while true do for i = 1, 2 do break end end end",
    "", "while true do unknown() end",
    "", "local f, g\nfunction f() g() ebb.sleep(1) end\nfunction g() f() end\n"
      .. "while true do g() end",
    "", "local f, g\nfunction f() g() end\nfunction g() if x then f() end ebb.sleep(1) end\n"
      .. "while true do f() end",
    "", "local a = {}\na.next = a.next.next.next\na.next = a.next.next\nwhile true do a.next:go() end",
    "", "while true do host:step() end",
    "", "while x do print 'x' end",
    "", "while true do local v = error 'x' end",
    "", "local c = ebb.channel()\nwhile true do for v in c do print(v) end end",
  })
  cases("a cancel that is swallowed", {
    "1:15 EBB024", "while true do pcall(ebb.sleep, 1) end",
    "2:15 EBB024", "local c = ebb.channel()\nwhile true do pcall(function() c:recv() end) end",
    "2:14 EBB024", "while x do\n  local ok = pcall(function() ebb.sleep(1) end)\n  print(ok)\nend",
    "", "while true do pcall(ebb.sleep, 1) ebb.yield() end",
    "", "while true do local ok = pcall(ebb.sleep, 1) if not ok then break end end",
    "", "while true do local ok, err = pcall(ebb.sleep, 1)\n"
      .. "if ebb.is_cancelled(err) then error(err, 0) end end",
    "", "pcall(ebb.sleep, 1)\nwhile true do pcall(pcall, ebb.sleep, 1) end",
    "", "while true do pcall(print, 1) ebb.sleep(1) end",
    "", "repeat local ok = pcall(ebb.sleep, 1) until ok",
    "", "while true do xpcall(ebb.sleep, function(e)\n"
      .. "  if ebb.is_cancelled(e) then os.exit(1) end end, 1) end",
  })
  cases("an await where Lua cannot suspend", {
    "1:31 EBB051", "table.sort({}, function(a, b) ebb.sleep(1) return a < b end)",
    "2:27 EBB051", "local sort = table.sort\nlocal function less(a, b) ebb.yield() end\nsort({}, less)",
    "1:28 EBB051", "('x'):gsub('x', function() ebb.yield() end)",
    "1:44 EBB051", "setmetatable({}, { __tostring = function() ebb.yield() end })",
    "1:27 EBB051", "coroutine.wrap(function() ebb.yield() end)()",
    "1:20 EBB054", "ebb.run(function() coroutine.yield() end)",
    "", "ebb.coroutine.install()\ncoroutine.wrap(function() ebb.yield() end)()",
    "", "ebb.coroutine.wrap(function() ebb.yield() end)()",
    "", "coroutine.wrap(function() coroutine.yield(1) end)()",
    "", "table.sort({}, function(a, b) return a < b end)",
    "", "setmetatable({}, { __index = function() ebb.yield() end })",
  })
end)

describe("ebb lint, the command:", function()
  local function run(words, input)
    local line = ("%s bin/ebb lint %s"):format(support.interpreter(), words)
    if input then line = ("printf %%s %s | %s"):format(quote(input), line) end
    return support.shell(line)
  end

  local function file(text)
    local path = support.file(text)
    finally(function() os.remove(path) end)
    return path
  end

  it("prints findings by place, a count, and ends with code 1", function()
    local path = file(HEAD .. "ebb.spawn(print)\nlocal g = ebb.guard()\n")
    local result = run(quote(path))
    assert.equal("", result.err)
    assert.equal(1, result.code)
    assert.equal(path .. ":2:1: EBB101: ", result.out:match "^[^\n]*EBB101: ")
    assert.truthy(result.out:find("\n" .. path .. ":3:7: EBB022: ", 1, true))
    assert.truthy(result.out:find("\n2 findings\n$"))
  end)

  it("code 0 with nothing found, also of a file that has nothing to do with ebb", function()
    local result = run("-", "while true do end")
    assert.equal("0 nothing found\n", result.code .. " " .. result.out)
  end)

  it("code 2 for what cannot be read or parsed; the other files are checked", function()
    local path = file("local = 1\n")
    local result = run(quote(path) .. " /nonexistent/x.lua -", HEAD .. "ebb.after(1)")
    assert.equal(2, result.code)
    support.contains(path .. ":1:7: ", result.err)
    support.contains("/nonexistent/x.lua", result.err)
    support.contains("stdin:2:1: EBB103", result.out)
  end)

  it("code 2 and its usage for a wrong option or no file", function()
    for _, words in ipairs { "", "--wrong x.lua", "--format=xml x.lua" } do
      local result = run(words)
      assert.equal(2, result.code)
      support.contains("usage: ebb lint", result.err)
    end
    assert.equal(0, run("--help").code)
  end)

  it("JSON", function()
    local result = run("--format=json -", HEAD .. "ebb.after(1)")
    assert.equal(1, result.code)
    support.contains('[\n  {"file": "stdin", "line": 2, "column": 1, "code": "EBB103", "message": "',
      result.out)
    assert.equal("[]\n", run("--format=json -", "").out)
  end)

  it("a comment silences its line, alone on a line the next one, with codes only those", function()
    assert.equal("", found "ebb.after(1) -- ebb: ignore")
    assert.equal("", found "ebb.after(1) -- ebb: ignore EBB101, EBB103 (why)")
    assert.equal("1:1 EBB103", found "ebb.after(1) -- ebb: ignore EBB101")
    assert.equal("3:1 EBB103", found "-- ebb: ignore\nebb.after(1)\nebb.after(1)")
    assert.equal("1:1 EBB103", found "ebb.after(1) -- ebb: ignored")
  end)

  it("columns count bytes; a first line with #, a mark of UTF-8 and \\r\\n change no place", function()
    local list = lint.check("\239\187\191#!/usr/bin/ebb\r\n" .. HEAD .. "local s = 'é' ebb.after(1)\r\n")
    assert.equal("3:16", list[1].line .. ":" .. list[1].column)
  end)

  it("says what to install where the parser is missing, and leaves package.path as it was", function()
    local result = support.child([[
      local path = package.path
      table.insert(package.searchers, 1, function(name)
        if name:find "^luacheck" then return function() error "not here" end end
      end)
      local list, failed = require "ebb.lint".check ""
      print(list, failed.line, failed.message, package.path == path)
    ]])
    assert.equal("nil\tnil\tebb lint needs the parser of luacheck: apt install lua-check, or "
      .. "luarocks --lua-version 5.4 install luacheck\ttrue\n", result.out)
  end)

  it("finds nothing in the project's examples and modules", function()
    local result = run("$(find examples lua -name '*.lua')")
    assert.equal("", result.err)
    assert.equal("nothing found\n", result.out)
  end)
end)
