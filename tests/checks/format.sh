#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Every C++ file is formatted as .clang-format says. Versions of clang-format differ, so only version 14 judges.
set -euo pipefail

tool=$(command -v clang-format-14 || command -v clang-format || true)
if [[ -z $tool ]] || ! "$tool" --version | grep -q 'version 14\.'; then
  echo "skipped: clang-format 14 is not installed"
  exit 77
fi
find . \( -path './build*' -o -path ./.git -o -path ./.cache \) -prune -o -type f \
  \( -name '*.hpp' -o -name '*.cpp' \) -print0 | xargs -0 "$tool" --dry-run -Werror
