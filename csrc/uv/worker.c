/* SPDX-License-Identifier: MIT */
#include "uv/worker.h"

#include "base/base.h"
#include "uv/fork.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <uv.h>

struct ebb_crew {
  ebb_trade trade;
  void *ud;
  atomic_uint n_refs; /* its owner, its threads, its jobs */
  unsigned max;
  uint64_t keep_ns;
  unsigned n_forks; /* of this process when it was made */
  pthread_mutex_t lock;
  pthread_cond_t work, gone; /* for workers; for who waits for them */
  /* under the lock */
  ebb_list queue;
  unsigned n_threads, n_idle, n_queued, n_running;
  bool is_closed;
};

static void retain(ebb_crew *self)
{
  atomic_fetch_add_explicit(&self->n_refs, 1, memory_order_relaxed);
}

void ebb_crew_release(ebb_crew *self)
{
  if (atomic_fetch_sub_explicit(&self->n_refs, 1, memory_order_acq_rel) != 1)
    return;
  pthread_cond_destroy(&self->work);
  pthread_cond_destroy(&self->gone);
  pthread_mutex_destroy(&self->lock);
  if (self->trade.free_ud != NULL)
    self->trade.free_ud(self->ud);
  free(self);
}

/* --- time-limited waits: by the monotonic clock, where there is a choice ---
 */

static int init_cond(pthread_cond_t *cond)
{
  pthread_condattr_t attr;
  int error = pthread_condattr_init(&attr);
  if (error != 0)
    return error;
#if !defined(__APPLE__)
  pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
#endif
  error = pthread_cond_init(cond, &attr);
  pthread_condattr_destroy(&attr);
  return error;
}

/* False: the time is over. */
static bool wait_cond(pthread_cond_t *cond, pthread_mutex_t *lock,
                      uint64_t wait_ns)
{
  struct timespec span;
#if defined(__APPLE__)
  span.tv_sec = (time_t)(wait_ns / EBB_NS_PER_S);
  span.tv_nsec = (long)(wait_ns % EBB_NS_PER_S);
  return pthread_cond_timedwait_relative_np(cond, lock, &span) == 0;
#else
  clock_gettime(CLOCK_MONOTONIC, &span);
  uint64_t ns = (uint64_t)span.tv_nsec + wait_ns % EBB_NS_PER_S;
  span.tv_sec += (time_t)(wait_ns / EBB_NS_PER_S + ns / EBB_NS_PER_S);
  span.tv_nsec = (long)(ns % EBB_NS_PER_S);
  return pthread_cond_timedwait(cond, lock, &span) == 0;
#endif
}

ebb_crew *ebb_crew_new(const ebb_trade *trade, void *ud, unsigned max,
                       double keep_s)
{
  ebb_crew *self = malloc(sizeof *self);
  if (self == NULL)
    return NULL;
  *self = (ebb_crew){.trade = *trade,
                     .ud = ud,
                     .max = max,
                     .keep_ns = (uint64_t)(keep_s * (double)EBB_NS_PER_S),
                     .n_forks = ebb_forks()};
  ebb_forks_count();
  atomic_init(&self->n_refs, 1);
  ebb_list_init(&self->queue);
  if (pthread_mutex_init(&self->lock, NULL) != 0)
    goto no_lock;
  if (init_cond(&self->work) != 0)
    goto no_work;
  if (init_cond(&self->gone) != 0)
    goto no_gone;
  return self;

no_gone:
  pthread_cond_destroy(&self->work);
no_work:
  pthread_mutex_destroy(&self->lock);
no_lock:
  free(self);
  return NULL;
}

/* In a fork: the threads stayed with the parent, whatever they held. What was
   queued is there still; what ran never ends. */
static void part_if_inherited(ebb_crew *self)
{
  if (EBB_LIKELY(self->n_forks == ebb_forks()))
    return;
  self->n_forks = ebb_forks();
  pthread_mutex_init(&self->lock, NULL);
  init_cond(&self->work);
  init_cond(&self->gone);
  self->n_threads = self->n_idle = self->n_running = 0;
}

/* --- jobs ----------------------------------------------------------------- */

void ebb_job_init(ebb_job *job, ebb_crew *crew)
{
  ebb_list_init(&job->link);
  ebb_list_init(&job->waits);
  job->crew = crew;
  retain(crew);
  atomic_init(&job->n_refs, 1);
  job->state = EBB_JOB_NEW;
}

void ebb_job_retain(ebb_job *job)
{
  atomic_fetch_add_explicit(&job->n_refs, 1, memory_order_relaxed);
}

