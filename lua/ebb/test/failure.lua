--- A test has failed: the seed, what led to it, and how to see it again.
local getenv, open, stderr = os.getenv, io.open, io.stderr
local pcall, tostring, type = pcall, tostring, type
local error = error
local getinfo, getlocal = debug.getinfo, debug.getlocal

local LAST_LINES = 40 -- of the trace, on standard error

--- What busted runs at the moment, a file, a describe block or a test, or nil. It hands that out
-- nowhere, but the function that calls it has it as its third argument.
local function current_element()
  if not package.loaded.busted then return nil end
  local level = 2
  while getinfo(level, "l") do
    if getlocal(level, 1) == "descriptor" then
      local name, element = getlocal(level, 3)
      if name == "element" and type(element) == "table" and element.descriptor then
        return element
      end
    end
    level = level + 1
  end
end

local function quoted(word)
  if word:find "^[%w%-%./_=:,+]+$" then return word end
  return "'" .. word:gsub("'", [['\'']]) .. "'"
end

--- The line for a shell that runs this test again under the seed.
local function again(seed)
  local words = { ("EBB_SEED=%d"):format(seed) }
  local arg = type(_G.arg) == "table" and _G.arg or {}
  local first = 0
  while arg[first - 1] do first = first - 1 end
  for i = first, #arg do words[#words + 1] = quoted(tostring(arg[i])) end
  local element = current_element()
  if element and element.descriptor == "it" and type(element.name) == "string" then
    words[#words + 1] = "--filter=" .. quoted((element.name:gsub("[^%w ]", ".")))
  end
  return table.concat(words, " ")
end

local function last_lines(text)
  local starts, n = { 1 }, 1
  for at in text:gmatch "\n()" do
    n = n + 1
    starts[n] = at
  end
  if n - 1 <= LAST_LINES then return text end
  return ("  … %d switches before\n"):format(n - 1 - LAST_LINES)
    .. text:sub(starts[n - LAST_LINES])
end

local failure = { current_element = current_element }

--- The trace goes to the file that the test or the environment names.
function failure.write(path, trace)
  path = path or getenv "EBB_TRACE"
  if not path or path == "" or not trace then return end
  local file, err = open(path, "w")
  if not file then
    stderr:write("ebb.test: ", err, "\n")
    return
  end
  file:write(trace)
  file:close()
end

--- Throws err with the seed in it; the rest is said on standard error, since messages may be cut.
function failure.throw(err, seed, report, came_again)
  local words = seed and ("seed %d"):format(seed) or "no seed: tasks ran in order"
  stderr:write("ebb.test: failed with ", words, "\n")
  if report and report.trace then stderr:write(last_lines(report.trace)) end
  if seed then stderr:write("again: ", again(seed), "\n") end
  if came_again == false then
    stderr:write("(it did not fail when it was run again with this seed: something else than the",
      " schedule decides, such as real time, files or the addresses of tables)\n")
  end
  if type(err) == "string" then
    err = ("%s\n(%s)"):format(err, words)
  elseif type(err) == "table" and type(err.message) == "string" then
    pcall(function() err.message = ("%s\n(%s)"):format(err.message, words) end)
  end
  error(err, 0)
end

return failure
