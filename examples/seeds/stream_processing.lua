-- Bytes come in chunks, are changed in place and go out again: one pooled buffer, no strings.
local ebb = require "ebb"

-- Two ends of a pipe whose reader gets at most `chunk` bytes at a time.
local function reader_of(text, chunk)
  local at = 1
  return function()
    ebb.sleep(0.01)
    if at > #text then return nil, "eof" end -- the end is no error and no empty chunk
    local piece = text:sub(at, at + chunk - 1)
    at = at + chunk
    if piece:find "\255" then return nil, "bad byte" end
    return piece
  end
end

-- Each byte plus one, 255 becomes 0.
local function process(block, n)
  for i = 1, n do block[i] = (block[i] + 1) & 0xff end
end

local function pump(read, write)
  local g <close> = ebb.guard()
  local block = g:bytes(64)
  local n_bytes = 0
  while true do
    local chunk, why = read()
    if why == "eof" then return n_bytes end
    if not chunk then return nil, why end
    block:set(1, chunk)
    process(block, #chunk)
    write(block:sub(1, #chunk))
    n_bytes = n_bytes + #chunk
  end
end

local rt <close> = ebb.runtime { clock = "virtual" }
rt:run(function()
  local out = ebb.channel(2) -- the writer may be slower
  local writer = ebb.spawn(function()
    local pieces = {}
    for piece in out do
      ebb.sleep(0.05)
      pieces[#pieces + 1] = piece
    end
    return table.concat(pieces)
  end)
  local function write(piece) out:send(piece) end

  local text = ("HAL"):rep(50)
  print("bytes", pump(reader_of(text, 64), write))
  print("failed", pump(reader_of("ok\255", 64), write))
  print("late", ebb.timeout(0.025, pump, reader_of(text, 64), function() end))
  out:close()
  print(writer:await():sub(1, 12))
  print("bytes left", ebb.alloc.stats().pool.live)

  -- The same as a stream of chunks.
  print(ebb.stream.from(reader_of("012345678", 4)):map(function(chunk)
    return (chunk:gsub(".", function(c) return string.char(c:byte() + 1) end))
  end):fold("", function(all, piece) return all .. piece end))
end)
