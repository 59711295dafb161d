--- The tests tested: plants one defect after the other and runs what ought to notice.
--
--   lua5.4 spec/defects/run.lua [--seconds=N] [--all] [--find] [name…]
--
-- Each defect of spec/defects/list.lua names its catcher, which must fail with the defect and pass without it. The
-- catchers of a defect that nothing is known to catch (`missed`) are run all the same: one that succeeds now is told.
-- --seconds begins no further one after that time; EBB_TEST_SEED chooses which come first.
-- --all runs every C test and every folder of specs for each defect; --find does so for those whose catcher fails to
-- notice. Fails when a defect that was caught is not caught any more, or less than 95 % are.
package.path = "./?.lua;" .. package.path
local catch = require "spec.defects.catch"
local defects = require "spec.defects.list"
local plant = require "spec.defects.plant"

local WORKERS, SECONDS, LEAST = 2, 60, 0.95
local SOUND_TRIES = 3 -- a machine that is too busy may fail once
local CATCH_TRIES, OTHER_TRIES = 6, 2 -- a race may go well once
local root = plant.output("pwd"):gsub("%s+$", "")
local home = root .. "/build/" .. (os.getenv "EBB_DEFECTS_DIR" or "defects")
local lua = arg[-1]

local options, names = {}, {}
for _, word in ipairs(arg) do
  local option, value = word:match "^%-%-(%a+)=?(.*)$"
  if option then options[option] = value else names[word] = true end
end

local function clock()
  return tonumber((plant.output "date +%s.%N"))
end

local function gcd(a, b)
  return b == 0 and a or gcd(b, a % b)
end

local function execute(command, log)
  local _, how, code = os.execute(("( %s ) >%s 2>&1 </dev/null"):format(command, log))
  if how == "signal" then return 128 + code end
  return code
end

--- From one defect to the next: those of all files come early, and each once.
local stride = 53
while gcd(stride, #defects) > 1 do stride = stride + 1 end

local function worker(number)
  local own = ("%s/%d"):format(home, number)
  local claims, log, sound = home .. "/claims/", own .. "/log", own .. "/sound"
  os.execute("mkdir -p " .. own)
  local is_sound = {} -- by catcher: does it pass without any defect?

  --- Is it the defect that fails?
  local function passes_without(catcher)
    for _ = 1, SOUND_TRIES do
      if is_sound[catcher.text] then break end
      is_sound[catcher.text] = execute(catch.command(root, sound, catcher, lua, 4 * SECONDS), log) == 0
    end
    if not is_sound[catcher.text] then
      print(("-- %s fails without any defect"):format(catcher.text))
      os.execute(("tail -n 30 %s | sed 's/^/   | /'"):format(log))
    end
    return is_sound[catcher.text]
  end

  --- "caught", "hangs", "missed" or "unsound".
  local function try(defect, text, tries)
    local catcher = catch.parse(text)
    if not passes_without(catcher) then return "unsound" end
    local work = own .. "/work"
    plant.make(root, catcher.preset, work, defect, catcher.kind)
    local code
    for _ = 1, tries do
      code = execute(catch.command(root, work, catcher, lua, defect.seconds or SECONDS), log)
      if code ~= 0 then break end
    end
    if code == 0 then return "missed" end
    if code == 124 or code == 137 or code == 128 + 24 then return "hangs" end -- 24: SIGXCPU
    return "caught"
  end

  local function everything()
    return coroutine.wrap(function()
      for path in plant.output("ls spec/c/test_*.c"):gmatch "[^\n]+" do coroutine.yield(path:match "(test_.*)%.c") end
      local suites = "find spec -name '*_spec.lua' -not -path 'spec/house/*' -exec dirname {} + | sort -u"
      for path in plant.output(suites):gmatch "[^\n]+" do coroutine.yield(path) end
    end)
  end

  local function one(defect)
    local started, outcome, by = clock(), "missed", "nothing"
    for _, text in ipairs(type(defect.caught_by) == "table" and defect.caught_by or { defect.caught_by }) do
      local ok, how = pcall(try, defect, text, CATCH_TRIES)
      if not ok then
        print("-- " .. tostring(how))
        how = "broken"
      end
      outcome, by = how, text
      if how ~= "missed" then break end
    end
    local others = {}
    if options.all or (options.find and outcome == "missed") then
      for text in everything() do
        local ok, how = pcall(try, defect, text, OTHER_TRIES)
        if ok and (how == "caught" or how == "hangs") then
          others[#others + 1] = text
          if outcome == "missed" then outcome, by = how, text end
        end
      end
    end
    print(("%s\t%s\t%s\t%.1f\t%s"):format(outcome, defect.name, by, clock() - started, table.concat(others, ", ")))
  end

  io.stdout:setvbuf "line"
  local began, seconds = clock(), tonumber(options.seconds) or math.huge
  for i = 0, #defects - 1 do
    local defect = defects[(tonumber(options.first) + i * stride) % #defects + 1]
    if clock() - began > seconds then break end
    if (not next(names) or names[defect.name]) and os.execute(("mkdir %s%s 2>/dev/null"):format(claims, defect.name))
    then one(defect) end
  end
  print "done"
end

if options.worker then return worker(tonumber(options.worker)) end

os.execute(("rm -rf %s && mkdir -p %s/claims"):format(home, home))
local command, started = "", clock()
local seed = math.tointeger(tonumber(os.getenv "EBB_TEST_SEED" or "")) or 1
local first = seed * 97 % #defects
for number = 1, WORKERS do
  command = command .. ("%s spec/defects/run.lua --worker=%d --first=%d %s >%s/out%d 2>%s/err%d & "):format(lua,
    number, first, table.concat(arg, " "), home, number, home, number)
end
os.execute(command .. "wait")

local lines, n_planted, n_caught, n_left, lost, n_done = {}, 0, 0, 0, {}, 0
for number = 1, WORKERS do
  for line in io.lines(("%s/out%d"):format(home, number)) do
    local outcome, name, by, seconds, others = line:match "^(%l+)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t(.*)$"
    if name then
      lines[name] = { outcome, by, seconds, others }
    elseif line == "done" then
      n_done = n_done + 1
    else
      print(line)
    end
  end
end
for _, defect in ipairs(defects) do
  local line = lines[defect.name]
  if line then
    local outcome, by, seconds, others = table.unpack(line)
    n_planted = n_planted + 1
    local is_caught = outcome == "caught" or outcome == "hangs"
    if is_caught then
      n_caught = n_caught + 1
    elseif not defect.missed then
      lost[#lost + 1] = { defect.name, outcome, by }
    end
    print(("%-8s %-32s %s, %s s%s"):format(outcome, defect.name, by, seconds, others ~= "" and " | " .. others or ""))
  elseif not next(names) or names[defect.name] then
    n_left = n_left + 1
  end
end
for _, of in ipairs(lost) do print(("not caught: %s (%s, by %s)"):format(table.unpack(of))) end
if n_done < WORKERS then
  os.execute(("tail -n 20 %s/err*"):format(home))
  print(("%d of %d workers FAILED"):format(WORKERS - n_done, WORKERS))
end
local left = n_left > 0 and (", %d left for other seeds (EBB_TEST_SEED=%d)"):format(n_left, seed) or ""
print(("%d of %d planted defects caught%s, %.0f s"):format(n_caught, n_planted, left, clock() - started))
os.exit(n_done == WORKERS and #lost == 0 and n_planted > 0 and n_caught >= LEAST * n_planted)
