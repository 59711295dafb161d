-- R162, 2.9h, 2.9d: frame data after its frame, a checkpoint rolled back, no frame at all, what a
-- guard has freed: every use throws and touches nothing.
-- luacheck: globals ebb throws
local ebb = require "ebb"
local alloc = ebb.alloc

local function uses(code, b, a, v, s)
  throws(code, b.string, b)
  throws(code, b.fill, b, 1)
  throws(code, function() return b[1] end)
  throws(code, function() a[1] = 1 end)
  throws(code, a.sum, a)
  throws(code, v.push, v, 1)
  throws(code, v.reserve, v, 1000)
  throws(code, s.put, s, "text")
  throws(code, function() return #s end)
  assert(tostring(b) and tostring(v))
end

local function all(region)
  return region:bytes(8), region:array("f64", 4), region:vec("i32", 4), region:buffer(8)
end

throws("EBB001", alloc.frame)
throws("EBB001", alloc.end_frame)
local b, a, v, s = alloc.in_frame(all)
uses("EBB002", b, a, v, s)
alloc.in_frame(function(f)
  uses("EBB002", b, a, v, s)
  local cp = f:checkpoint()
  local x = f:bytes(10)
  cp:close()
  throws("EBB002", x.string, x)
end)
local g = ebb.guard()
b, a, v, s = all(g)
local view = v:push(1, 2, 3):view()
local ok = pcall(v.reserve, v, 1000)
if ok then throws("EBB012", view.sum, view) end
g:close()
uses("EBB012", b, a, v, s)
