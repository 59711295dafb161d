-- Benchmarks: lua5.4 bench/run.lua [--quick] [--csv] [--rounds N] [--only ADAPTERS]
--             [--instructions] [--readme] [W1 w5_8 …]
--
-- Runs each workload on ebb and on its peers, each in a process of its own, in interleaved rounds,
-- and prints medians of CPU time: nanoseconds an operation for the bare lua_resume loop ("limit")
-- and for ebb, and for each peer how many times as long as ebb it takes. Peers that are not
-- installed are left out. Figures from a busy machine are good for ratios, not more; instructions
-- (counted by valgrind) do not depend on it.
-- --readme also puts the table into README.md. See bench/README.md.
local here = arg[0]:match "^(.*)/[^/]*$" or "."
package.path = here .. "/?.lua;" .. package.path
local work = require "work"

local LUA = os.getenv "LUA" or arg[-1] or "lua5.4"
local options = { rounds = 5, adapters = { "ebb", "limit", "plain", "cqueues", "copas", "luv" } }
local wanted = {}

local function usage(message)
  io.stderr:write("bench: ", message, "\n",
    "usage: lua5.4 bench/run.lua [--quick] [--csv] [--rounds N] [--only a,b] [--instructions]",
    " [--readme] [W1 … W7]\n")
  os.exit(2)
end

