--- Everything in ebb that can be waited for: one row each, from which the specs of this folder are made.
--
-- A row is a table:
--   name      what is waited for
--   of        the names in lua/ebb/_meta that it is the row of: "ebb.sleep", "Channel:recv"; a class whose objects
--             are ops themselves by its name, "ebb.Mutex"
--   numbers   the entries of INVENTORY.md that are tried with it
--   make()    called in a task (it may await): a fresh case, see below
--   carries   what a completion and a cancel in one turn lead to: true, the result (something was taken that must not
--             be lost), false, the cancel (there is nothing to lose), nil: either, and `check` must hold
--   ready     what a wait does that begins after the completion: true (unless said), the result at once; false, it has
--             missed it and waits; "either"
--   by_itself it completes without being asked (a request that goes to a thread, say)
--   closes    its case has `close`
--   one_at_a_time  only one task may wait, or a second one changes what happens
--   selects   the names of the case's ops, as below
--   lets_go   when the other side is collected it ends, as if that had been closed
--   consumes  it can be done once
--   shielded  a cancel does not strike it before it is complete
--   outside   it takes the outside of the process to complete: results come later than the completion
--
-- A case is a table:
--   wait()             waits; in any task, once
--   complete()         makes the wait complete (false: it could not); does not wait itself, so that a cancel can follow in
--                      the same turn
--   expect             the results as a list (packed if it has holes), or fn(results…) that says whether they are
--   check(taken, completed)  fails if something was lost or came twice: was the result taken, was there a completion?
--   ops                op makers by name: each gives what can be awaited instead of wait()
--   close(), closed    closes what is waited for; what the wait gives then (nil, "closed" unless said)
--   drained            what a wait gives that begins after completion and close, if that is not the result
--   objects            what must be collectable when nobody has it any more
--   finish()           at the end
local SELECTS = {
  ["after"] = { "after" },
  ["at"] = { "at" },
  ["timer"] = { "itself" },
  ["interval"] = { "itself" },
  ["a clock's after"] = { "after" },
  ["a clock's at"] = { "at" },
  ["a clock's interval"] = { "itself" },
  ["a task's await"] = { "itself" },
  ["a task's join"] = { "join_op" },
  ["a token"] = { "itself" },
  ["join_next"] = { "itself", "join_next_op" },
  ["a select of many"] = { "choice" },
  ["op:map"] = { "map" },
  ["op:or_else"] = { "or_else" },
  ["defer_op"] = { "defer" },
  ["recv"] = { "itself", "recv_op" },
  ["recv at a rendezvous"] = { "recv_op" },
  ["recv of an unbounded channel"] = { "itself" },
  ["send to a full channel"] = { "send_op" },
  ["reserve"] = { "reserve_op" },
  ["a sender's send"] = { "send_op" },
  ["a sender's reserve"] = { "reserve_op" },
  ["oneshot"] = { "itself" },
  ["broadcast"] = { "itself", "recv_op" },
  ["watch, changed"] = { "changed_op" },
  ["callback"] = { "itself" },
  ["mutex"] = { "itself", "lock_op" },
  ["rwlock, read"] = { "read_op" },
  ["rwlock, write after a reader"] = { "write_op" },
  ["semaphore"] = { "acquire_op", "itself" },
  ["semaphore, all permits"] = { "acquire_op" },
  ["barrier"] = { "itself" },
  ["notify, notify_one"] = { "itself" },
  ["notify, notify_all"] = { "itself" },
  ["latch"] = { "itself" },
  ["Duplex:read"] = { "itself", "read_op" },
  ["Socket:read"] = { "itself", "read_op" },
  ["File:read"] = { "itself", "read_op" },
  ["a descriptor"] = { "readable_op" },
  ["Duplex:writable_op"] = { "writable_op" },
  ["Socket:writable_op"] = { "writable_op" },
  ["accept"] = { "itself" },
  ["a descriptor that can be read"] = { "readable_op" },
  ["recvfrom"] = { "itself", "recvfrom_op" },
  ["fs.watch"] = { "itself" },
  ["a process's wait"] = { "itself" },
  ["a signal"] = { "itself", "recv_op" },
  ["a thread channel's recv"] = { "itself", "recv_op" },
  ["a thread channel's send"] = { "send_op" },
  ["a thread's join"] = { "join_op" },
}

local rows = {}

for _, name in ipairs { "time", "structure", "channel", "sync", "stream", "bytes", "net", "system", "thread" } do
  for _, row in ipairs(require("spec.matrix.rows." .. name)) do
    if row.ready == nil then row.ready = true end
    row.selects = SELECTS[row.name]
    rows[#rows + 1] = row
  end
end

return rows
