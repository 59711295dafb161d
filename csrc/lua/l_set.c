/* SPDX-License-Identifier: MIT */
/* Performing sets of ops, for await, select (l_select.c) and their kin. The
   arms of a set lie on the stack from index 1; in a set with keys those follow.
   Whatever else a set pushes lies above, and its results end up right after
   arms and keys. */
#include "lua/l_set.h"

#include "lua/l_rt.h"

enum { MODE_INDEX, MODE_KEYED, MODE_AWAIT, MODE_TIMEOUT };

/* What a set's continuations must know, packed into a lua_KContext. */
typedef struct set {
  int mode, n_arms, arm;
  int32_t step;
  bool from_function;        /* and_then/or_else: the results may be an op */
  bool is_plain;             /* a leaf for each arm: node i is arm i + 1 */
  ebbL_header *const *known; /* until it waits, if at all: see l_set.h */
} set;

#define FIELD     20
#define FIELD_MAX EBBL_SET_MAX

static lua_KContext pack(const set *s)
{
  return (lua_KContext)((uint64_t)s->mode | (uint64_t)s->from_function << 2 |
                        (uint64_t)s->n_arms << 3 |
                        (uint64_t)s->arm << (3 + FIELD) |
                        (uint64_t)(s->step + 1) << (3 + 2 * FIELD) |
                        (uint64_t)s->is_plain << (3 + 3 * FIELD));
}

static set unpack(lua_KContext ctx)
{
  uint64_t bits = (uint64_t)ctx;
  return (set){.mode = (int)(bits & 3),
               .from_function = (bits >> 2) & 1,
               .n_arms = (int)((bits >> 3) & FIELD_MAX),
               .arm = (int)((bits >> (3 + FIELD)) & FIELD_MAX),
               .step = (int32_t)((bits >> (3 + 2 * FIELD)) & FIELD_MAX) - 1,
               .is_plain = bits >> (3 + 3 * FIELD) != 0};
}

/* What the arm is about, NULL if it is skipped. */
static inline ebbL_header *object_of(lua_State *L, const set *s, int arm)
{
  if (EBB_LIKELY(s->known != NULL))
    return s->known[arm - 1];
  return ebbL_set_is_skipped(L, arm) ? NULL : ebbL_touserdata(L, arm);
}

/* Results start above this index. */
static int set_base(const set *s)
{
  return s->mode == MODE_KEYED ? 2 * s->n_arms : s->n_arms;
}

static void keep_top(lua_State *L, int base, int n)
{
  int extra = lua_gettop(L) - n - base;
  if (extra > 0) {
    lua_rotate(L, base + 1, n);
    lua_settop(L, base + n);
  }
}

static int finish_set(lua_State *L, const set *s)
{
  int base = set_base(s);
  switch (s->mode) {
  case MODE_INDEX:
    lua_pushinteger(L, s->arm);
    lua_insert(L, base + 1);
    break;
  case MODE_KEYED:
    lua_pushvalue(L, s->n_arms + s->arm);
    lua_insert(L, base + 1);
    break;
  case MODE_TIMEOUT:
    if (s->arm == 2) {
      lua_settop(L, base);
      lua_pushnil(L);
      lua_pushliteral(L, "timeout");
      lua_getiuservalue(L, 2, 2); /* the number as it was given */
    }
    break;
  default:
    break;
  }
  return lua_gettop(L) - base;
}

static void push_anchor(lua_State *L, int at, int32_t anchor)
{
  lua_getiuservalue(L, at, 1);
  lua_rawgeti(L, -1, anchor + 1);
  lua_remove(L, -2);
}

static int l_await(lua_State *L);
static int steps_k(lua_State *L, int status, lua_KContext ctx);

/* Does a step apply to the values above base? and_then: unless they are nil,
   err; or_else: only then. */
static bool step_applies(lua_State *L, int kind, int base)
{
  if (kind == EBBL_STEP_MAP)
    return true;
  bool failed = lua_gettop(L) >= base + 2 && lua_isnil(L, base + 1);
  return failed == (kind == EBBL_STEP_OR_ELSE);
}

/* The values above base go through the steps of the arm's composite. */
static int run_steps(lua_State *L, set s)
{
  int base = set_base(&s);
  ebbL_composite *composite = lua_touserdata(L, s.arm);
  for (;;) {
    if (s.from_function) {
      s.from_function = false;
      if (lua_gettop(L) == base + 1 && ebbL_isop(L, base + 1)) {
        ebbL_pushfunction(L, ebbL_S(L), l_await);
        lua_insert(L, base + 1);
        lua_callk(L, 1, LUA_MULTRET, pack(&s), steps_k);
      }
    }
    if (s.step < 0)
      return finish_set(L, &s);
    ebbL_step step = ebbL_steps(composite)[s.step];
    s.step = step.parent;
    luaL_checkstack(L, 4, NULL);
    if (step.kind == EBBL_STEP_INDEX) {
      if (step.keyed)
        push_anchor(L, s.arm, step.value);
      else
        lua_pushinteger(L, step.value);
      lua_insert(L, base + 1);
    } else if (step_applies(L, step.kind, base)) {
      int n = lua_gettop(L) - base;
      push_anchor(L, s.arm, step.value);
      lua_insert(L, base + 1);
      s.from_function = step.kind != EBBL_STEP_MAP;
      lua_callk(L, n, LUA_MULTRET, pack(&s), steps_k);
    }
  }
}