local at = 1
while arg[at] do
  local word = arg[at]
  if word == "--quick" then
    options.quick, options.rounds = true, 1
  elseif word == "--csv" then
    options.csv = true
  elseif word == "--instructions" then
    options.instructions, options.rounds = true, 1
  elseif word == "--readme" then
    options.readme = true
  elseif word == "--rounds" then
    at = at + 1
    options.rounds = math.tointeger(tonumber(arg[at] or "")) or usage "--rounds needs a number"
  elseif word == "--only" then
    at = at + 1
    options.adapters = {}
    for name in (arg[at] or usage "--only needs names"):gmatch "[^,]+" do
      table.insert(options.adapters, name)
    end
  elseif word:match "^%-" then
    usage("unknown option " .. word)
  else
    wanted[#wanted + 1] = word:lower()
  end
  at = at + 1
end

local function is_wanted(name)
  if #wanted == 0 then return true end
  for _, word in ipairs(wanted) do
    if name == word or name:sub(1, #word + 1) == word .. "_" then return true end
  end
  return false
end

local function quoted(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

local function exists(path)
  local file = io.open(path)
  if file then file:close() end
  return file ~= nil
end

-- The search paths of the children: those given, and what stands beside this file.
local function environment()
  local root = here .. "/.."
  local cpath = os.getenv "LUA_CPATH" or ";;"
  for _, preset in ipairs { "debug", "release" } do
    local dir = ("%s/build/%s/cmod"):format(root, preset)
    if exists(dir .. "/ebb/core.so") then cpath = dir .. "/?.so;" .. cpath end
  end
  local path = os.getenv "LUA_PATH" or ";;"
  path = ("%s/lua/?.lua;%s/lua/?/init.lua;"):format(root, root) .. path
  return cpath, path
end

-- The C part of the limit, compiled here if a compiler is at hand.
local function build_limit()
  local dir = here .. "/../build/bench"
  local object, source = dir .. "/limit.so", here .. "/limit.c"
  os.execute("mkdir -p " .. quoted(dir))
  os.execute(("[ %s -nt %s ] || cc -O2 -fPIC -shared $(pkg-config --cflags lua5.4 2>/dev/null"
    .. " || pkg-config --cflags lua 2>/dev/null) -o %s %s 2>/dev/null"):format(quoted(object),
    quoted(source), quoted(object), quoted(source)))
  return dir .. "/?.so"
end

local cpath, path = environment()
cpath = build_limit() .. ";" .. cpath

local function run_child(prefix, adapter, name, n)
  local command = ("LUA_CPATH=%s LUA_PATH=%s %s %s %s %s %s %d 2>&1"):format(quoted(cpath),
    quoted(path), prefix, LUA, quoted(here .. "/child.lua"), adapter, name, n)
  local pipe = io.popen(command)
  local text = pipe:read "a"
  pipe:close()
  local why = ("\n" .. text):match "\n(absent)\n" or ("\n" .. text):match "\n(cannot)\n"
  if why then return nil, why end
  if not text:find "result " then
    return nil, "failed: " .. (text:match "[^\n]+" or "no output")
  end
  return text
end

-- What one child says: its numbers, or why there are none.
local function measure(adapter, name, n)
  local text, why = run_child("timeout 120", adapter, name, n)
  if not text then return nil, why end
  local first, second = text:match "result (%-?[%d.]+) ?(%-?[%d.]*)"
  return { value = tonumber(first), second = tonumber(second), note = text:match "note ([^\n]*)" }
end

-- Instructions an operation: the difference between a run of 2n and one of n, so that what starting
-- costs drops out.
local function count_instructions(adapter, name, n)
  local counts = {}
  for i = 1, 2 do
    local text, why = run_child("valgrind --tool=callgrind --callgrind-out-file=/dev/null", adapter,
      name, i * n)
    if not text then return nil, why end
    counts[i] = tonumber(text:match "Collected : (%d+)")
    if not counts[i] then return nil, "failed: " .. (text:match "[^\n]+" or "no output") end
  end
  return { value = (counts[2] - counts[1]) / n }
end

local function median(values)
  table.sort(values)
  local middle = #values // 2
  if #values % 2 == 1 then return values[middle + 1] end
  return (values[middle] + values[middle + 1]) / 2
end

local absent, failures = {}, {}

local function run_workload(name)
  local workload = work[name]
  local n = options.quick and workload.quick_n or workload.n
  local take = measure
  if options.instructions then n, take = 2 * workload.quick_n, count_instructions end
  local rounds = math.min(options.rounds, workload.rounds or options.rounds)
  local values, seconds, notes, skip = {}, {}, {}, {}
  for round = 1, rounds do
    local adapters = options.adapters
    for i = 1, #adapters do
      -- every other round in reverse, so that nobody always goes first
      local adapter = adapters[round % 2 == 1 and i or #adapters + 1 - i]
      if not absent[adapter] and not skip[adapter] then
        local result, why = take(adapter, name, n)
        if result then
          values[adapter] = values[adapter] or {}
          seconds[adapter] = seconds[adapter] or {}
          table.insert(values[adapter], result.value)
          table.insert(seconds[adapter], result.second)
          notes[adapter] = result.note
        else
          skip[adapter] = true
          if why ~= "cannot" then
            failures[#failures + 1] = ("%s on %s: %s"):format(name, adapter, why)
          end
        end
      end
    end
  end
  local medians, second_medians = {}, {}
  for adapter, list in pairs(values) do
    medians[adapter] = median(list)
    if #seconds[adapter] > 0 then second_medians[adapter] = median(seconds[adapter]) end
  end
  return medians, second_medians, notes
end

local function unit_of(name)
  return options.instructions and "instr" or work[name].unit or "ns"
end

local function csv_row(name, medians, seconds)
  for _, adapter in ipairs(options.adapters) do
    if medians[adapter] then
      print(("%s,%s,%.2f,%s,%s"):format(name, adapter, medians[adapter],
        unit_of(name), seconds[adapter] and ("%.2f"):format(seconds[adapter]) or ""))
    end
  end
end

local lines = {} -- of the table

local function emit(cells)
  lines[#lines + 1] = (table.concat(cells, " "):gsub("%s+$", ""))
  print(lines[#lines])
end

local function table_row(name, medians)
  local cells = { ("%-11s %-28s"):format(name, work[name][1]) }
  for _, adapter in ipairs(options.adapters) do
    local value, cell = medians[adapter], "-"
    if value and (adapter == "ebb" or adapter == "limit") then
      cell = ("%.0f %s"):format(value, unit_of(name))
    elseif value and medians.ebb then
      cell = ("%.2fx"):format(value / medians.ebb)
    elseif value then
      cell = ("%.0f"):format(value)
    end
    if not absent[adapter] then cells[#cells + 1] = ("%11s"):format(cell) end
  end
  emit(cells)
end

local function header()
  if options.csv then return print "workload,adapter,median,unit,lua_heap" end
  local cells = { ("%-11s %-28s"):format("", "") }
  for _, adapter in ipairs(options.adapters) do
    if not absent[adapter] then cells[#cells + 1] = ("%11s"):format(adapter) end
  end
  emit(cells)
end

-- Replaces the table under the heading "Numbers".
local function write_readme()
  local readme = here .. "/../README.md"
  local file <close> = assert(io.open(readme))
  local text = file:read "a"
  local _, first = text:find "\n## Numbers\n.-\n```text\n"
  local last = text:find("```", first, true)
  local output <close> = assert(io.open(readme, "w"))
  output:write(text:sub(1, first), table.concat(lines, "\n"), "\n", text:sub(last))
end

-- Who is there is found out first, so that the table has no empty columns.
for _, adapter in ipairs(options.adapters) do
  local _, why = measure(adapter, "w2_2", 10)
  if why == "absent" then absent[adapter] = true end
end
if absent.ebb then
  usage "ebb is not built (cmake --preset release && cmake --build build/release)"
end

header()
local known
for _, name in ipairs(work.order) do
  if is_wanted(name) and not (options.instructions and work[name].unit) then
    known = true
    local medians, seconds, notes = run_workload(name)
    if options.csv then csv_row(name, medians, seconds) else table_row(name, medians) end
    for _, adapter in ipairs(options.adapters) do
      if not options.csv and seconds[adapter] then
        print(("%-11s   %s: %.0f B of it Lua's heap"):format("", adapter, seconds[adapter]))
      end
      if not options.csv and notes[adapter] then
        print(("%-11s   %s: %s"):format("", adapter, notes[adapter]))
      end
    end
    io.stdout:flush()
  end
end
if not known then usage("no workload " .. table.concat(wanted, " ")) end

local missing = {}
for _, adapter in ipairs(options.adapters) do
  if absent[adapter] then missing[#missing + 1] = adapter end
end
if #missing > 0 and not options.csv then
  print("\nnot installed: " .. table.concat(missing, ", "))
end
if options.readme and #failures == 0 then write_readme() end
for _, line in ipairs(failures) do io.stderr:write("bench: ", line, "\n") end
os.exit(#failures == 0)
