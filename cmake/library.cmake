# SPDX-License-Identifier: MIT
# libebb for C hosts (ebb.h): find_package(ebb) gives ebb::ebb, pkg-config ebb.
# A shared library with BUILD_SHARED_LIBS, else a static one.

if(EBB_HAS_BINDING AND EBB_BUILD_LIBRARY)
  set(EBB_OBJECTS $<TARGET_OBJECTS:ebb_lua>)
  foreach(layer base alloc core sync uv)
    if(EBB_${layer}_SCOPE STREQUAL "PRIVATE")
      list(APPEND EBB_OBJECTS $<TARGET_OBJECTS:ebb_${layer}>)
    endif()
  endforeach()
  add_library(ebb_library ${EBB_OBJECTS})
  add_library(ebb::ebb ALIAS ebb_library)
  ebb_target_defaults(ebb_library)
  set_target_properties(ebb_library PROPERTIES
    OUTPUT_NAME ebb
    EXPORT_NAME ebb
    LINKER_LANGUAGE C
    VERSION ${PROJECT_VERSION}
    SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
    ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib
    LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
  find_package(Threads REQUIRED)
  target_include_directories(ebb_library INTERFACE
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/csrc>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(ebb_library
    PUBLIC ${EBB_LUA_LINK} ${EBB_UV_LINK} Threads::Threads
      $<$<PLATFORM_ID:Linux>:m>
    PRIVATE $<BUILD_INTERFACE:ebb_flags>)
  if(CMAKE_SYSTEM_NAME STREQUAL "Linux" AND BUILD_SHARED_LIBS)
    target_link_options(ebb_library PRIVATE LINKER:-z,nodelete)
  endif()

  if(EBB_INSTALL)
    include(CMakePackageConfigHelpers)
    set(EBB_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/ebb)
    install(TARGETS ebb_library EXPORT ebb_targets
      ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
      LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
    install(EXPORT ebb_targets NAMESPACE ebb:: DESTINATION ${EBB_CMAKE_DIR})
    configure_package_config_file(
      ${PROJECT_SOURCE_DIR}/cmake/ebb-config.cmake.in
      ${PROJECT_BINARY_DIR}/ebb-config.cmake
      INSTALL_DESTINATION ${EBB_CMAKE_DIR})
    write_basic_package_version_file(
      ${PROJECT_BINARY_DIR}/ebb-config-version.cmake
      COMPATIBILITY SameMinorVersion)
    install(FILES
      ${PROJECT_BINARY_DIR}/ebb-config.cmake
      ${PROJECT_BINARY_DIR}/ebb-config-version.cmake
      DESTINATION ${EBB_CMAKE_DIR})
    set(EBB_PC_REQUIRES "")
    if(EBB_LUA_MODULE_NAME)
      set(EBB_PC_REQUIRES "${EBB_LUA_MODULE_NAME} libuv")
    endif()
    # paths relative to the file: the tree may be moved
    file(RELATIVE_PATH EBB_PC_UP
      "/p/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/p")
    set(EBB_PC_LIBS "-pthread")
    if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
      string(APPEND EBB_PC_LIBS " -lm")
    endif()
    configure_file(${PROJECT_SOURCE_DIR}/cmake/ebb.pc.in
      ${PROJECT_BINARY_DIR}/ebb.pc @ONLY)
    install(FILES ${PROJECT_BINARY_DIR}/ebb.pc
      DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
  endif()
endif()
