/* SPDX-License-Identifier: MIT */
/* States on ebb's allocator, for hosts: see ebb.h. */
#include "lua/l_heap.h"

#include <stdio.h>
#include <string.h>

#include "ebb.h"

/* --- as luaL_newstate has them --- */

static int panic(lua_State *L)
{
  const char *text = lua_tostring(L, -1);
  fprintf(stderr, "PANIC: unprotected error in call to Lua API (%s)\n",
          text != NULL ? text : "error object is not a string");
  fflush(stderr);
  return 0; /* to abort */
}

static void warn_off(void *ud, const char *text, int to_be_continued);
static void warn_on(void *ud, const char *text, int to_be_continued);

/* "@on" and "@off" switch it; other control messages are ignored. */
static int is_control(lua_State *L, const char *text, int to_be_continued)
{
  if (to_be_continued || text[0] != '@')
    return 0;
  if (strcmp(text, "@off") == 0)
    lua_setwarnf(L, warn_off, L);
  else if (strcmp(text, "@on") == 0)
    lua_setwarnf(L, warn_on, L);
  return 1;
}

static void warn_off(void *ud, const char *text, int to_be_continued)
{
  is_control(ud, text, to_be_continued);
}

static void warn_more(void *ud, const char *text, int to_be_continued)
{
  lua_State *L = ud;
  fputs(text, stderr);
  if (!to_be_continued) {
    fputc('\n', stderr);
    fflush(stderr);
  }
  lua_setwarnf(L, to_be_continued ? warn_more : warn_on, L);
}

static void warn_on(void *ud, const char *text, int to_be_continued)
{
  if (is_control(ud, text, to_be_continued))
    return;
  fputs("Lua warning: ", stderr);
  warn_more(ud, text, to_be_continued);
}

/* --- the state --- */

lua_State *ebb_newstate(const ebb_alloc_config *config)
{
  static const ebb_alloc_config usual;
  if (config == NULL)
    config = &usual;
  ebb_heap *heap = ebb_heap_open(&(ebb_heap_config){
      .backing = config->backing,
      .backing_ud = config->backing_ud,
      .first_is_root = true,
      .unpaged = config->unpaged || ebbL_heap_is_unpaged(),
  });
  if (heap == NULL)
    return NULL;
  if (config->limit_bytes != 0)
    ebb_heap_set_limit(heap, config->limit_bytes);
  if (config->soft_bytes != 0)
    ebb_heap_set_soft(heap, config->soft_bytes, config->on_soft,
                      config->soft_ud);
  bool is_gone = false;
  ebb_heap_watch_end(heap, &is_gone);
  lua_State *L = lua_newstate(ebb_heap_alloc, heap);
  if (L == NULL) { /* it may have got some way, and freed what it had */
    if (!is_gone)
      ebb_heap_close(heap);
    return NULL;
  }
  ebb_heap_watch_end(heap, NULL);
  lua_atpanic(L, panic);
  lua_setwarnf(L, warn_off, L);
  return L;
}

int ebb_alloc_stats(lua_State *L, ebb_alloc_info *out)
{
  ebb_heap *heap = ebbL_heap_of(L);
  ebb_heap_info info;
  if (heap == NULL)
    return -1;
  ebb_heap_get_info(heap, &info);
  *out = (ebb_alloc_info){
      .live_bytes = info.live_bytes,
      .peak_bytes = info.peak_bytes,
      .limit_bytes = info.limit_bytes == EBB_HEAP_NONE ? 0 : info.limit_bytes,
      .soft_bytes = info.soft_bytes == EBB_HEAP_NONE ? 0 : info.soft_bytes,
      .page_bytes = info.page_bytes,
      .retained_bytes = info.retained_bytes,
      .mapped_bytes = info.mapped_bytes,
      .large_bytes = info.large_bytes,
      .total_bytes = info.total_bytes,
      .n_refused = info.n_refused,
  };
  memcpy(out->n_made, info.n_made, sizeof out->n_made);
  return 0;
}

int ebb_alloc_set_limit(lua_State *L, size_t limit_bytes)
{
  ebb_heap *heap = ebbL_heap_of(L);
  if (heap == NULL)
    return -1;
  ebb_heap_set_limit(heap, limit_bytes != 0 ? limit_bytes : EBB_HEAP_NONE);
  return 0;
}
