-- ebb lint at its edges: several findings at one place, long chains, odd names, text that ends early.
local support = require "spec.runtime.support"
local support_lint = require "spec.lint.support"
local contains, quote = support.contains, support.quote

local HEAD, found = support_lint.HEAD, support_lint.found

describe("ebb lint at its edges:", function()
  it("findings come by line, column and code", function()
    assert.equal("1:1 EBB101 1:21 EBB101 2:1 EBB101",
      found "ebb.spawn(print, 1) ebb.spawn(print, 2)\nebb.spawn(print, 3)")
  end)

  it("follows aliases, but not for ever", function()
    local text = { "local a1 = ebb" }
    for i = 2, 30 do text[i] = ("local a%d = a%d"):format(i, i - 1) end
    local chain = table.concat(text, " ")
    assert.equal("2:1 EBB101", found(chain .. "\na5.spawn(print)"))
    assert.equal("", found(chain .. "\na30.spawn(print)"))
    assert.equal("", found "local a = a a.spawn(print)")
  end)

  it("knows a channel without a limit however it is written", function()
    local unbounded = found "local c = ebb.channel(math.huge) c:send(1)"
    assert.truthy(unbounded:find "EBB%d+")
    assert.equal(unbounded, found "local c = ebb.channel(1/0) c:send(1)")
    assert.equal("", found "local c = ebb.channel(1/2) c:send(1)")
    assert.equal("", found "local c = ebb.channel(1/n) c:send(1)")
  end)

  it("a lock that is handed on by `and` may be let go elsewhere; one that is compared is not", function()
    assert.equal("", found "local m = ebb.mutex()\nlocal l = m:lock()\nreturn l and f")
    assert.truthy(found("local m = ebb.mutex()\nlocal l = m:lock()\nreturn l == nil"):find "2:")
  end)

  it("frame data after an await in a block, in a function of a function, before it was made", function()
    assert.equal("3:1 EBB002", found "local b = ebb.alloc.frame():bytes(8)\ndo ebb.sleep(1) end\nb:fill(1)")
    assert.equal("3:1 EBB002", found "local b = ebb.alloc.frame():bytes(8)\ndo do ebb.sleep(1) end end\nb:fill(1)")
    assert.equal("", found "ebb.sleep(1)\nlocal b = ebb.alloc.frame():bytes(8)\nb:fill(1)")
    assert.equal("1:74 EBB002",
      found "local b = ebb.alloc.frame():bytes(8) ebb.go(function() return function() b:fill(1) end end)")
    assert.equal("", found("local function f() local b = ebb.alloc.frame():bytes(8)\n"
      .. "if x then ebb.sleep(1) return end if y then b:fill(1) end end"))
  end)

  it("text that ends where an attribute could be", function()
    assert.equal("", found "local x")
    assert.equal("", found "local x -- no attribute")
    assert.equal("", found "local x --[==[ none ]==]")
    assert.equal("", found "local x --[[ a comment ]] <close> = y")
  end)

  it("a loop over a channel where Lua cannot suspend", function()
    assert.truthy(found("local ch = ebb.channel()\n"
      .. "table.sort({}, function(a, b) for v in ch do return v end end)") ~= nil)
    assert.equal("1:17 EBB024", found "for i = 1, 3 do pcall(ebb.sleep, 1) end")
  end)

  it("a global that the file sets is not a library", function()
    assert.equal("", found "coroutine = require 'other'\nebb.run(function() coroutine.yield() end)")
  end)
end)

describe("ebb lint, the command at its edges:", function()
  local function run(words)
    return support.shell(("%s bin/ebb lint %s"):format(support.interpreter(), words))
  end

  it("odd names of files in JSON, and after --", function()
    local folder = os.tmpname()
    os.remove(folder)
    assert(os.execute("mkdir " .. folder))
    finally(function() os.execute("rm -r " .. folder) end)
    local path = folder .. '/-a\t"\\\1.lua'
    local file = assert(io.open(path, "w"))
    file:write(HEAD, "ebb.spawn(print)\n")
    file:close()
    local result = run("--format=json -- " .. quote(path))
    assert.equal(1, result.code, result.err)
    contains([[-a\u0009\"\\\u0001.lua"]], result.out)
    result = run("--format=plain -- --help")
    assert.equal(2, result.code)
    contains("--help", result.err)
  end)
end)
