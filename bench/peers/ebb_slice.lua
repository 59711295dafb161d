-- ebb with slices: what it costs tasks that behave. The goal is that it cannot be measured.
local here = arg[0]:match "^(.*)/[^/]*$" or "."
local ebb = require "ebb"
local A = dofile(here .. "/peers/ebb.lua")

A.name = "ebb_slice"

function A.run(main)
  ebb.runtime({ slice = 0.01, on_slice = "yield" }):run(main)
end

return A
