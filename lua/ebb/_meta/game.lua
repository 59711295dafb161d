---@meta

-- Definitions: game time.

---@class ebb
local ebb = {}

---A function, seconds to wait, a task or an op.
---@alias ebb.GameItem fun(): ... | number | ebb.awaitable

---Waiting, repeating and moving things in the frame clock's time.
---@class ebb.game
ebb.game = {}

---What it overshoots is taken off the next wait.
---@async
---@param s ebb.seconds
function ebb.game.wait(s) end

---@async
---@param n number whole; may be math.huge
function ebb.game.wait_frames(n) end

---Asks once a frame.
---@async
---@param pred fun(): ...
---@return any ... of pred
function ebb.game.wait_until(pred) end

---Calls fn every s seconds until it returns false, in a task that belongs to the caller's scope.
---@param s ebb.seconds
---@param fn fun(): boolean?
---@return ebb.Task
function ebb.game.every(s, fn) end

---@async
---@param items ebb.GameItem[]
---@return any ... of the last
function ebb.game.sequence(items) end

---@async
---@param items ebb.GameItem[]
---@return any ... the first result of each
function ebb.game.parallel(items) end

---@async
---@param items ebb.GameItem[]
---@return integer which
---@return any ... its results
function ebb.game.race(items) end

---@async
---@param n number may be math.huge
---@param fn fun(i: integer): boolean? false ends it
function ebb.game.loop(n, fn) end

---@async
---@param s ebb.seconds
---@param target table
---@param goals table<any, number>
---@param ease? "linear" | "in" | "out" | "in_out" | "smooth" | fun(p: number): number
function ebb.game.tween(s, target, goals, ease) end

---The same functions in another clock's time.
---@param clk ebb.Clock
---@return ebb.game
function ebb.game.on(clk) end
