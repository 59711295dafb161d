# SPDX-License-Identifier: MIT
# make install: module, Lua files, command, and the header for C hosts.

if(TARGET ebb_module)
  install(TARGETS ebb_module
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/lua/${EBB_LUA_ABI}/ebb)
endif()
if(TARGET ebb_installed)
  install(TARGETS ebb_installed
    RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/lua/ebb
  DESTINATION ${CMAKE_INSTALL_DATADIR}/lua/${EBB_LUA_ABI}
  FILES_MATCHING PATTERN "*.lua")
if(EXISTS ${PROJECT_SOURCE_DIR}/csrc/ebb.h)
  install(FILES ${PROJECT_SOURCE_DIR}/csrc/ebb.h
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
endif()
