--- The planted defects, by layer and file. A group { file =, caught_by =, …, defects } is about one file, a defect
-- { name, what, find =, put =, caught_by = } has what is its own: `find` is in the file exactly once and becomes `put`;
-- `caught_by` is what notices (see spec/defects/catch.lua), or a list of them, tried one after the other. `recompile`: what
-- else is compiled with a changed header; `seconds`: how long the catcher may take; `missed`: why nothing catches it.
local FIELDS = { "find", "put", "caught_by", "recompile", "seconds", "missed" }

local list, names = {}, {}
for _, layer in ipairs { "core", "sync", "alloc", "uv", "binding", "objects", "sugar" } do
  for _, group in ipairs(require("spec.defects.list." .. layer)) do
    for _, entry in ipairs(group) do
      local defect = { name = entry[1], what = entry[2], file = group.file }
      for _, field in ipairs(FIELDS) do
        defect[field] = entry[field]
        if defect[field] == nil then defect[field] = group[field] end
      end
      assert(not names[defect.name], defect.name)
      names[defect.name] = true
      list[#list + 1] = defect
    end
  end
end
return list
