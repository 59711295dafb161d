/* SPDX-License-Identifier: MIT */
/* The element types of typed memory: reading, storing with a check that the
   value fits, and whole-array arithmetic. Everything here works on plain memory
   that the caller has checked; what can fail checks all of it before the first
   write, so that an error changes nothing. */
#include "lua/l_mem.h"

#include <math.h>
#include <string.h>

const ebbL_eleminfo ebbL_elems[EBBL_N_ELEMS] = {
    [EBBL_U8] = {"u8", 1, 0, UINT8_MAX},
    [EBBL_I8] = {"i8", 1, INT8_MIN, INT8_MAX},
    [EBBL_U16] = {"u16", 2, 0, UINT16_MAX},
    [EBBL_I16] = {"i16", 2, INT16_MIN, INT16_MAX},
    [EBBL_U32] = {"u32", 4, 0, UINT32_MAX},
    [EBBL_I32] = {"i32", 4, INT32_MIN, INT32_MAX},
    [EBBL_I64] = {"i64", 8, INT64_MIN, INT64_MAX},
    [EBBL_F32] = {"f32", 4, 0, 0},
    [EBBL_F64] = {"f64", 8, 0, 0},
};

static bool is_float(ebbL_elem elem)
{
  return elem >= EBBL_F32;
}

ebbL_elem ebbL_checkelem(lua_State *L, int arg)
{
  if (lua_type(L, arg) != LUA_TSTRING)
    ebbL_typeerror(L, arg, "element type");
  const char *name = lua_tostring(L, arg);
  for (int i = 0; i < EBBL_N_ELEMS; i++)
    if (name[0] == ebbL_elems[i].name[0] && name[1] == ebbL_elems[i].name[1] &&
        strcmp(name, ebbL_elems[i].name) == 0)
      return (ebbL_elem)i;
  ebbL_argerror(L, arg,
                lua_pushfstring(L,
                                "element type expected (u8 i8 u16 i16 u32 i32 "
                                "i64 f32 f64), got \"%s\"",
                                name));
  return EBBL_U8;
}

/* --- one element ------------------------------------------------------------
 */

static inline int64_t load_integer(ebbL_elem elem, const unsigned char *data,
                                   size_t i)
{
  switch (elem) {
  case EBBL_U8:
    return data[i];
  case EBBL_I8:
    return ((const int8_t *)data)[i];
  case EBBL_U16:
    return ((const uint16_t *)data)[i];
  case EBBL_I16:
    return ((const int16_t *)data)[i];
  case EBBL_U32:
    return ((const uint32_t *)data)[i];
  case EBBL_I32:
    return ((const int32_t *)data)[i];
  default:
    return ((const int64_t *)data)[i];
  }
}

static inline double load_number(ebbL_elem elem, const unsigned char *data,
                                 size_t i)
{
  if (elem == EBBL_F64)
    return ((const double *)data)[i];
  if (elem == EBBL_F32)
    return (double)((const float *)data)[i];
  return (double)load_integer(elem, data, i);
}

/* The value is known to fit. */
static inline void save_integer(ebbL_elem elem, unsigned char *data, size_t i,
                                int64_t value)
{
  switch (elem) {
  case EBBL_U8:
  case EBBL_I8:
    data[i] = (unsigned char)value;
    break;
  case EBBL_U16:
  case EBBL_I16:
    ((uint16_t *)data)[i] = (uint16_t)value;
    break;
  case EBBL_U32:
  case EBBL_I32:
    ((uint32_t *)data)[i] = (uint32_t)value;
    break;
  default:
    ((int64_t *)data)[i] = value;
  }
}

static inline void save_number(ebbL_elem elem, unsigned char *data, size_t i,
                               double value)
{
  if (elem == EBBL_F64)
    ((double *)data)[i] = value;
  else
    ((float *)data)[i] = (float)value;
}

void ebbL_elem_push(lua_State *L, ebbL_elem elem, const unsigned char *data,
                    size_t i)
{
  if (is_float(elem))
    lua_pushnumber(L, load_number(elem, data, i));
  else
    lua_pushinteger(L, load_integer(elem, data, i));
}

