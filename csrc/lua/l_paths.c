/* SPDX-License-Identifier: MIT */
/* Where a worker's state finds modules: package.path, package.cpath, and the C
   functions of package.preload (what is linked into the program). */
#include "lua/l_paths.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <lualib.h>

typedef struct preload {
  char *name;
  lua_CFunction open;
} preload;

struct ebbL_paths {
  atomic_uint n_refs;
  char *path, *cpath;
  preload *preloads;
  size_t n_preloads;
};

void ebbL_paths_retain(ebbL_paths *self)
{
  atomic_fetch_add_explicit(&self->n_refs, 1, memory_order_relaxed);
}

void ebbL_paths_release(ebbL_paths *self)
{
  if (self == NULL ||
      atomic_fetch_sub_explicit(&self->n_refs, 1, memory_order_acq_rel) != 1)
    return;
  for (size_t i = 0; i < self->n_preloads; i++)
    free(self->preloads[i].name);
  free(self->preloads);
  free(self->path);
  free(self->cpath);
  free(self);
}

/* [-0, +1] */
static void push_package(lua_State *L)
{
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_getfield(L, -1, LUA_LOADLIBNAME);
  if (!lua_istable(L, -1)) {
    lua_pop(L, 1);
    lua_newtable(L);
  }
  lua_remove(L, -2);
}

static const char *field(lua_State *L, const char *name)
{
  lua_getfield(L, -1, name);
  const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
  lua_pop(L, 1); /* the package table keeps it */
  return text;
}

static char *copy(const char *text)
{
  size_t n_bytes = strlen(text) + 1;
  char *to = malloc(n_bytes);
  return to != NULL ? memcpy(to, text, n_bytes) : NULL;
}

/* The function on top, called as the string below. */
static bool keep_preload(lua_State *L, ebbL_paths *self)
{
  preload *list =
      realloc(self->preloads, (self->n_preloads + 1) * sizeof *list);
  if (list == NULL)
    return false;
  self->preloads = list;
  list[self->n_preloads].open = lua_tocfunction(L, -1);
  list[self->n_preloads].name = copy(lua_tostring(L, -2));
  return list[self->n_preloads].name != NULL && ++self->n_preloads;
}

/* [package] What has upvalues cannot be had elsewhere. */
static bool keep_preloads(lua_State *L, ebbL_paths *self)
{
  bool ok = true;
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  if (lua_istable(L, -1)) {
    lua_pushnil(L);
    while (lua_next(L, -2)) {
      if (lua_type(L, -2) == LUA_TSTRING && lua_iscfunction(L, -1)) {
        if (lua_getupvalue(L, -1, 1) != NULL)
          lua_pop(L, 1);
        else
          ok = ok && keep_preload(L, self);
      }
      lua_pop(L, 1);
    }
  }
  lua_pop(L, 1);
  return ok;
}

void ebbL_paths_refresh(lua_State *L, ebbL_paths **paths)
{
  luaL_checkstack(L, 8, NULL);
  push_package(L);
  const char *path = field(L, "path"), *cpath = field(L, "cpath");
  ebbL_paths *old = *paths;
  if (old != NULL && strcmp(old->path, path) == 0 &&
      strcmp(old->cpath, cpath) == 0) {
    lua_pop(L, 1);
    return;
  }
  ebbL_paths *self = calloc(1, sizeof *self);
  if (self != NULL) {
    atomic_init(&self->n_refs, 1);
    self->path = copy(path);
    self->cpath = copy(cpath);
    if (self->path == NULL || self->cpath == NULL || !keep_preloads(L, self)) {
      ebbL_paths_release(self);
      self = NULL;
    }
  }
  lua_pop(L, 1);
  if (self == NULL)
    ebbL_nomem(L);
  *paths = self;
  ebbL_paths_release(old);
}

void ebbL_paths_apply(lua_State *L, const ebbL_paths *self)
{
  luaL_checkstack(L, 8, NULL);
  push_package(L);
  lua_pushstring(L, self->path);
  lua_setfield(L, -2, "path");
  lua_pushstring(L, self->cpath);
  lua_setfield(L, -2, "cpath");
  lua_pop(L, 1);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  for (size_t i = 0; i < self->n_preloads; i++) {
    lua_pushcfunction(L, self->preloads[i].open);
    lua_setfield(L, -2, self->preloads[i].name);
  }
  lua_pop(L, 1);
}
