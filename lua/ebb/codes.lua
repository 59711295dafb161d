--- The codes that messages of ebb carry, each with what it means, its usual cause and what to do.
-- The one list: `ebb explain CODE` prints from it and docs/errors.md shows it.

return {
  EBB001 = {
    title = "no frame is open",
    cause = "Memory was asked of the frame arena outside begin_frame and end_frame.",
    fix = "Call it between ebb.alloc.begin_frame() and end_frame(), inside ebb.alloc.in_frame(fn), "
      .. "or take the memory from a guard if it has to live longer than a frame.",
  },
  EBB002 = {
    title = "frame data used after its frame ended",
    cause = "Something from the frame arena was kept, usually across an await, during which the "
      .. "frame ended (or a checkpoint was rolled back) and its memory went to others.",
    fix = "Finish with frame data before the next await. What has to live on belongs to a guard "
      .. "(ebb.guard, ebb.task_guard) or is copied first.",
  },
  EBB003 = {
    title = "frame allocation inside a task",
    cause = "A task asked for memory of the frame arena, or used memory of the open frame. A task "
      .. "may be suspended over the end of the frame, so the arena is for the host's own code "
      .. "between two steps.",
    fix = "Take it from the task's guard: ebb.task_guard():bytes(n). What the host has computed in "
      .. "frame memory is copied to such memory, or sent as plain values.",
  },
  EBB004 = {
    title = "a frame is already open",
    cause = "begin_frame or in_frame was called while a frame was open, or the arena was given "
      .. "another size; frames do not nest.",
    fix = "Call end_frame first, or use frame():checkpoint() for a part of a frame that is "
      .. "given back early.",
  },
  EBB011 = {
    title = "freed twice",
    cause = "Memory was released that had been released before, by hand or with its guard.",
    fix = "Let the guard free it: release(x) by hand is needed only to be early, and only once.",
  },
  EBB012 = {
    title = "used after it was freed",
    cause = "A buffer, array or bytes was used after its guard closed, after release, or after it "
      .. "was moved to another thread. The memory itself was not touched.",
    fix = "Use it inside the guard's block, or make it in a guard that lives long enough "
      .. "(g:promote moves one out).",
  },
  EBB013 = {
    title = "index or value out of range",
    cause = "An element outside 1 to #x was read or written, or a value was stored that the "
      .. "element type cannot hold.",
    fix = "Check the index against #x; choose a wider type (\"i32\" instead of \"u8\"), or reduce "
      .. "the value first: v & 0xff.",
  },
  EBB014 = {
    title = "memory of another guard",
    cause = "release or promote was given something that another guard made.",
    fix = "Call it on the guard that made the thing.",
  },
  EBB015 = {
    title = "no task is running",
    cause = "ebb.task_guard() was called outside a task: there is no end that would close it.",
    fix = "Use `local g <close> = ebb.guard()`, or call it inside ebb.run or ebb.spawn.",
  },
  EBB016 = {
    title = "reset of a guard with open children",
    cause = "g:reset() was called while a guard made by g:guard() was still open.",
    fix = "Close the child guards first; `local inner <close> = g:guard()` does it by itself.",
  },
  EBB021 = {
    title = "a task failed and nobody took its error",
    cause = "The task threw, and no one awaited or joined it, so the error would have been lost.",
    fix = "Await or join the task, spawn it in a scope (its failure is then thrown there), or "
      .. "handle such errors in one place with ebb.on_task_error(fn).",
  },
  EBB022 = {
    title = "left open",
    cause = "When the runtime closed, this handle, guard, buffer or task was still open. The "
      .. "message names the line that made it.",
    fix = "Hold it in a to-be-closed variable (local x <close> = …), let a guard own it "
      .. "(g:own(x)), or spawn the task in a scope.",
  },
  EBB023 = {
    title = "a task blocked the loop",
    cause = "The task computed or called a blocking function for longer than the limit; no other "
      .. "task, timer or I/O ran meanwhile.",
    fix = "Call ebb.yield() now and then in long loops; use the awaiting calls (ebb.fs, ebb.sleep) "
      .. "instead of blocking ones (io.read, os.execute).",
  },
  EBB024 = {
    title = "a cancel was swallowed",
    cause = "A pcall caught the cancel error and the code went on; each await throws it again, so "
      .. "a loop around such a pcall never ends.",
    fix = "Throw it on: `if ebb.is_cancelled(err) then error(err, 0) end`. For work that must be "
      .. "finished use ebb.shield(fn) or a to-be-closed variable.",
  },
  EBB025 = {
    title = "cleanups took longer than cleanup_timeout",
    cause = "A cancelled task was still awaiting in its cleanups when the runtime's "
      .. "cleanup_timeout (5 s unless set) was over; from then on its awaits throw.",
    fix = "Give slow cleanups a timeout of their own, or set ebb.runtime{cleanup_timeout = s}.",
  },
  EBB031 = {
    title = "over its quota",
    cause = "The task or state used more memory or computing time than it was given, or it caught "
      .. "EBB023 and computed on. It is thrown at every instruction until the task is left.",
    fix = "Raise opts.memory or opts.cpu of ebb.spawn_with, or make the task need less; call "
      .. "ebb.yield() in long loops.",
  },
  EBB032 = {
    title = "over its budget",
    cause = "put, push or reserve would have taken more than the guard's budget allows.",
    fix = "Free something of that budget first, raise it with ebb.alloc.budget, or decide in "
      .. "on_exceed.",
  },
  EBB033 = {
    title = "not on ebb's allocator",
    cause = "Limits and memory quotas need a Lua state whose memory ebb manages; this one's is "
      .. "another's.",
    fix = "Call ebb.alloc.install() once, run the script with the command ebb, or make the state "
      .. "with ebb_newstate.",
  },
  EBB034 = {
    title = "ebb's allocator cannot be installed",
    cause = "Memory that it gave out outlives the module, which therefore has to stay in the "
      .. "process; the system did not allow that.",
    fix = "Make the state with ebb_newstate, or run the script with the command ebb.",
  },
  EBB041 = {
    title = "a lock was held when its task ended",
    cause = "The task ended without giving back a lock; ebb released it.",
    fix = "Hold it in a to-be-closed variable, `local lock <close> = m:lock()`, or use m:with(fn).",
  },
  EBB042 = {
    title = "a task locks what it holds already",
    cause = "A mutex is not recursive: the task would wait for itself for ever.",
    fix = "Lock once, outside, and pass on the value; or split the function into one that locks "
      .. "and one that expects the lock held.",
  },
  EBB043 = {
    title = "deadlock: all tasks are waiting",
    cause = "The main task waits, and nothing is left that could wake anyone: no task ready, no "
      .. "timer, no I/O. The message lists every task, what it waits for and where.",
    fix = "Look for a channel that nobody sends to or closes, or two tasks that wait for each "
      .. "other. Senders made with ch:sender() close their channel when the last one is gone.",
  },
  EBB044 = {
    title = "a task awaits itself",
    cause = "A task joins itself, or several join each other in a circle; none could ever go on.",
    fix = "Break the circle: let one of them hand its result over through a channel.",
  },
  EBB045 = {
    title = "a task releases the lock of another one",
    cause = "A lock belongs to the task that took it; another task closed its guard.",
    fix = "Close it where it was taken, or make it this task's own first: guard:adopt().",
  },
  EBB046 = {
    title = "two tasks read from one stream, or write to it",
    cause = "A stream has one reader and one writer at a time: with two, each would get pieces of "
      .. "what belongs together.",
    fix = "Let one task read and hand on what it has read through a channel; writers take turns "
      .. "with a mutex, or send to the one that writes.",
  },
  EBB051 = {
    title = "cannot await here",
    cause = "A C function that cannot be suspended stands between the task and the await (a "
      .. "table.sort comparator, a gsub callback, tostring, require, a plain coroutine). The "
      .. "message names it.",
    fix = "Await before or after that call. Inside a coroutine use ebb.coroutine instead of "
      .. "coroutine; to load a module that awaits use ebb.require.",
  },
  EBB052 = {
    title = "not from here, not any more",
    cause = "A runtime was run, stepped or closed from inside a task or one of its own callbacks, "
      .. "or used after it was shut down.",
    fix = "Inside a task or callback spawn instead. For code that has to work both ways: "
      .. "`if ebb.current() then main() else ebb.run(main) end`.",
  },
  EBB053 = {
    title = "the state closed with tasks that never ran",
    cause = "Tasks were spawned outside of ebb.run and the program ended before anything ran them.",
    fix = "Wrap the program in ebb.run(function() … end), or await the tasks at its end.",
  },
  EBB054 = {
    title = "coroutine.yield in a task",
    cause = "A task called the plain coroutine.yield; nobody would ever resume it.",
    fix = "Use ebb.yield() to let others run, or make the generator with ebb.coroutine.wrap.",
  },
  EBB055 = {
    title = "await outside a task, on a runtime that the host drives",
    cause = "No task is running, and the current runtime is stepped by its host; the await would "
      .. "block the host's loop.",
    fix = "Spawn a task that does the waiting: rt:spawn(function() … end).",
  },
  EBB056 = {
    title = "a runtime of another process",
    cause = "The process called fork(), and its child goes on with a runtime of the parent: its "
      .. "sockets, requests and threads are the parent's.",
    fix = "In the child open another one, `ebb.use(ebb.runtime())`, or end it (exec, os.exit).",
  },
  EBB057 = {
    title = "the event loop cannot be opened",
    cause = "A runtime opens its event loop when it first needs one, which takes some descriptors; "
      .. "the system has refused, usually because the process has too many open (EMFILE).",
    fix = "Close what is not needed any more, or raise the limit (ulimit -n). The runtime tries "
      .. "again the next time.",
  },
  EBB058 = {
    title = "a task's coroutine is spoiled",
    cause = "Somebody has kept the coroutine of a task (coroutine.running) and closed it, or "
      .. "resumed it before its first turn. The coroutine of a task that has ended may be that "
      .. "of another one.",
    fix = "Cancel the task instead: task:cancel(), with ebb.current() for the handle.",
  },
  EBB061 = {
    title = "nothing to select",
    cause = "ebb.select was given no arm, or every arm was false; it would wait for ever.",
    fix = "Leave the loop when the last arm is gone, or add one (ebb.never() waits on purpose).",
  },
  EBB071 = {
    title = "cannot be copied to a thread",
    cause = "An argument, an upvalue, a result or a value sent through a thread's channel has in "
      .. "it what stays in its own state: a userdata, a coroutine, a C function that no loaded "
      .. "module has, a table whose metatable has __gc or __close. The message names the path "
      .. "to it.",
    fix = "Send what it was made from (a path instead of a file, a name instead of a connection) "
      .. "and open it over there.",
  },
  EBB072 = {
    title = "the pool is closed",
    cause = "A call was given to a pool that was closed, or waited for a worker when it was.",
    fix = "Close the pool after the last call has returned, as leaving its block does: "
      .. "local pool <close> = ebb.thread.pool{}.",
  },
  EBB073 = {
    title = "not to be found in this thread",
    cause = "A module or a function travels to a thread by its name, and there the module has "
      .. "no such field; or a message was no message.",
    fix = "Make sure that requiring the module in a fresh Lua state gives what it gives here; "
      .. "what a script adds to a module by hand is not there.",
  },
  EBB101 = {
    title = "a task is dropped (ebb lint)",
    cause = "The handle that ebb.spawn gives is thrown away: nobody awaits the task, and nothing "
      .. "ends it with the code that started it.",
    fix = "Keep the handle and await it, spawn the task in a scope (s:spawn), or say that it is on "
      .. "its own with ebb.go(fn).",
  },
  EBB102 = {
    title = "an unbounded channel (ebb lint)",
    cause = "A channel of capacity math.huge never makes a sender wait: when receivers are slower, "
      .. "it grows until memory ends.",
    fix = "Give it a capacity. Where the number of messages is bounded by something else, say so "
      .. "and silence the line: -- ebb: ignore EBB102.",
  },
  EBB103 = {
    title = "an operation is dropped (ebb lint)",
    cause = "Calls such as ch:recv_op() or ebb.after(1) only make an operation; as a statement "
      .. "they wait for nothing.",
    fix = "Await it (op:await(), ch:recv(), ebb.sleep(1)) or hand it to ebb.select.",
  },
}
