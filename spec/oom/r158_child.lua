-- R158: a child's directory and environment, given and inherited.
local ebb = require "ebb"
ebb.run(function()
  local function output(opts)
    local result, why = ebb.process.output(opts)
    if not result then error(why, 0) end -- what cannot be read is not taken for nothing
    return result.stdout
  end
  assert(output { "pwd", cwd = "/" } == "/\n")
  assert(output { "/usr/bin/env", env = { EBB_OOM = "only this" } } == "EBB_OOM=only this\n")
end)
