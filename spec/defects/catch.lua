--- What is to catch a defect, as the lists write it: words before what is run say how.
--
--   test_wait                          a C test
--   spec/task/cancel_spec.lua          specs: a file or a folder
--   spec/task/cancel_spec.lua | twice  only those whose name has that text
--   asan …                             in the build with the address sanitizer, specs in the host
--   valgrind …                         under valgrind, specs in the host
--   eager …, oom=5 …                   with EBB_SPEC_GC=eager; with EBB_OOM_STRIDE=5
local catch = {}

function catch.parse(text)
  local catcher, rest = { preset = "debug", env = "", text = text }, text
  local how = {
    asan = function() catcher.preset, catcher.host = "asan", true end,
    valgrind = function() catcher.valgrind, catcher.host = true, true end,
    host = function() catcher.host = true end,
    eager = function() catcher.env = catcher.env .. " EBB_SPEC_GC=eager" end,
  }
  while true do
    local word, after = rest:match "^([%w=_]+) +(.*)$"
    local stride = word and word:match "^oom=(%d+)$"
    if stride then
      catcher.env = catcher.env .. " EBB_OOM_STRIDE=" .. stride
    elseif how[word] then
      how[word]()
    else
      break
    end
    rest = after
  end
  local what, filter = rest:match "^(.-) | (.*)$"
  catcher.what, catcher.filter = what or rest, filter
  if catcher.what:match "^test_" then
    catcher.kind = catcher.what
  elseif catcher.what:match "^spec/" then
    catcher.kind = catcher.host and "host" or "module"
  else
    error("not a catcher: " .. text, 0)
  end
  return catcher
end

local function quoted(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

--- The shell command that runs the catcher with what is in `work`; what is not there is the sound build's.
function catch.command(root, work, catcher, lua, seconds)
  local build = root .. "/build/" .. catcher.preset
  local function made(path)
    local file = io.open(work .. "/" .. path, "rb")
    if file then file:close() end
    return (file and work or build) .. "/" .. path
  end
  local limits = ("ulimit -c 0; ulimit -t %d;"):format(seconds) -- busy or idle, it ends
  if catcher.preset ~= "asan" and not catcher.valgrind then limits = limits .. " ulimit -v 8000000;" end
  local wrapper = ("timeout -k 2 %d"):format(seconds)
  if catcher.valgrind then
    wrapper = wrapper .. " valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite"
  end
  -- a child that hangs is given up before the catcher is
  local env = ("%s ASAN_OPTIONS=detect_leaks=1 EBB_SPEC_PATIENCE=%d"):format(catcher.env, math.max(10, seconds // 4))
  if catcher.kind == catcher.what then
    local program = made(catcher.kind)
    if not program:find(work, 1, true) then program = build .. "/spec/c/" .. catcher.kind end
    return ("cd %s; %s env %s %s %s"):format(root, limits, env, wrapper, program)
  end
  local interpreter = catcher.host and made "ebb" .. " --plain" or lua
  local module = made "cmod/ebb/core.so":match "(.*)/ebb/core.so"
  local path = ("%s/lua/?.lua;%s/lua/?/init.lua;%s/lua/?.lua;%s/lua/?/init.lua;./?.lua"):format(work, work, root, root)
  local cpath = module .. "/?.so"
  env = ("%s LUA_PATH=%s LUA_CPATH=%s EBB_SPEC_BUILD=%s EBB_SPEC_COMMAND=%s EBB_SPEC_LUA=%s"):format(env,
    quoted(path .. ";;"), quoted(cpath .. ";;"), build, made "ebb", quoted(interpreter))
  -- .busted names the sound ones
  local options = (" --lpath=%s --cpath=%s"):format(quoted(path), quoted(cpath))
  if catcher.filter then
    options = options .. " " .. quoted("--filter=" .. catcher.filter:gsub("%p", "%%%0"):gsub(" ", "%%s"))
  end
  return ("cd %s; %s env %s %s %s spec/busted.lua -o plainTerminal%s %s"):format(root, limits, env, wrapper,
    interpreter, options, catcher.what)
end

return catch
