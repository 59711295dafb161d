-- The header for C hosts compiles alone, as C99, C11 and C++17, and without warnings.
local support = require "spec.house.support"

describe("csrc/ebb.h", function()
  local flags = table.concat(support.lines "pkg-config --cflags lua5.4 2>/dev/null", " ")

  for _, language in ipairs { "c -std=c99", "c -std=c11", "c++ -std=c++17" } do
    it("compiles alone as " .. language, function()
      local compiler = language:find "++" and "c++" or "cc"
      if not support.lines("command -v " .. compiler)[1] then return pending "no compiler" end
      -- C++ needs to know that Lua's own headers are C
      local before = compiler == "c++" and 'extern "C" {\n#include <lua.h>\n}\n' or ""
      local path = os.tmpname()
      local file = assert(io.open(path, "w"))
      file:write(before, '#include "ebb.h"\n',
        "int spec(void);\nint spec(void) { return sizeof(ebb_alloc_config) > 0; }\n")
      file:close()
      local result = support.shell(("%s -x %s -pedantic -Wall -Wextra -Werror -Icsrc %s -c %s "
        .. "-o /dev/null"):format(compiler, language, flags, path))
      os.remove(path)
      assert.equal(0, result.code, result.err)
    end)
  end
end)
