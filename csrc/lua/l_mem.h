/* SPDX-License-Identifier: MIT */
/* Memory as Lua has it: guards, and the handles of what is made through them.

   A handle (bytes, array, vec, buffer, and views of them) is a *span*: a small
   userdata that knows where its elements are and the generation at which that
   was right. Every access compares the generation first (ebbL_span_check), so a
   stale handle, freed by its guard (EBB012) or with its frame (EBB002), throws
   and never touches memory. Where the elements come from is not the span's
   affair: it may own a block (pool or heap), lie in the frame arena
   (l_frame.h), or look at another span's. A new kind of memory sets gen_at to
   its own generation and is done.

   What keeps what alive: a handle keeps its guard (user value 1; for a view,
   the span it looks at), a guard keeps the functions and objects it will close
   (user value 1, a table) and its parent (user value 2); a guard does not keep
   its handles: one that is collected frees its block. */
#ifndef EBB_LUA_MEM_H
#define EBB_LUA_MEM_H

#include "alloc/frame.h"
#include "alloc/guard.h"
#include "lua/l_record.h"
#include "lua/l_site.h"
#include "lua/l_state.h"

/* Where something was allocated and freed: debug mode only. */
typedef struct ebbL_places {
  char made[96], freed[96]; /* "main.lua:12", "" if unknown */
} ebbL_places;

/* A record: the block of a span in the pool or heap. It stands in a guard's
   list, views look at its generation. */
typedef struct ebbL_block {
  const ebbL_type *type; /* of the span */
  ebbL_places *places;   /* likewise */
  ebb_block block;       /* its generation never goes back */
} ebbL_block;

static inline ebbL_block *ebbL_block_of(ebb_block *core)
{
  return ebb_container_of(core, ebbL_block, block);
}

/* One per Lua state; lives as long as the state. */
typedef struct ebbL_memory {
  ebbL_header head;
  ebb_frame frame;
  struct {
    ebb_frame_count count; /* of the last frame, when it ended */
    size_t peak_bytes;
  } last_frame;
  const ebbL_site *begun_at; /* the open frame */
  ebb_list open_phases;      /* of ebbL_phase.link */
  uint32_t n_phase_names;
  ebbL_sites sites;
  ebb_pool pool;
  ebb_slab items;      /* of ebbL_entry */
  ebb_slab places;     /* of ebbL_places */
  ebbL_records blocks; /* of ebbL_block */
  ebbL_block gone;     /* in no guard: of spans that have been collected */
  ebb_guard loose;  /* what belongs to the collector: promoted out of guards */
  ebb_list guards;  /* every ebbL_guard */
  ebb_list budgets; /* every ebbL_budget */
  ebb_list registries;
  int64_t owed_bytes; /* grown, but the collector has not been told yet */
  bool is_debug;
  bool is_closed; /* the state is closing */
} ebbL_memory;

/* --- elements (l_elem.c) --- */

typedef enum ebbL_elem {
  EBBL_U8,
  EBBL_I8,
  EBBL_U16,
  EBBL_I16,
  EBBL_U32,
  EBBL_I32,
  EBBL_I64,
  EBBL_F32,
  EBBL_F64,
  EBBL_N_ELEMS
} ebbL_elem;

typedef struct ebbL_eleminfo {
  const char *name;
  uint8_t n_bytes;
  int64_t min, max; /* of the integer types */
} ebbL_eleminfo;

extern const ebbL_eleminfo ebbL_elems[EBBL_N_ELEMS];

/* [-0, +0, raises] The type named at arg: "u8" … "f64". */
ebbL_elem ebbL_checkelem(lua_State *L, int arg);
/* [-0, +1, no-raise] Pushes element i (from 0). */
void ebbL_elem_push(lua_State *L, ebbL_elem elem, const unsigned char *data,
                    size_t i);
/* [raises] EBB013 if the value at idx does not fit; else stores it. */
void ebbL_elem_store(lua_State *L, int idx, ebbL_elem elem, unsigned char *data,
                     size_t i);