static int steps_k(lua_State *L, int status, lua_KContext ctx)
{
  (void)status;
  return run_steps(L, unpack(ctx));
}

/* The n values on top are what arm s->arm (and leaf, in a composite) gave. */
static int arm_happened(lua_State *L, set *s, const ebbL_leaf *leaf, int n)
{
  keep_top(L, set_base(s), n);
  if (leaf == NULL || leaf->step < 0)
    return finish_set(L, s);
  s->step = leaf->step;
  return run_steps(L, *s);
}

/* The order in which arms are tried: each is as likely as any other to be the
   first of those that are ready, wherever they stand. A shuffle made while it
   is used; past MAX_SHUFFLED a random start has to do. */
#define MAX_SHUFFLED 256

typedef struct shuffle {
  ebb_rng *rng; /* NULL: in order */
  uint32_t n, i, start;
  uint8_t order[MAX_SHUFFLED];
} shuffle;

static void shuffle_init(shuffle *sh, ebbL_task *task, uint32_t n, bool biased)
{
  sh->rng = biased || n < 2 ? NULL : &task->core.rt->rng;
  sh->n = n;
  sh->i = sh->start = 0;
  if (sh->rng == NULL)
    return;
  if (n <= MAX_SHUFFLED)
    for (uint32_t i = 0; i < n; i++)
      sh->order[i] = (uint8_t)i;
  else
    sh->start = ebb_rng_below(sh->rng, n);
}

static uint32_t shuffle_next(shuffle *sh)
{
  uint32_t i = sh->i++;
  if (sh->rng == NULL)
    return i;
  if (sh->n > MAX_SHUFFLED)
    return (i + sh->start) % sh->n;
  uint32_t j = i + ebb_rng_below(sh->rng, sh->n - i);
  uint8_t picked = sh->order[j];
  sh->order[j] = sh->order[i];
  return picked;
}

/* Attempts one arm: >= 0 values pushed, *leaf set for a composite. */
static int attempt_arm(lua_State *L, ebbL_task *task, ebbL_header *header,
                       int arm, bool biased, const ebbL_leaf **leaf)
{
  *leaf = NULL;
  if (header->type != &ebbL_composite_type)
    return ebbL_leafclass(header)->attempt(L, task, header, arm);
  ebbL_composite *composite = (ebbL_composite *)header;
  ebbL_leaf *leaves = ebbL_leaves(composite);
  shuffle sh;
  shuffle_init(&sh, task, (uint32_t)composite->n_leaves, biased);
  lua_getiuservalue(L, arm, 1);
  int anchors = lua_gettop(L);
  while (sh.i < sh.n) {
    uint32_t at = shuffle_next(&sh);
    const ebbL_opclass *cls = leaves[at].cls;
    if (!(cls->flags & EBBL_IGNORES_AT))
      lua_rawgeti(L, anchors, leaves[at].anchor + 1);
    int r = cls->attempt(L, task, leaves[at].object, anchors + 1);
    if (r >= 0) {
      *leaf = &leaves[at];
      return r;
    }
    if (!(cls->flags & EBBL_IGNORES_AT))
      lua_settop(L, anchors);
  }
  lua_settop(L, anchors - 1);
  return EBBL_WAIT;
}

static int attempt_set(lua_State *L, ebbL_task *task, set *s, bool biased)
{
  const ebbL_leaf *leaf;
  shuffle sh;
  shuffle_init(&sh, task, (uint32_t)s->n_arms, biased);
  while (sh.i < sh.n) {
    int arm = 1 + (int)shuffle_next(&sh);
    ebbL_header *header = object_of(L, s, arm);
    if (header == NULL)
      continue;
    int r = attempt_arm(L, task, header, arm, biased, &leaf);
    if (r >= 0) {
      s->arm = arm;
      return arm_happened(L, s, leaf, r);
    }
  }
  return EBBL_WAIT;
}

