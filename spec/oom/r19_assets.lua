-- R19: the streaming cache, while memory is short: what could not be loaded is not counted.
local ebb = require "ebb"
local path = "Makefile"
ebb.run(function()
  local a <close> = ebb.alloc.assets { bytes = 1 << 20, on_evict = function() end }
  local value, why = a:load(path)
  if not value then error(why, 0) end
  local lease <close> = a:pin(path, { priority = 1 })
  assert(#lease.value == a:stats().live)
  assert(a:get(path) == value)
  local s <close> = ebb.scope()
  for _ = 1, 3 do
    s:spawn(function()
      local x, message = a:load("LICENSE", { parse = function(bytes, _, g)
        return g:array("u8", #bytes):copy(bytes)
      end })
      if not x then error(message, 0) end
    end)
  end
  s:wait()
  a:evict("LICENSE")
  assert(a:stats().count == 1)
end)
