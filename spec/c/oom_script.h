/* SPDX-License-Identifier: MIT */
/* The scenarios of spec/oom for test_lua_oom.c: listed by
   spec/oom/scenarios.lua and compiled once, as are the Lua files of ebb that
   they need, so that a state is ready in half the time. Another folder is
   SCRIPTS. */
#ifndef EBB_SPEC_OOM_SCRIPT_H
#define EBB_SPEC_OOM_SCRIPT_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#if !defined(SCRIPTS)
  #define SCRIPTS "spec/oom"
#endif

typedef struct script {
  char name[60];
  bool loads;     /* the module is loaded under fault too */
  bool asks_many; /* it cannot do with every first attempt failing */
  bool closes;    /* under fault, too */
  bool is_raw;    /* its calls are those of the system */
  char *also;     /* an error that may come instead of the usual ones */
  char *code;
  size_t n_bytes;
} script;

enum { N_MAX = 200 };

static script scenarios[N_MAX], modules[N_MAX];
static size_t n_scenarios, n_modules;
static script prelude = {.name = "prelude"};
static script afterwards = {.name = "afterwards"};

static char *copy(const char *text)
{
  char *to = text == NULL ? NULL : malloc(strlen(text) + 1);
  return to == NULL ? NULL : strcpy(to, text);
}

static int keep_code(lua_State *L, const void *data, size_t n_bytes, void *ud)
{
  (void)L;
  script *s = ud;
  char *code = realloc(s->code, s->n_bytes + n_bytes);
  if (code == NULL)
    return 1;
  memcpy(code + s->n_bytes, data, n_bytes);
  s->code = code;
  s->n_bytes += n_bytes;
  return 0;
}

static bool compile_file(script *s, const char *path)
{
  lua_State *L = luaL_newstate();
  bool ok = luaL_loadfile(L, path) == LUA_OK;
  if (ok)
    ok = lua_dump(L, keep_code, s, 0) == 0;
  else
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
  lua_close(L);
  return ok;
}

static bool compile(script *s)
{
  char path[128];
  snprintf(path, sizeof path, SCRIPTS "/%s.lua", s->name);
  return compile_file(s, path);
}

static int load(lua_State *L, const script *s)
{
  return luaL_loadbufferx(L, s->code, s->n_bytes, s->name, "b");
}

/* --- ebb's own files --- */

static bool is_there(const char *path)
{
  FILE *file = fopen(path, "r");
  if (file != NULL)
    fclose(file);
  return file != NULL;
}

/* NULL: it has no such file. */
static script *module_of(const char *name)
{
  for (size_t i = 0; i < n_modules; i++)
    if (strcmp(modules[i].name, name) == 0)
      return &modules[i];
  char path[160], slashed[100];
  snprintf(slashed, sizeof slashed, "%s", name);
  for (char *at = slashed; *at != '\0'; at++)
    if (*at == '.')
      *at = '/';
  snprintf(path, sizeof path, "lua/%s.lua", slashed);
  if (!is_there(path))
    snprintf(path, sizeof path, "lua/%s/init.lua", slashed);
  if (!is_there(path) || n_modules == N_MAX)
    return NULL;
  script *s = &modules[n_modules];
  snprintf(s->name, sizeof s->name, "%s", name);
  return compile_file(s, path) ? &modules[n_modules++] : NULL;
}

/* A searcher of require. */
static int find_module(lua_State *L)
{
  script *s = module_of(luaL_checkstring(L, 1));
  if (s == NULL)
    lua_pushliteral(L, "");
  else if (load(L, s) != LUA_OK)
    return lua_error(L);
  return 1;
}

/* Before those that look for files; once for a state. */
static void search_modules(lua_State *L)
{
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "searchers");
  for (lua_Integer i = luaL_len(L, -1); i >= 2; i--) {
    lua_rawgeti(L, -1, i);
    lua_rawseti(L, -2, i + 1);
  }
  lua_pushcfunction(L, find_module);
  lua_rawseti(L, -2, 2);
  lua_pop(L, 2);
}

/* --- the list --- */

static bool read_scenario(lua_State *L)
{
  if (n_scenarios == N_MAX)
    return false;
  script *s = &scenarios[n_scenarios++];
  lua_rawgeti(L, -1, 1);
  const char *name = lua_tostring(L, -1);
  snprintf(s->name, sizeof s->name, "%s", name == NULL ? "?" : name);
  lua_getfield(L, -2, "loads");
  s->loads = lua_toboolean(L, -1);
  lua_getfield(L, -3, "asks_many");
  s->asks_many = lua_toboolean(L, -1);
  lua_getfield(L, -4, "also");
  s->also = copy(lua_tostring(L, -1));
  lua_getfield(L, -5, "closes");
  s->closes = lua_toboolean(L, -1);
  lua_getfield(L, -6, "raw");
  s->is_raw = lua_toboolean(L, -1);
  lua_pop(L, 6);
  return compile(s);
}

static bool read_scripts(void)
{
  bool ok = compile(&prelude) && compile(&afterwards);
  lua_State *L = luaL_newstate();
  if (luaL_dofile(L, SCRIPTS "/scenarios.lua") != LUA_OK) {
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
    ok = false;
  }
  for (lua_Integer i = 1; ok && lua_rawgeti(L, -1, i) != LUA_TNIL; i++) {
    ok = read_scenario(L);
    lua_pop(L, 1);
  }
  lua_close(L);
  return ok;
}

static void free_list(script *list, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    free(list[i].also);
    free(list[i].code);
  }
}

static void free_scripts(void)
{
  free(prelude.code);
  free(afterwards.code);
  free_list(scenarios, n_scenarios);
  free_list(modules, n_modules);
}

/* What ebb says of the errors it reports is of no interest while on. */
static inline void hush(bool on)
{
#ifdef __GLIBC__
  static FILE *said, *nowhere;
  if (nowhere == NULL) {
    said = stderr;
    nowhere = fopen("/dev/null", "w");
  }
  stderr = on && nowhere != NULL ? nowhere : said;
#else
  (void)on;
#endif
}

#endif
