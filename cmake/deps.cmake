# SPDX-License-Identifier: MIT
# Lua and libuv: the host's own targets when it names them, else pkg-config.
# Sets EBB_LUA_LINK and EBB_UV_LINK (targets to link) and, for Lua, also
# EBB_LUA_INCLUDES: the module must see the headers but not link the library.

if(NOT EBB_LUA_TARGET OR NOT EBB_UV_TARGET)
  find_package(PkgConfig REQUIRED)
endif()

if(EBB_LUA_TARGET)
  set(EBB_LUA_LINK ${EBB_LUA_TARGET})
  set(EBB_LUA_INCLUDES
    $<TARGET_PROPERTY:${EBB_LUA_TARGET},INTERFACE_INCLUDE_DIRECTORIES>)
else()
  # Every distribution calls it differently.
  foreach(name lua5.4 lua-5.4 lua54 lua5.5 lua-5.5 lua55 lua)
    if(NOT TARGET PkgConfig::EBB_LUA)
      pkg_check_modules(EBB_LUA QUIET IMPORTED_TARGET "${name}>=5.4")
      set(EBB_LUA_MODULE_NAME ${name})
    endif()
  endforeach()
  if(NOT TARGET PkgConfig::EBB_LUA)
    message(FATAL_ERROR "Lua 5.4 not found: install liblua5.4-dev "
      "(Debian, Ubuntu), lua-devel (Fedora), lua (Homebrew, Arch)")
  endif()
  set(EBB_LUA_LINK PkgConfig::EBB_LUA)
  set(EBB_LUA_INCLUDES ${EBB_LUA_INCLUDE_DIRS})
endif()

# Where Lua looks for modules of its own version.
set(EBB_LUA_ABI 5.4)
if(EBB_LUA_VERSION MATCHES "^([0-9]+\\.[0-9]+)")
  set(EBB_LUA_ABI ${CMAKE_MATCH_1})
endif()

if(EBB_UV_TARGET)
  set(EBB_UV_LINK ${EBB_UV_TARGET})
else()
  pkg_check_modules(EBB_UV QUIET IMPORTED_TARGET libuv)
  if(NOT TARGET PkgConfig::EBB_UV)
    message(FATAL_ERROR "libuv not found: install libuv1-dev "
      "(Debian, Ubuntu), libuv-devel (Fedora), libuv (Homebrew, Arch)")
  endif()
  set(EBB_UV_LINK PkgConfig::EBB_UV)
endif()
