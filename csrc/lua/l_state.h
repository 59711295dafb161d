/* SPDX-License-Identifier: MIT */
/* What one Lua state has of ebb: the struct behind every closure's first
   upvalue, the objects' common head and type check, coded errors.

   Every C function of ebb is registered with two upvalues: 1 the ebbL_state
   (light userdata), 2 the table of slots. No global state, no registry lookup
   on hot paths.

   Comment tags: [raises] may raise a Lua error; [yields] may suspend the
   task; [no-raise] neither. Stack effects as in the Lua manual, [-n, +m]. */
#ifndef EBB_LUA_STATE_H
#define EBB_LUA_STATE_H

#include "alloc/alloc.h"
#include "alloc/slab.h"
#include "core/rt.h"
#include "lua/l_compat.h"
#include "lua/l_gc.h"
#include "lua/l_hook.h"
#include "uv/watchdog.h"

#include <signal.h>

typedef struct ebbL_state ebbL_state;
typedef struct ebbL_task ebbL_task;
typedef struct ebbL_rt ebbL_rt;
struct ebbL_opclass;

/* --- objects --- */

/* One per kind of userdata, static; its address is the check. */
typedef struct ebbL_type {
  const char *name;              /* "ebb.channel": also the metatable's name */
  const struct ebbL_opclass *op; /* the op that it is itself, or NULL */
  const struct ebbL_owning *owning; /* of an owning type, else NULL */
} ebbL_type;

/* What makes a type an owning one (see ebbL_linked). */
typedef struct ebbL_owning {
  /* Lets go of what the body has outside of Lua, so that the object is closed;
     once more is harmless. [no-raise] */
  void (*fini)(void *body);
  ebbL_type body; /* the type of bodies: no script's value is of it */
} ebbL_owning;

