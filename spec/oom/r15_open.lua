-- R15: loading at every point; the second require works.
local ebb = require "ebb"
assert(ebb.spawn)
