#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Every source file names its licence in its first line, or in its second after "#!".
set -euo pipefail

failed=0
while read -r file; do
  line=$(head -n 1 "$file")
  [[ $line == '#!'* ]] && line=$(sed -n 2p "$file")
  if [[ ! $line =~ ^(//|#|--)\ SPDX-License-Identifier:\ MIT$ ]]; then
    echo "no SPDX line: $file"
    failed=1
  fi
done < <(
  find . \( -path './build*' -o -path ./.git -o -path ./.cache \) -prune -o -type f \
    \( -name '*.hpp' -o -name '*.cpp' -o -name '*.sql' -o -name '*.lua' -o -name '*.cmake' -o -name 'CMakeLists.txt' \
    -o -name '*.in' -o -name '*.sh' -o -name '*.py' -o -path './.ci/*' \) -print
)
exit "$failed"
