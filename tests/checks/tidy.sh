#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# tidy.sh <scratch file> <header>... -- <flag>...
# clang-tidy has nothing to say about the headers, by the rules of .clang-tidy. Only version 14 judges, see format.sh.
set -euo pipefail

tool=$(command -v clang-tidy-14 || command -v clang-tidy || true)
if [[ -z $tool ]] || ! "$tool" --version | grep -q 'version 14\.'; then
  echo "skipped: clang-tidy 14 is not installed"
  exit 77
fi
unit=$1
shift
: >"$unit"
while [[ $1 != -- ]]; do
  echo "#include <$1>" >>"$unit"
  shift
done
"$tool" --quiet --config-file=.clang-tidy "$unit" "$@"
