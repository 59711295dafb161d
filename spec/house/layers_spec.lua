-- Which file of csrc may include what: the layers' only direction is downward.
local support = require "spec.house.support"

local BELOW = {
  base = "base",
  alloc = "base alloc",
  core = "base alloc core",
  sync = "base alloc core sync",
  uv = "base alloc core sync uv",
  lua = "base alloc core sync uv lua",
  cli = "base alloc core sync uv lua cli",
}

-- Who may include a header of a library; true means anybody.
local LUA = { lua = true, cli = true, ["ebb.h"] = true }
local ABOVE_SYNC = { uv = true, lua = true, cli = true }
local LIBRARY = {
  ["lua.h"] = LUA, ["lauxlib.h"] = LUA, ["lualib.h"] = LUA, ["luaconf.h"] = LUA, ["lua.hpp"] = {},
  ["uv.h"] = { uv = true },
  ["time.h"] = ABOVE_SYNC, ["sys/time.h"] = ABOVE_SYNC,
  ["pthread.h"] = ABOVE_SYNC, ["threads.h"] = ABOVE_SYNC, ["unistd.h"] = ABOVE_SYNC,
  ["signal.h"] = ABOVE_SYNC, ["setjmp.h"] = {},
}

local function set(words)
  local members = {}
  for word in words:gmatch "%S+" do members[word] = true end
  return members
end

-- Complaints about one #include line of a file of `layer` (or the public header itself).
local function judge(layer, line)
  local system = line:match '^%s*#%s*include%s*<([^>]+)>'
  if system then
    local allowed = LIBRARY[system]
    if allowed and not allowed[layer] then return "includes <" .. system .. ">" end
    return nil
  end
  local project = line:match '^%s*#%s*include%s*"([^"]+)"'
  if not project then return "has an #include that cannot be read: " .. line end
  if project == "ebb.h" then return nil end
  local other = project:match "^([^/]+)/[^/]+%.h$"
  if not other then return ("includes \"%s\", not by layer path"):format(project) end
  if layer == "ebb.h" or not set(BELOW[layer])[other] then
    return ("includes \"%s\" of a layer above"):format(project)
  end
end

local sources = support.lines "find csrc -name '*.[ch]' | LC_ALL=C sort"

describe("csrc:", function()
  it("there are files", function() assert.is_true(#sources > 10) end)

  it("every file is in a layer", function()
    for _, path in ipairs(sources) do
      local layer = path:match "^csrc/([^/]+)/[^/]+$"
      assert(path == "csrc/ebb.h" or BELOW[layer], path .. " is in no layer")
    end
  end)

  it("includes go downward only", function()
    local complaints = {}
    for _, path in ipairs(sources) do
      local layer = path:match "^csrc/([^/]+)"
      for line in support.slurp(path):gmatch "[^\n]+" do
        if line:match "^%s*#%s*include" then
          local complaint = judge(layer, line)
          if complaint then complaints[#complaints + 1] = path .. " " .. complaint end
        end
      end
    end
    assert.equal("", table.concat(complaints, "\n"))
  end)

  it("every file begins with its licence", function()
    for _, path in ipairs(sources) do
      local first = support.slurp(path):match "^[^\n]*"
      assert(first == "/* SPDX-License-Identifier: MIT */", path .. ": " .. first)
    end
  end)

  it("include guards are EBB_…_H, one per header", function()
    local seen = {}
    for _, path in ipairs(sources) do
      if path:match "%.h$" then
        local text = support.slurp(path)
        local guard = text:match "#ifndef (EBB_[%u%d_]*H)\n#define %1\n"
          or text:match "#ifndef (EBB_[%u%d_]*H)\n#define EBB_[%u%d_]*H\n"
        assert(guard and text:find("#define " .. guard .. "\n", 1, true), path .. ": no guard")
        assert(not seen[guard], path .. " has the guard of another header: " .. guard)
        seen[guard] = path
      end
    end
  end)
end)
