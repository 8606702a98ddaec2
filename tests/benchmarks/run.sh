#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# tests/benchmarks/run.sh [--rounds=N]
#
# Builds the benchmarks in build/benchmarks, optimised, and prints a Markdown table: ours beside a baseline written by
# hand (baseline.hpp), medians over N rounds (5), each of which runs everything once. About five minutes. Ratios of one
# run may be compared; rates of different runs, or machines, may not. For figures to be believed, nothing else may run.
# The stores on SQLite and PostgreSQL have a script of their own, durable.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

case ${1-} in
  "" | --rounds=*) ;;
  *)
    sed -n 's/^# \{0,1\}//; 2,/^set /{/SPDX/d; /^set /d; p}' "${BASH_SOURCE[0]}" >&2
    exit 2
    ;;
esac

# shellcheck source=tests/benchmarks/support/report.sh
source tests/benchmarks/support/report.sh
build_benchmarks throughput limits

table() {
  "${programs}_throughput" "$@"
  "${programs}_limits" "$@" | tail -n +3 # one header is enough
}
report table "$@"
