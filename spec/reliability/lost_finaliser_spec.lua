-- A finaliser that Lua cannot call is lost: the object is freed without it a cycle later. What
-- stands in lists of others must not be freed with it. The programs are in lost.lua; where memory
-- is what lacks, see spec/oom/r20_lost.lua.
local support = require "spec.runtime.support"

describe("finalisers that never run:", function()
  for how, why in pairs { taken = "the metatable was taken away", overflow = "no C stack left" } do
    for what, text in pairs { cycle = "they are freed", use = "others use the lists",
      close = "the state is closed at once" } do
      it(("R20 %s, %s"):format(why, text), function()
        local result = support.child("loadfile 'spec/reliability/lost.lua'(...)", "", how, what)
        assert.are.equal(0, result.code, result.err)
        assert.is_truthy(result.out:find "fine\n$", result.out)
      end)
    end
  end
end)
