-- Writes the table of docs/errors.md from lua/ebb/codes.lua: lua5.4 docs/errors.lua
-- (run it in the project's root after a change of the list; a spec compares the two).
package.path = "lua/?.lua;lua/?/init.lua;" .. package.path
local codes = require "ebb.codes"
local explain = require "ebb.explain"

local HEAD = [[
# Errors with a code

An outcome that a correct program must expect comes back as `nil, reason` (`"closed"`, `"timeout"`,
`"full"`, …). A mistake in the program throws, at the line of the caller. Where the mistake needs
explaining, the message carries a code:

    main.lua:12: EBB051: cannot await inside table.sort's comparator (a C function); …

`ebb explain EBB051` prints the same text as this table. It is made from `lua/ebb/codes.lua` by
`lua5.4 docs/errors.lua`.

| code | what it says | usual cause | what to do |
| --- | --- | --- | --- |
]]

local function cell(text) return (text:gsub("|", "\\|")) end

local lines = {}
for i, code in ipairs(explain.list()) do
  local entry = codes[code]
  lines[i] = ("| %s | %s | %s | %s |\n"):format(code, cell(entry.title), cell(entry.cause),
    cell(entry.fix))
end

local file = assert(io.open(arg[1] or "docs/errors.md", "w"))
file:write(HEAD, table.concat(lines))
file:close()
