#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# curl.sh <06_payments_server> memory|sqlite|postgres|redis <servers>
#
# 200 commands from eight processes of curl with --retry, to servers that fail and drop replies, and share the store. In
# the end the ledger has each command once, with the id that the client was told; and every replay is the same, byte for
# byte.
set -euo pipefail

server=$1
kind=$2
servers=$3
commands=200
scratch=$(mktemp -d /tmp/payments_curl.XXXXXX)
case $kind in
  sqlite) store=sqlite:$scratch/payments.db ;;
  postgres) store=postgres:$NEXUS_IDEMPOTENCY_POSTGRES ;;
  redis) store=redis:$NEXUS_IDEMPOTENCY_REDIS ;;
  *) store=$kind ;;
esac
pids=()
# shellcheck disable=SC2329
clean_up() {
  [[ ${#pids[@]} -eq 0 ]] || kill -KILL "${pids[@]}" 2>/dev/null || true
  rm -rf "$scratch"
}
trap clean_up EXIT
fail() {
  echo "curl.sh: $*" >&2
  exit 1
}

for ((i = 0; i < servers; ++i)); do
  "$server" --store "$store" --delay-ms 5 --fail-rate 0.1 --drop-reply-rate 0.1 \
    --lease-ms 120000 >"$scratch/out.$i" &
  pids+=($!)
  for _ in $(seq 600); do
    ! grep -q listening "$scratch/out.$i" || break
    kill -0 "${pids[$i]}" 2>/dev/null || fail "the server has ended"
    sleep 0.05
  done
  sed -n 's|^listening on |http://|p' "$scratch/out.$i" >"$scratch/url.$i"
done

# send <kind> <url> <number>: what the server answers goes to <kind>.<number>, its header to <kind>.<number>.head.
# shellcheck disable=SC2329
send() {
  curl --silent --fail --max-time 60 --retry 30 --retry-delay 1 --retry-all-errors --request POST "$2/v1/orders/$3" \
    --header "Authorization: Bearer sk_curl" --header "Idempotency-Key: \"command $3\"" \
    --header "Content-Type: application/json" --data "{\"amount\": $3, \"note\": [1, 2.50, \"ü\"]}" \
    --dump-header "$1.$3.head" --output "$1.$3"
}
export -f send
cd "$scratch"

# all <kind> <server>: every command, the odd ones to the next server.
all() {
  local this next
  this=$(<"url.$2")
  next=$(<"url.$((($2 + 1) % servers))")
  for ((i = 1; i <= commands; ++i)); do
    printf '%s\0%s\0' "$([[ $((i % 2)) == 0 ]] && echo "$this" || echo "$next")" "$i"
  done | xargs -0 -n 2 -P 8 bash -c 'send "$@"' bash "$1" || fail "a command was not done"
}

all first 0
all second $((servers - 1))

curl --silent --fail "$(<url.0)/v1/ledger" >ledger
tr '{' '\n' <ledger | sed -n 's/^"id":"\(ch_[0-9]*\)".*"operation":"POST \([^"]*\)","key":"command \([0-9]*\)".*/\3 \2 \1/p' |
  sort -n >rows
for ((i = 1; i <= commands; ++i)); do
  cmp "first.$i" "second.$i" || fail "the replay of command $i is another"
  grep -qi '^Idempotent-Replayed: true' "second.$i.head" || fail "command $i was not replayed"
  echo "$i /v1/orders/$i $(sed -n 's/^{"id":"\(ch_[0-9]*\)","object":"charge"}$/\1/p' "first.$i")"
done >expected
diff expected rows >/dev/null || { diff expected rows | head >&2; fail "the ledger is not what the clients were told"; }
retried=$(grep -ci '^Idempotent-Replayed: true' first.*.head | grep -vc ':0$')
[[ $retried -gt 0 ]] || fail "no reply was dropped: nothing was tried"

for pid in "${pids[@]}"; do
  kill -TERM "$pid"
  wait "$pid" || fail "a server did not end well"
done
pids=()
echo "$kind, $servers server(s): $commands commands, $(wc -l <rows) rows, $retried replies dropped and asked for again," \
  "$commands replays byte-identical"
