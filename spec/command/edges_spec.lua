-- The command `ebb` where it is misused, half installed, or short of memory.
local support = require "spec.runtime.support"
local contains, quote = support.contains, support.quote

local program = os.getenv("EBB_SPEC_COMMAND") or "build/debug/ebb"
local commands = {
  { "the program", quote(program) },
  { "the script", support.interpreter() .. " bin/ebb" },
}

--- A copy of ebb's Lua files without one of them: the folder, to be removed.
local function copy_without(name)
  local folder = os.tmpname()
  os.remove(folder)
  local from = assert(package.searchpath("ebb.command", package.path)):match "(.*)/ebb/command%.lua$"
  assert(os.execute(("mkdir -p %s && cp -r %s/. %s && rm -r %s/ebb/%s"):format(folder, from, folder, folder, name)))
  return folder
end

for _, command in ipairs(commands) do
  local ebb = command[2]
  -- The sanitizers' interpreter is that program, too.
  local is_program = command[1] == "the program" or support.interpreter():find("ebb", 1, true) ~= nil

  local function run(words, before) return support.shell((before or "") .. ebb .. " " .. words) end

  describe(command[1], function()
    it("--memory bounds what scripts may have (R1)", function()
      local code = quote [[
        local text = ("x"):rep(1000)
        local ok, err = pcall(string.rep, text, 40000)
        print(#text, ok, err)]]
      local result = run("--memory 16M -e " .. code)
      if is_program then
        assert.equal("1000\tfalse\tnot enough memory\n", result.out, result.err)
        assert.equal(0, result.code)
        assert.equal("1000\ttrue\t", run("--memory 1G -e " .. code).out:sub(1, 10))
        assert.equal(0, run("--memory 16000K -e ''").code)
      else
        assert.equal(1, result.code)
        assert.equal("", result.out)
        contains("EBB03", result.err)
      end
    end)

    it("--memory refuses what is no number of bytes", function()
      for _, text in ipairs { "x", "-1", "0", "1.5", "16T", "9223372036854775807K", "9223372036854775808", "" } do
        local result = run(("--memory %s -e 'print(1)'"):format(quote(text)))
        assert.equal("", result.out, text)
        assert.is_true(result.code ~= 0, text)
        assert.is_nil(result.err:find("command.lua", 1, true), result.err)
        contains("bytes", result.err)
      end
    end)

    it("says which error value ended it", function()
      local function ends(expected, thrown)
        local result = run("-e " .. quote(thrown))
        assert.equal(1, result.code)
        contains(expected, result.err)
      end
      ends("ebb: 42", "error(42)")
      ends("error object is a table value", "error({})")
      ends("error object is a nil value", "error()")
      ends("own words", "error(setmetatable({}, { __tostring = function() return 'own words' end }))")
      ends("of a kind", "error(setmetatable({}, { __name = 'of a kind' }))")
      ends("error object is a table value", "error(setmetatable({}, {}))")
      -- whose metatable is hidden
      ends("", "error(setmetatable({}, { __metatable = 1 }))")
    end)

    if not is_program then -- the program looks where it was installed first
      it("says what is not installed", function()
        for file, words in pairs { ["explain.lua"] = "explain EBB001", ["lint.lua"] = "lint x.lua" } do
          local folder = copy_without(file)
          local result = run(words, ("LUA_PATH='%s/?.lua;%s/?/init.lua;;' "):format(folder, folder))
          assert.equal(file == "lint.lua" and 2 or 1, result.code)
          contains("not installed", result.err)
          os.execute("rm -r " .. quote(folder))
        end
      end)
    end

    it("leaves Ctrl-C ignored when it was started so (RT31)", function()
      local result = support.shell("trap '' INT; " .. ebb ..
        [[ --plain -e 'os.execute "kill -INT $PPID"; for _ = 1, 1e5 do end; print "alive"']])
      assert.equal("alive\n", result.out, result.err)
      assert.equal(0, result.code)
    end)

    it("ends with code 1 whatever a script has done to standard error", function()
      assert.equal(1, run("-e " .. quote "io.stderr = nil error 'x'").code)
      for thrown, expected in pairs {
        ["{}"] = "(error object is a table value)",
        ["setmetatable({}, { __tostring = function() return 'itself' end })"] = "itself",
        ["'plain words'"] = "plain words",
      } do
        local result = run("-e " .. quote(([[
          io.stderr = setmetatable({}, { __index = function() error(%s) end })
          error "x"]]):format(thrown)))
        assert.equal(1, result.code)
        if is_program then contains(expected, result.err) end
      end
    end)
  end)
end
