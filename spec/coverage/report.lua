--- What has been reached, by folder: lua5.4 spec/coverage/report.lua [--files] [--missed=FILE]
--
-- C: gcov's counters of build/coverage (lines, and the branches of the source: those of EBB_CHECK, which a sound program
-- never takes, do not count). Lua: the marks of spec/coverage/instrument.lua; a line is reached when all of its statements
-- are. --files: each file; --missed=FILE: what of it has not been reached. Fails below the least values of this file.
local LEAST = { csrc = { lines = 97, branches = 90 }, lua = { lines = 97 } }

local root = io.popen "pwd":read "l"
local build = root .. "/build/coverage"

local options = {}
for _, word in ipairs(arg) do
  local name, value = word:match "^%-%-(%a+)=?(.*)$"
  options[name] = value
end

local files = {} -- by path: { lines = { [line] = count }, branches = { [line] = { counts } } }

local function file_of(path)
  local file = files[path]
  if not file then
    file = { lines = {}, branches = {} }
    files[path] = file
  end
  return file
end

--- C ---------------------------------------------------------------------------------------------

--- How often gcov says that a line was run; nil if there is nothing to run.
local function times_of(count)
  return tonumber(count:match "^%d+") or (count:match "^[#=]" and 0) or nil
end

--- A reader of gcov's lines. Lines and branches of inline functions are summed over those who include them.
local function reader()
  local file, line, is_check, n
  return function(text)
    local count, number, source = text:match "^ *([^:]+): *(%d+):(.*)$"
    if number == "0" then
      if source:match "^Source:" then
        local path = source:match "(csrc/.*)$"
        file = path and file_of(path)
      end
      line = nil
    elseif number and file then
      line, n, is_check = tonumber(number), 0, source:find("EBB_CHECK(", 1, true)
      local times = times_of(count)
      if times then file.lines[line] = (file.lines[line] or 0) + times end
    elseif line and not is_check then
      local taken = text:match "^branch +%d+ taken (%d+)" or (text:match "^branch +%d+ never" and "0")
      if taken and not text:find("(throw)", 1, true) then
        n = n + 1
        local branches = file.branches[line] or {}
        file.branches[line] = branches
        branches[n] = (branches[n] or 0) + tonumber(taken)
      end
    end
  end
end

local function read_gcov()
  -- in the build's folder: a compiler cache makes paths relative to it
  local command = "cd %s && find . -name '*.gcno' -path '*csrc*' | xargs -n 40 gcov -b -c -t 2>/dev/null"
  local pipe <close> = assert(io.popen(command:format(build)))
  local read = reader()
  for text in pipe:lines() do read(text) end
end

--- Lua -------------------------------------------------------------------------------------------

local function read_lua()
  local reached = {}
  local pipe <close> = assert(io.popen(("cat %s/lua/reached/* 2>/dev/null"):format(build)))
  for text in pipe:lines() do reached[text] = true end
  for text in io.lines(build .. "/lua/statements") do
    local number, line, path = text:match "^(%d+) (%d+) (.*)$"
    local lines = file_of(path).lines
    line = tonumber(line)
    lines[line] = reached[number .. " " .. path] and lines[line] ~= 0 and 1 or 0
  end
end

--- Sums ------------------------------------------------------------------------------------------

local function count(file)
  local sum = { lines = 0, reached = 0, branches = 0, taken = 0 }
  for _, times in pairs(file.lines) do
    sum.lines = sum.lines + 1
    if times > 0 then sum.reached = sum.reached + 1 end
  end
  for _, branches in pairs(file.branches) do
    for _, times in ipairs(branches) do
      sum.branches = sum.branches + 1
      if times > 0 then sum.taken = sum.taken + 1 end
    end
  end
  return sum
end

local function add(to, sum)
  for key, value in pairs(sum) do to[key] = (to[key] or 0) + value end
end

local function percent(part, whole)
  return whole == 0 and 100 or 100 * part / whole
end

local function row(name, sum)
  local text = ("%-32s lines %5.1f %% of %5d"):format(name, percent(sum.reached, sum.lines), sum.lines)
  if sum.branches > 0 then
    text = text .. (", branches %5.1f %% of %5d"):format(percent(sum.taken, sum.branches), sum.branches)
  end
  print(text)
end

--- The lines of a file that were not reached, or not on every branch.
local function print_missed(path)
  local file, number = files[path], 0
  for text in io.lines(path) do
    number = number + 1
    local mark = file.lines[number] == 0 and "#####" or ""
    for i, times in ipairs(file.branches[number] or {}) do
      if times == 0 and mark ~= "#####" then mark = mark .. "b" .. i end
    end
    if mark ~= "" then print(("%-6s%5d %s"):format(mark, number, text)) end
  end
end

read_gcov()
read_lua()
if options.missed then return print_missed(options.missed) end

local paths, folders, order, totals = {}, {}, {}, { csrc = {}, lua = {} }
for path in pairs(files) do paths[#paths + 1] = path end
table.sort(paths)
for _, path in ipairs(paths) do
  local sum = count(files[path])
  local folder = path:match "^csrc/%a+" or path:match "^lua/ebb"
  if not folders[folder] then
    folders[folder] = {}
    order[#order + 1] = folder
  end
  add(folders[folder], sum)
  add(totals[path:match "^%a+"], sum)
  if options.files then row(path, sum) end
end
for _, folder in ipairs(order) do row(folder, folders[folder]) end
local ok = true
for _, name in ipairs { "csrc", "lua" } do
  local sum, least = totals[name], LEAST[name]
  row(name .. ", all", sum)
  local reached = { lines = percent(sum.reached, sum.lines), branches = percent(sum.taken, sum.branches) }
  for what, limit in pairs(least) do
    if reached[what] < limit then
      print(("%s: %s below %.1f %%"):format(name, what, limit))
      ok = false
    end
  end
end
os.exit(ok)
