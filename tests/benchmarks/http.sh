#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# tests/benchmarks/http.sh [--rounds=N]
#
# As run.sh, for the HTTP layer: examples/06_payments_server with it, beside the same server without it (--without-layer),
# which charges for every request. wrk sends both the same requests, on 2 and on 8 connections, in turns of a second; N
# rounds (5), about ten minutes. A fresh key is charged by both. A replayed one is charged by the server without the layer
# again, while the layer looks the answer up. Bars are for the store in memory, where the layer is all there is to pay:
# throughput at least 0.85; latency at most 1.15 on 2 connections, for on 8, which keep both cores busy, the mean wait is
# 8 divided by the throughput, and says nothing else. With the others the round trips decide, of which
# tests/clients/round_trips.test.cpp says how many there are. The databases are in build/ and, the servers', in /tmp.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

rounds=5
case ${1-} in
  "") ;;
  --rounds=[1-9]*) rounds=${1#*=} ;;
  *)
    sed -n 's/^# \{0,1\}//; 2,/^set /{/SPDX/d; /^set /d; p}' "${BASH_SOURCE[0]}" >&2
    exit 2
    ;;
esac

# shellcheck source=tests/benchmarks/support/report.sh
source tests/benchmarks/support/report.sh
build_targets nexus_idempotency_example_06

table() {
  local root=$PWD
  (cd "$build" && bash "$root/cmake/postgres_server.sh" run bash "$root/cmake/redis_server.sh" run \
    bash "$root/tests/benchmarks/http/rounds.sh" "$root/$build/examples/06_payments_server" "$rounds" 3 \
    memory sqlite postgres redis)
}
facts=("$(wrk --version | sed -n '1s/ \[.*//p' || true), cpp-httplib $(pkg-config --modversion cpp-httplib)"
  "Disk: $(stat -f -c %T build) on $(df --output=source build | tail -n 1)")
report table
