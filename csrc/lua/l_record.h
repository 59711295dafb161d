/* SPDX-License-Identifier: MIT */
/* Records: small pieces of memory that stay where they are until the last
   finaliser of a closing state has run. What stands in lists and belongs to an
   object that is made often (a lock, a block) is a record: it goes back when
   the object is let go or its __gc runs, and is merely lost, in good order,
   when that never runs (see ebbL_linked).

   Pages are userdata without a finaliser, kept by a slot. A record that went
   back keeps all of its bytes but the first word until it is taken again:
   whoever still has its address reads what its owner left there. */
#ifndef EBB_LUA_RECORD_H
#define EBB_LUA_RECORD_H

#include "lua/l_state.h"

/* [raises] A record as its last user left it, or of zeros. */
void *ebbL_record_get_slow(lua_State *L, ebbL_state *S, ebbL_records *records);
static inline void *ebbL_record_get(lua_State *L, ebbL_state *S,
                                    ebbL_records *records)
{
  void **record = records->free;
  if (EBB_UNLIKELY(record == NULL))
    return ebbL_record_get_slow(L, S, records);
  records->free = *record;
  records->n_live++;
  return record;
}

/* [no-raise] Nobody points to it any more. */
static inline void ebbL_record_put(ebbL_records *records, void *record)
{
  *(void **)record = records->free;
  records->free = record;
  records->n_live--;
}

#endif
