--- What the specs of the runtime, of coroutines, of misuse and of the command share: programs in a process
-- of their own, and a few clocks.
local ebb = require "ebb"
local helper = require "spec.helper"
local system = require "spec.system"

local support = {}

--- The interpreter that runs the programs of the specs.
function support.interpreter()
  return os.getenv("EBB_SPEC_LUA") or "lua5.4"
end

--- A word quoted for the shell.
function support.quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

local quote, slurp = support.quote, system.slurp

--- Writes text to a new file of its own and returns the path; remove it with os.remove.
function support.file(text)
  local path = os.tmpname()
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(text))
  return path
end

local PATIENCE = tonumber(os.getenv "EBB_SPEC_PATIENCE" or "") or 60

--- Runs a line of the shell. Returns { out=, err=, code=, seconds= }; `code` is the exit code (128 + n for
-- signal n). A program that takes longer than `limit` seconds (60, or EBB_SPEC_PATIENCE) is ended and gives code 124.
function support.shell(line, limit)
  local script, out, err = support.file(line .. "\n"), os.tmpname(), os.tmpname()
  local start = ebb.now()
  local _, how, code = os.execute(("timeout -k 2 %d sh %s >%s 2>%s </dev/null")
    :format(limit or PATIENCE, quote(script), quote(out), quote(err)))
  local result = {
    out = slurp(out), err = slurp(err),
    code = how == "signal" and 128 + code or code,
    seconds = ebb.now() - start,
  }
  os.remove(script)
  os.remove(out)
  os.remove(err)
  return result
end

--- Runs a Lua program in a process of its own; `options` go before the script, the rest are its arguments.
function support.child(program, options, ...)
  local path = support.file(program)
  local words = { "exec", support.interpreter(), options or "", quote(path) }
  for _, word in ipairs({ ... }) do words[#words + 1] = quote(word) end
  local result = support.shell(table.concat(words, " "))
  os.remove(path)
  return result
end

--- Runs a program that must end with code 0 and print exactly `expected`.
function support.prints(expected, program, options)
  local result = support.child(program, options)
  if result.code ~= 0 or result.out ~= expected then
    error(("expected %q and exit code 0, got %q and exit code %s\nstandard error:\n%s")
      :format(expected, result.out, result.code, result.err), 2)
  end
  return result
end

--- A program that must end with `code` and without any sign of a crash.
function support.ends(code, program)
  local result = support.child(program)
  if result.code ~= code then
    error(("expected exit code %d, got %d\n%s"):format(code, result.code, result.err), 2)
  end
  for _, word in ipairs { "Sanitizer", "core dumped", "assert" } do
    if result.err:find(word, 1, true) then error(result.err, 2) end
  end
  return result
end

--- Lua source that gives a program the function `kill_later(seconds, name)`: it gets that signal after so long, but
-- not before it waits for something or has computed for a while, however slow the machine is: whatever the program
-- does next has been begun by then. (A shell that has left its parent looks at /proc/PID/stat.)
support.kill_later_source = [[
local pid = assert(io.open("/proc/self/stat")):read("n")
local function kill_later(seconds, name)
  os.execute((([==[(
    look() {
      read -r line <$1 || exit
      set -- ${line##*) }
      state=$1 parent=$2 ticks=$((${12} + ${13}))
    }
    sleep SECONDS
    while look /proc/self/stat; [ $parent = $$ ]; do sleep 0.01; done
    look /proc/PID/stat
    first=$ticks
    while [ $state != S ] && [ $ticks -lt $((first + 5)) ]; do
      sleep 0.01
      look /proc/PID/stat
    done
    kill -NAME PID
  ) >/dev/null 2>&1 &]==]):gsub("%u%u%u+", { SECONDS = ("%.2f"):format(seconds), NAME = name, PID = pid })))
end
]]

--- The same for this process.
support.kill_later = assert(load(support.kill_later_source .. "return kill_later"))()

--- Computes for so many seconds of real time (os.clock counts the processor's).
function support.burn(seconds)
  local stop = os.clock() + seconds
  while os.clock() < stop do end -- luacheck: ignore 542
end

--- Steps rt until done() or until so many seconds of real time have gone (10 unless said); returns done().
function support.step_until(rt, done, seconds)
  local stop = os.time() + (seconds or 10)
  while not done() and os.time() <= stop do rt:step(0.01) end
  return done()
end

--- The line that calls here(), as "name_spec.lua:12"; `offset` lines further down.
function support.here(offset)
  local info = debug.getinfo(2, "Sl")
  return ("%s:%d"):format(info.short_src:match("[^/]+$"), info.currentline + (offset or 0))
end

--- Fails unless two times are the same but for the rounding of floats.
function support.near(expected, actual)
  if math.abs(expected - actual) > 1e-6 then
    error(("expected %.9f, got %.9f"):format(expected, actual), 2)
  end
end

--- A to-be-closed value whose handler is fn(err).
function support.closer(fn)
  return setmetatable({}, { __close = function(_, err) fn(err) end })
end

--- Runs fn(rt, errors) with a fresh virtual-clock runtime (see spec.helper) that nobody runs, and closes it.
function support.with_runtime(fn, opts)
  local rt, errors = helper.runtime(opts)
  local ok, err = xpcall(fn, debug.traceback, rt, errors)
  rt:close()
  if not ok then error(err, 0) end
end

--- Calls fn(...): for tasks that shall run something callable which is no function.
function support.call(fn, ...)
  return fn(...)
end

--- Fails unless `text` contains `part` (plain).
function support.contains(part, text)
  if not tostring(text):find(part, 1, true) then
    error(("expected %q in:\n%s"):format(part, tostring(text)), 2)
  end
end

--- What is wrong with a child that should have said `expected` and nothing bad, or nil.
function support.trouble(expected, result)
  if result.code ~= 0 or result.out ~= expected then
    return ("exit code %s\n%s%s"):format(result.code, result.out, result.err)
  end
  for _, word in ipairs { "Sanitizer", "ERROR", "assert", "core dumped" } do
    if result.err:find(word, 1, true) then return result.err end
  end
end

return support
