std = "lua54"
cache = false
self = false
max_line_length = 100
max_cyclomatic_complexity = 15
exclude_files = { "build/**" }
files["spec/**/*.lua"] = { std = "+busted", max_line_length = 125, max_cyclomatic_complexity = false }
-- A script that parses its command line and does the whole job.
files["bench/run.lua"] = { max_cyclomatic_complexity = false }
files["rockspec/*.rockspec"] = { std = "+rockspec" }
-- Definitions for editors: fields without values, functions without bodies.
files["lua/ebb/_meta/**/*.lua"] = { ignore = { "211", "212", "241" } }
