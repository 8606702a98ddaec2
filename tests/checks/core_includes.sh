#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# core_includes.sh <core header>... -- <compiler> <flag>...
#
# What the headers drag in, as the compiler sees it (-M):
# - the umbrella header reaches every header of the core;
# - the umbrella, the test kit and the components with a driver reach nothing but this library and what
#   allowed_includes.hpp allows: no driver's header gets out of src/.
set -euo pipefail

headers=()
while [[ $1 != -- ]]; do
  headers+=("$1")
  shift
done
shift

# The files that a translation unit (on standard input) is made of, one a line.
dependencies_of() {
  "$@" -M -x c++ - | sed -e 's/^[^ ]*:/ /' -e 's/\\$/ /' | tr -s ' ' '\n' | sed '/^$/d' | sort -u
}
failed=0
fail() {
  echo "$*"
  failed=1
}

umbrella=$(dependencies_of "$@" <<<'#include <nexus/idempotency.hpp>')
for header in "${headers[@]}"; do
  grep -Fxq "include/$header" <<<"$umbrella" || fail "nexus/idempotency.hpp does not include $header"
done

allowed=$(dependencies_of "$@" <tests/checks/allowed_includes.hpp)
foreign_in() { comm -23 - <(echo "$allowed") | grep -v '^include/nexus/' || true; }

foreign=$(foreign_in <<<"$umbrella")
[[ -z $foreign ]] || fail "nexus/idempotency.hpp reaches foreign headers:"$'\n'"$foreign"

for component in testing sqlite postgres redis http; do
  inside=$(cd include && find "nexus/idempotency/$component" -name '*.hpp' | sort)
  [[ -n $inside ]] || fail "nexus/idempotency/$component/ has no header"
  foreign=$(sed 's/.*/#include <&>/' <<<"$inside" | dependencies_of "$@" | foreign_in)
  [[ -z $foreign ]] || fail "nexus/idempotency/$component/ reaches foreign headers:"$'\n'"$foreign"
done

exit "$failed"
