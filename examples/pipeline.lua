-- Reads every file below a directory with bounded concurrency and tells what is in them.
--
--   lua5.4 examples/pipeline.lua DIR [TIMEOUT [WORKERS]]
--
--   walker --paths (64)--> 8 workers --results (32)--> aggregator
--
-- One task walks the directory, the workers read and count, and the main task adds up what they
-- send while it also listens to a ticker (progress, once a second), Ctrl-C and an overall timeout.
-- Each channel is bounded, so however many files there are, few are in memory at a time.
local ebb = require "ebb"

local USAGE = "usage: pipeline.lua DIR [TIMEOUT_SECONDS [WORKERS]]"
local CHUNK = 64 * 1024 -- bytes counted between two looks at the other tasks
local SIZES = { 1 << 10, 1 << 13, 1 << 16, 1 << 20, math.huge } -- file sizes are counted by these
local LARGEST = 64 * 1024 * 1024 -- what is larger is counted as skipped

---------------------------------------------------------------------------------------------------
-- One file

-- 64 bytes at a time; the last ones are padded. A checksum to compare files by, not a secure one.
local BLOCK = "<i8i8i8i8i8i8i8i8"
local function checksum(sum, text)
  local unpack = string.unpack
  local tail = #text % 64
  if tail > 0 then text = text .. ("\0"):rep(64 - tail) end
  for at = 1, #text, 64 do
    local a, b, c, d, e, f, g, h = unpack(BLOCK, text, at)
    sum = (sum ~ a ~ (b << 1) ~ (c << 2) ~ (d << 3)) * 0x100000001b3
    sum = (sum ~ e ~ (f << 1) ~ (g << 2) ~ (h << 3)) * 0x100000001b3
    sum = sum ~ (sum >> 29)
  end
  return sum
end

local function count_words(counts, text)
  local n = 0
  for word in text:lower():gmatch "%a+" do
    n = n + 1
    counts[word] = (counts[word] or 0) + 1
  end
  return n
end

local function commonest(counts, how_many)
  local best = {}
  for word, n in pairs(counts) do
    if #word >= 4 then -- "the", "of", "end" say little
      local at = #best + 1
      while at > 1 and (n > best[at - 1].n or n == best[at - 1].n and word < best[at - 1].word) do
        at = at - 1
      end
      if at <= how_many then
        table.insert(best, at, { word = word, n = n })
        best[how_many + 1] = nil
      end
    end
  end
  return best
end

