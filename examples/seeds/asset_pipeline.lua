-- Loads a queue of assets: a few at a time, each kind parsed its way, a bad one does not stop the
-- rest, and the same path is read once however many ask for it.
local ebb = require "ebb"

local dir = assert(os.getenv "TMPDIR" or "/tmp")

local parse = {}
function parse.texture(g, data) return { pixels = #g:bytes(#data):set(1, data) } end
function parse.mesh(g, data)
  local points = g:vec "f32"
  for number in data:gmatch "%S+" do points:push(tonumber(number) or error "no number") end
  return { points = #points, size = points:max() - points:min() }
end
function parse.audio(_, data) return { seconds = #data / 4 } end

local function load(request)
  local g <close> = ebb.guard() -- scratch memory, whatever happens
  local data, err = ebb.fs.read(request.path)
  if not data then return nil, err end
  local ok, asset = pcall(parse[request.kind], g, data)
  if not ok then return nil, "cannot be parsed" end
  return asset
end

-- Concurrent requests for one key share one attempt.
local loading, reads = {}, 0
local function load_once(request)
  local task = loading[request.path]
  if not task then
    reads = reads + 1
    task = ebb.spawn(load, request)
    loading[request.path] = task
  end
  return task:await()
end

ebb.run(function()
  local folder = ebb.fs.mkdtemp(dir .. "/assets")
  local function path(name) return folder .. "/" .. name end
  ebb.fs.write(path "wall.tex", ("\7"):rep(64))
  ebb.fs.write(path "cube.mesh", "0 0 1 0.5 -1 2")
  ebb.fs.write(path "bent.mesh", "0 zero 1")
  ebb.fs.write(path "door.wav", ("\0"):rep(10))

  local queue, loaded = {}, {}
  for _, item in ipairs { "texture wall.tex", "mesh cube.mesh", "mesh bent.mesh",
    "audio door.wav", "audio gone.wav", "texture wall.tex" } do
    local kind, name = item:match "(%S+) (%S+)"
    queue[#queue + 1] = { kind = kind, name = name, path = path(name) }
  end
  ebb.stream.iter(queue):for_each_concurrent(3, function(request)
    local asset, err = load_once(request)
    loaded[request.name] = asset or "failed: " .. err
  end)

  print(loaded["wall.tex"].pixels .. " pixels", loaded["door.wav"].seconds .. " s")
  print(loaded["cube.mesh"].points .. " points", "size " .. loaded["cube.mesh"].size)
  print("bent.mesh", loaded["bent.mesh"])
  print("gone.wav", loaded["gone.wav"])
  print(#queue .. " requests, " .. reads .. " reads")
  for _, name in ipairs(ebb.fs.list(folder)) do ebb.fs.remove(path(name)) end
  ebb.fs.remove(folder)
end)
