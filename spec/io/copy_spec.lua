-- spec/io/copy.lua in a process of its own; without numbers it copies 1 GiB.
local support = require "spec.runtime.support"

describe("copy", function()
  it("takes a file of any size through in bounded memory", function()
    -- sanitizers keep what is freed
    local is_slow = support.interpreter():find "asan" or support.interpreter():find "valgrind"
    local result = support.shell(("exec %s spec/io/copy.lua %d %d"):format(support.interpreter(),
      is_slow and 8 or 64, is_slow and 4096 or 24), 120)
    if result.code ~= 0 then error(result.out .. result.err, 0) end
    support.contains("through a socket", result.out)
  end)
end)