/* [raises] The same without storing. */
void ebbL_elem_check(lua_State *L, int idx, ebbL_elem elem);
/* n elements from `data` on become copies of the value at idx. [raises] */
void ebbL_elem_fill(lua_State *L, int idx, ebbL_elem elem, unsigned char *data,
                    size_t n);
/* [-0, +1] The sum (of integers: wraps around as Lua's + does). */
void ebbL_elem_sum(lua_State *L, ebbL_elem elem, const unsigned char *data,
                   size_t n);
/* [-0, +1] The least (sign < 0) or greatest element; nil when n is 0. */
void ebbL_elem_extreme(lua_State *L, ebbL_elem elem, const unsigned char *data,
                       size_t n, int sign);

/* < 0, 0 or > 0: the first elements that differ tell, else the shorter one is
   less. NaN is equal to itself and greater than all numbers. [no-raise] */
int ebbL_elem_compare(ebbL_elem elem, const unsigned char *a, size_t n_a,
                      const unsigned char *b, size_t n_b);

/* What add and mul combine with: one number, or as many elements. */
typedef struct ebbL_operand {
  ebbL_elem elem;
  const unsigned char *data; /* NULL: the number */
  bool is_integer;
  int64_t integer;
  double number;
} ebbL_operand;

/* [raises] EBB013, with nothing changed, if a result does not fit. */
void ebbL_elem_combine(lua_State *L, char op, ebbL_elem elem,
                       unsigned char *data, size_t n,
                       const ebbL_operand *operand);

/* --- guards (l_guard.c) ----------------------------------------------------
 */

enum { EBBL_OPEN, EBBL_CLOSING, EBBL_RESETTING, EBBL_CLOSED };

/* Kinds of items beside blocks. */
enum { EBBL_ITEM_DEFER = EBB_ITEM_HOST, EBBL_ITEM_OWN, EBBL_ITEM_BOX };

/* A function to run, or an object to close: values[key] of the guard. */
typedef struct ebbL_entry {
  ebb_item item;
  lua_Integer key;
  struct ebbL_guard *child; /* the object, if it is a child guard */
} ebbL_entry;

/* User value 1: its guard; 2: what it holds. */
typedef struct ebbL_box {
  ebbL_header head;
  ebb_item item; /* in a guard while it holds something */
  ebbL_memory *memory;
  ebbL_places *places;
} ebbL_box;

typedef struct ebbL_guard {
  ebbL_header head;
  ebbL_memory *memory;
  ebb_guard guard;
  ebb_list link;      /* in memory->guards */
  ebbL_entry *parent; /* its entry in the parent guard, or NULL */
  ebbL_places *places;
  lua_Integer last_key; /* in its table of values */
  uint32_t n_children;
  uint8_t state;
  bool has_error; /* something failed while it was closed */
} ebbL_guard;

#define ebbL_guard_type (ebbL_linked_types[EBBL_LINKED_GUARD])

/* [raises] The open guard at idx; EBB012 when it is closed or closing. */
ebbL_guard *ebbL_checkguard(lua_State *L, int idx);

/* The largest block: what no machine has in one piece is refused before it is
   asked for. */
#define EBBL_MAX_BYTES                                                         \
  (sizeof(size_t) >= 8 ? (size_t)1 << 39 : (size_t)PTRDIFF_MAX / 2)

/* --- spans (l_span.c) --------------------------------------------------------
 */

typedef struct ebbL_span {
  ebbL_header head;
  const uint64_t *gen_at; /* live while *gen_at == gen */
  uint64_t gen;
  unsigned char *data; /* the first element */
  size_t n;            /* elements: #x */
  size_t cap; /* of vec and buffer, in elements, from the block's start */
  uint8_t elem;
  bool is_view;
  bool is_frame; /* in the frame arena: no finaliser, no block */
  union {
    ebbL_places *places;   /* debug mode only */
    const ebbL_site *site; /* frame memory: always */
  };
  ebbL_memory *memory;
  ebb_block *block; /* last: views do without, and fixed frame memory */
} ebbL_span;

