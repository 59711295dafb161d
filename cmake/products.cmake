# SPDX-License-Identifier: MIT
# What comes out: the module ebb.core and the command ebb.

if(EBB_HAS_BINDING AND EBB_BUILD_MODULE)
  # liblua is not linked: the interpreter that loads the module brings it.
  add_library(ebb_module MODULE $<TARGET_OBJECTS:ebb_lua>)
  ebb_target_defaults(ebb_module)
  set_target_properties(ebb_module PROPERTIES
    PREFIX ""
    OUTPUT_NAME core
    LINKER_LANGUAGE C
    LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/cmod/ebb)
  target_link_libraries(ebb_module PRIVATE ebb_uv ebb_flags)
  if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
    # Lua unloads C modules before it frees the last of its memory; code that
    # a signal handler or an allocator may still reach has to stay.
    target_link_options(ebb_module PRIVATE LINKER:-z,nodelete)
  elseif(APPLE)
    target_link_options(ebb_module PRIVATE -undefined dynamic_lookup)
  endif()
endif()

# ebb_command(target lua_dir): the command, looking for lua/ebb in lua_dir.
function(ebb_command target lua_dir)
  add_executable(${target}
    ${PROJECT_SOURCE_DIR}/csrc/cli/main.c $<TARGET_OBJECTS:ebb_lua>)
  ebb_target_defaults(${target})
  set_target_properties(${target} PROPERTIES
    OUTPUT_NAME ebb
    ENABLE_EXPORTS ON)
  target_compile_definitions(${target} PRIVATE
    _GNU_SOURCE EBB_LUA_DIR="${lua_dir}")
  target_link_libraries(${target} PRIVATE ebb_uv ebb_flags ${EBB_LUA_LINK})
endfunction()

if(EBB_HAS_BINDING AND EBB_BUILD_COMMAND)
  # The one in the build tree runs lua/ of the source tree, the one that gets
  # installed runs the installed files.
  if(EBB_COVERAGE) # the copy that spec/coverage/run makes
    ebb_command(ebb_host ${PROJECT_BINARY_DIR}/lua)
  else()
    ebb_command(ebb_host ${PROJECT_SOURCE_DIR}/lua)
  endif()
  set_target_properties(ebb_host PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
  if(EBB_INSTALL)
    ebb_command(ebb_installed
      ${CMAKE_INSTALL_FULL_DATADIR}/lua/${EBB_LUA_ABI})
    set_target_properties(ebb_installed PROPERTIES
      RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/install)
  endif()
endif()
