/* SPDX-License-Identifier: MIT */
/* Checkpoints of a frame: what is allocated after one is given back when it is
   closed, unless it was committed. One that is dropped without either is not
   rolled back by the collector, at a moment nobody chose: it lasts as long as
   its frame. */
#include "lua/l_frame.h"

typedef struct checkpoint {
  ebbL_header head;
  ebbL_memory *memory;
  ebb_frame_mark *mark;
  uint64_t gen; /* ours while mark->gen is this */
  const ebbL_site *site;
  bool is_committed, is_rolled_back;
} checkpoint;

static const ebbL_type checkpoint_type = {"ebb.checkpoint", NULL, NULL};

int ebbL_frame_checkpoint(lua_State *L, ebbL_memory *M)
{
  const ebbL_site *site = ebbL_site_of(&M->sites, L);
  checkpoint *cp = ebbL_new(L, M->head.state, &checkpoint_type, sizeof(*cp), 0);
  cp->memory = M;
  cp->mark = &M->frame.first;
  cp->site = site;
  ebbL_frame_need_mark(L, M);
  ebbL_frame_check(L, M); /* finalisers may have run */
  if (M->frame.free_marks == NULL)
    ebbL_nomem(L);
  cp->mark = ebb_frame_mark_push(&M->frame);
  cp->gen = cp->mark->gen;
  return 1;
}

/* Neither committed nor rolled back, by itself or with another. */
static bool is_open(const checkpoint *cp)
{
  return !cp->is_committed && cp->gen != 0 &&
         (cp->mark->gen & ~EBB_FRAME_HIDDEN) == cp->gen && cp->mark->is_open;
}

/* cp:commit(): what was allocated stays. Twice is harmless. */
static int l_checkpoint_commit(lua_State *L)
{
  checkpoint *cp = ebbL_check(L, 1, &checkpoint_type);
  if (cp->is_committed)
    return 0;
  ebbL_frame_not_in_task(L, cp->memory);
  if (!is_open(cp))
    ebbL_error(L, "EBB002", "the checkpoint %s%s",
               cp->is_rolled_back
                   ? "was rolled back"
                   : "was rolled back with an older one, or its frame ended",
               ebbL_site_push(L, cp->memory, "; made at ", cp->site));
  ebb_frame_mark_commit(&cp->memory->frame, cp->mark);
  cp->is_committed = true;
  return 0;
}

/* cp:close(): gives back what was allocated since, unless committed or over. */
static int l_checkpoint_close(lua_State *L)
{
  checkpoint *cp = ebbL_check(L, 1, &checkpoint_type);
  if (!is_open(cp))
    return 0;
  ebbL_frame_not_in_task(L, cp->memory);
  ebb_frame_mark_rollback(&cp->memory->frame, cp->mark);
  cp->is_rolled_back = true;
  return 0;
}

static int l_checkpoint_tostring(lua_State *L)
{
  const checkpoint *cp = ebbL_check(L, 1, &checkpoint_type);
  const char *state = cp->is_committed     ? "committed"
                      : is_open(cp)        ? "open"
                      : cp->is_rolled_back ? "rolled back"
                                           : "over";
  lua_pushfstring(L, "ebb.checkpoint: %s", state);
  return 1;
}

static const luaL_Reg checkpoint_methods[] = {
    {"commit", l_checkpoint_commit},
    {"close", l_checkpoint_close},
    {NULL, NULL},
};

static const luaL_Reg checkpoint_meta[] = {
    {"__close", l_checkpoint_close},
    {"__tostring", l_checkpoint_tostring},
    {NULL, NULL},
};

void ebbL_open_checkpoint(lua_State *L, ebbL_state *S)
{
  ebbL_newtype(L, S, &checkpoint_type, checkpoint_methods, checkpoint_meta);
  lua_pop(L, 1);
}
