-- Every method with what is not its object: an argument error, and the runtime works afterwards.
local misuse = require "spec.reliability.misuse"
local kinds, names, attempt = misuse.kinds, misuse.names, misuse.attempt
local it_survives, is_misuse, keep_alive = misuse.it_survives, misuse.is_misuse, misuse.keep_alive
local wrong_selves = misuse.wrong_selves
local function noop() end

describe("methods with a wrong self:", function()
  for _, name in ipairs(names) do
    local kind = kinds[name]
    for _, method in ipairs(kind.methods) do
      it_survives("R146 " .. name .. ":" .. method .. " throws an argument error", function()
        local object, keep = kind.make()
        local fn = object[method]
        assert.is_truthy(fn, "no method " .. method)
        local selves = wrong_selves(name)
        for i = 1, #selves do
          for _, arguments in ipairs { {}, { 1 }, { noop }, { "x", "y" } } do
            local results = attempt(fn, selves[i], table.unpack(arguments))
            if not results then error(("%s waits with %s as self"):format(method, selves[i])) end
            assert.is_false(results[1], method .. " takes " .. tostring(selves[i]))
            if not is_misuse(results[2]) then
              error(("%s with %s as self: %s"):format(method, selves[i], results[2]))
            end
          end
        end
        local results = attempt(fn)
        assert.is_false(results[1])
        assert.is_true(is_misuse(results[2]), tostring(results[2]))
        results = attempt(fn, nil, 1)
        assert.is_false(results[1])
        keep_alive(keep)
      end)
    end

    it_survives("R146 " .. name .. ": its methods refuse the objects of other kinds", function()
      local object, keep = kind.make()
      for _, other in ipairs(names) do
        local op_like = kinds[other].methods == kind.methods or name == "op" or name == "choice"
          or name == "send_op"
        local shared = (name == "channel" and other == "sender")
          or (name == "sender" and other == "channel")
          or (name == "bytes" and other == "array") or (name == "array" and other == "bytes")
        if other ~= name and not op_like and not shared then
          local stranger, keep_stranger = kinds[other].make()
          for _, method in ipairs(kind.methods) do
            if method ~= "await" then
              local results = attempt(object[method], stranger, 1)
              local what = ("%s.%s(%s)"):format(name, method, other)
              assert.is_truthy(results, what .. " waits")
              assert.is_false(results[1], what .. " succeeds")
              assert.is_true(is_misuse(results[2]), what .. ": " .. tostring(results[2]))
            end
          end
          if kinds[other].close then pcall(stranger[kinds[other].close], stranger) end
          keep_alive(keep_stranger)
        end
      end
      keep_alive(keep)
    end)
  end
end)
