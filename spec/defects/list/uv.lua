--- Defects of csrc/uv: the loop, signals, streams, processes, files, threads.
return {
  {
    name = "driver-close-early",
    what = "the driver is freed before its handles have closed",
    file = "csrc/uv/driver.c",
    find = [[
  while (driver->n_closing > 0 || driver->n_holding > 0)
    uv_run(driver->loop, UV_RUN_ONCE);]],
    put = "",
    caught_by = { "test_uv_driver", "asan test_uv_driver" },
  },
  {
    name = "driver-work-abandoned",
    what = "requests in flight are abandoned when the driver closes",
    file = "csrc/uv/driver.c",
    find = "  while (driver->n_closing > 0 || driver->n_holding > 0)",
    put = "  while (driver->n_closing > 0)",
    caught_by = { "test_uv_fs", "test_uv_driver", "asan test_uv_fs", "asan test_uv_driver" },
  },
  {
    name = "driver-attached-left",
    what = "what is open when the driver closes stays open",
    file = "csrc/uv/driver.c",
    find = [[
    attached->close(attached);
  }
  if (driver->remote]],
    put = [[
    ebb_list_unlink(&attached->link);
  }
  if (driver->remote]],
    seconds = 10,
    caught_by = { "test_uv_stream", "test_uv_signal" },
  },
  {
    name = "driver-lent-lost",
    what = "a block given back is forgotten if there is one already",
    file = "csrc/uv/driver.c",
    find = [[
    driver->spare = block;
  else
    ebb_alloc_put(driver->alloc, block, EBB_LENT_BYTES);]],
    put = "    driver->spare = block;",
    caught_by = "test_uv_driver",
  },
  {
    name = "driver-late",
    what = "the coarse wait overshoots the deadline",
    file = "csrc/uv/driver.c",
    find = "    uint64_t wait_ms = wait_ns / 1000000 - 1;",
    put = "    uint64_t wait_ms = wait_ns / 1000000 + 30;",
    caught_by = "test_uv_driver",
  },
  {
    name = "driver-not-busy",
    what = "awaited I/O does not keep a program from being called a deadlock",
    file = "csrc/uv/driver.c",
    find = [[
  driver->n_busy++;
]],
    put = "",
    caught_by = "test_uv_driver",
  },
  {
    name = "remote-unwoken",
    what = "a letter from another thread does not wake the loop",
    file = "csrc/uv/remote.c",
    find = "      ebb_driver_wakeup(self->driver);",
    put = "      ;",
    seconds = 15,
    caught_by = "test_lua_host_threads",
  },
  {
    name = "remote-close-drops",
    what = "letters on their way are dropped when the runtime closes",
    file = "csrc/uv/remote.c",
    find = "  run_all(ebb_inbox_close(&self->inbox));",
    put = "  (void)ebb_inbox_close(&self->inbox);",
    caught_by = { "test_lua_host_threads", "test_uv_worker", "asan test_lua_host_threads" },
  },
  {
    name = "remote-refs",
    what = "a remote is freed with its runtime, whoever still has it",
    file = "csrc/uv/remote.c",
    find = [[
  if (atomic_fetch_sub_explicit(&self->n_refs, 1, memory_order_acq_rel) != 1)
    return;]],
    put = [[
  if (atomic_fetch_sub_explicit(&self->n_refs, 1, memory_order_acq_rel) > 2)
    return;]],
    caught_by = { "asan test_lua_host_threads", "asan test_uv_worker" },
  },
  {
    name = "far-posted-stays",
    what = "who was told once is never told again",
    file = "csrc/uv/far.c",
    find = [[
  self->posted = false;
  pthread_mutex_unlock(self->lock);
  if (self->wait]],
    put = [[
  pthread_mutex_unlock(self->lock);
  if (self->wait]],
    seconds = 15,
    caught_by = "test_uv_worker",
  },
  {
    name = "far-freed-posted",
    what = "a wait is freed while a letter for it is on its way",
    file = "csrc/uv/far.c",
    find = "  return !posted;",
    put = "  return posted || !posted;",
    caught_by = { "asan test_uv_worker", "asan spec/thread/channel_spec.lua", "asan spec/thread" },
  },
  {
    name = "signal-lost",
    what = "a signal that comes while nobody waits is lost",
    file = "csrc/uv/signal.c",
    find = "    self->pending = true;",
    put = "    ;",
    seconds = 10,
    caught_by = { "test_uv_signal", "spec/io/signal_spec.lua" },
  },
  {
    name = "signal-close-waits",
    what = "who waits for a signal is not told that it is closed",
    file = "csrc/uv/signal.c",
    find = "  ebb_wake_all(&signal->waiters, EBB_ECLOSED);",
    put = "",
    seconds = 10,
    caught_by = { "test_uv_signal", "spec/io/signal_spec.lua" },
  },
  {
    name = "signal-handler-lost",
    what = "the handler from before does not come back",
    file = "csrc/uv/action.c",
    find = "                                      : &self->before,",
    put = "                                      : &self->libuv,",
    caught_by = { "test_uv_signal", "spec/io/signal_spec.lua" },
  },
  {
    name = "stream-fd-leaks",
    what = "a closed stream keeps its descriptor",
    file = "csrc/uv/stream.c",
    find = [[
  if (!(self->flags & EBB_STREAM_KEEP_FD))
    close(stream->fd);]],
    put = "",
    seconds = 10,
    caught_by = { "test_uv_stream", "spec/io/net_tcp_spec.lua" },
  },
  {
    name = "stream-freed-open",
    what = "a stream is freed before its handle has closed",
    file = "csrc/uv/stream.c",
    find = [[
  ebb_stream_close(stream);
  self->released = true;
  if (self->handle_closed)]],
    put = [[
  ebb_stream_close(stream);
  self->released = true;
  if (true)]],
    caught_by = { "test_uv_stream", "asan test_uv_stream" },
  },
  {
    name = "stream-poll-forgotten",
    what = "a reader that waits again is not looked for",
    file = "csrc/uv/stream.c",
    find = [[
  if (ebb_input_is_wanted(&stream->input))
    wanted = UV_READABLE;]],
    put = [[
  if (false)
    wanted = UV_READABLE;]],
    seconds = 15,
    caught_by = "test_uv_stream",
  },
  {
    name = "stream-sigpipe",
    what = "the signal of a broken pipe stays pending",
    file = "csrc/uv/stream.c",
    find = "  if (n_bytes < 0 && error == EPIPE && sigpending(&pending) == 0 &&",
    put = "  if (n_bytes < 0 && error == EAGAIN && sigpending(&pending) == 0 &&",
    caught_by = "test_uv_stream",
  },
  {
    name = "stream-end-late",
    what = "the end of a stream is an error",
    file = "csrc/uv/stream.c",
    find = "    self->error = n < 0 ? ebb_uv_error_code(errno) : 0;",
    put = "    self->error = ebb_uv_error_code(errno);",
    caught_by = { "test_uv_stream", "spec/io/net_tcp_spec.lua" },
  },
  {
    name = "input-move-overlap",
    what = "bytes left in the buffer are lost when room is made",
    file = "csrc/uv/input.c",
    find = "    memcpy(block, self->block + self->start, self->n);",
    put = "    memcpy(block, self->block, self->n);",
    caught_by = "test_uv_input",
  },
  {
    name = "input-delim-split",
    what = "a delimiter that comes in two pieces is not found",
    file = "csrc/uv/input.c",
    find = [[
      self->scanned = n - want->n_delim + 1;
      break;]],
    put = [[
      self->scanned = n;
      break;]],
    caught_by = "test_uv_input",
  },
  {
    name = "input-line-rescan",
    what = "a line that came in two pieces has no end",
    file = "csrc/uv/input.c",
    find = [[
  self->scanned = self->n;
  return EBB_MORE;]],
    put = [[
  self->scanned = self->n + 1;
  return EBB_MORE;]],
    caught_by = "test_uv_input",
  },
  {
    name = "input-close-waits",
    what = "who reads is not told that the stream is closed",
    file = "csrc/uv/input.c",
    find = "  ebb_wake_all(&self->waiters, EBB_ECLOSED);",
    put = "",
    seconds = 10,
    caught_by = { "test_uv_input", "test_uv_stream" },
  },
  {
    name = "input-end-unsaid",
    what = "who reads is not told of the end",
    file = "csrc/uv/input.c",
    find = [[
  self->ended = true;
  self->error = error;
  if (ebb_input_is_wanted(self))]],
    put = [[
  self->ended = true;
  self->error = error;
  if (error != 0 && ebb_input_is_wanted(self))]],
    seconds = 15,
    caught_by = "test_uv_stream",
  },
  {
    name = "resolve-freed",
    what = "an answer that comes after its task was cancelled is freed twice",
    file = "csrc/uv/resolve.c",
    find = [[
  if (resolve->done) {
    destroy(self);
    return;
  }]],
    put = [[
  if (true) {
    destroy(self);
    return;
  }]],
    caught_by = "asan test_uv_stream",
  },
  {
    name = "listener-pauses-for-ever",
    what = "a listener that had no descriptors left does not go on",
    file = "csrc/uv/listener.c",
    find = [[
  self->listener.pausing = false;
]],
    put = "",
    seconds = 15,
    caught_by = "spec/io/net_serve_spec.lua | pauses and recovers",
  },
  {
    name = "listener-connection-leaks",
    what = "connections nobody accepted stay open when the listener goes",
    file = "csrc/uv/listener.c",
    find = [[
  if (connection->fd >= 0)
    close(connection->fd);]],
    put = "",
    seconds = 20,
    caught_by = "test_uv_stream",
  },
  {
    name = "process-status-lost",
    what = "the end of a child wakes only the first who waits",
    file = "csrc/uv/process.c",
    find = [[
  self->signal = number;
  ebb_wake_all(&self->waiters, EBB_OK);]],
    put = [[
  self->signal = number;
  if (ebb_waitq_head(&self->waiters)) ebb_wake(ebb_waitq_head(&self->waiters), EBB_OK);]],
    seconds = 10,
    caught_by = "spec/io/process_spec.lua | many waiters",
  },
  {
    name = "process-pipes-leak",
    what = "our end of a child's pipes stays open when it cannot be started",
    file = "csrc/uv/process.c",
    find = [[
  if (*error != 0) {
    ebb_process_pipes_close(pipes);]],
    put = "  if (*error != 0) {",
    caught_by = { "test_uv_process", "spec/io/process_spec.lua" },
  },
  {
    name = "process-outlives",
    what = "a process whose handle closes goes on",
    file = "csrc/uv/process.c",
    find = [[
  if (!self->ended && !self->detached)
    ebb__child_kill_now(]],
    put = [[
  if (self->ended && !self->detached)
    ebb__child_kill_now(]],
    seconds = 10,
    caught_by = { "test_uv_process", "spec/io/process_spec.lua" },
  },
  {
    name = "mailbox-taken-lost",
    what = "a connection handed to a task that was cancelled is lost",
    file = "csrc/uv/mailbox.c",
    find = "  ebb_list *list = ebb_list_is_empty(&box->mails) ? &box->taken : &box->mails;",
    put = "  ebb_list *list = &box->mails;",
    seconds = 20,
    caught_by = "test_uv_stream",
  },
  {
    name = "crew-second-job-waits",
    what = "a job waits for a thread though more may be hired",
    file = "csrc/uv/worker.c",
    find = "  } else if (crew->n_queued + 1 > crew->n_idle && crew->n_threads < crew->max) {",
    put = "  } else if (crew->n_idle == 0 && crew->n_threads < 1) {",
    seconds = 15,
    caught_by = "test_uv_worker",
  },
  {
    name = "crew-dropped-waits",
    what = "who waits for a job of a dismissed crew waits for ever",
    file = "csrc/uv/worker.c",
    find = [[
  ebb_list_foreach(node, &dropped)
    end_job(ebb_container_of(node, ebb_job, link));]],
    put = "",
    seconds = 15,
    caught_by = "test_uv_worker",
  },
  {
    name = "job-withdrawn-runs",
    what = "a job that was withdrawn runs all the same",
    file = "csrc/uv/worker.c",
    find = [[
    ebb_list_unlink(&job->link);
    job->crew->n_queued--;
    end_job(job);]],
    put = "    end_job(job);",
    seconds = 10,
    caught_by = { "test_uv_worker", "asan test_uv_worker" },
  },
  {
    name = "job-ended-before-link",
    what = "a job that ended before anybody waited is waited for for ever",
    file = "csrc/uv/worker.c",
    find = [[
  if (job->state == EBB_JOB_ENDED)
    ebb_far_post(far);]],
    put = "",
    seconds = 15,
    caught_by = "test_uv_worker",
  },
  {
    name = "thread-chan-full",
    what = "a channel between threads takes one too many",
    file = "csrc/uv/thread_chan.c",
    find = "  return self->count < self->cap || self->count < self->n_receivers;",
    put = "  return self->count <= self->cap || self->count < self->n_receivers;",
    caught_by = "spec/thread/channel_spec.lua",
  },
  {
    name = "thread-chan-cancel-lost",
    what = "what a cancelled receiver was told of, nobody else is told of",
    file = "csrc/uv/thread_chan.c",
    find = [[
  unlink_wait(far, n);
  settle(self);
  pthread_mutex_unlock(&self->lock);
  ebb_far_left(far);]],
    put = [[
  unlink_wait(far, n);
  pthread_mutex_unlock(&self->lock);
  ebb_far_left(far);]],
    seconds = 15,
    caught_by = { "test_uv_worker", "spec/thread/channel_spec.lua" },
  },
  {
    name = "file-write-position",
    what = "a write goes where the last read was",
    file = "csrc/uv/file_job.c",
    find = "    writing->at = f->out_at;",
    put = "    writing->at = f->read_at;",
    caught_by = "spec/io/io_spec.lua | writes",
  },
  {
    name = "file-close-loses",
    what = "a close does not wait for what is being written",
    file = "csrc/uv/file_job.c",
    find = [[
  if (!self->is_sending)
    return 0;
  if (uv_cancel(]],
    put = [[
  return 0;
  if (uv_cancel(]],
    caught_by = { "spec/io/io_spec.lua", "spec/io/further_spec.lua", "asan spec/io/io_spec.lua" },
  },
  {
    name = "fs-parents",
    what = "mkdir with parents stops at the first that is there",
    file = "csrc/uv/fs_job.c",
    find = "  return mkdir(path, 0777) == 0 || is_directory(path) ? 0 : -1;",
    put = "  return mkdir(path, 0777) == 0 ? 0 : -1;",
    caught_by = "spec/io/fs_spec.lua | parents",
  },
}
