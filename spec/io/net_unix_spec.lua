-- Unix sockets: paths, abstract names, errors.
local ebb = require "ebb"
local helper = require "spec.helper"
local support = require "spec.io.net_support"
local system = require "spec.system"

local failing, unix = support.failing, ebb.net.unix

local dir

local function connected(path)
  local listener <close> = assert(unix.listen(path))
  local a = assert(unix.connect(path))
  return a, assert(listener:accept())
end

describe("Unix sockets:", function()
  before_each(function() dir = system.folder() end)
  after_each(function() system.remove(dir) end)

  helper.it("carry bytes both ways (NT7)", function()
    local a, b = connected(dir .. "/s")
    a:write "ping\n"
    assert.equal("ping", b:read())
    b:write "pong"
    b:close()
    assert.equal("pong", a:read "a")
    a:close()
  end)

  helper.it("know their paths, which go when the listener closes", function()
    local path = dir .. "/s"
    local listener <close> = assert(unix.listen(path))
    assert.equal(path, listener:local_address())
    assert.equal(('ebb.listener: "%s", open'):format(path), tostring(listener))
    local a <close> = assert(unix.connect(path))
    local b <close> = assert(listener:accept())
    assert.equal(path, a:peer())
    assert.equal(path, b:local_address())
    assert.equal("", b:peer())
    assert.equal("socket", ebb.fs.stat(path).type)
    listener:close()
    assert.is_false(ebb.fs.exists(path))
  end)

  helper.it("have abstract names on Linux (NT7)", function()
    if not io.open "/proc/self/status" then return pending "not Linux" end
    local name = "\0ebb-spec" .. dir
    local a, b = connected(name)
    assert.equal(name, a:peer())
    a:close()
    b:close()
  end)

  helper.it("fail with three values", function()
    failing("ENOENT: no such file or directory", "ENOENT", unix.connect(dir .. "/none"))
    failing("ENAMETOOLONG: name too long", "ENAMETOOLONG", unix.connect(("x"):rep(200)))
    failing("EINVAL: invalid argument", "EINVAL", unix.connect "")
    local _ <close> = assert(unix.listen(dir .. "/s"))
    failing("EADDRINUSE: address already in use", "EADDRINUSE", unix.listen(dir .. "/s"))
    assert(ebb.fs.write(dir .. "/file", ""))
    failing("ECONNREFUSED: connection refused", "ECONNREFUSED", unix.connect(dir .. "/file"))
    failing("ENOENT: no such file or directory", "ENOENT", unix.listen(dir .. "/no/s"))
  end)

  helper.it("where it is not allowed", function()
    local id <close> = io.popen "id -u"
    if id:read "n" == 0 then return pending "root is allowed everything" end
    assert(ebb.fs.chmod(dir, 320))
    failing("EACCES: permission denied", "EACCES", unix.listen(dir .. "/s"))
  end)

  helper.it("a full queue of the listener lets those who connect wait", function()
    local path = dir .. "/s"
    local listener <close> = assert(unix.listen(path, { backlog = 1 }))
    local tasks = {}
    for i = 1, 12 do tasks[i] = ebb.spawn(unix.connect, path) end
    ebb.sleep(0.02)
    -- whichever task still waits is the last of the list, to be cancelled
    for i = 1, 12 do
      if not tasks[i]:finished() then tasks[i], tasks[12] = tasks[12], tasks[i] break end
    end
    assert.is_false(tasks[12]:finished())
    assert.same({ nil, "timeout", 0.02 }, { unix.connect(path, { timeout = 0.02 }) })
    tasks[12]:cancel()
    local accepted = {}
    for i = 1, 11 do
      accepted[i] = assert(listener:accept())
      accepted[i]:write "x"
    end
    for i = 1, 11 do
      local sock <close> = assert(tasks[i]:await())
      assert.equal("x", sock:read_some())
      accepted[i]:close()
    end
    assert.is_false(tasks[12]:join())
  end, { clock = "system" })

  helper.it("a slow reader stops the writer", function()
    local a, b = connected(dir .. "/s")
    local data = ("0123456789abcdef"):rep(65536)
    local writer = ebb.spawn(function()
      a:write(data)
      a:close()
    end)
    helper.settle()
    assert.equal("waiting", writer:status())
    assert.is_true(data == b:read "a")
    writer:await()
    b:close()
  end)
end)
