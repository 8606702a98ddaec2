#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# examples/run.sh [<argument of 03_replay_log>...]
#
# Builds the examples and runs them, the main one, 03_replay_log, last. Installs what it needs on a Debian machine; builds
# in build/examples. A PostgreSQL server of its own is started for the example that needs one, and removed after it.
set -euo pipefail
here=$(pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/.."

bash cmake/setup.sh examples
mkdir -p build
{
  cmake -S . -B build/examples -G Ninja -D CMAKE_BUILD_TYPE=Release -D NEXUS_IDEMPOTENCY_TESTS=OFF \
    -D CMAKE_REQUIRE_FIND_PACKAGE_nlohmann_json=ON -D NEXUS_IDEMPOTENCY_SQLITE=ON -D NEXUS_IDEMPOTENCY_POSTGRES=ON \
    -D NEXUS_IDEMPOTENCY_REDIS=ON -D NEXUS_IDEMPOTENCY_FINGERPRINT=ON -D NEXUS_IDEMPOTENCY_HTTP=ON &&
    cmake --build build/examples
} >build/examples.log 2>&1 || { cat build/examples.log >&2; exit 1; }

root=$PWD
cd "$here"
for example in 01_quickstart 02_write_your_own_store 04_sqlite_ledger; do
  echo "== $example"
  "$root/build/examples/examples/$example" </dev/null
done
echo "== 05_postgres_ledger"
# shellcheck disable=SC2016
bash "$root/cmake/postgres_server.sh" run bash -c '"$0" "$NEXUS_IDEMPOTENCY_POSTGRES"' \
  "$root/build/examples/examples/05_postgres_ledger" </dev/null
echo "== 06_payments_server"
bash "$root/examples/06_payments_server/tour.sh" "$root/build/examples/examples/06_payments_server" </dev/null
echo "== 07_message_consumer"
"$root/build/examples/examples/07_message_consumer" </dev/null
echo "== 03_replay_log"
exec "$root/build/examples/examples/03_replay_log" "$@"
