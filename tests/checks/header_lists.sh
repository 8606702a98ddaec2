#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Every header under include/ is named in CMakeLists.txt: one that is not would compile here and be missing from an install.
set -euo pipefail

missing=0
while read -r header; do
  if ! grep -Eq "^ *(HEADERS )?${header//./\\.}\$" CMakeLists.txt; then
    echo "not listed in CMakeLists.txt: $header"
    missing=1
  fi
done < <(cd include && find . -type f | sed 's|^\./||' | sort)
exit "$missing"
