-- A few of the random programs that spec/run model compares with the model, so that they also run under the sanitizers
-- and with every collector.
local program = require "spec.model.program"
local run = require "spec.model.run"
local shrink = require "spec.model.shrink"

local function first_difference(first)
  local counts = run.compare(first, 1, function(counts) return counts.operations < 8000 end)
  assert.is_true(counts.programs > 50)
  local found = counts.differences[1]
  if found then error(run.difference(found[1], { found[2], found[3] }), 0) end
end

describe("random programs #fifo", function()
  it("give on ebb what they give on the model", function() first_difference(1) end)
end)

describe("the generator of programs", function()
  it("gives the same program for the same number, and all are Lua", function()
    for seed = 1, 50 do
      local text = program.text(program.generate(seed))
      assert.equal(text, program.text(program.generate(seed)))
      assert.is_true(program.is_whole(text))
      assert(load(text))
    end
  end)

  it("has programs shortened to what matters", function()
    local prog = program.generate(7)
    local text = program.text(shrink(prog, function(p)
      local t = program.text(p)
      return program.is_whole(t) and load(t) and t:find("recv", 1, true) ~= nil
    end))
    assert.is_true(#text - #text:match "^[^\n]*\n" < 300, text)
    assert.truthy(text:find("recv", 1, true))
  end)
end)
