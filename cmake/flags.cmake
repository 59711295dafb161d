# SPDX-License-Identifier: MIT
# ebb_flags: what every target of this project is compiled and linked with.

add_library(ebb_flags INTERFACE)

# A Lua built as C++ throws through these frames, hence -fexceptions. Without it
# where branches are counted: each call that may throw would be one.
if(NOT EBB_COVERAGE)
  target_compile_options(ebb_flags INTERFACE -fexceptions)
endif()

target_compile_options(ebb_flags INTERFACE
  -Wall -Wextra -Wshadow -Wundef -Wwrite-strings -Wstrict-prototypes
  -Wmissing-prototypes -Wold-style-definition -Wpointer-arith -Wvla
  -Wconversion -Wno-sign-conversion -Wdouble-promotion)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  target_compile_options(ebb_flags INTERFACE -Wlogical-op)
endif()
if(EBB_WERROR)
  target_compile_options(ebb_flags INTERFACE -Werror)
endif()

if(EBB_DEBUG_CHECKS)
  target_compile_definitions(ebb_flags INTERFACE EBB_DEBUG_CHECKS=1)
endif()

if(EBB_SANITIZE)
  set(ebb_sanitize -fsanitize=${EBB_SANITIZE} -fno-sanitize-recover=all)
  target_compile_options(ebb_flags INTERFACE
    ${ebb_sanitize} -fno-omit-frame-pointer)
  target_link_options(ebb_flags INTERFACE ${ebb_sanitize})
endif()

if(EBB_FUZZ AND CMAKE_C_COMPILER_ID MATCHES "Clang")
  # what libFuzzer looks at to find inputs that do something new
  target_compile_options(ebb_flags INTERFACE -fsanitize=fuzzer-no-link)
  target_link_options(ebb_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

if(EBB_COVERAGE)
  target_compile_options(ebb_flags INTERFACE --coverage -O0)
  target_compile_definitions(ebb_flags INTERFACE EBB_COVERAGE=1)
  target_link_options(ebb_flags INTERFACE --coverage)
endif()

# Settings that CMake keeps as properties. Extensions stay off: the layers
# below libuv are strict C11.
function(ebb_target_defaults target)
  set_target_properties(${target} PROPERTIES
    C_STANDARD 11
    C_STANDARD_REQUIRED ON
    C_EXTENSIONS OFF
    C_VISIBILITY_PRESET hidden
    POSITION_INDEPENDENT_CODE ON)
endfunction()
