#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# tidy_sources.sh <build directory with compile_commands.json> <source>...
# clang-tidy has nothing to say about the compiled sources, by the rules of .clang-tidy. Only version 14 judges, see format.sh.
set -euo pipefail

tool=$(command -v clang-tidy-14 || command -v clang-tidy || true)
if [[ -z $tool ]] || ! "$tool" --version | grep -q 'version 14\.'; then
  echo "skipped: clang-tidy 14 is not installed"
  exit 77
fi
build=$1
shift
# One process a source, as many at once as there are processors.
printf '%s\0' "$@" | xargs -0 -n 1 -P "$(nproc)" "$tool" --quiet --config-file=.clang-tidy -p "$build"