void ebb_job_release(ebb_job *job)
{
  if (atomic_fetch_sub_explicit(&job->n_refs, 1, memory_order_acq_rel) != 1)
    return;
  ebb_crew *crew = job->crew;
  crew->trade.destroy(job);
  ebb_crew_release(crew);
}

void ebb_job_lock(ebb_job *job)
{
  pthread_mutex_lock(&job->crew->lock);
}

void ebb_job_unlock(ebb_job *job)
{
  pthread_mutex_unlock(&job->crew->lock);
}

bool ebb_job_has_ended(ebb_job *job)
{
  ebb_job_lock(job);
  bool ended = job->state == EBB_JOB_ENDED;
  ebb_job_unlock(job);
  return ended;
}

/* Under the lock: who waits goes on. The crew's count of it is not given back
   here. */
static void end_job(ebb_job *job)
{
  job->state = EBB_JOB_ENDED;
  ebb_list_foreach(node, &job->waits)
    ebb_far_post(ebb_container_of(node, ebb_far, link));
}

bool ebb_job_withdraw(ebb_job *job)
{
  ebb_job_lock(job);
  bool is_queued = job->state == EBB_JOB_QUEUED;
  if (is_queued) {
    ebb_list_unlink(&job->link);
    job->crew->n_queued--;
    end_job(job);
  }
  ebb_job_unlock(job);
  if (is_queued)
    ebb_job_release(job);
  return is_queued;
}

/* --- workers -------------------------------------------------------------- */

/* Waits for a job; under the lock. NULL: nothing came, or the crew is closed.
 */
static ebb_job *next_job(ebb_crew *self)
{
  while (ebb_list_is_empty(&self->queue)) {
    if (self->is_closed)
      return NULL;
    self->n_idle++;
    bool in_time = wait_cond(&self->work, &self->lock, self->keep_ns);
    self->n_idle--;
    if (!in_time && ebb_list_is_empty(&self->queue))
      return NULL;
  }
  ebb_job *job = ebb_container_of(self->queue.next, ebb_job, link);
  ebb_list_unlink(&job->link);
  self->n_queued--;
  return job;
}

/* Does jobs until none comes; under the lock. */
static void do_jobs(ebb_crew *self)
{
  void *worker = NULL;
  ebb_job *job;
  while ((job = next_job(self)) != NULL) {
    self->n_running++;
    job->state = EBB_JOB_RUNNING;
    pthread_mutex_unlock(&self->lock);
    if (worker == NULL)
      worker = self->trade.open(self->ud);
    self->trade.run(job, worker);
    pthread_mutex_lock(&self->lock);
    self->n_running--;
    end_job(job);
    pthread_mutex_unlock(&self->lock);
    ebb_job_release(job);
    pthread_mutex_lock(&self->lock);
  }
  pthread_mutex_unlock(&self->lock);
  if (worker != NULL)
    self->trade.close(worker);
  pthread_mutex_lock(&self->lock);
}

static void *thread_main(void *arg)
{
  ebb_crew *self = arg;
  pthread_mutex_lock(&self->lock);
  do {
    do_jobs(self);
  } while (!ebb_list_is_empty(&self->queue)); /* came while it was leaving */
  self->n_threads--;
  pthread_cond_broadcast(&self->gone);
  pthread_mutex_unlock(&self->lock);
  ebb_crew_release(self);
  return NULL;
}

/* A new thread inherits the mask. */
static void block_signals(sigset_t *before)
{
  static const int caused[] = {SIGSEGV, SIGBUS,  SIGFPE, SIGILL,
                               SIGABRT, SIGTRAP, SIGSYS, SIGURG};
  sigset_t all;
  sigfillset(&all);
  for (size_t i = 0; i < sizeof caused / sizeof *caused; i++)
    sigdelset(&all, caused[i]);
  pthread_sigmask(SIG_BLOCK, &all, before);
}

/* Under the lock. */
static int hire(ebb_crew *self)
{
  pthread_attr_t attr;
  pthread_t thread;
  sigset_t before;
  if (pthread_attr_init(&attr) != 0)
    return UV_ENOMEM;
  pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
  block_signals(&before);
  retain(self);
  int error = pthread_create(&thread, &attr, thread_main, self);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attr);
  if (error != 0)
    ebb_crew_release(self); /* never the last: the caller has one */
  else
    self->n_threads++;
  return -error;
}

