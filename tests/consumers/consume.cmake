# SPDX-License-Identifier: MIT
# Configures SOURCE in BINARY, from nothing, with the initial CACHE and OPTIONS, and with PREFIX to find packages in.
# With EXPECT_ERROR, that must fail with a message that matches. Otherwise builds it, then
# - runs the command RUN, if any, in BINARY (a program of BINARY may be named without its path);
# - with INSTALL_TO: installs to another place and moves the result there.
function(run)
  execute_process(COMMAND ${ARGN} WORKING_DIRECTORY "${BINARY}" COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(REMOVE_RECURSE "${BINARY}")
file(MAKE_DIRECTORY "${BINARY}")
set(configure "${CMAKE_COMMAND}" -G "${GENERATOR}" -C "${CACHE}" ${OPTIONS} -S "${SOURCE}" -B "${BINARY}")
if(PREFIX)
  list(APPEND configure "-Dnexus_idempotency_ROOT=${PREFIX}" "-Dvendoring_library_ROOT=${PREFIX}")
endif()

if(EXPECT_ERROR)
  execute_process(COMMAND ${configure} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  message("${output}")
  if(result EQUAL 0)
    message(FATAL_ERROR "Configuring should have failed")
  endif()
  string(REGEX REPLACE "[ \n]+" " " output "${output}") # CMake wraps messages
  if(NOT output MATCHES "${EXPECT_ERROR}")
    message(FATAL_ERROR "It failed, but not with: ${EXPECT_ERROR}")
  endif()
  return()
endif()

run(${configure})
run("${CMAKE_COMMAND}" --build "${BINARY}")

if(RUN)
  list(POP_FRONT RUN program)
  cmake_path(ABSOLUTE_PATH program BASE_DIRECTORY "${BINARY}")
  run("${program}" ${RUN})
endif()

if(INSTALL_TO)
  run("${CMAKE_COMMAND}" --install "${BINARY}" --prefix "${BINARY}/installed-here-first")
  file(REMOVE_RECURSE "${INSTALL_TO}")
  cmake_path(GET INSTALL_TO PARENT_PATH parent)
  file(MAKE_DIRECTORY "${parent}")
  file(RENAME "${BINARY}/installed-here-first" "${INSTALL_TO}")
endif()