-- Takes the bytes out of the buffer chunk by chunk and counts; gives way after each.
local function examine(path, buffer)
  local file = { path = path, bytes = #buffer, lines = 0, words = 0, sum = 0, counts = {} }
  local rest = "" -- a word that the end of a chunk has cut in two
  while #buffer > 0 do
    local chunk = buffer:get(math.min(CHUNK, #buffer))
    file.sum = checksum(file.sum, chunk)
    file.binary = file.binary or chunk:find("\0", 1, true) ~= nil
    if not file.binary then
      file.lines = file.lines + select(2, chunk:gsub("\n", "\n"))
      local text = rest .. chunk
      rest = #buffer > 0 and text:match "%a*$" or ""
      file.words = file.words + count_words(file.counts, text:sub(1, #text - #rest))
    end
    ebb.yield()
  end
  file.top = commonest(file.counts, 3)
  return file
end

---------------------------------------------------------------------------------------------------
-- The tasks

local function walk(dir, paths)
  for path, kind in ebb.fs.walk(dir) do
    if kind == "file" then paths:send(path) end
  end
  paths:close()
end

local function work(paths, results)
  -- The task's own guard frees the buffer when the task ends, however it ends.
  local buffer = ebb.task_guard():buffer(CHUNK)
  for path in paths do
    local info, why, code = ebb.fs.stat(path)
    local data
    if info and info.size <= LARGEST then
      data, why, code = ebb.fs.read(path)
    elseif info then
      why, code = "larger than 64 MiB", "large"
    end
    if data then
      buffer:put(data)
      results:send(examine(path, buffer))
    else
      results:send { path = path, failed = why, code = code }
    end
  end
end

-- Walker and workers in one scope: they end together, and then the results are complete.
local function crew(dir, n_workers, results)
  ebb.scope(function(s)
    s:defer(function() results:close() end)
    local paths = ebb.channel(64)
    s:spawn(walk, dir, paths)
    for _ = 1, n_workers do s:spawn(work, paths, results) end
  end)
end

local function new_total()
  return { files = 0, binary = 0, bytes = 0, lines = 0, words = 0, sum = 0, counts = {},
    largest = {}, failed = 0, codes = {}, sizes = ebb.task_guard():array("i64", #SIZES) }
end

local function add(total, file)
  if file.failed then
    total.failed = total.failed + 1
    total.codes[file.code] = (total.codes[file.code] or 0) + 1
    return
  end
  total.files = total.files + 1
  total.binary = total.binary + (file.binary and 1 or 0)
  total.bytes = total.bytes + file.bytes
  local class = 1
  while file.bytes >= SIZES[class] do class = class + 1 end
  total.sizes[class] = total.sizes[class] + 1
  total.lines = total.lines + file.lines
  total.words = total.words + file.words
  total.sum = total.sum ~ file.sum -- the same in whatever order the files come
  for word, n in pairs(file.counts) do total.counts[word] = (total.counts[word] or 0) + n end
  file.counts = nil
  local largest = total.largest
  local at = #largest + 1
  while at > 1 and file.words > largest[at - 1].words do at = at - 1 end
  if at <= 5 then
    table.insert(largest, at, file)
    largest[6] = nil
  end
end

local function main(dir, timeout, n_workers)
  local info, why = ebb.fs.stat(dir)
  if not info then return nil, why end
  if info.type ~= "directory" then return nil, "not a directory" end

  local total = new_total()
  local started = ebb.now()
  local results = ebb.channel(32)
  local job = ebb.spawn_with({ name = "crew" }, crew, dir, n_workers, results)

  local tick <close> = ebb.interval(1)
  local late <close> = ebb.timer(timeout)
  local stop <close> = ebb.ctrl_c()
  local arms = { result = results, tick = tick, late = late, stop = stop }
  while true do
    local what, file = ebb.select(arms)
    if what == "result" then
      if not file then break end -- closed: the crew has ended
      add(total, file)
    elseif what == "tick" then
      io.stderr:write(("  %5.1f s  %6d files  %7.1f MB\n"):format(ebb.now() - started,
        total.files, total.bytes / 1e6))
    else
      total.stopped = what == "late" and ("timeout after %g s"):format(timeout) or "Ctrl-C"
      job:cancel(total.stopped)
      arms.late, arms.stop = false, false -- and take what is still on its way
    end
  end
  total.seconds = ebb.now() - started
  local ok, err = job:join()
  if not ok and not total.stopped then error(err, 0) end
  -- The array goes with the task's guard; the figures in it are needed longer.
  total.sizes = table.pack(table.unpack(total.sizes, 1, #SIZES))
  return total
end

---------------------------------------------------------------------------------------------------
-- The report

local function report(dir, n_workers, total)
  local function row(name, form, ...) print(("  %-16s " .. form):format(name, ...)) end
  print(("%s, %d workers%s"):format(dir, n_workers,
    total.stopped and ", stopped early: " .. total.stopped or ""))
  row("files", "%12d  (%d of them binary)", total.files, total.binary)
  row("", "%12d  below 1 KiB, %d below 8 KiB, %d below 64 KiB, %d below 1 MiB, %d larger",
    table.unpack(total.sizes))
  row("bytes", "%12d", total.bytes)
  row("lines", "%12d", total.lines)
  row("words", "%12d", total.words)
  row("checksum", "%016x", total.sum)
  local codes = {}
  for code, n in pairs(total.codes) do codes[#codes + 1] = n .. " " .. code end
  table.sort(codes)
  row("unreadable", "%12d%s", total.failed, total.failed > 0
    and "  (" .. table.concat(codes, ", ") .. ")" or "")
  row("time", "%12.2f s  (%.0f files/s, %.1f MB/s)", total.seconds, total.files / total.seconds,
    total.bytes / total.seconds / 1e6)

  print "\n  commonest words"
  for _, entry in ipairs(commonest(total.counts, 8)) do row("  " .. entry.word, "%12d", entry.n) end

  print "\n  most words in one file"
  for _, file in ipairs(total.largest) do
    local words = {}
    for i, entry in ipairs(file.top) do words[i] = entry.word .. " " .. entry.n end
    print(("    %9d  %016x  %s  (%s)"):format(file.words, file.sum, file.path,
      table.concat(words, ", ")))
  end
end

local function prove_nothing_leaked(rt)
  local metrics, memory = rt:metrics(), ebb.alloc.stats()
  print(("\n  left behind: %d tasks, %d timers, %d bytes in the pool, %d on its heap"):format(
    metrics.alive, metrics.timers, memory.pool.live, memory.heap.live))
  print(("  of %d tasks, and at the peak %d and %d bytes"):format(metrics.spawned,
    memory.pool.peak, memory.heap.peak))
  return metrics.alive + metrics.timers + memory.pool.live + memory.heap.live == 0
end

local dir, timeout, n_workers = ...
timeout, n_workers = tonumber(timeout or 60), math.tointeger(tonumber(n_workers or 8))
if not (dir and timeout and n_workers and n_workers > 0) then
  io.stderr:write(USAGE, "\n")
  os.exit(2)
end

local rt = ebb.runtime { name = "pipeline" }
local total, why = rt:run(main, dir, timeout, n_workers)
if not total then
  io.stderr:write(("pipeline: %s: %s\n"):format(dir, why))
  os.exit(1, true)
end
report(dir, n_workers, total)
local clean = prove_nothing_leaked(rt)
rt:close()
os.exit(clean, true)