/* [raises] EBB013 */
static void refuse_value(lua_State *L, ebbL_elem elem, const char *value)
{
  const ebbL_eleminfo *info = &ebbL_elems[elem];
  if (is_float(elem))
    ebbL_error(L, "EBB013", "%s cannot hold %s (a number expected)", info->name,
               value);
  ebbL_error(L, "EBB013", "%s cannot hold %s (integers from %I to %I expected)",
             info->name, value, (LUAI_UACINT)info->min, (LUAI_UACINT)info->max);
}

/* The integer at idx, if it fits. [raises] */
static int64_t check_integer(lua_State *L, int idx, ebbL_elem elem)
{
  const ebbL_eleminfo *info = &ebbL_elems[elem];
  int is_integer = 0;
  int64_t value = 0;
  if (lua_type(L, idx) == LUA_TNUMBER)
    value = lua_tointegerx(L, idx, &is_integer);
  if (EBB_UNLIKELY(!is_integer || value < info->min || value > info->max)) {
    if (lua_type(L, idx) == LUA_TNUMBER) {
      lua_pushvalue(L, idx);
      refuse_value(L, elem, lua_tostring(L, -1));
    }
    refuse_value(L, elem, ebbL_typename(L, idx));
  }
  return value;
}

static double check_number(lua_State *L, int idx, ebbL_elem elem)
{
  if (EBB_UNLIKELY(lua_type(L, idx) != LUA_TNUMBER))
    refuse_value(L, elem, ebbL_typename(L, idx));
  return lua_tonumber(L, idx);
}

void ebbL_elem_check(lua_State *L, int idx, ebbL_elem elem)
{
  if (is_float(elem))
    (void)check_number(L, idx, elem);
  else
    (void)check_integer(L, idx, elem);
}

void ebbL_elem_store(lua_State *L, int idx, ebbL_elem elem, unsigned char *data,
                     size_t i)
{
  if (is_float(elem))
    save_number(elem, data, i, check_number(L, idx, elem));
  else
    save_integer(elem, data, i, check_integer(L, idx, elem));
}

/* --- all at once --- */

void ebbL_elem_fill(lua_State *L, int idx, ebbL_elem elem, unsigned char *data,
                    size_t n)
{
  unsigned char value[8];
  /* Checked and converted once, even if there is nothing to fill. */
  union {
    double number;
    int64_t integer;
    unsigned char bytes[8];
  } one;
  ebbL_elem_store(L, idx, elem, one.bytes, 0);
  memcpy(value, one.bytes, sizeof(value));
  size_t size = ebbL_elems[elem].n_bytes;
  if (size == 1) {
    memset(data, value[0], n);
    return;
  }
  for (size_t i = 0; i < n; i++)
    memcpy(data + i * size, value, size);
}

void ebbL_elem_sum(lua_State *L, ebbL_elem elem, const unsigned char *data,
                   size_t n)
{
  if (is_float(elem)) {
    double sum = 0;
    for (size_t i = 0; i < n; i++)
      sum += load_number(elem, data, i);
    lua_pushnumber(L, sum);
  } else {
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
      sum += (uint64_t)load_integer(elem, data, i);
    lua_pushinteger(L, (lua_Integer)sum);
  }
}

void ebbL_elem_extreme(lua_State *L, ebbL_elem elem, const unsigned char *data,
                       size_t n, int sign)
{
  if (n == 0) {
    lua_pushnil(L);
  } else if (is_float(elem)) {
    double best = load_number(elem, data, 0);
    for (size_t i = 1; i < n; i++) {
      double x = load_number(elem, data, i);
      /* A number beats NaN, so that one bad sample does not hide the rest. */
      if ((sign < 0 ? x < best : x > best) || best != best)
        best = x;
    }
    lua_pushnumber(L, best);
  } else {
    int64_t best = load_integer(elem, data, 0);
    for (size_t i = 1; i < n; i++) {
      int64_t x = load_integer(elem, data, i);
      if (sign < 0 ? x < best : x > best)
        best = x;
    }
    lua_pushinteger(L, best);
  }
}

/* NaN is equal to itself and greater than all numbers. */
static inline int compare_numbers(double a, double b)
{
  if (a < b || (b != b && a == a))
    return -1;
  return a > b || (a != a && b == b);
}

