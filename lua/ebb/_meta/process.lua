---@meta

-- Definitions: processes and signals.

---@class ebb
local ebb = {}

---What follows the program and its arguments. env: the whole environment; group: it leads a group
---and session of its own, and signals are for all of that.
---@class ebb.process.Options
---@field [integer] string | number the program, a path or sought in PATH, and its arguments
---@field env? table<string, string | number>
---@field cwd? string
---@field stdin? "inherit" | "pipe" | "null" | ebb.File
---@field stdout? "inherit" | "pipe" | "null" | ebb.File
---@field stderr? "inherit" | "pipe" | "null" | "stdout" | ebb.File
---@field group? boolean
---@field uid? integer
---@field gid? integer

---@class ebb.process.Result
---@field code integer? nil when a signal ended it
---@field signal string?
---@field stdout string?
---@field stderr string?

ebb.process = {}

---@param options ebb.process.Options
---@return ebb.Child? process
---@return string? message
---@return string? code
---@nodiscard
function ebb.process.spawn(options) end

---Runs a program to its end. Both ends are piped unless the options say otherwise; `input` (a
---string) is what it reads.
---@async
---@param options ebb.process.Options
---@return ebb.process.Result?
---@return string? message
---@return string? code
function ebb.process.output(options) end

---A child; itself the op of its wait. Closed or collected it is killed, and its status taken.
---@class ebb.Child: ebb.Op
---@field pid integer
---@field stdin ebb.File? our end, if it is piped
---@field stdout ebb.File?
---@field stderr ebb.File?
local Child = {}

---@async
---@return integer? code
---@return string? signal that ended it; or "closed", or a message
---@return string? error_code
function Child:wait() end

---The same as the process itself.
---@return ebb.Child
function Child:wait_op() end

---@param signal? string | integer "term" unless given
---@return true?
---@return string? message
---@return string? code "ESRCH" when it has ended
function Child:kill(signal) end

---Asks it to end, kills it after `grace` seconds (5), and waits.
---@async
---@param grace? ebb.seconds
---@return integer? code
---@return string? signal
function Child:stop(grace) end

---It lives on when its handle closes or is collected.
---@return ebb.Child self
function Child:detach() end

function Child:close() end

---Signals of one kind, as something to receive and to select on; the handler that was there before
---comes back when the last one closes.
---@class ebb.Signal
local Signal = {}

---@param name string "int", "term", "hup", "usr1" and the like
---@return ebb.Signal
---@nodiscard
function ebb.signal(name) end

---Ctrl-C: ebb.signal "int".
---@return ebb.Signal
---@nodiscard
function ebb.ctrl_c() end

---@async
---@return string? name
---@return "closed"? why
function Signal:recv() end

---@return ebb.Op
---@nodiscard
function Signal:recv_op() end

function Signal:close() end

---Runs main on a runtime of its own until it ends or a signal comes, which cancels everything and
---waits at most `grace` seconds for the cleanups. In a task only main is run and ended.
---@param main fun(): ...
---@param opts? { signals?: string[], grace?: ebb.seconds } "int" and "term"; 5
---@return any ... main's results, or nil, "cancelled", the signal's name
function ebb.run_until_signal(main, opts) end
