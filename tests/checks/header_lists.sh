#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Every header under include/ is named in CMakeLists.txt, once: one that is not would compile here and be missing from an
# install.
set -euo pipefail

failed=0
while read -r header; do
  times=$(grep -Ec "^ *${header//./\\.}\$" CMakeLists.txt || true)
  if [[ $times != 1 ]]; then
    echo "listed $times times in CMakeLists.txt: $header"
    failed=1
  fi
done < <(cd include && find . -type f | sed 's|^\./||' | sort)
exit "$failed"
