#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# purge.sh <06_payments_server>
#
# The server removes a record whose deadline is long past, and keeps one that is still replayed, and the ledger's rows.
set -euo pipefail

server=$1
scratch=$(mktemp -d /tmp/payments_purge.XXXXXX)
pid=
# shellcheck disable=SC2329
clean_up() {
  [[ -z $pid ]] || kill -KILL "$pid" 2>/dev/null || true
  rm -rf "$scratch"
}
trap clean_up EXIT
fail() {
  echo "purge.sh: $*" >&2
  exit 1
}

start() {
  : >"$scratch/out"
  "$server" --store "sqlite:$scratch/payments.db" >"$scratch/out" &
  pid=$!
  for _ in $(seq 600); do
    url=$(sed -n 's|^listening on \(.*\)$|http://\1|p' "$scratch/out")
    [[ -z $url ]] || return 0
    kill -0 "$pid" 2>/dev/null || fail "the server has ended"
    sleep 0.05
  done
  fail "the server does not listen"
}
end() {
  kill -TERM "$pid"
  wait "$pid" || fail "the server did not end well"
  pid=
}
sql() {
  sqlite3 -cmd '.timeout 5000' "$scratch/payments.db" "$1"
}

start
for key in old new; do
  curl --silent --fail --request POST "$url/v1/charges" --header "Idempotency-Key: $key" \
    --header "Authorization: Bearer sk_purge" --data amount=1 --output /dev/null
done
end
sql "UPDATE nexus_idempotency SET expires_at = 1 WHERE rowid = (SELECT min(rowid) FROM nexus_idempotency)"
[[ $(sql "SELECT count(*) FROM nexus_idempotency WHERE expires_at = 1") == 1 ]] || fail "no record was made old"

start
for _ in $(seq 600); do
  [[ $(sql "SELECT count(*) FROM nexus_idempotency") != 1 ]] || break
  sleep 0.05
done
[[ $(sql "SELECT count(*) FROM nexus_idempotency") == 1 ]] || fail "the old record is there still, or both are gone"
[[ $(sql "SELECT count(*) FROM nexus_idempotency WHERE expires_at = 1") == 0 ]] || fail "the wrong one is gone"
[[ $(sql "SELECT count(*) FROM ledger") == 2 ]] || fail "the ledger has lost a row"
end
