# SPDX-License-Identifier: MIT
include(CMakeFindDependencyMacro)
find_dependency(nexus_idempotency CONFIG)
include("${CMAKE_CURRENT_LIST_DIR}/vendoring_library-targets.cmake")
