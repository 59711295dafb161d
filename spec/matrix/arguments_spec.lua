-- Every public function × every parameter × values of wrong types, and every method × wrong selves, as
-- lua/ebb/_meta defines them: it never crashes and never blocks; what is no value of the type is refused by an error
-- that names the function, the argument, what was expected and what came; everything works afterwards.
local ebb = require "ebb"
local definitions = require "spec.matrix.definitions"
local misuse = require "spec.reliability.misuse"
local samples = require "spec.matrix.samples"

local attempt, it_survives, keep_alive = misuse.attempt, misuse.it_survives, misuse.keep_alive
local accepts = definitions.accepts

-- What is not called here, and why.
local SKIPPED = {
  ["ebb.coroutine.install"] = "changes the whole state",
  ["ebb.alloc.install"] = "changes the whole state",
  ["ebb.test.explore"] = "declares tests",
}

-- Types that are taken besides those of the definition.
local ALSO = {
  ["ebb.scope/body"] = "table nil", -- as options, for a scope object
  ["ebb.game.tween/target"] = "userdata", -- whatever takes the values
}

-- Numbers and strings for these would be names of files and programs: only what is neither is tried.
local NAMES = { path = true, from = true, to = true, prefix = true, target = true, dir = true, command = true, file = true }

local function noop() end

local function values()
  return {
    { "nil", nil }, { "true", true }, { "-1", -1 }, { "NaN", 0 / 0 }, { "inf", math.huge }, { "2^53 + 0.5", 2 ^ 53 + 0.5 },
    { "0.5", 0.5 }, { "'x'", "x" }, { "{}", {} }, { "a function", noop }, { "a coroutine", coroutine.create(noop) },
    { "io.stdout", io.stdout }, { "a channel", ebb.channel() },
    { "a forged channel", setmetatable({}, { __name = "ebb.channel" }) },
  }, 14
end

local function short(name) return name:match "[%w_]+$" end

--- Is the message what the caller of `fn` needs: which argument of which function, what was expected, what came?
local function tells(fn, index, value, err)
  if type(err) ~= "string" then return false end
  local place, name, text = err:match "bad argument #([^ ]+) to '([^']*)' %((.*)%)"
  if not place then return err:match "EBB%d%d%d: " ~= nil end
  if name ~= short(fn.name) and name ~= fn.name then return false end
  if tonumber(place:match "^%d+") ~= index then return false end
  local expected, came = text:match "^(.*) expected, got (.*)$"
  if expected then return expected ~= "" and came ~= "" end
  -- of the right type, but out of range or not one of the words
  return text ~= "" and (type(value) == "number" or type(value) == "string" or type(value) == "table")
end

--- A call as it is written in a program: errors take the function's name from it.
local function written(call)
  return assert(load(([[
local ebb, object = ...
return function(...)
  local results = table.pack(%s(...))
  return table.unpack(results, 1, results.n)
end]]):format(call)))
end
local callers = {}
local function caller(fn, object)
  callers[fn] = callers[fn] or written(fn.class and fn.method and "object:" .. fn.method or fn.name)
  return callers[fn](ebb, object)
end

--- Calls fn with arguments of which number `index` is `value`: what attempt gives, or nil when it waits.
local function call(fn, index, value)
  local object, kept, arguments, keep = nil, nil, {}, {}
  if fn.class and fn.method then object, kept = samples.make(fn.class) end
  for i, parameter in ipairs(fn.params) do
    if i == index then
      arguments[i] = value
    elseif i < index or not parameter.optional and parameter.name ~= "..." then
      arguments[i], keep[i] = samples.value(fn, parameter, definitions)
    end
  end
  local n = #fn.params
  if n > index and fn.params[n].name == "..." then n = n - 1 end
  local results = attempt(caller(fn, object), table.unpack(arguments, 1, n))
  if object ~= nil then
    assert(type(tostring(object)) == "string")
    samples.let_go(fn.class, object, kept)
  end
  for i = 1, #fn.params do
    local class = definitions.members(fn.params[i].type)[1]
    if i ~= index and samples.makers[class] then samples.let_go(class, arguments[i], keep[i]) end
  end
  keep_alive(keep)
  -- one that waited was cancelled by attempt
  if results and not results[1] and ebb.is_cancelled(results[2]) then return nil end
  return results
end

--- What is wrong with the outcome of such a call, or nil.
local function try(fn, index, value, label)
  local results = call(fn, index, value)
  local complaint
  local parameter, verdict = fn.params[index], nil
  if (ALSO[fn.name .. "/" .. parameter.name] or ""):find(type(value), 1, true) then verdict = "either" end
  verdict = verdict or (value == nil and parameter.optional) and "yes" or accepts(parameter.type, value)
  if parameter.name == "..." and value == nil then verdict = "either" end
  if verdict == "no" then
    if not results then
      complaint = "waits"
    elseif results[1] then
      complaint = "takes it, and gives " .. tostring(results[2])
    elseif not tells(fn, index, value, results[2]) then
      complaint = "says " .. tostring(results[2])
    end
  elseif results and not results[1] then
    local err = results[2]
    -- refused for its range, or by what Lua itself says of a value
    if type(err) == "string" and not misuse.is_misuse(err) and verdict ~= "yes" and err ~= "not enough memory" then
      complaint = "says " .. err
    end
  end
  return complaint and ("%s(%s = %s) %s"):format(fn.name, parameter.name, label, complaint)
