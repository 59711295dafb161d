--- What an error code of ebb means: the text behind `ebb explain CODE`.
local codes = require "ebb.codes"

local explain = {}

-- Breaks text at blanks into lines of at most `width`, each after the first begun with `indent`.
local function wrap(text, indent, width)
  local lines, line = {}, indent
  for word in text:gmatch "%S+" do
    if #line + #word + 1 > width and #line > #indent then
      lines[#lines + 1] = line
      line = indent
    end
    line = line .. (#line > #indent and " " or "") .. word
  end
  lines[#lines + 1] = line
  return table.concat(lines, "\n")
end

--- The codes in order.
function explain.list()
  local list = {}
  for code in pairs(codes) do list[#list + 1] = code end
  table.sort(list)
  return list
end

--- The code that a user wrote as "EBB051", "ebb051", "051" or "51"; nil if that is none.
local function normalize(code)
  local digits = tostring(code):upper():match "^%s*E?B?B?(%d+):?%s*$"
  return digits and ("EBB%03d"):format(tonumber(digits))
end

--- The explanation of a code as text to print, or nil and a message when there is no such code.
function explain.text(code)
  local name = normalize(code)
  local entry = name and codes[name]
  if not entry then
    return nil, ("no such code: %s (they go from %s to %s)"):format(code, explain.list()[1],
      explain.list()[#explain.list()])
  end
  return ("%s: %s\n\ncause:\n%s\n\nwhat to do:\n%s\n"):format(name, entry.title,
    wrap(entry.cause, "  ", 80), wrap(entry.fix, "  ", 80))
end

--- All codes with their titles, a line each.
function explain.summary()
  local lines = {}
  for i, code in ipairs(explain.list()) do lines[i] = code .. "  " .. codes[code].title end
  return table.concat(lines, "\n") .. "\n"
end

return explain
