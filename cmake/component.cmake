# SPDX-License-Identifier: MIT
# nexus_idempotency_add_component(<name> HEADERS <h>... [SOURCES <s>...] [SCHEMA <file.sql>...]
#                                 [LINKS <t>...] [PRIVATE_LINKS <t>...])
#
# Makes the target nexus_idempotency_<name>, its alias nexus_idempotency::<name>, its header file set, and, when
# installing, an export set of its own: a component whose dependency is absent then takes no other component with it.
# HEADERS are relative to include/, SOURCES to the project. Without SOURCES the target is INTERFACE.
# SCHEMA: texts that are installed; the first is also compiled in, as the string `schema_sql` of "<name>/schema_sql.hpp".
# A compiled component's PRIVATE_LINKS must be found in package-config.cmake.in as well: a static library hands them on.
function(nexus_idempotency_add_component name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "HEADERS;SOURCES;SCHEMA;LINKS;PRIVATE_LINKS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "component ${name}: unknown arguments: ${arg_UNPARSED_ARGUMENTS}")
  endif()

  set(target nexus_idempotency_${name})
  if(arg_SOURCES)
    list(TRANSFORM arg_SOURCES PREPEND "${PROJECT_SOURCE_DIR}/")
    add_library(${target} ${arg_SOURCES})
    set(scope PUBLIC)
    # While 0.x, a minor version may change the ABI.
    set_target_properties(
      ${target}
      PROPERTIES VERSION ${PROJECT_VERSION}
                 SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
                 POSITION_INDEPENDENT_CODE ON # a static one must fit into a shared library
    )
    target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/src" "${PROJECT_BINARY_DIR}/src")
    target_link_libraries(${target} PRIVATE ${arg_PRIVATE_LINKS})
    if(arg_SCHEMA)
      list(GET arg_SCHEMA 0 schema_file)
      set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${schema_file}")
      file(READ "${PROJECT_SOURCE_DIR}/${schema_file}" schema_sql)
      configure_file("${PROJECT_SOURCE_DIR}/src/stores/schema_sql.hpp.in" "${PROJECT_BINARY_DIR}/src/${name}/schema_sql.hpp" @ONLY)
    endif()
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  add_library(nexus_idempotency::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})

  list(TRANSFORM arg_HEADERS PREPEND "${PROJECT_SOURCE_DIR}/include/")
  target_sources(
    ${target}
    ${scope}
    FILE_SET HEADERS
    BASE_DIRS "${PROJECT_SOURCE_DIR}/include"
    FILES ${arg_HEADERS}
  )
  target_compile_features(${target} ${scope} cxx_std_20)
  target_link_libraries(${target} ${scope} ${arg_LINKS})

  if(NEXUS_IDEMPOTENCY_INSTALL)
    include(GNUInstallDirs)
    install(TARGETS ${target} EXPORT ${target}-targets FILE_SET HEADERS)
    if(arg_SCHEMA)
      list(TRANSFORM arg_SCHEMA PREPEND "${PROJECT_SOURCE_DIR}/")
      install(FILES ${arg_SCHEMA} DESTINATION "${CMAKE_INSTALL_DATADIR}/nexus_idempotency/${name}")
    endif()
    install(
      EXPORT ${target}-targets
      NAMESPACE nexus_idempotency::
      FILE "nexus_idempotency-${name}-targets.cmake"
      DESTINATION "${CMAKE_INSTALL_LIBDIR}/cmake/nexus_idempotency"
    )
  endif()
endfunction()
