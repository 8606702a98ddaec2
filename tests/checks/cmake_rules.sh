#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What users build leaves their flags, standard and globals alone: the names below appear in cmake/dev.cmake only.
set -euo pipefail

forbidden='\bGLOB(_RECURSE)?\b|CMAKE_SOURCE_DIR|CMAKE_BINARY_DIR|CMAKE_CXX_STANDARD|CMAKE_CXX_FLAGS|CMAKE_BUILD_TYPE'
forbidden+='|BUILD_SHARED_LIBS|add_compile_options|add_link_options|add_definitions|target_compile_options|\bFORCE\b'
# The directories that a user's build enters; tests/ is for developers.
files=(CMakeLists.txt)
while read -r file; do
  files+=("$file")
done < <(find cmake src examples -path cmake/packaging -prune -o -type f \
  \( -name CMakeLists.txt -o -name '*.cmake' -o -name '*.cmake.in' \) -not -path cmake/dev.cmake -print 2>/dev/null)
! grep -nE "$forbidden" "${files[@]}"
