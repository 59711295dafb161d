-- A Lua state's memory from ebb's allocator, from the C library's malloc, and from mimalloc:
--     lua5.4 bench/memory/alloc.lua [--quick] [--rounds N] [--instructions] [NAME…]
-- Each figure comes from a process of its own (host.c, which a C compiler and Lua's headers are
-- needed for; mimalloc is preloaded if libmimalloc.so.2 is installed). The rounds are interleaved,
-- their order turns around every other time. Printed are the median of the CPU time, lua_close
-- included, and the most that was resident; --instructions: what valgrind counts, the difference
-- between two sizes, so that starting up does not matter.
local HOST = os.getenv "EBB_BENCH_HOST" or os.tmpname()
local SOURCES = "bench/memory/host.c csrc/alloc/chunk.c csrc/alloc/heap.c "
  .. "csrc/alloc/heap_account.c csrc/alloc/heap_map.c csrc/alloc/heap_page.c"

-- name, size; --instructions: the two sizes
local WORK = {
  { "trees", 15, 8, 10 },
  { "closures", 1000000, 10000, 40000 },
  { "strings", 2000000, 20000, 80000 },
  { "churn", 2000000, 20000, 80000 },
  { "large", 1000000, 10000, 40000 },
  { "compute", 5000000, 50000, 200000 },
}

local function shell(command)
  local pipe <close> = assert(io.popen(command .. " 2>&1"))
  return pipe:read "a"
end

local rounds, quick, instructions, wanted, any = 7, false, false, {}, false
do
  local i = 1
  while arg[i] do
    if arg[i] == "--quick" then
      quick, rounds = true, 1
    elseif arg[i] == "--instructions" then
      instructions = true
    elseif arg[i] == "--rounds" then
      i = i + 1
      rounds = assert(tonumber(arg[i]), "--rounds needs a number")
    else
      wanted[arg[i]], any = true, true
    end
    i = i + 1
  end
end

local flags = shell "pkg-config --cflags --libs lua5.4 || pkg-config --cflags --libs lua"
local failed = shell(("%s -O2 -Icsrc %s -o %s %s"):format(os.getenv "CC" or "cc", SOURCES, HOST,
  flags:gsub("%s+", " ")))
assert(failed == "", failed)

local subjects = { { "malloc", "", "libc" }, { "ebb", "", "ebb" } }
for _, path in ipairs {
  "/usr/lib/x86_64-linux-gnu/libmimalloc.so.2", "/usr/lib/aarch64-linux-gnu/libmimalloc.so.2",
  "/usr/local/lib/libmimalloc.so", os.getenv "EBB_BENCH_MIMALLOC" or "",
} do
  local file = path ~= "" and io.open(path, "rb")
  if file then
    file:close()
    subjects[3] = { "mimalloc", "LD_PRELOAD=" .. path .. " ", "libc" }
  end
end

local function run(subject, name, size)
  local text = shell(("%s%s %s bench/memory/scripts.lua %s %d"):format(subject[2], HOST, subject[3],
    name, size))
  local seconds, kib = text:match "^([%d.]+) (%d+)\n$"
  assert(seconds, text)
  return tonumber(seconds), tonumber(kib)
end

local function count(subject, name, size)
  local tool = "valgrind --tool=callgrind --callgrind-out-file=/dev/null"
  local text = shell(("%s%s %s %s bench/memory/scripts.lua %s %d"):format(subject[2], tool, HOST,
    subject[3], name, size))
  return tonumber((assert(text:match "Collected : (%d+)", text)))
end

local function median(list)
  table.sort(list)
  return list[(#list + 1) // 2]
end

local function measure(work)
  local name, size = work[1], quick and work[3] or work[2]
  local times, resident = {}, {}
  for i = 1, #subjects do times[i], resident[i] = {}, 0 end
  for round = 1, rounds do
    for k = 1, #subjects do
      local i = round % 2 == 0 and #subjects + 1 - k or k
      local seconds, kib = run(subjects[i], name, size)
      table.insert(times[i], seconds)
      resident[i] = math.max(resident[i], kib)
    end
  end
  local row, base = { ("%-9s"):format(name) }, median(times[1])
  for i, list in ipairs(times) do
    local time = median(list)
    row[#row + 1] = i == 1 and ("%9.3f s %7.1f MB"):format(time, resident[i] / 1024)
      or ("%9.2fx %7.1f MB"):format(time / base, resident[i] / 1024)
  end
  print(table.concat(row, " "))
end

local function measure_instructions(work)
  local row, base = { ("%-9s"):format(work[1]) }, nil
  for _, subject in ipairs(subjects) do
    local n = count(subject, work[1], work[4]) - count(subject, work[1], work[3])
    base = base or n
    row[#row + 1] = n == base and ("%11.1f M      "):format(n / 1e6)
      or ("%11.3fx      "):format(n / base)
  end
  print(table.concat(row, " "))
end

io.write((" "):rep(9))
for _, subject in ipairs(subjects) do io.write(("%20s "):format(subject[1])) end
print()
for _, work in ipairs(WORK) do
  if not any or wanted[work[1]] then
    if instructions then measure_instructions(work) else measure(work) end
  end
end
if not os.getenv "EBB_BENCH_HOST" then os.remove(HOST) end