/* In one row, so that "any span" is one comparison. */
extern const ebbL_type ebbL_span_types[4];
#define ebbL_bytes_type  (ebbL_span_types[0])
#define ebbL_array_type  (ebbL_span_types[1])
#define ebbL_vec_type    (ebbL_span_types[2])
#define ebbL_buffer_type (ebbL_span_types[3])
#define ebbL_box_type    (ebbL_linked_types[EBBL_LINKED_BOX])

/* The span at idx whatever its kind and state, or NULL. [no-raise] */
static inline ebbL_span *ebbL_tospan(lua_State *L, int idx)
{
  ebbL_header *header = ebbL_object(L, idx);
  if (EBB_UNLIKELY(header == NULL ||
                   (uintptr_t)header->type - (uintptr_t)ebbL_span_types >=
                       sizeof(ebbL_span_types)))
    return NULL;
  return (ebbL_span *)header;
}
/* [raises] EBB012, naming what is known of it. */
int ebbL_span_stale(lua_State *L, ebbL_span *span);

/* Of the guard that its block is in; NULL: none, or no block of a guard's. */
static inline ebb_budget *ebbL_span_budget(const ebbL_span *span)
{
  const ebb_guard *guard = span->block->item.guard;
  return guard != NULL ? guard->budget : NULL;
}

static inline bool ebbL_span_is_live(const ebbL_span *span)
{
  return EBB_LIKELY(*span->gen_at == span->gen);
}

/* The one way to a span's memory: of `type`, and live. [raises] */
static inline ebbL_span *ebbL_span_check(lua_State *L, int idx,
                                         const ebbL_type *type)
{
  ebbL_span *span = ebbL_check(L, idx, type);
  if (EBB_UNLIKELY(!ebbL_span_is_live(span)))
    ebbL_span_stale(L, span);
  return span;
}
/* The same for a span of any kind. [raises] */
ebbL_span *ebbL_span_checkany(lua_State *L, int idx);
/* [raises] At the end of the live buffer `span` (l_buffer.c). */
void ebbL_buffer_append(lua_State *L, ebbL_span *span, const void *bytes,
                        size_t n);

/* [-0, +1, raises] A new span of n zeroed elements in the guard at idx, with
   room for cap (>= n), aligned to `align` (0: as any). [-0, +2] and NULL when
   the guard's budget refuses: nil, "budget 'name' exceeded". */
ebbL_span *ebbL_span_new(lua_State *L, int guard_idx, const ebbL_type *type,
                         ebbL_elem elem, size_t n, size_t cap, size_t align);
/* [-0, +1, raises] A new span of n elements with the bytes at `from`, in no
   guard: the collector frees it. */
ebbL_span *ebbL_span_loose(lua_State *L, ebbL_memory *M, const ebbL_type *type,
                           ebbL_elem elem, size_t n, const void *from);
/* [-0, +1, raises] A view of n elements of the span at idx from `data` on. */
ebbL_span *ebbL_span_view(lua_State *L, int idx, unsigned char *data, size_t n);
/* [raises] Room for cap elements; views of it become stale if that takes a
   larger block. Growth is geometric unless `exact`, or unless only the exact
   size is within the budget; EBB032 if not even that is. Any code may have run
   meanwhile and changed the span, but it is live: look whether there is room.
 */
void ebbL_span_grow(lua_State *L, ebbL_span *span, size_t cap, bool exact);
/* [-0, +1, raises] A zeroed span without a finaliser, of n_bytes and no user
   values: it must own nothing. */
ebbL_span *ebbL_span_lean(lua_State *L, ebbL_state *S, const ebbL_type *type,
                          size_t n_bytes);
/* Frees the data; `place` (may be NULL) is where that happens. [no-raise] */
void ebbL_block_free(ebb_block *block, const char *place);

/* [raises] There must be an argument, be it nil. */
static inline void ebbL_checkvalue(lua_State *L, int arg)
{
  if (EBB_UNLIKELY(lua_isnone(L, arg)))
    ebbL_argerror(L, arg, "value expected");
}
/* [raises] A count of elements at arg (0 if it is optional and missing). */
size_t ebbL_checkcount(lua_State *L, int arg, ebbL_elem elem, bool optional);
/* [raises] The option `align` of the optional table at arg: a power of two up
   to 4096, or 0. */
