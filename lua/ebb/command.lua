--- The command `ebb`: runs a script as the main task of a runtime.
--
-- All of it is here; the C program csrc/cli/main.c and the script bin/ebb that LuaRocks installs
-- only call main. What a script sees (`arg`, `...`, messages, exit codes) is as under `lua`.
local command = {}

local USAGE = [==[
usage: ebb [options] [script [args]]
       ebb explain [CODE]
       ebb lint [--format=plain|json] FILE...

Runs the script as the main task of a runtime: it may await at its top level, and when it ends the
tasks still alive are cancelled. Ctrl-C cancels it, a second one ends the program.

  -e CODE          runs CODE, before the script
  -l MOD           requires MOD into the global MOD (-l NAME=MOD: into NAME), before the script
  -W               turns warnings on
  -                runs standard input
  --seed N         picks ready tasks at random, the same way for the same N
  --memory N       refuses to let the state use more than N bytes (also: 64K, 512M, 2G)
  --virtual-clock  time jumps to the next timer when all tasks wait
  --plain          no task, no runtime: as `lua` runs it
  --version        prints the version
  --help           prints this
  --               ends the options

explain prints cause and remedy of an error code such as EBB051, without one the list of codes.
lint finds mistakes in the use of ebb without running the files.
]==]

-- Options -----------------------------------------------------------------------------------------

-- What the command was asked to do: `actions` run in order, then the script, if any.
local function new_request()
  return { actions = {}, options = {}, plain = false }
end

local flags = {
  ["--plain"] = function(request) request.plain = true end,
  ["--virtual-clock"] = function(request) request.options.clock = "virtual" end,
  ["--version"] = function(request) request.show = "version" end,
  ["-v"] = function(request) request.show = "version" end,
  ["--help"] = function(request) request.show = "help" end,
  ["-h"] = function(request) request.show = "help" end,
  ["-W"] = function() warn "@on" end,
}

local UNITS = { [""] = 1, K = 1 << 10, M = 1 << 20, G = 1 << 30 }

-- Options with a value; each returns a message when the value is wrong.
local with_value = {
  ["-e"] = function(request, code)
    table.insert(request.actions, { code = code })
  end,
  ["-l"] = function(request, mod)
    local name, path = mod:match "^([^=]+)=(.+)$"
    table.insert(request.actions, { global = name or mod, mod = path or mod })
  end,
  ["--seed"] = function(request, text)
    local seed = math.tointeger(tonumber(text))
    if not seed then return ("--seed needs an integer, not '%s'"):format(text) end
    request.options.seed = seed
  end,
  ["--memory"] = function(request, text)
    local number, unit = text:match "^(%d+)([KMG]?)$"
    local bytes = number and math.tointeger(tonumber(number))
    if not bytes or bytes <= 0 or bytes > math.maxinteger // UNITS[unit] then
      return ("--memory needs a number of bytes such as 64M, not '%s'"):format(text)
    end
    request.memory = bytes * UNITS[unit]
  end,
}

-- Reads one option at argv[at]; returns the index after it, or nil and a message.
local function parse_option(request, argv, at)
  local word = argv[at]
  if flags[word] then
    flags[word](request)
    return at + 1
  end
  local name, value = word, nil
  if not with_value[name] then
    -- -eCODE, -lMOD, --seed=N
    name, value = word:match "^(%-[el])(.+)$"
    if not name then name, value = word:match "^(%-%-%a+)=(.*)$" end
    if not (name and with_value[name]) then
      return nil, ("unrecognized option '%s'"):format(word)
    end
  end
  at = at + 1
  if not value then
    value, at = argv[at], at + 1
    if not value then return nil, ("'%s' needs an argument"):format(name) end
  end
  local complaint = with_value[name](request, value)
  if complaint then return nil, complaint end
  return at
end

-- The command line as a request, or nil and a message.
local function parse(argv)
  local request, at = new_request(), 1
  while argv[at] and argv[at]:sub(1, 1) == "-" and argv[at] ~= "-" do
    if argv[at] == "--" then
      at = at + 1
      break
    end
    local next_at, message = parse_option(request, argv, at)
    if not next_at then return nil, message end
    at = next_at
  end
  if argv[at] then
    request.script, request.script_at = argv[at], at
  elseif #request.actions == 0 and not request.show then
    return nil, "no script given"
  end
  return request
end

-- The global `arg`: the script's name at 0, its arguments after it, the rest before it.
local function script_arg(argv, script_at)
  local first, last = 0, #argv
  while argv[first - 1] ~= nil do first = first - 1 end
  local list = {}
  for i = first, last do list[i - script_at] = argv[i] end
  return list
end

-- Running -----------------------------------------------------------------------------------------

-- How lines of a traceback that tell of this file begin.
local OWN_FRAME = "\t" .. debug.getinfo(1, "S").short_src .. ":"

-- A failure of the script with its traceback taken where it happened.
local failure = {}