int ebb_job_add(ebb_job *job)
{
  ebb_crew *crew = job->crew;
  int error = 0;
  part_if_inherited(crew);
  pthread_mutex_lock(&crew->lock);
  if (crew->is_closed) {
    error = UV_ECANCELED;
  } else if (crew->n_queued + 1 > crew->n_idle && crew->n_threads < crew->max) {
    error = hire(crew);
    if (crew->n_threads > 0)
      error = 0; /* somebody will come to it */
  }
  if (error == 0) {
    ebb_job_retain(job);
    job->state = EBB_JOB_QUEUED;
    ebb_list_push_back(&crew->queue, &job->link);
    crew->n_queued++;
  }
  pthread_mutex_unlock(&crew->lock);
  if (error == 0) /* who wakes up finds the lock free */
    pthread_cond_signal(&crew->work);
  return error;
}

/* --- the end of a crew ---------------------------------------------------- */

void ebb_crew_dismiss(ebb_crew *self)
{
  ebb_list dropped;
  ebb_list_init(&dropped);
  part_if_inherited(self);
  pthread_mutex_lock(&self->lock);
  self->is_closed = true;
  self->n_queued = 0;
  ebb_list_splice(&dropped, &self->queue);
  ebb_list_foreach(node, &dropped)
    end_job(ebb_container_of(node, ebb_job, link));
  pthread_cond_broadcast(&self->work);
  pthread_mutex_unlock(&self->lock);
  while (!ebb_list_is_empty(&dropped)) {
    ebb_job *job = ebb_container_of(dropped.next, ebb_job, link);
    ebb_list_unlink(&job->link);
    ebb_job_release(job);
  }
}

bool ebb_crew_wait(ebb_crew *self, uint64_t due_ns)
{
  part_if_inherited(self);
  pthread_mutex_lock(&self->lock);
  while (self->n_threads > 0) {
    uint64_t now_ns = uv_hrtime();
    if (now_ns >= due_ns)
      break;
    wait_cond(&self->gone, &self->lock, due_ns - now_ns);
  }
  bool is_empty = self->n_threads == 0;
  pthread_mutex_unlock(&self->lock);
  return is_empty;
}

bool ebb_crew_close(ebb_crew *self, double grace_s)
{
  uint64_t due_ns = uv_hrtime() + (uint64_t)(grace_s * (double)EBB_NS_PER_S);
  ebb_crew_dismiss(self);
  bool is_empty = ebb_crew_wait(self, due_ns);
  ebb_crew_release(self);
  return is_empty;
}

void ebb_crew_counts(ebb_crew *self, ebb_crew_count *count)
{
  part_if_inherited(self);
  pthread_mutex_lock(&self->lock);
  count->n_threads = self->n_threads;
  count->n_idle = self->n_idle;
  count->n_queued = self->n_queued;
  count->n_running = self->n_running;
  pthread_mutex_unlock(&self->lock);
}

/* --- waiting for a job ---------------------------------------------------- */

static void arrive(ebb_far *far)
{
  if (ebb_job_has_ended(far->source))
    ebb_wake(far->wait, EBB_OK);
}

static void unlink_wait(ebb_far *far)
{
  ebb_job_lock(far->source);
  ebb_list_unlink(&far->link);
  ebb_job_unlock(far->source);
}

static void leave_join(ebb_wait *wait)
{
  ebb_far *far = wait->source;
  unlink_wait(far);
  ebb_far_left(far);
}

static void leave_blocking(ebb_wait *wait)
{
  ebb_far *far = wait->source;
  unlink_wait(far);
  ebb_job_withdraw(far->source);
  ebb_far_left(far);
}

static const ebb_wait_class join_class = {"thread", false, leave_join};
static const ebb_wait_class blocking_class = {"blocking job", true,
                                              leave_blocking};

static void destroy_far(ebb_far *far)
{
  ebb_job *job = far->source;
  ebb_far_fini(far);
  free(far);
  ebb_job_release(job);
}

ebb_far *ebb_job_far(ebb_job *job, ebb_driver *driver)
{
  ebb_far *far = malloc(sizeof *far);
  if (far == NULL)
    return NULL;
  if (!ebb_far_init(far, driver)) {
    free(far);
    return NULL;
  }
  far->lock = &job->crew->lock;
  far->source = job;
  far->arrive = arrive;
  far->destroy = destroy_far;
  ebb_job_retain(job);
  return far;
}

void ebb_job_link(ebb_task *task, uint32_t i, ebb_far *far, bool withdraws)
{
  ebb_job *job = far->source;
  far->holds = withdraws;
  ebb_job_lock(job);
  ebb_far_link(task, i, withdraws ? &blocking_class : &join_class, far,
               &job->waits, 0);
  if (job->state == EBB_JOB_ENDED)
    ebb_far_post(far);
  ebb_job_unlock(job);
}
