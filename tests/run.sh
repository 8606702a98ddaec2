#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# tests/run.sh [--quick | --sanitize | --all]
#
#   (nothing)   everything with GCC; everything with Clang, and about a minute of fuzzing
#   --quick     the inner loop: unit and conformance tests with GCC
#   --sanitize  the tests under AddressSanitizer with UndefinedBehaviorSanitizer, then under ThreadSanitizer
#   --all       everything with GCC, and with Clang under the sanitizers, as CI does
#
# Installs what it needs on a Debian machine. Builds in build/. Stops at the first failure, with a status other than 0;
# the last lines are always those of ctest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  sed -n 's/^# \{0,1\}//; 2,/^set /{/SPDX/d; /^set /d; p}' "${BASH_SOURCE[0]}"
}

jobs=$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN)
started=$SECONDS

announce() {
  echo "== $* ($((SECONDS - started)) s)"
}

# configure <build> <compiler> <sanitizer, may be empty>: always afresh, so that no stale setting survives.
configure() {
  announce "$1: configure"
  mkdir -p build
  CXX=$2 NEXUS_IDEMPOTENCY_SANITIZE=$3 cmake --fresh -C cmake/dev.cmake -S . -B "build/$1" >"build/$1.configure.log" 2>&1 ||
    { cat "build/$1.configure.log"; return 1; }
}

# build <build> <argument of cmake --build>...
build() {
  announce "$1: build"
  cmake --build "build/$1" -j "$jobs" "${@:2}"
}

# run_tests <build> <argument of ctest>...
run_tests() {
  announce "$1: test"
  ctest --test-dir "build/$1" -j "$jobs" --output-on-failure --no-tests=error --no-label-summary "${@:2}"
}

# whole <build> <compiler> <sanitizer, may be empty> <argument of ctest>...
whole() {
  configure "$1" "$2" "$3"
  build "$1"
  run_tests "$1" "${@:4}"
}

# Sanitizers see nothing of what these look at: the tree's files, and packages that they build themselves. What runs one step
# at a time has no races.
sanitized() {
  whole asan clang++ address,undefined -LE '^(checks|consumers)$'
  whole tsan clang++ thread -LE '^(checks|consumers|fuzz|interleavings)$'
}

case ${1-} in
  --quick)
    bash cmake/setup.sh gcc
    configure gcc g++ ""
    build gcc --target nexus_idempotency_quick_tests
    run_tests gcc -L '^(unit|conformance)$'
    ;;
  --sanitize)
    bash cmake/setup.sh gcc clang
    sanitized
    ;;
  "")
    bash cmake/setup.sh gcc clang lint
    whole gcc g++ ""
    whole clang clang++ ""
    ;;
  --all)
    bash cmake/setup.sh gcc clang lint
    whole gcc g++ ""
    configure clang clang++ ""
    run_tests clang -L '^(checks|consumers)$' # which build what they need; the rest is Clang's too, in what follows
    sanitized
    ;;
  -h | --help)
    usage
    ;;
  *)
    usage >&2
    exit 2
    ;;
esac