size_t ebbL_optalign(lua_State *L, int arg);
/* n elements in bytes; SIZE_MAX if that is too much for any allocator. */
size_t ebbL_elem_bytes(ebbL_elem elem, size_t n);
/* [-0, +1] "ebb.array: f64 x 16" */
const char *ebbL_span_label(lua_State *L, const ebbL_span *span);
/* [raises] EBB013 unless 1 <= the integer at arg <= n; returns it. */
size_t ebbL_checkindex(lua_State *L, int arg, const ebbL_span *span);
/* [raises] The optional range i, j at arg and arg + 1 (default: all), both in
   1..n, or an empty one; EBB013 outside. Returns the first, 0-based, and sets
   the count. */
size_t ebbL_checkrange(lua_State *L, int arg, const ebbL_span *span, size_t *n);

/* [-0, +0, raises] Makes the metatable of a span type, with x[i] for numbers
   and methods for strings. */
void ebbL_span_newtype(lua_State *L, ebbL_state *S, const ebbL_type *type,
                       const luaL_Reg *methods);

/* What bytes, array and vec share (l_bytes.c); `span` is the object at 1,
   checked. */
int ebbL_span_fill(lua_State *L, ebbL_span *span);
int ebbL_span_copy(lua_State *L, ebbL_span *span);
int ebbL_span_slice(lua_State *L, ebbL_span *span);
/* What all four share. */
int ebbL_span_compare(lua_State *L);
int ebbL_span_checksum(lua_State *L);

/* The memory of the bytes, array, vec or buffer at idx and its size, for C code
   of the host: good until the object is freed or grows, so no longer than until
   other Lua code runs. NULL when it is none of these, or stale; never NULL
   otherwise. [-0, +0, no-raise] */
void *ebbL_buffer_ptr(lua_State *L, int idx, size_t *n_bytes);

/* --- the state's memory (l_mem.c) --------------------------------------------
 */

/* [no-raise] Every function registered through ebbL_mem_setfuncs has it as its
   third upvalue. */
static inline ebbL_memory *ebbL_M(lua_State *L)
{
  return lua_touserdata(L, lua_upvalueindex(3));
}

/* Tells the collector that n_bytes are about to be allocated for objects that
   it sees as small: it is stepped in proportion, so that garbage handles cannot
   pile up. May run finalisers, hence any Lua code: check what you need again
   afterwards. [raises] */
void ebbL_memory_charge(lua_State *L, ebbL_memory *M, size_t n_bytes);
/* n_bytes were freed on purpose: growing again to the same size is no reason
   to step. [no-raise] */
void ebbL_memory_credit(ebbL_memory *M, size_t n_bytes);

/* In debug mode: a new record with the caller's place, else NULL. [no-raise] */
ebbL_places *ebbL_places_new(lua_State *L, ebbL_memory *M);
/* Writes the caller's place to the buffer of 96 bytes. [no-raise] */
void ebbL_place_write(lua_State *L, char *place);
/* [-0, +1] " (allocated at …, freed at …)" or "". */
const char *ebbL_places_push(lua_State *L, const ebbL_places *places);

/* [-0, +0, raises] Adds guard, task_guard and alloc to the module on top. */
void ebbL_open_mem(lua_State *L, ebbL_state *S);
/* [-0, +0, raises] Functions whose third upvalue is M, into the table on top.
 */
void ebbL_mem_setfuncs(lua_State *L, ebbL_state *S, ebbL_memory *M,
                       const luaL_Reg *functions);
void ebbL_open_guard(lua_State *L, ebbL_state *S, ebbL_memory *M);
void ebbL_open_spans(lua_State *L, ebbL_state *S);
void ebbL_open_bytes(lua_State *L, ebbL_state *S);
void ebbL_open_array(lua_State *L, ebbL_state *S);
void ebbL_open_buffer(lua_State *L, ebbL_state *S);

#endif
