-- The scenarios of the sweep of failing system calls (spec/c/test_lua_syscalls.c), in the order in
-- which they run: { name of the file, what of RELIABILITY it shows, options }:
--   closes     the calls fail while the state closes, too
--   raw        its calls are those of the system, which says more than ebb.net does
return {
  { "open", "R116" },
  { "files", "R116 R129" },
  { "folders", "R116" },
  { "open_files", "R116 R129" },
  { "watch", "R116" },
  { "tcp", "R116 R117 R129" },
  { "options", "R116" },
  { "unix", "R117 R119" },
  { "serve", "R116" },
  { "copy", "R117 R129" },
  { "udp", "R129" },
  { "resolve", "R123" },
  { "process", "R116 R129" },
  { "signal", "R129" },
  { "socket", "R116 R117 R129", raw = true },
  { "thread", "R115" },
  { "preempt", "R115" },
  { "closing", "R125 R129", closes = true },
}
