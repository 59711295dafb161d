--- Planting a defect: the changed file is compiled beside the build it belongs to, and what is to be run is linked
-- with it in place of the sound one. Nothing in the tree or in the build is touched.
local plant = {}

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

local function write(path, text)
  os.execute("mkdir -p " .. path:match "(.*)/")
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(text))
end

function plant.output(command)
  local pipe <close> = assert(io.popen(command, "r"))
  return pipe:read "a"
end

--- Runs it quietly; on a failure what it said becomes the error.
local function run(command)
  local log = os.tmpname()
  local ok = os.execute(("{ %s; } >%s 2>&1"):format(command, log))
  local said = read(log)
  os.remove(log)
  if not ok then error(command:sub(1, 400) .. "\n" .. said:sub(-2000), 0) end
end

--- How often `text` is in `whole`, and where it is first.
local function occurrences(whole, text)
  local n, at, first = 0, 1, nil
  while true do
    local from, to = whole:find(text, at, true)
    if not from then return n, first end
    n, at, first = n + 1, to + 1, first or from
  end
end

--- The file's text with the defect in it.
function plant.text(defect)
  local text = read(defect.file)
  local n, at = occurrences(text, defect.find)
  if n ~= 1 then
    error(("%s: its text is in %s %d times instead of once; mend spec/defects/"):format(defect.name, defect.file, n), 0)
  end
  return text:sub(1, at - 1) .. defect.put .. text:sub(at + #defect.find)
end

--- The command with which ninja makes `target` in `build`.
local function command_of(build, target)
  local command = plant.output(("ninja -C %s -t commands -s %s 2>&1"):format(build, target))
  command = command:gsub("^: && ", ""):gsub(" && :%s*$", ""):gsub("%s+$", "")
  if not command:find " %-o " then error(("no command for %s in %s: %s"):format(target, build, command), 0) end
  return command
end

local objects = {} -- by build: source file -> its object, as ninja names it

local function object_of(build, file)
  local known = objects[build]
  if not known then
    known = {}
    objects[build] = known
    for line in plant.output("ninja -C " .. build .. " -t targets all"):gmatch "[^\n]+" do
      local object, source = line:match "^(CMakeFiles/ebb_%a+%.dir/(.*%.c)%.o):"
      if object then known[source] = object end
      object, source = line:match "^(spec/c/CMakeFiles/[%w_]+%.dir/([%w_]+%.c)%.o):"
      if object then known["spec/c/" .. source] = object end
    end
  end
  return known[file] or error(("%s: no object in %s"):format(file, build), 0)
end

--- Compiles `source`, which stands for `file`, to `out`; headers in `include` come before the tree's.
local function compile(build, file, source, out, include)
  local object = object_of(build, file)
  local command = command_of(build, object)
  command = command:gsub(" %-c .*$", ""):gsub(" %-o %S+", ""):gsub(" %-M[DTF] ?%S*%.?o?d?", "")
  command = command:gsub(" %-Werror", ""):gsub(" (%-I)", " -I" .. include .. " %1", 1)
  run(("cd %s && %s -w -o %s -c %s"):format(build, command, out, source))
  return object
end

--- What was planted by the last call: object in the build -> the one with the defect.
local function changed(root, build, work, defect)
  local include, replaced = work .. "/include", {}
  run("rm -rf " .. work .. " && mkdir -p " .. include)
  if defect.file:match "%.h$" then
    write(include .. "/" .. defect.file:match "^csrc/(.*)", plant.text(defect))
  else
    local source = work .. "/" .. defect.file:match "[^/]+$"
    write(source, plant.text(defect))
    replaced[compile(build, defect.file, source, source .. ".o", include)] = source .. ".o"
  end
  for _, file in ipairs(defect.recompile or {}) do
    local out = work .. "/" .. file:match "[^/]+$" .. ".o"
    replaced[compile(build, file, root .. "/" .. file, out, include)] = out
  end
  return replaced
end

--- Links `target` of `build` to `out` with the changed objects. Those of a library come before it, so that the
-- linker has no need of the library's.
local function link(build, target, out, replaced)
  local command = command_of(build, target):gsub(" %-o %S+", "")
  for object, by in pairs(replaced) do
    local plain = object:gsub("%p", "%%%0")
    local n
    command, n = command:gsub(" " .. plain .. " ", " " .. by .. " ")
    if n == 0 then command = command:gsub(" (%S+%.a)", " " .. by .. " %1", 1) end
  end
  run(("mkdir -p %s && cd %s && %s -o %s"):format(out:match "(.*)/", build, command, out))
end

--- Makes what a catcher of this kind needs in `work`: "lua" (a changed lua/ before the tree's), "module", "host" or the
-- name of a C test.
function plant.make(root, preset, work, defect, kind)
  if defect.file:match "^lua/" then
    run("rm -rf " .. work)
    write(work .. "/" .. defect.file, plant.text(defect))
    return
  end
  local build = root .. "/build/" .. preset
  local replaced = changed(root, build, work, defect)
  if kind == "module" then
    link(build, "cmod/ebb/core.so", work .. "/cmod/ebb/core.so", replaced)
  elseif kind == "host" then
    link(build, "ebb", work .. "/ebb", replaced)
  else
    link(build, "spec/c/" .. kind, work .. "/" .. kind, replaced)
  end
end

return plant
