-- ebb.coroutine does what the library coroutine does.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.runtime.support"
local it_runs = helper.it
local closer = support.closer
local co = ebb.coroutine

-- Programs that behave alike with both libraries; each gets a library and a log.
local alike = {
  ["values go in and out"] = function(lib, log)
    local thread = lib.create(function(a, b)
      log(a, b)
      log(lib.yield(a + b))
      log(lib.yield())
      return "end", nil, 3
    end)
    log(lib.resume(thread, 1, 2))
    log(lib.resume(thread, "x", nil, "y"))
    log(lib.resume(thread))
    log(lib.resume(thread))
  end,
  ["no values, many values"] = function(lib, log)
    local list = {}
    for i = 1, 200 do list[i] = i end
    local thread = lib.create(function(...)
      log(select("#", ...))
      log(select("#", lib.yield(...)))
      return ...
    end)
    log(select("#", lib.resume(thread, table.unpack(list))))
    log(select("#", lib.resume(thread, table.unpack(list, 1, 100))))
  end,
  status = function(lib, log)
    local inner, outer
    outer = lib.create(function()
      inner = lib.create(function()
        log(lib.status(outer), lib.status(inner))
        lib.yield()
      end)
      log(lib.status(inner))
      lib.resume(inner)
      log(lib.status(inner))
    end)
    log(lib.status(outer))
    lib.resume(outer)
    log(lib.status(outer), lib.status(inner))
  end,
  ["errors of a body"] = function(lib, log)
    local payload = {}
    local thread = lib.create(function() error(payload) end)
    local ok, err = lib.resume(thread)
    log(ok, rawequal(err, payload), lib.status(thread))
    thread = lib.create(function() error("text", 0) end)
    log(lib.resume(thread))
    log(lib.resume(lib.create(error)))
  end,
  ["errors of a wrapped body"] = function(lib, log)
    local payload = {}
    local ok, err = pcall(lib.wrap(function() error(payload) end))
    log(ok, rawequal(err, payload))
    log(pcall(lib.wrap(function() error("text", 0) end)) == false)
  end,
  ["the dead cannot be resumed"] = function(lib, log)
    local thread = lib.create(function() end)
    lib.resume(thread)
    log(lib.resume(thread))
    local step = lib.wrap(function() end)
    step()
    local ok, err = pcall(step)
    log(ok, err:match("cannot resume dead coroutine"))
  end,
  ["nobody resumes itself"] = function(lib, log)
    local thread
    thread = lib.create(function() log(lib.resume(thread)) end)
    lib.resume(thread)
  end,
  ["isyieldable and running"] = function(lib, log)
    local thread
    thread = lib.create(function()
      local current, main = lib.running()
      log(lib.isyieldable(), rawequal(current, thread), main)
    end)
    lib.resume(thread)
  end,
  ["close of one that never ran"] = function(lib, log)
    local thread = lib.create(function() log("never") end)
    log(lib.close(thread))
    log(lib.status(thread))
    log(lib.resume(thread))
  end,
  ["close runs what is to be closed"] = function(lib, log)
    local thread = lib.create(function()
      local _ <close> = closer(function(err) log("outer", err) end)
      local _ <close> = closer(function(err) log("inner", err) end)
      lib.yield()
      log("never")
    end)
    lib.resume(thread)
    log(lib.close(thread))
    log(lib.status(thread))
    log(lib.close(thread))
  end,
  ["close gives the error of a closing value"] = function(lib, log)
    local payload = {}
    local thread = lib.create(function()
      local _ <close> = closer(function() error(payload) end)
      lib.yield()
    end)
    lib.resume(thread)
    local ok, err = lib.close(thread)
    log(ok, rawequal(err, payload), lib.status(thread))
  end,
  ["close of a failed one gives its error"] = function(lib, log)
    local thread = lib.create(function() error("text", 0) end)
    lib.resume(thread)
    log(lib.close(thread))
  end,
  ["close of a running one is an error"] = function(lib, log)
    local thread
    thread = lib.create(function()
      local ok, err = pcall(lib.close, thread)
      log(ok, err:match("running"))
    end)
    lib.resume(thread)
  end,
  ["iteration"] = function(lib, log)
    local function walk(t)
      for i = 1, #t do
        if type(t[i]) == "table" then walk(t[i]) else lib.yield(t[i]) end
      end
    end
    for v in lib.wrap(walk), { 1, { 2, { 3 } }, {}, 4 } do log(v) end
  end,
  ["yield across pcall, metamethods and closing values"] = function(lib, log)
    local proxy = setmetatable({}, { __add = function(_, n) return lib.yield(n) end })
    local step = lib.wrap(function()
      log(pcall(function() error(lib.yield("in pcall"), 0) end))
      log(proxy + 5)
      do
        local _ <close> = closer(function() log(lib.yield("closing")) end)
      end
      return "end"
    end)
    log(step())
    log(step("thrown"))
    log(step("sum"))
    log(step("closed"))
  end,
  ["wrong arguments"] = function(lib, log)
    for _, name in ipairs { "create", "wrap", "resume", "status", "close" } do
      for _, wrong in ipairs { 1, "x", {}, true } do
        log(name, (pcall(lib[name], wrong)))
      end
      log(name, (pcall(lib[name])))
    end
  end,
  ["a wrapped one closes its variables when it fails"] = function(lib, log)
    local step = lib.wrap(function()
      local _ <close> = closer(function(err) log("closed", err) end)
      error("text", 0)
    end)
    log((pcall(step)))
  end,
}

local function trace(lib, program)
  local log = helper.log()
  program(lib, log)
  return log:text()
end

describe("ebb.coroutine does as coroutine does:", function()
  for name, program in pairs(alike) do
    local expected = trace(coroutine, program)

    it("R52 " .. name .. ", outside a task", function()
      assert.equal(expected, trace(co, program))
    end)

    it_runs("R52 " .. name .. ", in a task", function()
      assert.equal(expected, trace(co, program))
    end)

    it_runs("R52 " .. name .. ", in an ebb coroutine in a task", function()
      local log = helper.log()
      co.wrap(function() program(co, log) end)()
      assert.equal(expected, log:text())
    end)

    it_runs("R61 " .. name .. ", with the plain library in a task", function()
      assert.equal(expected, trace(coroutine, program))
    end)
  end
end)
