#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Every public header has a test file of the same name, which includes that header first and is built: named in
# tests/unit/CMakeLists.txt. Exempt: the umbrella header and detail/.
set -euo pipefail

failed=0
fail() {
  echo "$*"
  failed=1
}

while read -r header; do
  name=${header%.hpp}
  test=tests/unit/$name.test.cpp
  if [[ ! -f $test ]]; then
    fail "$header has no $test"
    continue
  fi
  first=$(grep -m 1 '^#include' "$test")
  [[ $first == *"nexus/idempotency/$header"* ]] || fail "$test includes something before $header: $first"
  grep -Eq "(^| |/)$name(\.test\.cpp)?([ )]|\$)" tests/unit/CMakeLists.txt || fail "tests/unit/CMakeLists.txt lacks $name"
done < <(cd include/nexus/idempotency && find . -name '*.hpp' -not -path '*/detail/*' | sed 's|^\./||' | sort)
exit "$failed"
