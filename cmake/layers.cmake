# SPDX-License-Identifier: MIT
# One target per folder of csrc, each seeing only the layers below it. A new
# file in a folder belongs to its layer at the next build without more ado.

# ebb_layer(name [below...]): ebb_<name> from csrc/<name>/*.c. A folder without
# sources gives an INTERFACE library, so that headers can come first.
function(ebb_layer name)
  file(GLOB sources CONFIGURE_DEPENDS
    ${PROJECT_SOURCE_DIR}/csrc/${name}/*.c)
  if(sources)
    add_library(ebb_${name} STATIC ${sources})
    ebb_target_defaults(ebb_${name})
    target_include_directories(ebb_${name} PUBLIC ${PROJECT_SOURCE_DIR}/csrc)
    target_link_libraries(ebb_${name} PUBLIC ${ARGN} PRIVATE ebb_flags)
    set(EBB_${name}_SCOPE PRIVATE PARENT_SCOPE)
  else()
    add_library(ebb_${name} INTERFACE)
    target_include_directories(ebb_${name}
      INTERFACE ${PROJECT_SOURCE_DIR}/csrc)
    target_link_libraries(ebb_${name} INTERFACE ${ARGN})
    set(EBB_${name}_SCOPE INTERFACE PARENT_SCOPE)
  endif()
endfunction()

ebb_layer(base)
ebb_layer(alloc ebb_base)
ebb_layer(core ebb_alloc)
ebb_layer(sync ebb_core)
set_source_files_properties(${PROJECT_SOURCE_DIR}/csrc/alloc/chunk.c
  PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON) # it needs more than C11
foreach(layer base alloc core sync)
  if(EBB_${layer}_SCOPE STREQUAL "PRIVATE")
    set_target_properties(ebb_${layer} PROPERTIES
      UNITY_BUILD ${EBB_UNITY} UNITY_BUILD_BATCH_SIZE 0)
  endif()
endforeach()

# libuv's header needs more than C11: pthread_rwlock_t and friends.
ebb_layer(uv ebb_sync)
target_compile_definitions(ebb_uv ${EBB_uv_SCOPE} _GNU_SOURCE)
target_link_libraries(ebb_uv INTERFACE ${EBB_UV_LINK}
  $<$<PLATFORM_ID:Linux>:m>)
if(EBB_uv_SCOPE STREQUAL "PRIVATE")
  target_link_libraries(ebb_uv PRIVATE ${EBB_UV_LINK})
endif()

# The binding is an object library: the module and the command need all of
# it, also what nothing refers to by name.
file(GLOB EBB_LUA_SOURCES CONFIGURE_DEPENDS
  ${PROJECT_SOURCE_DIR}/csrc/lua/*.c)
if(EBB_LUA_SOURCES)
  add_library(ebb_lua OBJECT ${EBB_LUA_SOURCES})
  ebb_target_defaults(ebb_lua)
  target_compile_definitions(ebb_lua PRIVATE _GNU_SOURCE)
  target_include_directories(ebb_lua PRIVATE ${EBB_LUA_INCLUDES})
  target_link_libraries(ebb_lua PUBLIC ebb_uv PRIVATE ebb_flags)
  set_property(SOURCE ${PROJECT_SOURCE_DIR}/csrc/lua/api_runtime.c
    APPEND PROPERTY COMPILE_DEFINITIONS
    EBB_LUA_DIR="${CMAKE_INSTALL_FULL_DATADIR}/lua/${EBB_LUA_ABI}")
endif()
set(EBB_HAS_BINDING OFF)
if(EXISTS ${PROJECT_SOURCE_DIR}/csrc/lua/l_ebb.c)
  set(EBB_HAS_BINDING ON)
else()
  message(STATUS "csrc/lua/l_ebb.c is not there: no module, no command")
endif()