/* Leaf `ordinal` of the set, counted over the arms. */
static void find_leaf(lua_State *L, set *s, uint32_t ordinal,
                      const ebbL_leaf **leaf)
{
  *leaf = NULL;
  if (s->is_plain) {
    s->arm = 1 + (int)ordinal;
    return;
  }
  for (int arm = 1; arm <= s->n_arms; arm++) {
    ebbL_header *header = object_of(L, s, arm);
    if (header == NULL)
      continue;
    s->arm = arm;
    if (header->type == &ebbL_composite_type) {
      ebbL_composite *composite = (ebbL_composite *)header;
      if (ordinal < (uint32_t)composite->n_leaves) {
        *leaf = &ebbL_leaves(composite)[ordinal];
        return;
      }
      ordinal -= (uint32_t)composite->n_leaves;
    } else if (ordinal-- == 0) {
      return;
    }
  }
}

static int set_k(lua_State *L, int status, lua_KContext ctx)
{
  (void)status;
  const ebbL_state *S = ebbL_S(L);
  EBBL_OWN_RESUME(L, S, set_k, ctx);
  ebbL_task *task = S->current;
  ebbL_check_woken(L, task);
  set s = unpack(ctx);
  const ebbL_leaf *leaf;
  uint32_t ordinal = task->core.arm;
  int payload = (int)task->core.waits[ordinal].slot;
  find_leaf(L, &s, ordinal, &leaf);
  int n;
  if (leaf == NULL) {
    ebbL_header *header = ebbL_touserdata(L, s.arm);
    n = ebbL_leafclass(header)->settle(L, task, header, s.arm, payload);
  } else if (leaf->cls->flags & EBBL_IGNORES_AT) {
    n = leaf->cls->settle(L, task, leaf->object, 0, payload);
  } else {
    int at = lua_gettop(L) - task->n_args + 1;
    push_anchor(L, s.arm, leaf->anchor);
    lua_insert(L, at);
    n = leaf->cls->settle(L, task, leaf->object, at, payload);
  }
  return arm_happened(L, &s, leaf, n);
}

/* Visits every leaf of the set in order: counts, prepares, or links. */
enum { VISIT_COUNT, VISIT_PREPARE, VISIT_LINK };

typedef struct visit {
  int what;
  uint32_t n, n_timed, n_prepared, n_enlisted;
  bool is_composed; /* some arm is a composite */
} visit;

static void count_leaf(visit *v, const ebbL_opclass *cls)
{
  v->n++;
  v->n_timed += (cls->flags & EBBL_TIMED) != 0;
  v->n_prepared += cls->prepare != NULL;
  v->n_enlisted += (cls->flags & EBBL_ENLISTS) != 0;
}

/* A composite is counted once in its life. */
static void count_composite(visit *v, ebbL_composite *composite)
{
  if (!composite->is_counted) {
    visit own = {.what = VISIT_COUNT};
    for (int32_t i = 0; i < composite->n_leaves; i++)
      count_leaf(&own, ebbL_leaves(composite)[i].cls);
    composite->n_timed = own.n_timed;
    composite->n_prepared = own.n_prepared;
    composite->n_enlisted = own.n_enlisted;
    composite->is_counted = true;
  }
  v->n += (uint32_t)composite->n_leaves;
  v->n_timed += composite->n_timed;
  v->n_prepared += composite->n_prepared;
  v->n_enlisted += composite->n_enlisted;
}

static void visit_leaf(lua_State *L, ebbL_task *task, visit *v,
                       const ebbL_opclass *cls, void *object, int at)
{
  uint32_t i = v->n++;
  if (v->what == VISIT_LINK) {
    /* without a prepare pass the slots are not set */
    cls->link(task, i, object,
              v->n_prepared > 0 ? (int)task->core.waits[i].slot : 0);
    return;
  }
  task->core.waits[i].slot = 0;
  if (cls->prepare != NULL) {
    cls->prepare(L, task, object, at);
    task->core.waits[i].slot = (uint32_t)lua_gettop(L);
  }
}

static void visit_set(lua_State *L, ebbL_task *task, const set *s, visit *v)
{
  for (int arm = 1; arm <= s->n_arms; arm++) {
    ebbL_header *header = object_of(L, s, arm);
    if (header == NULL)
      continue;
    if (header->type != &ebbL_composite_type) {
      if (v->what == VISIT_COUNT)
        count_leaf(v, ebbL_leafclass(header));
      else
        visit_leaf(L, task, v, ebbL_leafclass(header), header, arm);
      continue;
    }
    ebbL_composite *composite = (ebbL_composite *)header;
    if (v->what == VISIT_COUNT) {
      v->is_composed = true;
      count_composite(v, composite);
      continue;
    }
    ebbL_leaf *leaves = ebbL_leaves(composite);
    for (int32_t i = 0; i < composite->n_leaves; i++) {
      if (v->what == VISIT_PREPARE && leaves[i].cls->prepare != NULL) {
        /* its userdata stays below the payload: prepare may look at it */
        push_anchor(L, arm, leaves[i].anchor);
        visit_leaf(L, task, v, leaves[i].cls, leaves[i].object, lua_gettop(L));
      } else {
        visit_leaf(L, task, v, leaves[i].cls, leaves[i].object, 0);
      }
    }
  }
}

