-- The command `ebb`: as a program of its own and as a script of the plain interpreter.
local support = require "spec.runtime.support"
local contains, quote = support.contains, support.quote

local function readable(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

-- The commands that are there: the built one (EBB_SPEC_COMMAND names another) and the installed script.
local commands = {}
local built = os.getenv("EBB_SPEC_COMMAND") or "build/debug/ebb"
if readable(built) then commands[#commands + 1] = { "the program", quote(built) } end
if readable("bin/ebb") then
  commands[#commands + 1] = { "the script", support.interpreter() .. " bin/ebb" }
end

it("there is a command to test", function() assert.is_true(#commands > 0) end)

for _, command in ipairs(commands) do
  local ebb = command[2]

  --- Runs the command with these words after it.
  local function run(words)
    return support.shell("exec " .. ebb .. " " .. words)
  end

  --- Runs the command on a script of this text.
  local function script(text, options, arguments)
    local path = support.file(text)
    local result = run(("%s %s %s"):format(options or "", quote(path), arguments or ""))
    os.remove(path)
    result.path = path
    return result
  end

  local function succeeds(expected, result)
    if result.code ~= 0 or result.out ~= expected then
      error(("expected %q and exit code 0, got %q and exit code %d\n%s")
        :format(expected, result.out, result.code, result.err), 2)
    end
  end

  local function fails(text, result)
    if result.code ~= 1 then
      error(("expected exit code 1, got %d\n%s%s"):format(result.code, result.out, result.err), 2)
    end
    contains(text, result.err)
  end

  describe("ebb script (" .. command[1] .. "):", function()
    it("runs it as the main task", function()
      succeeds("true\twaited\n", script([[
        local ebb = require "ebb"
        ebb.sleep(0.001)
        print(ebb.current() ~= nil and ebb.current():status() == "running", "waited")
      ]]))
    end)

    it("hands over its arguments, as lua does", function()
      local result = script([[
        print(select("#", ...), ...)
        print(#arg, arg[1], arg[2], arg[3], arg[0])
      ]], "", "one 'two words' ''")
      succeeds("3\tone\ttwo words\t\n3\tone\ttwo words\t\t" .. result.path .. "\n", result)
    end)

    it("options after the script are the script's", function()
      succeeds("--seed\t-e\t--version\n", script("print(...)", "", "--seed -e --version"))
    end)

    it("a first line with # is skipped, and lines count on", function()
      succeeds("2\n", script("#!/usr/bin/env ebb\nprint(debug.getinfo(1, 'l').currentline)\n"))
    end)

    it("exit code 0 after a script that ends, with nothing on standard error", function()
      local result = script("return 1, 2, 3")
      succeeds("", result)
      assert.equal("", result.err)
    end)

    it("exit code 1 after an error, with position and traceback", function()
      local result = script("local function failing_frame()\n error('broken')\nend\n"
        .. "failing_frame()\n")
      fails(":2: broken", result)
      contains("stack traceback:", result.err)
      contains("failing_frame", result.err)
      assert.equal("", result.out)
    end)

    it("the traceback is that of the failing frames after an await too", function()
      local result = script("local ebb = require 'ebb'\nlocal function failing_frame()\n"
        .. " ebb.sleep(0.001)\n error('broken')\nend\nfailing_frame()\n")
      fails(":4: broken", result)
      contains("failing_frame", result.err)
    end)

    it("error values that are no strings", function()
      fails("object text", script("error(setmetatable({}, "
        .. "{ __tostring = function() return 'object text' end }))"))
      fails("(error object is a table value)", script("error({})"))
      assert.equal(1, script("error(nil)").code)
      assert.equal(1, script("error(false)").code)
    end)

    it("a syntax error", function()
      local result = script("local = 1")
      fails(":1:", result)
      contains("near '='", result.err)
    end)

    it("a script that is not there", function()
      fails("no such script.lua", run("'no such script.lua'"))
    end)

    it("os.exit gives the exit code, in a task too", function()
      assert.equal(7, script("os.exit(7)").code)
      assert.equal(7, script("require('ebb').sleep(0.001) os.exit(7, true)").code)
      assert.equal(0, script("os.exit(true)").code)
      assert.equal(1, script("os.exit(false)").code)
      assert.equal(3, script([[
        local ebb = require "ebb"
        ebb.spawn(function() os.exit(3, true) end):await()
      ]]).code)
    end)

    it("BO9 tasks that are left are cancelled, and their cleanups run", function()
      succeeds("main ends\nclosed\n", script([[
        local ebb = require "ebb"
        ebb.spawn(function()
          local _ <close> = setmetatable({}, { __close = function()
            ebb.sleep(0.001)
            print("closed")
          end })
          ebb.sleep(100)
        end)
        ebb.yield()
        print("main ends")
      ]]))
    end)

    it("a failed task nobody asks is reported; the exit code is main's", function()
      local result = script([[
        local ebb = require "ebb"
        ebb.spawn(function() error("in the background") end)
        ebb.sleep(0.001)
        print("fine")
      ]])
      succeeds("fine\n", result)
      contains("in the background", result.err)
    end)

    it("R84 a deadlock ends it with exit code 1 and the report", function()
      local result = script([[
        local ebb = require "ebb"
        ebb.channel():recv()
        print("never")
      ]])
      fails("deadlock: all tasks are waiting", result)
      assert.equal("", result.out)
    end)

    it("a script written with ebb.run runs as it does under plain Lua", function()
      succeeds("1\tx\n", script("print(require('ebb').run(function(x) return 1, x end, 'x'))"))
      fails("inner", script("require('ebb').run(function() error('inner') end)"))
    end)

    it("ebb.run in a task that the script spawned is refused", function()
      fails("EBB052", script("local ebb = require 'ebb' ebb.spawn(ebb.run, print):await()"))
    end)

    it("files are read from standard input when the script is -", function()
      local path = support.file("print('from standard input', ...)")
      succeeds("from standard input\tone\n", run("- one <" .. quote(path)))
      os.remove(path)
    end)

    it("standard input is the script's", function()
      local path = support.file("a line\nanother\n")
      local text = support.file("print(io.read('l')) print(io.read('l')) print(io.read('l'))")
      succeeds("a line\nanother\nnil\n", run(quote(text) .. " <" .. quote(path)))
      os.remove(path)
      os.remove(text)
    end)

    it("Ctrl-C cancels main: cleanups run, the exit code tells", function()
      local result = script(support.kill_later_source .. [[
        local ebb = require "ebb"
        local _ <close> = setmetatable({}, { __close = function(_, err)
          ebb.sleep(0.001)
          print("closed", ebb.is_cancelled(err))
        end })
        kill_later(0.3, "INT")
        ebb.sleep(25)
        print("never")
      ]])
      assert.equal("closed\ttrue\n", result.out)
      assert.is_true(result.code ~= 0 and result.code ~= 124)
    end)

    it("a second Ctrl-C ends it", function()
      local result
      for _ = 1, 3 do -- a machine that does other things may take that long
        result = script(support.kill_later_source .. [[
          local ebb = require "ebb"
          local _ <close> = setmetatable({}, { __close = function()
            kill_later(0.3, "INT")
            ebb.sleep(20)
            print("never")
          end })
          kill_later(0.3, "INT")
          ebb.sleep(25)
          print("never")
        ]])
        assert.equal("", result.out)
        assert.is_true(result.code ~= 0 and result.code ~= 124)
        if result.seconds < 4 then break end
      end
      assert.is_true(result.seconds < 4, tostring(result.seconds)) -- its cleanup would have 5
    end)
  end)

  describe("options of ebb (" .. command[1] .. "):", function()
    it("-e runs code as the main task", function()
      succeeds("true\n", run("-e 'local ebb = require \"ebb\" ebb.sleep(0.001) "
        .. "print(ebb.current() ~= nil)'"))
      succeeds("12\n", run("-e 'print(12)'"))
    end)

    it("-e may come more than once, and a script after it", function()
      succeeds("1\n2\n", run("-e 'x = 1 print(x)' -e 'print(x + 1)'"))
      succeeds("1\n2\n", script("print(x + 1)", "-e 'x = 1 print(x)'"))
    end)

    it("-e with an error", function()
      fails("broken", run([[-e 'error("broken")']]))
      fails("near", run("-e 'local = 1'"))
    end)

    it("-e without code is a mistake in the command line", function()
      local result = run("-e")
      assert.equal(1, result.code)
      assert.is_true(#result.err > 0)
    end)

    it("-l requires a module into a global", function()
      succeeds("table\ttrue\n", run("-l ebb -e 'print(type(ebb), ebb == require \"ebb\")'"))
      succeeds("3.0\n", run("-l ebb -e 'ebb.sleep(0.001) print(math.sqrt(9))'"))
    end)

    it("-l of what is not there", function()
      fails("no_such_module", run("-l no_such_module -e 'print(1)'"))
    end)

    it("BO10 --seed gives one order per seed", function()
      local text = [[
        local ebb = require "ebb"
        local order = {}
        for i = 1, 8 do ebb.go(function() order[#order + 1] = i end) end
        while #order < 8 do ebb.yield() end
        print(table.concat(order, " "))
      ]]
      local orders, n = {}, 0
      for seed = 1, 5 do
        local first, second = script(text, "--seed " .. seed), script(text, "--seed " .. seed)
        assert.equal(0, first.code)
        assert.equal(first.out, second.out)
        if not orders[first.out] then n = n + 1 end
        orders[first.out] = true
      end
      assert.is_true(n >= 3)
      succeeds("1 2 3 4 5 6 7 8\n", script(text))
    end)

    it("--seed wants a number", function()
      assert.equal(1, run("--seed x -e 'print(1)'").code)
      assert.equal(1, run("--seed").code)
    end)

    it("PT6 --virtual-clock sleeps without waiting", function()
      local result = script([[
        local ebb = require "ebb"
        local start = ebb.now()
        ebb.sleep(3600)
        print(math.floor(ebb.now() - start + 0.5))
      ]], "--virtual-clock")
      succeeds("3600\n", result)
    end)

    it("options go together", function()
      succeeds("3600\ttrue\n", run("--seed 3 --virtual-clock -l ebb -e 'local t = ebb.now() "
        .. "ebb.sleep(3600) print(math.floor(ebb.now() - t + 0.5), ebb ~= nil)'"))
    end)

    it("--version", function()
      local result = run("--version")
      assert.equal(0, result.code)
      contains("ebb", result.out)
      contains("Lua 5.", result.out)
      assert.equal("", result.err)
    end)

    it("-- ends the options", function()
      local path = support.file("print(...)")
      succeeds("-e\n", run("-- " .. quote(path) .. " -e"))
      os.remove(path)
    end)

    it("what is no option is told, with how to use it", function()
      for _, wrong in ipairs { "--no-such-option", "-Q", "--seeds" } do
        local result = run(wrong)
        assert.equal(1, result.code)
        contains(wrong, result.err)
        contains("ebb", result.err)
        assert.equal("", result.out)
      end
    end)
  end)
end