/* static const ebbL_type TYPE = …, of the objects whose bodies FINI works on */
#define EBBL_OWNING_TYPE(type, name, op, fini)                                 \
  static const ebbL_owning type##_owning = {fini, {name, op, &type##_owning}}; \
  static const ebbL_type type = {name, op, &type##_owning}

/* The head of every userdata of ebb. */
typedef struct ebbL_header {
  const ebbL_type *type;
  ebbL_state *state;
} ebbL_header;

/* The object at idx if it is one of ebb's (of any type), else NULL. [no-raise]
 */
static inline ebbL_header *ebbL_object(lua_State *L, int idx)
{
  ebbL_header *header = lua_touserdata(L, idx);
  if (EBB_UNLIKELY(header == NULL || lua_rawlen(L, idx) < sizeof(ebbL_header)))
    return NULL;
  return header;
}

/* Objects that stand in lists of others, or that others point to without
   keeping them alive, or that own something outside of Lua. Lua frees a
   userdata whose finaliser it could not call (no memory or no stack for the
   call, its metatable was taken away, or it was made by a finaliser of a state
   that closes), so such an object is two userdata: the one that scripts hold,
   and its body, which has no finaliser and is kept by a slot until the first
   one's __gc has taken it out of all lists (ebbL_let_go), and by a user value
   as long as the first one can be reached. A __gc that never ran leaves the
   body, in good order, until the state closes: then what it owns is given back
   (ebbL_owning), and Lua frees it after the last finaliser. */
typedef struct ebbL_linked {
  ebbL_header head;
  void *body;      /* begins with an ebbL_header, too, of a type of its own */
  uint32_t anchor; /* slots[anchor] is the body; 0: let go */
} ebbL_linked;

/* The types that are so, in one row: telling them takes no look at them. */
enum {
  EBBL_LINKED_TOKEN,
  EBBL_LINKED_SCOPE,
  EBBL_LINKED_JOIN_SET,
  EBBL_LINKED_RT,
  EBBL_LINKED_FAILURE,
  EBBL_LINKED_BROADCASTSUB,
  EBBL_LINKED_CLOCK,
  EBBL_LINKED_GUARD,
  EBBL_LINKED_BOX,
  EBBL_LINKED_REGISTRY,
  EBBL_N_LINKED
};
extern const ebbL_type ebbL_linked_types[EBBL_N_LINKED];

static inline bool ebbL_is_linked(const ebbL_type *type)
{
  return (uintptr_t)type - (uintptr_t)ebbL_linked_types <
             sizeof(ebbL_linked_types) ||
         type->owning != NULL;
}

/* Of the bodies: what a script got hold of with debug.getuservalue is not taken
   for an object. */
extern const ebbL_type ebbL_body_types[EBBL_N_LINKED];

/* Is it the type of an owning type's bodies? */
static inline bool ebbL_is_owned(const ebbL_type *type)
{
  return type->owning != NULL && &type->owning->body == type;
}

/* Is it a body? */
static inline bool ebbL_is_body(const ebbL_header *header)
{
  return (uintptr_t)header->type - (uintptr_t)ebbL_body_types <
             sizeof(ebbL_body_types) ||
         ebbL_is_owned(header->type);
}

/* What the value at idx, which must be one of ebb's objects, is about: its
   body, if it has one. [no-raise] */
static inline void *ebbL_touserdata(lua_State *L, int idx)
{
  ebbL_header *header = lua_touserdata(L, idx);
  return ebbL_is_linked(header->type) ? ((ebbL_linked *)header)->body : header;
}

/* The object at idx (of a linked type: its body) if it is of `type`, else NULL.
   [no-raise] */
static inline void *ebbL_test(lua_State *L, int idx, const ebbL_type *type)
{
  ebbL_header *header = ebbL_object(L, idx);
  if (EBB_UNLIKELY(header == NULL || header->type != type))
    return NULL;
  return ebbL_is_linked(type) ? ((ebbL_linked *)header)->body : header;
}

/* [raises] "bad argument #1 to 'recv' (ebb.channel expected, got nil)" */
void *ebbL_checkfailed(lua_State *L, int idx, const ebbL_type *type);
static inline void *ebbL_check(lua_State *L, int idx, const ebbL_type *type)
{
  void *object = ebbL_test(L, idx, type);
  return EBB_LIKELY(object != NULL) ? object : ebbL_checkfailed(L, idx, type);
}

/* [-0, +1, raises] A new zeroed userdata with its head and metatable set. */
void *ebbL_new(lua_State *L, ebbL_state *S, const ebbL_type *type,
               size_t n_bytes, int n_uservalues);

/* [-n, +1, raises] The same for a linked type: pops the n values on top, which
   become the body's user values (what the body points to and must outlive it),
   pushes the userdata and returns the zeroed body of n_bytes. EBB052 for an
   owning type when nothing would give back what it owns: the state closes. */
void *ebbL_newlinked(lua_State *L, ebbL_state *S, const ebbL_type *type,
                     size_t n_bytes, int n_uservalues, int n);
/* [no-raise] The last act of the __gc of a linked type, whose userdata is at 1:
   nobody points to the body any more but who keeps the userdata. Returns 0. */
int ebbL_let_go(lua_State *L);
/* The __gc of every owning type. */
int ebbL_owner_gc(lua_State *L);
/* [no-raise] The last finaliser has run: what bodies still own is given back.
   Needs 4 stack slots. */
void ebbL_fini_owners(lua_State *L, ebbL_state *S);

/* [-0, +1, raises] Makes the metatable of `type`: __name, a locked
   __metatable, __index = table of `methods`, the `meta` functions (either may
   be NULL); all with ebb's two upvalues. Leaves the metatable on the stack;
   its __index table is the value of field "__index" (unless meta has one). */
void ebbL_newtype(lua_State *L, ebbL_state *S, const ebbL_type *type,
                  const luaL_Reg *methods, const luaL_Reg *meta);

/* [-0, +0, raises] Objects of the type, whose complete metatable is on top, can
   be retired: makes its copy without __gc. */
void ebbL_newretired(lua_State *L, ebbL_state *S, const ebbL_type *type);

/* [-0, +0, raises] Adds functions with ebb's upvalues to the table on top. */
void ebbL_setfuncs(lua_State *L, ebbL_state *S, const luaL_Reg *funcs);
/* [-0, +1, raises] Pushes one function with ebb's upvalues. */
void ebbL_pushfunction(lua_State *L, ebbL_state *S, lua_CFunction fn);

/* --- the state --- */

/* How long turns may take: see l_slice.c. */
typedef struct ebbL_slices {
  ebb_beat beat;
  ebb_watchdog *dog; /* NULL until it is needed */
  int signal_number;
  unsigned slow_us;      /* ebb.debug.slow, 0: off */
  uint64_t began_ns;     /* of a turn that is counted, else 0 */
  uint64_t began_cpu_ns; /* of a turn whose task has a quota of time, else 0 */
  /* when its task, asked to end, was first seen computing for long, or 0 */
  uint64_t seen_ns, seen_cpu_ns;
  unsigned thrown_us;             /* when it was thrown at, in this turn */
  bool thrown, reported, pending; /* in this turn */
  volatile sig_atomic_t touched;  /* something to do at the end of the turn */
} ebbL_slices;

/* Where the registry has a type's metatables: integer keys, which are found
   faster than the type's address. */
typedef struct ebbL_metas {
  const ebbL_type *type;
  int meta;
  int retired; /* 0: its objects are never retired */
} ebbL_metas;

#define EBBL_METAS 256 /* places, far more than there are types */

/* The slot of the pages of records; no block has it. */
#define EBBL_PAGES_SLOT 0

/* Records of one size: see l_record.h. */
typedef struct ebbL_records {
  void *free; /* linked through the first word */
  size_t record_bytes;
  size_t n_live;
} ebbL_records;

struct ebbL_state {
  ebbL_header head;
  lua_State *main;
  ebbL_task *current;    /* the running task, or NULL */
  ebbL_task *nobody;     /* stands for the task where none is needed */
  lua_State *from;       /* who resumes tasks: the state that drives, or NULL */
  ebbL_rt *driving;      /* whose tasks are being run, or NULL */
  ebbL_rt *default_rt;   /* made on first use */
  ebbL_rt *used_rt;      /* ebb.use, or opened by a host */
  ebb_list runtimes;     /* every open one */
  ebb_alloc alloc;       /* the state's lua_Alloc, counted */
  ebb_alloc charged;     /* the same, on behalf of the running task */
  struct ebb_heap *heap; /* what is behind it, if that is ours: l_heap.c */
  const uint64_t *meter; /* goes up by what Lua allocates */
  uint64_t metered;      /* where it was when the turn began */
  ebb_slab tasks;        /* of ebbL_task */
  ebb_slab regions;      /* of ebbL_deadline: see l_region.c */
  ebbL_records holds;    /* of ebbL_hold: see l_lock.h */
  uint32_t n_pins;       /* slots that these have for good */
  struct {               /* slots[]: see ebbL_slots_take */
    uint32_t *free;
    uint32_t n_free, cap;
    uint32_t n_blocks;
  } blocks[4];
  uint32_t n_slots;
  lua_State **idle; /* finished coroutines, ready for the next task */
  uint32_t *idle_slots;
  uint32_t n_idle;
  lua_State *closing_co; /* the task's coroutine that ebb itself closes */
  lua_CFunction lua_pcall_fn, lua_xpcall_fn; /* the base library's */
  struct ebbL_memory *memory;                /* NULL until ebb.alloc is there */
  ebbL_hooks hooks; /* of coroutines, borrowed: see l_preempt.c */
  ebbL_slices slice;
  const char *drive_name;
  void (*log)(void *ud, const char *message); /* a host's; NULL: stderr */
  void *log_ud;
  bool soft_passed;             /* the heap's soft limit: see l_heap.c */
  ebbL_gc gc;                   /* of the collector in frames: see l_gc.h */
  struct ebbL_threads *threads; /* what it has started: see l_threads.c */
  bool is_worker;               /* of a thread that another state has started */
  bool closing;  /* lua_close has begun: no Lua code runs any more */
  int slots_ref; /* where the registry has the table of slots */
  ebbL_metas metas[EBBL_METAS];
};

#define EBBL_IDLE_MAX 64

static inline ebbL_state *ebbL_S(lua_State *L)
{
  return lua_touserdata(L, lua_upvalueindex(1));
}
#define EBBL_SLOTS lua_upvalueindex(2)

/* Registry key, by address: an ebb_alloc_choice, while a host opens ebb. */
typedef struct ebbL_alloc_choice {
  void *(*fn)(void *ud, void *ptr, size_t old_bytes, size_t new_bytes);
  void *ud;
} ebbL_alloc_choice;
extern const char ebbL_choice_key;
/* Registry key, by address: true in a worker's state. */
extern const char ebbL_worker_key;
/* [-0, +0, raises] Makes the ebbL_state; called once by luaopen. */
ebbL_state *ebbL_state_open(lua_State *L, lua_CFunction gc);
/* Frees what the state owns; no task or runtime is alive. [no-raise] */
void ebbL_state_close(ebbL_state *S);
/* The state of a module already opened here, or NULL. [no-raise] */
ebbL_state *ebbL_state_find(lua_State *L);
/* [-0, +1] The table that keeps error objects by light userdata key: see
   l_region.c. */
void ebbL_pusherrors(lua_State *L);
/* [-0, +1] The table of slots, for code that runs without ebb's upvalues. */
static inline void ebbL_pushslots(lua_State *L, const ebbL_state *S)
{
  lua_rawgeti(L, LUA_REGISTRYINDEX, S->slots_ref);
}

/* Of a type that ebbL_newtype has made. O(1) */
static inline const ebbL_metas *ebbL_metas_of(const ebbL_state *S,
                                              const ebbL_type *type)
{
  uintptr_t at = (uintptr_t)type / 16;
  while (S->metas[at % EBBL_METAS].type != type)
    at++;
  return &S->metas[at % EBBL_METAS];
}

/* [-0, +1] */
static inline void ebbL_pushmeta(lua_State *L, const ebbL_state *S,
                                 const ebbL_type *type)
{
  lua_rawgeti(L, LUA_REGISTRYINDEX, ebbL_metas_of(S, type)->meta);
}

/* [no-raise] The object at idx has nothing left that its __gc would do: the
   collector need not call it. It stays the object that it was. */
static inline void ebbL_retire(lua_State *L, const ebbL_state *S, int idx,
                               const ebbL_type *type)
{
  lua_rawgeti(L, LUA_REGISTRYINDEX, ebbL_metas_of(S, type)->retired);
  lua_setmetatable(L, idx);
}

/* --- slots --- */

/* Lua values that C keeps alive live in one table, in blocks of 1 << size
   (0 to 3) consecutive integer keys. Taking a block may raise; afterwards its
   keys exist (value false), so storing into it cannot fail. */
uint32_t ebbL_slots_take(lua_State *L, ebbL_state *S, int size);
/* [raises] Makes sure that `n` calls of ebbL_slots_pop(S, size) succeed. */
void ebbL_slots_reserve(lua_State *L, ebbL_state *S, int size, uint32_t n);
static inline uint32_t ebbL_slots_pop(ebbL_state *S, int size)
{
  return S->blocks[size].free[--S->blocks[size].n_free];
}
/* [no-raise] `slots` is the index of the table. Sets the values to false. */
void ebbL_slots_give(lua_State *L, ebbL_state *S, int slots, uint32_t at,
                     int size);

/* --- memory --- */

/* [raises] From the state's allocator; collects garbage and tries again before
   it gives up, as Lua does for its own. */
void ebbL_collect(lua_State *L); /* a full collection, if it can be run */
void *ebbL_alloc(lua_State *L, ebbL_state *S, size_t n_bytes);
void *ebbL_slab_get(lua_State *L, ebb_slab *slab);
/* [raises] always */
int ebbL_nomem(lua_State *L);

/* --- errors --- */

/* [raises] "main.lua:12: EBB051: …", position of the nearest Lua frame. */
int ebbL_error(lua_State *L, const char *code, const char *fmt, ...);
/* [raises] The same without a code. */
int ebbL_throw(lua_State *L, const char *fmt, ...);
/* [-0, +1] "file:line: " of the nearest Lua frame, or "". */
void ebbL_where(lua_State *L);
/* [raises] luaL_argerror with the position of the nearest Lua frame. */
int ebbL_argerror(lua_State *L, int arg, const char *what);
/* [raises] "number expected, got nil" */
int ebbL_typeerror(lua_State *L, int arg, const char *expected);

/* [raises] Seconds: a number, not NaN; negative counts as 0. */
double ebbL_checkseconds(lua_State *L, int arg);
lua_Integer ebbL_checkinteger(lua_State *L, int arg, lua_Integer min,
                              lua_Integer max);
/* [raises] A function, or an object that can be called (but no op). */
void ebbL_checkcallable(lua_State *L, int arg);
/* The same where something else would do, too. */
void ebbL_checkcallable_as(lua_State *L, int arg, const char *expected);
/* The table at arg has no keys but these (NULL ends them). [raises] */
void ebbL_checkkeys(lua_State *L, int arg, const char *const *names);
/* [-0, +1] The name of the function at `ar`: how it was called, else where the
   loaded modules have it ("table.sort"), else "?". */
const char *ebbL_funcname(lua_State *L, lua_Debug *ar);
/* The same, preferably with the module that has it: "table.sort". */
const char *ebbL_fullname(lua_State *L, lua_Debug *ar);
/* "an ebb.channel", "a table": what came, for messages. [-0, +1] */
const char *ebbL_typename(lua_State *L, int idx);

/* `nil, word` for an expected outcome. [-0, +2] */
int ebbL_pushoutcome(lua_State *L, const char *word);

#endif
