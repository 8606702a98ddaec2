#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# tests/benchmarks/durable.sh [--rounds=N]
#
# As run.sh, for the stores on SQLite, PostgreSQL and Redis: each beside a client written by hand on the same engine
# (durable/*_by_hand.cpp), and beside what the disk and the engine can do at all. Medians over N rounds (5), in each of
# which everything that is compared runs in turns of a tenth of a second. About eight minutes. The databases are in build/
# and, the servers', in /tmp: both have to be on a disk, and what a sync costs there bears on every rate.
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
build_benchmarks sqlite postgres redis

for directory in build /tmp; do
  if [[ $(stat -f -c %T "$directory") == tmpfs ]]; then
    echo "durable.sh: $directory is in memory, where nothing is durable" >&2
    exit 1
  fi
done

tables() {
  echo "SQLite:"
  echo
  (cd build && "../${programs}_sqlite" "$@")
  echo
  echo "PostgreSQL:"
  echo
  bash cmake/postgres_server.sh run "${programs}_postgres" "$@"
  echo
  echo "Redis:"
  echo
  bash cmake/redis_server.sh run "${programs}_redis" "$@"
}
facts=("Disk: $(stat -f -c %T build) on $(df --output=source build | tail -n 1)"
  "SQLite $(sqlite3 --version | cut -d ' ' -f 1), $(/usr/lib/postgresql/*/bin/postgres --version | head -n 1)"
  "$(redis-server --version | cut -d ' ' -f 1-3)")
report tables "$@"