int ebbL_elem_compare(ebbL_elem elem, const unsigned char *a, size_t n_a,
                      const unsigned char *b, size_t n_b)
{
  size_t n = n_a < n_b ? n_a : n_b;
  int order = 0;
  if (elem == EBBL_U8) {
    if (n > 0)
      order = memcmp(a, b, n);
  } else if (is_float(elem)) {
    for (size_t i = 0; i < n && order == 0; i++)
      order = compare_numbers(load_number(elem, a, i), load_number(elem, b, i));
  } else {
    for (size_t i = 0; i < n && order == 0; i++) {
      int64_t x = load_integer(elem, a, i), y = load_integer(elem, b, i);
      order = x < y ? -1 : x > y;
    }
  }
  if (order == 0)
    order = n_a < n_b ? -1 : n_a > n_b;
  return order;
}

/* --- add and mul --- */

static inline double combine_numbers(char op, double a, double b)
{
  return op == '+' ? a + b : a * b;
}

/* False if the result does not fit. i64 wraps around, as Lua's integers do. */
static inline bool combine_integers(char op, ebbL_elem elem, int64_t a,
                                    int64_t b, int64_t *result)
{
  uint64_t r =
      op == '+' ? (uint64_t)a + (uint64_t)b : (uint64_t)a * (uint64_t)b;
  *result = (int64_t)r;
  if (elem == EBBL_I64)
    return true;
  /* Narrow results are below 2^32, where the rounded product is good enough to
     tell that the 64-bit one has not wrapped. */
  if (fabs(combine_numbers(op, (double)a, (double)b)) > 0x1p40)
    return false;
  return *result >= ebbL_elems[elem].min && *result <= ebbL_elems[elem].max;
}

/* Operand i for an integer array. False if it is no integer. */
static inline bool operand_integer(const ebbL_operand *operand, size_t i,
                                   int64_t *value)
{
  double x;
  if (operand->data == NULL) {
    *value = operand->integer;
    if (operand->is_integer)
      return true;
    x = operand->number;
  } else {
    if (!is_float(operand->elem)) {
      *value = load_integer(operand->elem, operand->data, i);
      return true;
    }
    x = load_number(operand->elem, operand->data, i);
  }
  if (!(x >= -0x1p63 && x < 0x1p63))
    return false;
  *value = (int64_t)x;
  return (double)*value == x;
}

static inline double operand_number(const ebbL_operand *operand, size_t i)
{
  return operand->data == NULL ? operand->number
                               : load_number(operand->elem, operand->data, i);
}

static void check_combined(lua_State *L, char op, ebbL_elem elem,
                           const unsigned char *data, size_t n,
                           const ebbL_operand *operand)
{
  for (size_t i = 0; i < n; i++) {
    int64_t a = load_integer(elem, data, i), b = 0, result;
    if (!operand_integer(operand, i, &b))
      ebbL_error(L, "EBB013", "%s elements take integers only, got %f (at %I)",
                 ebbL_elems[elem].name,
                 (LUAI_UACNUMBER)operand_number(operand, i),
                 (LUAI_UACINT)i + 1);
    if (!combine_integers(op, elem, a, b, &result))
      ebbL_error(L, "EBB013", "%s cannot hold %I %s %I (element %I)",
                 ebbL_elems[elem].name, (LUAI_UACINT)a, op == '+' ? "+" : "*",
                 (LUAI_UACINT)b, (LUAI_UACINT)i + 1);
  }
}

void ebbL_elem_combine(lua_State *L, char op, ebbL_elem elem,
                       unsigned char *data, size_t n,
                       const ebbL_operand *operand)
{
  if (elem == EBBL_F64 && operand->data == NULL) {
    double *x = (double *)data, y = operand->number;
    for (size_t i = 0; i < n; i++)
      x[i] = op == '+' ? x[i] + y : x[i] * y;
  } else if (elem == EBBL_F64 && operand->elem == EBBL_F64) {
    double *x = (double *)data;
    const double *y = (const double *)operand->data;
    for (size_t i = 0; i < n; i++)
      x[i] = op == '+' ? x[i] + y[i] : x[i] * y[i];
  } else if (is_float(elem)) {
    for (size_t i = 0; i < n; i++)
      save_number(elem, data, i,
                  combine_numbers(op, load_number(elem, data, i),
                                  operand_number(operand, i)));
  } else {
    check_combined(L, op, elem, data, n, operand);
    for (size_t i = 0; i < n; i++) {
      int64_t b = 0, result;
      (void)operand_integer(operand, i, &b);
      (void)combine_integers(op, elem, load_integer(elem, data, i), b, &result);
      save_integer(elem, data, i, result);
    }
  }
}
