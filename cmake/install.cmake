# SPDX-License-Identifier: MIT
# The CMake package files and the pkg-config file. Targets and headers are installed by their components.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/nexus_idempotency")
configure_package_config_file(
  "${CMAKE_CURRENT_LIST_DIR}/package-config.cmake.in"
  "${PROJECT_BINARY_DIR}/nexus_idempotency-config.cmake"
  INSTALL_DESTINATION "${package_dir}"
  NO_SET_AND_CHECK_MACRO
)
write_basic_package_version_file(
  "${PROJECT_BINARY_DIR}/nexus_idempotency-config-version.cmake"
  COMPATIBILITY SameMinorVersion
)
install(
  FILES
    "${PROJECT_BINARY_DIR}/nexus_idempotency-config.cmake"
    "${PROJECT_BINARY_DIR}/nexus_idempotency-config-version.cmake"
  DESTINATION "${package_dir}"
)
if(NEXUS_IDEMPOTENCY_REDIS)
  install(FILES "${CMAKE_CURRENT_LIST_DIR}/Findhiredis.cmake" DESTINATION "${package_dir}")
endif()

# Core only. Independent of the architecture, so it lives in share/, and relocatable: it finds its prefix from its own
# place. Install directories given as absolute paths are not relocatable, here as in CMake's own export files.
set(pkgconfig_dir "${CMAKE_INSTALL_DATADIR}/pkgconfig")
cmake_path(IS_ABSOLUTE pkgconfig_dir pkgconfig_dir_is_absolute)
if(pkgconfig_dir_is_absolute)
  set(pkgconfig_prefix "${CMAKE_INSTALL_PREFIX}")
else()
  file(RELATIVE_PATH up "/${pkgconfig_dir}" "/")
  string(REGEX REPLACE "/$" "" up "${up}")
  set(pkgconfig_prefix "\${pcfiledir}/${up}")
endif()
cmake_path(APPEND pkgconfig_includedir "\${prefix}" "${CMAKE_INSTALL_INCLUDEDIR}")
configure_file(
  "${CMAKE_CURRENT_LIST_DIR}/nexus_idempotency.pc.in" "${PROJECT_BINARY_DIR}/nexus_idempotency.pc" @ONLY
)
install(FILES "${PROJECT_BINARY_DIR}/nexus_idempotency.pc" DESTINATION "${pkgconfig_dir}")
