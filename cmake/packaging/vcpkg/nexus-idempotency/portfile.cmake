# SPDX-License-Identifier: MIT
# An overlay port that builds the clone it lies in:
#   vcpkg install nexus-idempotency[json] --overlay-ports=<clone>/cmake/packaging/vcpkg
# Not exercised by this project's tests, which have no vcpkg at hand.
get_filename_component(SOURCE_PATH "${CURRENT_PORT_DIR}/../../../.." ABSOLUTE)
set(VCPKG_BUILD_TYPE release) # headers only

vcpkg_check_features(
  OUT_FEATURE_OPTIONS FEATURE_OPTIONS
  INVERTED_FEATURES json CMAKE_DISABLE_FIND_PACKAGE_nlohmann_json
)
vcpkg_cmake_configure(
  SOURCE_PATH "${SOURCE_PATH}"
  OPTIONS ${FEATURE_OPTIONS} -DNEXUS_IDEMPOTENCY_TESTS=OFF -DNEXUS_IDEMPOTENCY_EXAMPLES=OFF
  MAYBE_UNUSED_VARIABLES CMAKE_DISABLE_FIND_PACKAGE_nlohmann_json
)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(PACKAGE_NAME nexus_idempotency CONFIG_PATH lib/cmake/nexus_idempotency)
vcpkg_fixup_pkgconfig()

file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/lib")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
