-- Writes the lists of files in the rockspec anew from the tree: lua5.4 rockspec/update.lua
-- (in the project's root, after a source file came or went; a spec compares the two).
local PATH = "rockspec/ebb-scm-1.rockspec"

local function lines_of(command)
  local pipe <close> = assert(io.popen(command))
  local lines = {}
  for line in pipe:lines() do lines[#lines + 1] = line end
  return lines
end

-- The layers from the bottom up, all but the command, which needs liblua.
local sources = {}
for layer in ("base alloc core sync uv lua"):gmatch "%a+" do
  for _, path in ipairs(lines_of(("ls csrc/%s/*.c 2>/dev/null | LC_ALL=C sort"):format(layer))) do
    sources[#sources + 1] = ("        %q,\n"):format(path)
  end
end

local modules = {}
for _, path in ipairs(lines_of "find lua/ebb -name '*.lua' | LC_ALL=C sort") do
  local name = path:gsub("^lua/", ""):gsub("%.lua$", ""):gsub("/init$", ""):gsub("/", ".")
  modules[#modules + 1] = ("    [%q] = %q,\n"):format(name, path)
end

local file = assert(io.open(PATH))
local text = file:read "a"
file:close()

local function replace(mark, list)
  local from, to, head, tail = text:find(
    "(%-%- " .. mark .. ": rockspec/update.lua writes this\n).-(%s*%-%- end of " .. mark .. "\n)")
  assert(from, "no list of " .. mark)
  text = text:sub(1, from - 1) .. head .. table.concat(list):gsub("\n$", "") .. tail
    .. text:sub(to + 1)
end
replace("sources", sources)
replace("modules", modules)

file = assert(io.open(PATH, "w"))
file:write(text)
file:close()
