-- More values than a stack holds (10^6 in stock Lua), into a coroutine and out of it: said as Lua says it, and both
-- sides go on (R4 R5 R54).
local ebb = require "ebb"
local helper = require "spec.helper"
local it_runs = helper.it
local co = ebb.coroutine
local unpack = table.unpack

--- fn() with n slots of the stack taken.
local function above(n, fn)
  return (function(...)
    local results = table.pack(fn())
    assert(... == nil) -- they are still there
    return unpack(results, 1, results.n)
  end)(unpack({}, 1, n))
end

-- A million values are many to collect again and again.
if os.getenv "EBB_SPEC_TORTURE" then return end

describe("ebb.coroutine with too many values #fifo:", function()
  it_runs("results of a yield (R5 R54)", function()
    local thread = co.create(function()
      co.yield(unpack({}, 1, 600000))
      return "alive"
    end)
    local ok, err = above(500000, function() return co.resume(thread) end)
    assert.is_false(ok)
    assert.equal("too many results to resume", err)
    assert.equal("suspended", co.status(thread))
    assert.same({ true, "alive" }, { co.resume(thread) })
  end)

  it_runs("results of a yield, with wrap (R5 R54)", function()
    local next = co.wrap(function()
      co.yield(unpack({}, 1, 600000))
      return "alive"
    end)
    local err = above(500000, function() return select(2, pcall(next)) end)
    assert.truthy(tostring(err):find("too many results to resume", 1, true), err)
    assert.equal("alive", next())
  end)

  it_runs("arguments (R4 R54)", function()
    local thread = co.create(function()
      return above(500000, function() return co.yield "first" end)
    end)
    assert.same({ true, "first" }, { co.resume(thread) })
    local ok, err = co.resume(thread, unpack({}, 1, 600000))
    assert.is_false(ok)
    assert.equal("too many arguments to resume", err)
    assert.same({ true, 5 }, { co.resume(thread, 5) })
    local next = co.wrap(function() above(500000, co.yield) end)
    next()
    helper.throws("too many arguments to resume", function() next(unpack({}, 1, 600000)) end)
  end)

  it_runs("a result that is awaited in between (R5 R54)", function()
    local thread = co.create(function()
      ebb.sleep(1)
      return unpack({}, 1, 600000)
    end)
    local ok, err = above(500000, function() return co.resume(thread) end)
    assert.is_false(ok)
    assert.equal("too many results to resume", err)
    assert.equal(1, ebb.now())
  end)

  it("there is no library coroutine to be replaced", function()
    local result = require("spec.runtime.support").child [[
      package.loaded.coroutine = nil
      print(pcall(require "ebb".coroutine.install))
    ]]
    assert.truthy(result.out:find("there is no library coroutine", 1, true), result.out .. result.err)
  end)
end)

describe("ebb.require", function()
  it_runs("says so when package.searchers is gone", function()
    local searchers = package.searchers
    package.searchers = nil
    local ok, err = pcall(ebb.require, "spec.no.such.thing")
    package.searchers = searchers
    assert.is_false(ok)
    assert.truthy(tostring(err):find("'package.searchers' must be a table", 1, true), err)
  end)
end)
