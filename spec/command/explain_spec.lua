-- What the command `ebb` does besides running scripts: explanations, help, and words that it does not understand.
local codes = require "ebb.codes"
local explain = require "ebb.explain"
local support = require "spec.runtime.support"
local quote = support.quote

local function run(words)
  return support.shell("exec " .. support.interpreter() .. " bin/ebb " .. words)
end

describe("an explanation", function()
  it("has the cause of each code and what to do, in lines that fit", function()
    local function words(text) return (text:gsub("%s+", " ")) end
    for code, entry in pairs(codes) do
      local text = assert(explain.text(code))
      assert.equal(code .. ": " .. entry.title, text:match "^[^\n]*")
      assert.is_truthy(text:find("\n\ncause:\n  ", 1, true))
      assert.is_truthy(text:find("\n\nwhat to do:\n  ", 1, true))
      for line in text:gmatch "\n([^\n]*)" do assert.is_true(#line <= 80, line) end
      assert.is_truthy(words(text):find(words(entry.cause), 1, true))
      assert.is_truthy(words(text):find(words(entry.fix), 1, true))
    end
  end)

  it("takes a code as one writes it", function()
    local text = explain.text "EBB051"
    for _, written in ipairs { "ebb051", "051", "51", 51, " EBB051: " } do
      assert.equal(text, explain.text(written))
    end
  end)

  it("of all is a line for each, in order", function()
    local listed = {}
    for code in explain.summary():gmatch "(EBB%d%d%d)  [^\n]+\n" do listed[#listed + 1] = code end
    assert.same(explain.list(), listed)
  end)

  it("of others there is none", function()
    for _, code in ipairs { "EBB999", "0", "codes", "EBB", "-5" } do
      local text, why = explain.text(code)
      assert.is_nil(text)
      assert.is_truthy(why:find("no such code: " .. code, 1, true))
    end
  end)

  it("is what `ebb explain` prints", function()
    assert.same({ 0, explain.text "51" }, { run("explain 51").code, run("explain 51").out })
    assert.equal(explain.summary(), run("explain").out)
    local result = run "explain 999"
    assert.same({ 1, "" }, { result.code, result.out })
    assert.is_truthy(result.err:find("no such code: 999", 1, true))
  end)
end)

describe("the command", function()
  it("shows its version and its usage", function()
    assert.equal(run("--version").out, run("-v").out)
    local help = run "--help"
    assert.same({ 0, "" }, { help.code, help.err })
    assert.is_truthy(help.out:lower():find("usage", 1, true))
    assert.equal(help.out, run("-h").out)
  end)

  it("says what it does not understand, and its usage", function()
    local wrong = {
      ["-e"] = "'-e' needs an argument",
      ["--seed"] = "'--seed' needs an argument",
      ["--seed=x"] = "--seed needs an integer, not 'x'",
      ["--memory 0"] = "--memory needs a number of bytes such as 64M, not '0'",
      ["--memory=1.5G"] = "--memory needs a number of bytes such as 64M, not '1.5G'",
      ["--plain"] = "no script given",
      ["--"] = "no script given",
    }
    for words, message in pairs(wrong) do
      local result = run(words)
      assert.same({ 1, "" }, { result.code, result.out })
      assert.is_truthy(result.err:find(message, 1, true), result.err)
      assert.is_truthy(result.err:lower():find("usage", 1, true))
    end
  end)

  it("-W turns warnings on", function()
    assert.is_truthy(run("-W -e " .. quote "warn 'heard'").err:find("heard", 1, true))
    assert.is_nil(run("-e " .. quote "warn 'heard'").err:find("heard", 1, true))
  end)
end)

local program = os.getenv("EBB_SPEC_COMMAND") or "build/debug/ebb"

describe("the program, whose state is its own,", function()
  local function run_program(options, code)
    return support.shell("exec " .. quote(program) .. " " .. options .. " -e " .. quote(code))
  end

  it("warns as lua does", function()
    local result = run_program("-W", [[
      warn("one ", "line")
      warn "@off"
      warn "unheard"
      warn("@o", "n")
      warn "@on"
      warn "two"]])
    assert.equal("Lua warning: one line\nLua warning: two\n", result.err)
    assert.equal(0, result.code)
    assert.equal("", run_program("", [[warn "unheard" warn("@off", "on") warn "unheard"]]).err)
  end)

  it("is interrupted where it computes without ebb", function()
    local result = run_program("--plain", [[
      io.popen("kill -INT $PPID"):close() -- os.execute would ignore it meanwhile
      local limit = os.clock() + 20
      while os.clock() < limit do end]])
    assert.equal(1, result.code)
    assert.is_truthy(result.err:find("interrupted!", 1, true))
  end)
end)
