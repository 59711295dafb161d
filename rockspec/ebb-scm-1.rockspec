rockspec_format = "3.0"
package = "ebb"
version = "scm-1"

source = {
  url = "git+https://example.org/ebb.git", -- `luarocks make` in a clone needs none
  branch = "main",
}

description = {
  summary = "Structured async for Lua 5.4: tasks, channels, select, timers, guards",
  detailed = [[
    Tasks that end before their scope does, channels and select that lose nothing, cancellation
    that runs cleanups, memory that is freed with its block, on libuv.
  ]],
  license = "MIT",
  labels = { "async", "coroutine", "channel", "libuv", "scheduler" },
}

dependencies = { "lua >= 5.4, < 5.6" }

external_dependencies = {
  LIBUV = { header = "uv.h", library = "uv" },
}

-- Compiled with LuaRocks' own flags. Under a Lua that was built as C++, add -fexceptions to
-- them (luarocks make CFLAGS="-O2 -fPIC -fexceptions" …): errors pass through these functions.
build = {
  type = "builtin",
  modules = {
    ["ebb.core"] = {
      sources = {
        -- sources: rockspec/update.lua writes this
        "csrc/base/crc32.c",
        "csrc/base/err.c",
        "csrc/alloc/alloc.c",
        "csrc/alloc/guard.c",
        "csrc/alloc/pool.c",
        "csrc/alloc/registry.c",
        "csrc/alloc/slab.c",
        "csrc/core/check.c",
        "csrc/core/clock.c",
        "csrc/core/region.c",
        "csrc/core/rt.c",
        "csrc/core/timer.c",
        "csrc/core/wait.c",
        "csrc/sync/barrier.c",
        "csrc/sync/broadcast.c",
        "csrc/sync/chan.c",
        "csrc/sync/check.c",
        "csrc/sync/notify.c",
        "csrc/sync/oneshot.c",
        "csrc/sync/promise.c",
        "csrc/sync/scope.c",
        "csrc/sync/sem.c",
        "csrc/sync/token.c",
        "csrc/sync/watch.c",
        "csrc/uv/action.c",
        "csrc/uv/driver.c",
        "csrc/uv/error.c",
        "csrc/uv/fs.c",
        "csrc/uv/fs_file.c",
        "csrc/uv/fs_job.c",
        "csrc/uv/fs_list.c",
        "csrc/uv/fs_watch.c",
        "csrc/uv/interrupt.c",
        "csrc/uv/mailbox.c",
        "csrc/uv/signal.c",
        "csrc/uv/udp.c",
        "csrc/lua/l_array.c",
        "csrc/lua/l_barrier.c",
        "csrc/lua/l_box.c",
        "csrc/lua/l_broadcast.c",
        "csrc/lua/l_budget.c",
        "csrc/lua/l_buffer.c",
        "csrc/lua/l_build.c",
        "csrc/lua/l_bytes.c",
        "csrc/lua/l_census.c",
        "csrc/lua/l_chan.c",
        "csrc/lua/l_chan_store.c",
        "csrc/lua/l_cleanup.c",
        "csrc/lua/l_clock.c",
        "csrc/lua/l_combine.c",
        "csrc/lua/l_coro.c",
        "csrc/lua/l_coro_body.c",
        "csrc/lua/l_coro_drive.c",
        "csrc/lua/l_deadlock.c",
        "csrc/lua/l_defer.c",
        "csrc/lua/l_ebb.c",
        "csrc/lua/l_elem.c",
        "csrc/lua/l_fs.c",
        "csrc/lua/l_fs_watch.c",
        "csrc/lua/l_gc.c",
        "csrc/lua/l_guard.c",
        "csrc/lua/l_guard_close.c",
        "csrc/lua/l_guard_release.c",
        "csrc/lua/l_handle.c",
        "csrc/lua/l_hook.c",
        "csrc/lua/l_interval.c",
        "csrc/lua/l_join_set.c",
        "csrc/lua/l_local.c",
        "csrc/lua/l_lock.c",
        "csrc/lua/l_loop.c",
        "csrc/lua/l_mem.c",
        "csrc/lua/l_mutex.c",
        "csrc/lua/l_notify.c",
        "csrc/lua/l_once.c",
        "csrc/lua/l_oneshot.c",
        "csrc/lua/l_op.c",
        "csrc/lua/l_permit.c",
        "csrc/lua/l_preempt.c",
        "csrc/lua/l_promise.c",
        "csrc/lua/l_region.c",
        "csrc/lua/l_registry.c",
        "csrc/lua/l_report.c",
        "csrc/lua/l_require.c",
        "csrc/lua/l_resume.c",
        "csrc/lua/l_rt.c",
        "csrc/lua/l_rt_options.c",
        "csrc/lua/l_rwlock.c",
        "csrc/lua/l_scope.c",
        "csrc/lua/l_sem.c",
        "csrc/lua/l_set.c",
        "csrc/lua/l_signal.c",
        "csrc/lua/l_span.c",
        "csrc/lua/l_state.c",
        "csrc/lua/l_task.c",
        "csrc/lua/l_time.c",
        "csrc/lua/l_timeout.c",
        "csrc/lua/l_timer.c",
        "csrc/lua/l_token.c",
        "csrc/lua/l_udp.c",
        "csrc/lua/l_watch.c",        -- end of sources
      },
      defines = { "_GNU_SOURCE" },
      incdirs = { "csrc", "$(LIBUV_INCDIR)" },
      libdirs = { "$(LIBUV_LIBDIR)" },
      libraries = { "uv" },
    },
    -- modules: rockspec/update.lua writes this
    ["ebb._meta"] = "lua/ebb/_meta.lua",
    ["ebb.check"] = "lua/ebb/check.lua",
    ["ebb.codes"] = "lua/ebb/codes.lua",
    ["ebb.command"] = "lua/ebb/command.lua",
    ["ebb.explain"] = "lua/ebb/explain.lua",
    ["ebb.fs"] = "lua/ebb/fs.lua",
    ["ebb.game"] = "lua/ebb/game.lua",
    ["ebb.group"] = "lua/ebb/group.lua",
    ["ebb"] = "lua/ebb/init.lua",
    ["ebb.net"] = "lua/ebb/net.lua",
    ["ebb.net.udp"] = "lua/ebb/net/udp.lua",
    ["ebb.resource_pool"] = "lua/ebb/resource_pool.lua",
    ["ebb.retry"] = "lua/ebb/retry.lua",
    ["ebb.run_until_signal"] = "lua/ebb/run_until_signal.lua",
    ["ebb.stream"] = "lua/ebb/stream.lua",
    ["ebb.stream.combine"] = "lua/ebb/stream/combine.lua",
    ["ebb.stream.concurrent"] = "lua/ebb/stream/concurrent.lua",
    ["ebb.stream.object"] = "lua/ebb/stream/object.lua",
    ["ebb.stream.puller"] = "lua/ebb/stream/puller.lua",
    ["ebb.stream.share"] = "lua/ebb/stream/share.lua",
    ["ebb.stream.sink"] = "lua/ebb/stream/sink.lua",
    ["ebb.stream.source"] = "lua/ebb/stream/source.lua",
    ["ebb.stream.stage"] = "lua/ebb/stream/stage.lua",
    ["ebb.stream.timed"] = "lua/ebb/stream/timed.lua",
    ["ebb.supervise"] = "lua/ebb/supervise.lua",
    ["ebb.task"] = "lua/ebb/task.lua",
    ["ebb.task_local"] = "lua/ebb/task_local.lua",
    ["ebb.test"] = "lua/ebb/test.lua",    -- end of modules
  },
  install = {
    bin = { ebb = "bin/ebb" },
  },
  copy_directories = { "docs", "examples" },
}

test = {
  type = "command",
  command = "busted", -- the type "busted" insists on downloading busted
}