static int wait_set(lua_State *L, ebbL_task *task, set *s, bool biased)
{
  visit v = {.what = VISIT_COUNT};
  visit_set(L, task, s, &v);
  uint32_t n = v.n, n_prepared = v.n_prepared;
  bool enlists = v.n_enlisted > 0;
  s->is_plain = !v.is_composed && n == (uint32_t)s->n_arms;
  luaL_checkstack(L, (int)n * 2 + 16, "too many operations");
  ebbL_reserve_nodes(L, task, n, v.n_timed);
  if (n_prepared > 0) {
    v = (visit){.what = VISIT_PREPARE, .n_prepared = n_prepared};
    visit_set(L, task, s, &v);
    /* It may have collected, and a finaliser done what is waited for. */
    if (!enlists) {
      int r = attempt_set(L, task, s, biased);
      if (EBB_UNLIKELY(r >= 0))
        return r;
    }
  }
  /* nothing raises from here on */
  v = (visit){.what = VISIT_LINK, .n_prepared = n_prepared};
  visit_set(L, task, s, &v);
  return ebbL_park(L, task, n, set_k, pack(s));
}

int ebbL_set_perform(lua_State *L, ebbL_task *task, int n_arms,
                     ebbL_header *const *known, bool is_keyed, bool biased,
                     bool try_only)
{
  set s = {.mode = is_keyed ? MODE_KEYED : MODE_INDEX,
           .n_arms = n_arms,
           .step = -1,
           .known = known};
  luaL_checkstack(L, 16, NULL);
  int n = attempt_set(L, task, &s, biased);
  if (n >= 0)
    return n;
  if (try_only) {
    lua_pushnil(L);
    return 1;
  }
  ebbL_check_waiting(L, task);
  return wait_set(L, task, &s, biased);
}

/* --- await --- */

static int await_set(lua_State *L, ebbL_task *task, set *s)
{
  bool biased = s->mode == MODE_TIMEOUT;
  int n = attempt_set(L, task, s, biased);
  if (n >= 0)
    return n;
  ebbL_check_waiting(L, task);
  return wait_set(L, task, s, biased);
}

int ebbL_await(lua_State *L, int idx, lua_CFunction fn)
{
  ebbL_state *S = ebbL_S(L);
  ebbL_header *header = ebbL_checkop(L, idx, idx, 0);
  lua_settop(L, idx);
  if (idx != 1) {
    lua_replace(L, 1);
    lua_settop(L, 1);
  }
  if (header->type != &ebbL_composite_type &&
      ebbL_leafclass(header) != &ebbL_defer_class)
    return ebbL_perform(L, ebbL_leafclass(header), header, fn);
  ebbL_task *task = ebbL_self(L, S);
  if (task == NULL)
    return ebbL_drive(L, S, fn);
  ebbL_check_struck(L, task);
  if (ebbL_spent(task))
    return ebbL_giveway(L, task, fn);
  ebbL_expand(L, S, 1);
  set s = {.mode = MODE_AWAIT, .n_arms = 1, .step = -1};
  return await_set(L, task, &s);
}

static int l_await(lua_State *L)
{
  return ebbL_await(L, 1, l_await);
}

bool ebbL_has_functions(lua_State *L, int idx)
{
  ebbL_composite *composite = ebbL_test(L, idx, &ebbL_composite_type);
  if (composite == NULL)
    return false;
  const ebbL_step *steps = ebbL_steps(composite);
  for (int32_t i = 0; i < composite->n_steps; i++)
    if (steps[i].kind != EBBL_STEP_INDEX)
      return true;
  return composite->has_defer;
}

void ebbL_pushawait(lua_State *L, ebbL_state *S)
{
  ebbL_pushfunction(L, S, l_await);
}

/* ebb.timeout(s, op): [op, after] on the stack; the op is looked at first. */
int ebbL_await_timeout(lua_State *L, ebbL_task *task)
{
  ebbL_expand(L, ebbL_S(L), 1);
  set s = {.mode = MODE_TIMEOUT, .n_arms = 2, .step = -1};
  return await_set(L, task, &s);
}

/* --- what is in the module --- */

void ebbL_addopmethods(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg funcs[] = {{"await", l_await}, {NULL, NULL}};
  ebbL_setfuncs(L, S, funcs);
  ebbL_addcombinators(L, S);
}

void ebbL_open_set(lua_State *L, ebbL_state *S)
{
  static const luaL_Reg funcs[] = {{"await", l_await}, {NULL, NULL}};
  ebbL_setfuncs(L, S, funcs);
}
