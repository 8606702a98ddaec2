# SPDX-License-Identifier: MIT
# The developers' settings, and the only place in this project where compiler flags are written.
#
#   cmake -C cmake/dev.cmake -B build/gcc                              warnings as errors, benchmarks
#   CXX=clang++ cmake -C cmake/dev.cmake -B build/clang                the same, and the fuzzers
#   NEXUS_IDEMPOTENCY_SANITIZE=thread cmake -C cmake/dev.cmake ...     or address,undefined
#
# These are defaults: -D on the command line, before -C, wins.
set(CMAKE_GENERATOR Ninja CACHE INTERNAL "")
set(CMAKE_BUILD_TYPE Debug CACHE STRING "")
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1" CACHE STRING "")
set(CMAKE_CXX_EXTENSIONS OFF CACHE BOOL "")
set(CMAKE_EXPORT_COMPILE_COMMANDS ON CACHE BOOL "")

set(NEXUS_IDEMPOTENCY_SANITIZE "$ENV{NEXUS_IDEMPOTENCY_SANITIZE}" CACHE STRING "Empty, thread, or address,undefined")
set(flags "-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror")
if(NEXUS_IDEMPOTENCY_SANITIZE)
  string(APPEND flags " -fsanitize=${NEXUS_IDEMPOTENCY_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer")
endif()
set(CMAKE_CXX_FLAGS "${flags} $ENV{CXXFLAGS}" CACHE STRING "")

# Whatever is usually left out when its dependency is missing must be there.
set(CMAKE_REQUIRE_FIND_PACKAGE_nlohmann_json ON CACHE BOOL "")

# Every component.
set(NEXUS_IDEMPOTENCY_SQLITE ON CACHE BOOL "")
set(NEXUS_IDEMPOTENCY_POSTGRES ON CACHE BOOL "")
set(NEXUS_IDEMPOTENCY_REDIS ON CACHE BOOL "")
set(NEXUS_IDEMPOTENCY_FINGERPRINT ON CACHE BOOL "")
set(NEXUS_IDEMPOTENCY_HTTP ON CACHE BOOL "")

# A sanitized benchmark measures the sanitizer, and the fuzzers have sanitizers of their own.
if(NOT NEXUS_IDEMPOTENCY_SANITIZE)
  set(NEXUS_IDEMPOTENCY_BENCHMARKS ON CACHE BOOL "")
  if("${CMAKE_CXX_COMPILER}$ENV{CXX}" MATCHES "clang")
    set(NEXUS_IDEMPOTENCY_FUZZERS ON CACHE BOOL "")
    set(NEXUS_IDEMPOTENCY_FUZZER_FLAGS "-fsanitize=fuzzer,address,undefined;-fno-sanitize-recover=all" CACHE STRING "")
  endif()
endif()