end

-- What stays changed after a call is put back.
local function restore()
  ebb.on_task_error(nil)
  ebb.use(nil)
  ebb.debug.slow()
  ebb.alloc.debug(false)
  pcall(ebb.alloc.limit, {}) -- throws without ebb's allocator
  ebb.io.output(ebb.io.stdout)
  ebb.io.input(ebb.io.stdin)
end

describe("wrong arguments:", function()
  local n_calls = 0
  for _, fn in ipairs(definitions.functions) do
    if #fn.params > 0 and not SKIPPED[fn.name] then
      n_calls = n_calls + #fn.params * select(2, values())
      it_survives("R146 R75 R92 " .. fn.name, function()
        local complaints = {}
        ebb.io.output "/dev/null"
        for index, parameter in ipairs(fn.params) do
          local list, n = values()
          for i = 1, n do
            local value = list[i][2]
            local is_name = NAMES[parameter.name] and (type(value) == "string" or type(value) == "number")
            -- what would be run by nobody
            local idle = fn.name == "Runtime:spawn" and (parameter.name == "..." or type(value) == "function")
            if not is_name and not idle then
              complaints[#complaints + 1] = try(fn, index, value, list[i][1])
            end
          end
        end
        restore()
        if #complaints > 0 then error(table.concat(complaints, "\n"), 0) end
      end)
    end
  end

  it("are thousands of calls", function() assert.is_true(n_calls > 3000, tostring(n_calls)) end)
end)

describe("wrong options:", function()
  for _, fn in ipairs(definitions.functions) do
    for index, parameter in ipairs(fn.params) do
      local options = not SKIPPED[fn.name] and definitions.options(definitions.members(parameter.type)[1])
      for _, field in ipairs(options or {}) do
        it_survives(("R146 %s, %s"):format(fn.name, field.name), function()
          local complaints = {}
          local list, n = values()
          for i = 2, n do
            local value = list[i][2]
            if accepts(field.type, value) == "no" then
              local opts = {}
              for k, v in pairs(samples.value(fn, parameter, definitions)) do opts[k] = v end
              opts[field.name] = value
              local results = call(fn, index, opts)
              local err = results and results[2]
              local tells_it = type(err) == "string" and misuse.is_misuse(err)
                and (err:find "EBB%d%d%d" or err:find(field.name, 1, true) and err:find("expected", 1, true)
                  or err:find("needs option", 1, true))
              -- one that can be called
              local is_callable = list[i][1] == "a channel" and field.type:match "^fun"
              if not tells_it and not is_callable then
                complaints[#complaints + 1] = ("%s{ %s = %s } gives %s"):format(fn.name, field.name, list[i][1],
                  tostring(err))
              end
            end
          end
          restore()
          if #complaints > 0 then error(table.concat(complaints, "\n"), 0) end
        end)
      end
    end
  end
end)

describe("wrong selves:", function()
  local function selves(class)
    local list = misuse.wrong_selves((class:gsub("^ebb%.", ""):lower()))
    list[#list + 1] = setmetatable({}, { __name = class:lower(), __index = function() return noop end })
    for other, make in pairs(samples.makers) do
      if other ~= class and (other == "ebb.Latch" or other == "ebb.Registry" or other == "ebb.Once" or other == "ebb.Token"
          or other == "ebb.Mutex" or other == "ebb.Clock") then
        list[#list + 1] = make()
      end
    end
    return list
  end

  for _, fn in ipairs(definitions.functions) do
    if fn.class and fn.method then
      it_survives("R146 " .. fn.name, function()
        local complaints = {}
        local object, kept = samples.make(fn.class)
        local method = object[fn.method]
        local list = selves(fn.class)
        for i = 0, #list do
          local arguments = {}
          for j, parameter in ipairs(fn.params) do
            if not parameter.optional and parameter.name ~= "..." then
              arguments[j] = samples.value(fn, parameter, definitions)
            end
          end
          local results = attempt(method, list[i], table.unpack(arguments, 1, #fn.params))
          local is_op = fn.class == "ebb.Op"
          if results and not results[1] and ebb.is_cancelled(results[2]) then results = nil end
          if not results then
            if not is_op then complaints[#complaints + 1] = ("%s waits for %s"):format(fn.name, tostring(list[i])) end
          elseif results[1] then
            if not is_op then complaints[#complaints + 1] = ("%s takes %s"):format(fn.name, tostring(list[i])) end
          elseif not misuse.is_misuse(results[2]) then
            complaints[#complaints + 1] = ("%s of %s: %s"):format(fn.name, tostring(list[i]), tostring(results[2]))
          end
        end
        samples.let_go(fn.class, object, kept)
        if #complaints > 0 then error(table.concat(complaints, "\n"), 0) end
      end)
    end
  end
end)
