-- The code blocks of README.md and docs/*.md work. A block of Lua is run as a script; when the line
-- before the next block says "prints:", that block is what it prints. A block of C with an #include
-- is compiled.
local support = require "spec.house.support"

-- The fenced blocks of a text in order: { language, text, line, before } where `before` is the last
-- line with words in it above the block.
local function blocks_of(text)
  local blocks, open, before, number = {}, nil, "", 0
  for line in (text .. "\n"):gmatch "(.-)\n" do
    number = number + 1
    local fence = line:match "^```(.*)$"
    if fence and open then
      open.text = table.concat(open, "\n") .. "\n"
      blocks[#blocks + 1] = open
      open = nil
    elseif fence then
      open = { language = fence:match "^%S*", line = number + 1, before = before }
      before = ""
    elseif open then
      open[#open + 1] = line
    elseif line:find "%S" then
      before = line
    end
  end
  return blocks
end

local function prints_next(block)
  return block ~= nil and block.language == "text" and block.before:match "prints:%s*$" ~= nil
end

local function compile(block)
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write(block.text)
  file:close()
  local result = support.shell(("exec cc -std=gnu11 -fsyntax-only -Icsrc %s -x c %s"):format(
    table.concat(support.lines "pkg-config --cflags lua5.4 libuv 2>/dev/null", " "),
    support.quote(path)))
  os.remove(path)
  support.check(result)
end

local documents = support.lines "ls README.md docs/*.md 2>/dev/null"

for _, path in ipairs(documents) do
  describe(path .. ":", function()
    local blocks = blocks_of(support.slurp(path))
    for i, block in ipairs(blocks) do
      local where = ("%s block at line %d"):format(block.language, block.line)
      if block.language == "lua" then
        it(where, function()
          -- Lines of the message are those of the document.
          local text = ("\n"):rep(block.line - 1) .. block.text
          local next_block = blocks[i + 1]
          support.check(support.program(text),
            prints_next(next_block) and next_block.text or nil)
        end)
      elseif block.language == "c" and block.text:find "#include" then
        it(where, function()
          compile(block)
        end)
      end
    end
  end)
end

describe("documents:", function()
  it("what a program prints is marked as text", function()
    for _, path in ipairs(documents) do
      for _, block in ipairs(blocks_of(support.slurp(path))) do
        local is_output = block.before:match "prints:%s*$" ~= nil
        assert(not is_output or block.language == "text",
          ("%s block at line %d: ```text"):format(path, block.line))
      end
    end
  end)

  it("there are some", function() assert.is_true(#documents > 0) end)

  it("what a block prints is marked as text, so that it is compared", function()
    for _, path in ipairs(documents) do
      for _, block in ipairs(blocks_of(support.slurp(path))) do
        if block.before:match "prints:%s*$" then
          assert.equal("text", block.language, ("%s:%d"):format(path, block.line))
        end
      end
    end
  end)

  it("links to files of the project lead somewhere", function()
    for _, path in ipairs(documents) do
      local folder = path:match "^(.*/)" or ""
      for target in support.slurp(path):gmatch "%]%(([^)#]+)[^)]*%)" do
        if not target:match "^%a+:" then
          assert(support.exists(folder .. target), path .. ": no file " .. target)
        end
      end
    end
  end)
end)
