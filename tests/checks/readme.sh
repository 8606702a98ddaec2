#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# readme.sh <scratch directory> <compiler> <flag>...
#
# Checks every block of README.md that is fenced with ```cpp:
# - after a line `<!-- examples/x.cpp -->`, it is byte for byte what examples/x.cpp has between its lines `// [snippet]`
#   and `// [/snippet]` (the examples are compiled and run by their own tests);
# - any other block with an #include in it is compiled as a whole file;
# - any other block is compiled as the body of a function, after readme_prelude.hpp, with its parameters.
set -euo pipefail

scratch=$1
shift
rm -rf "$scratch"
mkdir -p "$scratch"

# <n>.cpp: the n-th block; <n>.source: the example that it quotes, if any; <n>.line: where it starts.
awk -v dir="$scratch" '
  !inside && /^```(c\+\+|C\+\+|cc|CPP|hpp)/ { print "README.md:" NR ": fence C++ with ```cpp"; exit 1 }
  !inside && /^```cpp$/ {
    inside = 1
    file = sprintf("%s/%02d", dir, ++blocks)
    printf "" > (file ".cpp")
    print NR > (file ".line")
    if (source != "") print source > (file ".source")
    source = ""
    next
  }
  inside && /^```$/ { inside = 0; next }
  inside { print > (file ".cpp"); next }
  /^<!-- examples\/[^ ]+\.cpp -->$/ { source = $2; next }
  NF { source = "" }
  END { if (blocks == 0) { print "README.md has no block of C++"; exit 1 } }
' README.md

failed=0
for block in "$scratch"/??.cpp; do
  where="README.md:$(<"${block%.cpp}.line")"
  if [[ -f ${block%.cpp}.source ]]; then
    source=$(<"${block%.cpp}.source")
    snippet=${block%.cpp}.snippet
    awk '/^ *\/\/ \[\/snippet\]$/ { on = 0 } on { print } /^ *\/\/ \[snippet\]$/ { on = 1 }' "$source" >"$snippet"
    if [[ ! -s $snippet ]] || ! diff -u --label "$source" --label "$where" "$snippet" "$block"; then
      echo "$where: not what $source says between // [snippet] and // [/snippet]"
      failed=1
    fi
    continue
  fi
  unit=$block
  extra=()
  if ! grep -q '^ *#include' "$block"; then
    unit=${block%.cpp}.function.cpp
    {
      cat tests/checks/readme_prelude.hpp
      echo '[[maybe_unused]] static void snippet(NEXUS_IDEMPOTENCY_README_PARAMETERS) {'
      cat "$block"
      echo '}'
    } >"$unit"
    extra=(-Wno-unused-variable -Wno-unused-but-set-variable -Wno-unused-parameter)
  fi
  if ! "$@" "${extra[@]}" -fsyntax-only "$unit"; then
    echo "$where: does not compile"
    failed=1
  fi
done
exit "$failed"
