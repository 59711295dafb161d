/* SPDX-License-Identifier: MIT */
/* Preloaded into what runs under ThreadSanitizer: libuv closes descriptors by a
   bare system call, which the sanitizer does not see, so that a number that
   another thread gets next would look like a race of the two openings.

     cc -shared -fPIC -o build/tsan/close.so spec/tsan_close.c
     LD_PRELOAD=$PWD/build/tsan/close.so build/tsan/ebb --plain … */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

long syscall(long number, ...)
{
  long a[6];
  va_list args;
  va_start(args, number);
  for (int i = 0; i < 6; i++)
    a[i] = va_arg(args, long);
  va_end(args);
  if (number == SYS_close)
    return close((int)a[0]);
  long (*next)(long, ...) = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
  return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
