--- What the specs of ebb lint share: a program, and what is found in it.
local codes = require "ebb.codes"
local lint = require "ebb.lint"

local support = { HEAD = 'local ebb = require "ebb"\n' }

--- The findings in a program, as "line:column code …"; the line after `require "ebb"` is line 1.
function support.found(body)
  local list, failed = lint.check(support.HEAD .. body)
  if not list then error(failed.message, 2) end
  local words = {}
  for i, finding in ipairs(list) do
    assert(codes[finding.code], finding.code)
    words[i] = ("%d:%d %s"):format(finding.line - 1, finding.column, finding.code)
  end
  return table.concat(words, " ")
end

return support
