-- What is in a directory: every kind of file is told as such, by walk and by stat.
local ebb = require "ebb"
local helper = require "spec.helper"

describe("ebb.fs", function()
  helper.it("tells every kind of file", function()
    local fs = ebb.fs
    local dir = assert(fs.mkdtemp "/tmp/ebb-kinds-")
    assert(fs.write(dir .. "/file", "x"))
    assert(fs.mkdir(dir .. "/directory"))
    assert(fs.symlink("file", dir .. "/link"))
    assert(ebb.process.output { "mkfifo", dir .. "/fifo" })
    local listener = assert(ebb.net.unix.listen(dir .. "/socket"))
    local found = {}
    for path, kind in fs.walk(dir) do found[path:match "[^/]*$"] = kind end
    assert.same({ file = "file", directory = "directory", link = "link", fifo = "fifo", socket = "socket" }, found)
    for name in pairs(found) do
      -- a link is what it leads to
      assert.equal(name == "link" and "file" or name, assert(fs.stat(dir .. "/" .. name)).type)
    end
    listener:close()
    for _, name in ipairs { "file", "link", "fifo", "directory" } do assert(fs.remove(dir .. "/" .. name)) end
    assert(fs.remove(dir))
  end)

  helper.it("tells devices", function()
    assert.equal("char", assert(ebb.fs.stat "/dev/null").type)
    local kinds = {}
    pcall(function() -- parts of it may be closed to us
      for path, kind in ebb.fs.walk "/dev" do kinds[path] = kind end
    end)
    assert.is_truthy(kinds["/dev/null"] == nil or kinds["/dev/null"] == "char")
  end)
end)
