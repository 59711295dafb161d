--- Defects of csrc/uv: the loop, signals, streams, processes, files, threads.
return {
  { file = "csrc/uv/driver.c", caught_by = "test_uv_driver",
    { "driver-close-early", "the driver is freed before its handles have closed",
      find = [[
  while (driver->n_closing > 0 || driver->n_holding > 0)
    uv_run(driver->loop, UV_RUN_ONCE);]],
      put = "",
      caught_by = { "test_uv_driver", "asan test_uv_driver" } },
    { "driver-work-abandoned", "requests in flight are abandoned when the driver closes",
      find = "  while (driver->n_closing > 0 || driver->n_holding > 0)",
      put = "  while (driver->n_closing > 0)",
      caught_by = { "test_uv_fs", "test_uv_driver", "asan test_uv_fs", "asan test_uv_driver" } },
    { "driver-attached-left", "what is open when the driver closes stays open",
      find = [[
    attached->close(attached);
  }
  if (driver->remote]],
      put = [[
    ebb_list_unlink(&attached->link);
  }
  if (driver->remote]],
      caught_by = { "test_uv_stream", "test_uv_signal" },
      seconds = 10 },
    { "driver-lent-lost", "a block given back is forgotten if there is one already",
      find = [[
    driver->spare = block;
  else
    ebb_alloc_put(driver->alloc, block, EBB_LENT_BYTES);]],
      put = "    driver->spare = block;" },
    { "driver-late", "the coarse wait overshoots the deadline",
      find = "    uint64_t wait_ms = wait_ns / 1000000 - 1;",
      put = "    uint64_t wait_ms = wait_ns / 1000000 + 30;" },
    { "driver-not-busy", "awaited I/O does not keep a program from being called a deadlock",
      find = "  driver->n_busy++;\n",
      put = "" },
  },
  { file = "csrc/uv/remote.c",
    { "remote-unwoken", "a letter from another thread does not wake the loop",
      find = "      ebb_driver_wakeup(self->driver);",
      put = "      ;",
      caught_by = "test_lua_host_threads",
      seconds = 15 },
    { "remote-close-drops", "letters on their way are dropped when the runtime closes",
      find = "  run_all(ebb_inbox_close(&self->inbox));",
      put = "  (void)ebb_inbox_close(&self->inbox);",
      caught_by = { "test_lua_host_threads", "test_uv_worker", "asan test_lua_host_threads" } },
    { "remote-refs", "a remote is freed with its runtime, whoever still has it",
      find = [[
  if (atomic_fetch_sub_explicit(&self->n_refs, 1, memory_order_acq_rel) != 1)
    return;]],
      put = [[
  if (atomic_fetch_sub_explicit(&self->n_refs, 1, memory_order_acq_rel) > 2)
    return;]],
      caught_by = { "asan test_lua_host_threads", "asan test_uv_worker" } },
  },
  { file = "csrc/uv/far.c",
    { "far-posted-stays", "who was told once is never told again",
      find = [[
  self->posted = false;
  pthread_mutex_unlock(self->lock);
  if (self->wait]],
      put = [[
  pthread_mutex_unlock(self->lock);
  if (self->wait]],
      caught_by = "test_uv_worker",
      seconds = 15 },
    { "far-freed-posted", "a wait is freed while a letter for it is on its way",
      find = "  return !posted;",
      put = "  return posted || !posted;",
      caught_by = { "asan test_uv_worker", "asan spec/thread/channel_spec.lua", "asan spec/thread" } },
  },
  { file = "csrc/uv/signal.c", caught_by = { "test_uv_signal", "spec/io/signal_spec.lua" }, seconds = 10,
    { "signal-lost", "a signal that comes while nobody waits is lost",
      find = "    self->pending = true;",
      put = "    ;" },
    { "signal-close-waits", "who waits for a signal is not told that it is closed",
      find = "  ebb_wake_all(&signal->waiters, EBB_ECLOSED);",
      put = "" },
  },
  { file = "csrc/uv/action.c",
    { "signal-handler-lost", "the handler from before does not come back",
      find = "                                      : &self->before,",
      put = "                                      : &self->libuv,",
      caught_by = { "test_uv_signal", "spec/io/signal_spec.lua" } },
  },
  { file = "csrc/uv/stream.c", caught_by = "test_uv_stream",
    { "stream-fd-leaks", "a closed stream keeps its descriptor",
      find = [[
  if (!(self->flags & EBB_STREAM_KEEP_FD))
    close(stream->fd);]],
      put = "",
      caught_by = { "test_uv_stream", "spec/io/net_tcp_spec.lua" },
      seconds = 10 },
    { "stream-freed-open", "a stream is freed before its handle has closed",
      find = [[
  ebb_stream_close(stream);
  self->released = true;
  if (self->handle_closed)]],
      put = [[
  ebb_stream_close(stream);
  self->released = true;
  if (true)]],
      caught_by = { "test_uv_stream", "asan test_uv_stream" } },
    { "stream-poll-forgotten", "a reader that waits again is not looked for",
      find = [[
  if (ebb_input_is_wanted(&stream->input))
    wanted = UV_READABLE;]],
      put = [[
  if (false)
    wanted = UV_READABLE;]],
      seconds = 15 },
    { "stream-sigpipe", "the signal of a broken pipe stays pending",
      find = "  if (n_bytes < 0 && error == EPIPE && sigpending(&pending) == 0 &&",
      put = "  if (n_bytes < 0 && error == EAGAIN && sigpending(&pending) == 0 &&" },
    { "stream-end-late", "the end of a stream is an error",
      find = "    self->error = n < 0 ? ebb_uv_error_code(errno) : 0;",
      put = "    self->error = ebb_uv_error_code(errno);",
      caught_by = { "test_uv_stream", "spec/io/net_tcp_spec.lua" } },
  },
  { file = "csrc/uv/input.c", caught_by = "test_uv_input",
    { "input-move-overlap", "bytes left in the buffer are lost when room is made",
      find = "    memcpy(block, self->block + self->start, self->n);",
      put = "    memcpy(block, self->block, self->n);" },
    { "input-delim-split", "a delimiter that comes in two pieces is not found",
      find = [[
      self->scanned = n - want->n_delim + 1;
      break;]],
      put = [[
      self->scanned = n;
      break;]] },
    { "input-line-rescan", "a line that came in two pieces has no end",
      find = [[
  self->scanned = self->n;
  return EBB_MORE;]],
      put = [[
  self->scanned = self->n + 1;
  return EBB_MORE;]] },
    { "input-close-waits", "who reads is not told that the stream is closed",
      find = "  ebb_wake_all(&self->waiters, EBB_ECLOSED);",
      put = "",
      caught_by = { "test_uv_input", "test_uv_stream" },
      seconds = 10 },
    { "input-end-unsaid", "who reads is not told of the end",
      find = [[
  self->ended = true;
  self->error = error;
  if (ebb_input_is_wanted(self))]],
      put = [[
  self->ended = true;
  self->error = error;
  if (error != 0 && ebb_input_is_wanted(self))]],
      caught_by = "test_uv_stream",
      seconds = 15 },
  },
  { file = "csrc/uv/resolve.c",
    { "resolve-freed", "an answer that comes after its task was cancelled is freed twice",
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
      caught_by = "asan test_uv_stream" },
  },
  { file = "csrc/uv/listener.c",
    { "listener-pauses-for-ever", "a listener that had no descriptors left does not go on",
      find = "  self->listener.pausing = false;\n",
      put = "",
      caught_by = "spec/io/net_serve_spec.lua | pauses and recovers",
      seconds = 15 },
    { "listener-connection-leaks", "connections nobody accepted stay open when the listener goes",
      find = [[
  if (connection->fd >= 0)
    close(connection->fd);]],
      put = "",
      caught_by = "test_uv_stream",
      seconds = 20 },
  },
  { file = "csrc/uv/process.c", caught_by = { "test_uv_process", "spec/io/process_spec.lua" },
    { "process-status-lost", "the end of a child wakes only the first who waits",
      find = [[
  self->signal = number;
  ebb_wake_all(&self->waiters, EBB_OK);]],
      put = [[
  self->signal = number;
  if (ebb_waitq_head(&self->waiters)) ebb_wake(ebb_waitq_head(&self->waiters), EBB_OK);]],
      caught_by = "spec/io/process_spec.lua | many waiters",
      seconds = 10 },
    { "process-pipes-leak", "our end of a child's pipes stays open when it cannot be started",
      find = [[
  if (*error != 0) {
    ebb_process_pipes_close(pipes);]],
      put = "  if (*error != 0) {" },
    { "process-outlives", "a process whose handle closes goes on",
      find = [[
  if (!self->ended && !self->detached)
    ebb__child_kill_now(]],
      put = [[
  if (self->ended && !self->detached)
    ebb__child_kill_now(]],
      seconds = 10 },
  },
  { file = "csrc/uv/mailbox.c",
    { "mailbox-taken-lost", "a connection handed to a task that was cancelled is lost",
      find = "  ebb_list *list = ebb_list_is_empty(&box->mails) ? &box->taken : &box->mails;",
      put = "  ebb_list *list = &box->mails;",
      caught_by = "test_uv_stream",
      seconds = 20 },
  },
  { file = "csrc/uv/worker.c", caught_by = "test_uv_worker",
    { "crew-second-job-waits", "a job waits for a thread though more may be hired",
      find = "  } else if (crew->n_queued + 1 > crew->n_idle && crew->n_threads < crew->max) {",
      put = "  } else if (crew->n_idle == 0 && crew->n_threads < 1) {",
      seconds = 15 },
    { "crew-dropped-waits", "who waits for a job of a dismissed crew waits for ever",
      find = [[
  ebb_list_foreach(node, &dropped)
    end_job(ebb_container_of(node, ebb_job, link));]],
      put = "",
      seconds = 15 },
    { "job-withdrawn-runs", "a job that was withdrawn runs all the same",
      find = [[
    ebb_list_unlink(&job->link);
    job->crew->n_queued--;
    end_job(job);]],
      put = "    end_job(job);",
      caught_by = { "test_uv_worker", "asan test_uv_worker" },
      seconds = 10 },
    { "job-ended-before-link", "a job that ended before anybody waited is waited for for ever",
      find = [[
  if (job->state == EBB_JOB_ENDED)
    ebb_far_post(far);]],
      put = "",
      seconds = 15 },
  },
  { file = "csrc/uv/thread_chan.c",
    { "thread-chan-full", "a channel between threads takes one too many",
      find = "  return self->count < self->cap || self->count < self->n_receivers;",
      put = "  return self->count <= self->cap || self->count < self->n_receivers;",
      caught_by = "spec/thread/channel_spec.lua" },
    { "thread-chan-cancel-lost", "what a cancelled receiver was told of, nobody else is told of",
      find = [[
  unlink_wait(far, n);
  settle(self);
  pthread_mutex_unlock(&self->lock);
  ebb_far_left(far);]],
      put = [[
  unlink_wait(far, n);
  pthread_mutex_unlock(&self->lock);
  ebb_far_left(far);]],
      caught_by = { "test_uv_worker", "spec/thread/channel_spec.lua" },
      seconds = 15 },
  },
  { file = "csrc/uv/file_job.c",
    { "file-write-position", "a write goes where the last read was",
      find = "    writing->at = f->out_at;",
      put = "    writing->at = f->read_at;",
      caught_by = "spec/io/io_spec.lua | writes" },
    { "file-close-loses", "a close does not wait for what is being written",
      find = [[
  if (!self->is_sending)
    return 0;
  if (uv_cancel(]],
      put = [[
  return 0;
  if (uv_cancel(]],
      caught_by = { "spec/io/io_spec.lua", "spec/io/further_spec.lua", "asan spec/io/io_spec.lua" } },
  },
  { file = "csrc/uv/fs_job.c",
    { "fs-parents", "mkdir with parents stops at the first that is there",
      find = "  return mkdir(path, 0777) == 0 || is_directory(path) ? 0 : -1;",
      put = "  return mkdir(path, 0777) == 0 ? 0 : -1;",
      caught_by = "spec/io/fs_spec.lua | parents" },
  },
}
