# SPDX-License-Identifier: MIT
# For the scripts that print a table of benchmarks; sourced in the root of the source tree.
# shellcheck shell=bash

build=build/benchmarks
programs=$build/tests/benchmarks/nexus_idempotency_benchmark

# build_targets <target>...: optimised.
build_targets() {
  mkdir -p build
  {
    bash cmake/setup.sh gcc bench
    cmake -D CMAKE_BUILD_TYPE=Release -C cmake/dev.cmake -S . -B "$build"
    cmake --build "$build" -j "$(nproc)" --target "$@"
  } >"$build.log" 2>&1 || { cat "$build.log" >&2; exit 1; }
}
build_benchmarks() {
  build_targets "${@/#/nexus_idempotency_benchmark_}"
}

# Load averages, and the names of what is running at the moment, except for this script's own.
load() {
  local running
  running=$(ps -eo stat=,comm= | awk '$1 ~ /^R/ && $2 != "ps" && $2 != "awk" { print $2 }' | sort | uniq -c |
    awk '{ printf "%s%s × %s", (NR > 1 ? ", " : ""), $1, $2 }')
  echo "load $(cut -d ' ' -f 1-3 /proc/loadavg), running: ${running:-nothing}"
}

# Seconds of processor time since the start: of the machine; of this script and what it has run.
hz=$(getconf CLK_TCK)
machine_seconds() {
  awk -v hz="$hz" '/^cpu /{ print ($2 + $3 + $4 + $7 + $8) / hz }' /proc/stat
}
own_seconds() {
  awk -v hz="$hz" '{ print ($14 + $15 + $16 + $17) / hz }' "/proc/$$/stat"
}

# report <command>...: runs the command, which prints a table, between lines on the machine and what else it did.
# Further such lines are in the array `facts`.
facts=()
report() {
  local compiler started others_before
  compiler=$(sed -n 's/^CMAKE_CXX_COMPILER:[^=]*=//p' "$build/CMakeCache.txt")
  echo "- Machine: $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | sort -u | head -n 1), $(nproc) cores, $(uname -sr)"
  echo "- Compiler: $("$compiler" --version | head -n 1), Release"
  echo "- Commit: $(git describe --always --dirty 2>/dev/null || echo unknown)"
  [[ ${#facts[@]} -eq 0 ]] || printf -- '- %s\n' "${facts[@]}"
  echo "- Before: $(load)"
  echo
  started=$SECONDS
  others_before=$(awk -v all="$(machine_seconds)" -v own="$(own_seconds)" 'BEGIN { print all - own }')
  "$@"
  echo
  echo "- After: $(load)"
  awk -v all="$(machine_seconds)" -v own="$(own_seconds)" -v before="$others_before" -v wall="$((SECONDS - started))" '
    BEGIN { printf "- Took %d s, in which other programs used %.0f s of processor time\n", wall, all - own - before }'
}