local function message_of(err)
  if type(err) == "string" then return err end
  if type(err) == "number" then return tostring(err) end
  local meta = getmetatable(err)
  if meta and (type(meta) ~= "table" or meta.__tostring or meta.__name) then
    return tostring(err)
  end
  return ("(error object is a %s value)"):format(type(err))
end

-- The frames below the script are this file's: nothing a user wants to read.
local function without_tail(traceback)
  local lines, n = {}, 0
  for line in traceback:gmatch "[^\n]+" do
    lines[#lines + 1] = line
    if line:find("[C]: in function 'xpcall'", 1, true) then n = #lines end
  end
  if n == 0 then return traceback end
  repeat n = n - 1 until not (lines[n]:find(OWN_FRAME, 1, true) or lines[n]:find "^%s*%(%.%.%.tail")
  return table.concat(lines, "\n", 1, n) .. "\n\t[C]: in ?"
end

-- The handler of the outermost call. A cancel goes on as it is: it belongs to the runtime.
local function on_error(err)
  local ebb = package.loaded.ebb
  if type(ebb) == "table" and ebb.is_cancelled and ebb.is_cancelled(err) then return err end
  local text = message_of(err)
  if type(err) == "string" or type(err) == "number" then
    text = without_tail(debug.traceback(text, 2))
  end
  return setmetatable({ text = text }, failure)
end

local function complain(text)
  io.stdout:flush()
  io.stderr:write("ebb: ", text, "\n")
  io.stderr:flush()
end

local function text_of(err)
  if getmetatable(err) == failure then return err.text end
  return message_of(err)
end

-- Everything the command line asks to run, as one function; nil and a message when a piece of it
-- does not compile or cannot be opened.
local function load_program(request)
  local steps = {}
  for i, action in ipairs(request.actions) do
    if action.code then
      local chunk, message = load(action.code, "=(command line)")
      if not chunk then return nil, message end
      steps[i] = chunk
    else
      steps[i] = function() _G[action.global] = require(action.mod) end
    end
  end
  local script
  if request.script then
    local message
    script, message = loadfile(request.script ~= "-" and request.script or nil)
    if not script then return nil, message end
  end
  return function(...)
    for _, step in ipairs(steps) do step(...) end
    if script then script(...) end
  end
end

-- The program as the main task of a runtime made for it.
local function run_as_task(program, options, ...)
  local ebb = require "ebb"
  options.handle_sigint = true
  local rt = ebb.runtime(options)
  ebb.use(rt)
  local ok, err = pcall(rt.run, rt, function(...)
    local done, failed = xpcall(program, on_error, ...)
    if not done then error(failed, 0) end
  end, ...)
  rt:close()
  return ok, err
end

local function run(request, argv)
  local program, message = load_program(request)
  if not program then
    complain(message)
    return 1
  end
  _G.arg = script_arg(argv, request.script_at or 0)
  if request.memory then
    local set, err = pcall(require "ebb".alloc.limit, { bytes = request.memory })
    if not set then
      complain((err:gsub("^.-:%d+: ", ""))) -- the place is here, which tells nothing
      return 1
    end
  end
  local runner = request.plain
    and function(...) return xpcall(program, on_error, ...) end
    or function(...) return run_as_task(program, request.options, ...) end
  local ok, err = runner(table.unpack(_G.arg))
  if ok then return 0 end
  local text = text_of(err)
  complain(text)
  if text:find("EBB052", 1, true) and not request.plain then
    io.stderr:write("(the script is a task already: call its main function itself, ",
      "or run it with --plain)\n")
  end
  return 1
end

-- The other things it does ------------------------------------------------------------------------

local function show_version()
  local ok, ebb = pcall(require, "ebb")
  print(((ok and ebb._VERSION) or "ebb") .. "  (" .. _VERSION .. ")")
  return 0
end

local function explain(code)
  local ok, module = pcall(require, "ebb.explain")
  if not ok then
    complain "the explanations are not installed"
    return 1
  end
  local text, message
  if code then
    text, message = module.text(code)
  else
    text = module.summary()
  end
  if not text then
    complain(message)
    return 1
  end
  io.stdout:write(text)
  return 0
end

local function lint(argv)
  local ok, module = pcall(require, "ebb.lint")
  if not ok then
    complain "the rules of lint are not installed"
    return 2
  end
  return module.main(argv, 2)
end

--- Runs the command with the arguments argv[1…] (argv[0] and below: the program); returns the
-- exit code.
function command.main(argv)
  if argv[1] == "explain" then return explain(argv[2]) end
  if argv[1] == "lint" then return lint(argv) end
  local request, message = parse(argv)
  if not request then
    io.stderr:write("ebb: ", message, "\n", USAGE)
    return 1
  end
  if request.show == "help" then
    io.stdout:write(USAGE)
    return 0
  elseif request.show == "version" then
    return show_version()
  end
  return run(request, argv)
end

return command
