-- R156, R157, R159: messages show no address, paths with zeros are refused, very long names are cut.
-- luacheck: globals ebb faults
local ebb = require "ebb"
local long = ("name"):rep(5000)

local function message(fn, ...)
  local ok, err = pcall(fn, ...)
  assert(not ok)
  err = tostring(err)
  assert(not err:find "0x%x%x%x%x" and #err < 2000)
  return err
end

ebb.run(function()
  local ch, tok = ebb.channel(), ebb.token()
  message(ebb.sleep, {})
  message(ebb.await, {})
  message(ebb.select, ch, {})
  message(ch.recv, tok)
  message(ebb.spawn, {})
  message(ebb.run, print)
  message(table.sort, { 2, 1 }, function() ch:recv() end)
  message(ebb.guard().bytes, ch, 1)
  for _, fn in ipairs { ebb.fs.stat, ebb.fs.read, ebb.fs.list, ebb.io.open, ebb.net.unix.connect } do
    local ok, value, why = pcall(fn, "a\0b")
    assert(not ok or value == nil and why)
  end
  local ok, value, why = pcall(ebb.process.spawn, { "a\0b" })
  assert(not ok or value == nil and why)
  local task = ebb.spawn_with({ name = long }, function() error(ebb.current():name(), 0) end)
  assert(#tostring(task) < 1000)
  ok, why = task:join()
  assert(not ok and why)
  assert(#task:name() <= #long)
end)
local rt <close> = ebb.runtime { name = long, clock = "virtual" }
assert(#tostring(rt) < 30000)
