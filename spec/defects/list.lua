--- The planted defects, by layer: { name, what, file, find, put, caught_by }. `find` is in `file` exactly once and becomes
-- `put`. `caught_by` is what notices (see spec/defects/catch.lua), or a list of them, tried one after the other.
-- `recompile`: what else is compiled with a changed header; `seconds`: how long the catcher may take; `missed`: why nothing
-- catches it.
local list, names = {}, {}
for _, layer in ipairs { "core", "sync", "alloc", "uv", "binding", "objects", "sugar" } do
  for _, defect in ipairs(require("spec.defects.list." .. layer)) do
    assert(not names[defect.name], defect.name)
    names[defect.name] = true
    list[#list + 1] = defect
  end
end
return list
