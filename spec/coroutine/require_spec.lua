-- ebb.require: modules whose chunks await.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.runtime.support"
local it_runs = helper.it
local near, contains = support.near, support.contains

local name = "spec.required"

--- Runs fn with a module that `loader` makes; forgets it afterwards.
local function with_module(loader, fn)
  package.preload[name] = loader
  package.loaded[name] = nil
  local ok, err = pcall(fn)
  package.preload[name] = nil
  package.loaded[name] = nil
  if not ok then error(err, 0) end
end

describe("ebb.require", function()
  it_runs("R38 the chunk may await", function()
    with_module(function(...)
      ebb.sleep(2)
      return { n = select("#", ...), name = ... }
    end, function()
      local start = ebb.now()
      local module, data = ebb.require(name)
      near(2, ebb.now() - start)
      assert.equal(name, module.name)
      assert.equal(2, module.n)
      assert.equal(":preload:", data)
      assert.is_true(rawequal(module, package.loaded[name]))
      assert.is_true(rawequal(module, (ebb.require(name))))
      assert.is_true(rawequal(module, require(name)))
      near(2, ebb.now() - start)
    end)
  end)

  it_runs("R38 a chunk from a file", function()
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write("local ebb = require 'ebb' ebb.sleep(1) return 'loaded', 2")
    file:close()
    local saved = package.path
    package.path = path
    local ok, module, data = pcall(ebb.require, "spec.required_file")
    package.path = saved
    package.loaded["spec.required_file"] = nil
    os.remove(path)
    assert.is_true(ok, module)
    assert.equal("loaded", module)
    assert.equal(path, data)
  end)

  it_runs("gives what require gives: true for nothing, what the chunk stored, false is loaded again", function()
    for _, lib in ipairs { require, ebb.require } do
      with_module(function() end, function() assert.is_true((lib(name))) end)
      with_module(function() package.loaded[name] = "stored" end,
        function() assert.equal("stored", (lib(name))) end)
      local n = 0
      with_module(function() n = n + 1 return false end, function()
        assert.is_false((lib(name)))
        assert.is_false((lib(name)))
        assert.equal(2, n)
      end)
    end
  end)

  it_runs("a module that is not there: the message of require", function()
    local function message(lib) return select(2, pcall(lib, "spec.no_such_module")) end
    local expected = message(require):gsub("^.-module", "module")
    contains(expected, message(ebb.require))
    helper.throws("string expected", ebb.require, 42)
    helper.throws("string expected", ebb.require)
  end)

  it_runs("a chunk that fails after an await: the error, and the next try loads again", function()
    local payload, n = {}, 0
    with_module(function()
      n = n + 1
      ebb.sleep(1)
      if n == 1 then error(payload) end
      return "second"
    end, function()
      local ok, err = pcall(ebb.require, name)
      assert.is_false(ok)
      assert.is_true(rawequal(payload, err))
      assert.equal("second", (ebb.require(name)))
    end)
  end)

  it_runs("two tasks at the same time load it once", function()
    local n = 0
    with_module(function()
      n = n + 1
      ebb.sleep(2)
      return { "module" }
    end, function()
      local a, b = ebb.spawn(ebb.require, name), ebb.spawn(ebb.require, name)
      assert.is_true(rawequal(a:await(), b:await()))
      assert.equal(1, n)
    end)
  end)

  it_runs("the one who waits loads it itself when the first is cancelled", function()
    local n = 0
    with_module(function()
      n = n + 1
      ebb.sleep(2)
      return "by " .. n
    end, function()
      local a = ebb.spawn(ebb.require, name)
      helper.settle()
      local b = ebb.spawn(ebb.require, name)
      ebb.sleep(1)
      a:cancel()
      assert.equal("by 2", (b:await()))
      assert.is_false((a:join()))
    end)
  end)

  it_runs("one that waits can be cancelled", function()
    with_module(function()
      ebb.sleep(2)
      return "module"
    end, function()
      local a, b = ebb.spawn(ebb.require, name), ebb.spawn(ebb.require, name)
      ebb.sleep(1)
      b:cancel()
      assert.is_false((b:join()))
      assert.equal("module", (a:await()))
    end)
  end)

  it_runs("R49 one that waits, resumed by hand, waits on", function()
    with_module(function()
      ebb.sleep(2)
      return "module"
    end, function()
      local thread
      local a = ebb.spawn(ebb.require, name)
      ebb.sleep(1)
      local b = ebb.spawn(function()
        thread = coroutine.running()
        return (ebb.require(name))
      end)
      helper.settle()
      assert.is_true(coroutine.resume(thread))
      assert.equal("waiting", b:status())
      assert.equal("module", (a:await()))
      assert.equal("module", (b:await()))
    end)
  end)

  it_runs("a module that requires itself is an error", function()
    with_module(function() return (ebb.require(name)) end, function()
      helper.throws("requires itself", ebb.require, name)
    end)
  end)

  it("works outside of tasks", function()
    with_module(function()
      ebb.sleep(0.001)
      return "module"
    end, function() assert.equal("module", (ebb.require(name))) end)
  end)
end)
