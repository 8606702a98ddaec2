# SPDX-License-Identifier: MIT
# Finds hiredis, the C client of Redis: 0.14 or later, with or without a CMake package of its own (Debian 12 has none).
# Makes the target hiredis::hiredis, with which <hiredis/hiredis.h> is found, unless there is one. Installed with this
# project's package, whose users link it too.
#
# Sets hiredis_FOUND and hiredis_VERSION. Cache: hiredis_INCLUDE_DIR, hiredis_LIBRARY.
find_path(hiredis_INCLUDE_DIR hiredis/hiredis.h)
find_library(hiredis_LIBRARY hiredis)
mark_as_advanced(hiredis_INCLUDE_DIR hiredis_LIBRARY)

if(hiredis_INCLUDE_DIR)
  file(STRINGS "${hiredis_INCLUDE_DIR}/hiredis/hiredis.h" _hiredis_version REGEX "^#define HIREDIS_(MAJOR|MINOR|PATCH) [0-9]+$")
  list(TRANSFORM _hiredis_version REPLACE "^.* " "")
  list(JOIN _hiredis_version "." hiredis_VERSION)
  unset(_hiredis_version)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
  hiredis
  REQUIRED_VARS hiredis_LIBRARY hiredis_INCLUDE_DIR
  VERSION_VAR hiredis_VERSION
)

if(hiredis_FOUND AND NOT TARGET hiredis::hiredis)
  add_library(hiredis::hiredis UNKNOWN IMPORTED)
  set_target_properties(
    hiredis::hiredis PROPERTIES IMPORTED_LOCATION "${hiredis_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES "${hiredis_INCLUDE_DIR}"
  )
endif()
