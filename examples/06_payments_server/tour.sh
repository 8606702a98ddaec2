#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# tour.sh <06_payments_server> [<store>]
#
# What a client sees, request by request: a charge, its replay, a conflict, a request that is still being executed; and a
# server that is killed, once while it executes, once when it has and did not get to reply. Ends with an error if anything
# is not as it is told here. <store>: sqlite:… or postgres:…, where a charge and its record are committed together; by
# default an SQLite file that is removed in the end.
set -euo pipefail

server=$1
scratch=$(mktemp -d /tmp/payments.XXXXXX)
store=${2-sqlite:$scratch/payments.db}
pid=
# shellcheck disable=SC2329
clean_up() {
  [[ -z $pid ]] || kill -KILL "$pid" 2>/dev/null || true
  rm -rf "$scratch"
}
trap clean_up EXIT

fail() {
  echo "tour.sh: $*" >&2
  exit 1
}

# start <option>...
start() {
  : >"$scratch/out"
  "$server" --store "$store" "$@" >"$scratch/out" &
  pid=$!
  for _ in $(seq 600); do
    url=$(sed -n 's|^listening on \(.*\)$|http://\1|p' "$scratch/out")
    [[ -z $url ]] || return 0
    kill -0 "$pid" 2>/dev/null || fail "the server has ended"
    sleep 0.05
  done
  fail "the server does not listen"
}

# end <signal>
end() {
  kill "-$1" "$pid"
  # The shell would tell of the death, too.
  wait "$pid" 2>/dev/null || [[ $1 == KILL ]] || fail "the server did not end well"
  pid=
}

# post <key> <body> [<argument of curl>...]: prints the status, the header fields that matter, and the body.
post() {
  curl --silent --show-error --include --max-time 90 --request POST "$url/v1/charges" --header "Idempotency-Key: $1" \
    --header "Authorization: Bearer sk_tour" --data "$2" "${@:3}" |
    tr -d '\r' | grep -E '^(HTTP/|Idempotent-Replayed|Retry-After|\{)' | sed -E 's/^HTTP[^ ]* //; s/^/  /'
}

# expect <what> <file> <line of it>...: shows the file, and holds it to these lines.
expect() {
  echo "$1"
  cat "$2"
  local line
  for line in "${@:3}"; do
    grep -Eqx "  $line" "$2" || fail "no line '$line' in that"
  done
}

rows() {
  curl --silent --show-error "$url/v1/ledger" | grep -o '"id":"ch_' | wc -l
}

start
post order-1 amount=10 >"$scratch/first"
expect "A charge:" "$scratch/first" "200 OK" '\{"id":"ch_[0-9]+","object":"charge"\}'
post order-1 amount=10 >"$scratch/again"
expect "The same request again:" "$scratch/again" "200 OK" "Idempotent-Replayed: true" "$(sed -n 's/^  \({.*\)/\1/p' "$scratch/first" |
  sed 's/[{}]/\\&/g')"
post order-1 amount=99 >"$scratch/conflict"
expect "Another request with its key:" "$scratch/conflict" "422 Unprocessable Entity"
[[ $(rows) == 1 ]] || fail "there are $(rows) rows in the ledger"
end TERM

# Of two at once, one executes, for a minute; so the one that is answered is the other.
start --delay-ms 60000 --lease-ms 5000
copies=()
for copy in a b; do
  post order-2 amount=20 >"$scratch/$copy" 2>/dev/null &
  copies[${#copies[@]}]=$!
done
wait -n "${copies[@]}" || fail "no answer"
cat "$scratch/a" "$scratch/b" >"$scratch/busy"
expect "A double submit, while one of the two is being executed:" "$scratch/busy" "409 Conflict" "Retry-After: [1-5]"
echo "The server is killed while it executes."
end KILL
wait "${copies[@]}" || true
start
[[ $(rows) == 1 ]] || fail "there are $(rows) rows in the ledger"
# Its claim stands until the lease ends. curl's own retries: every second, as long as the answer is an error.
post order-2 amount=20 --fail --retry 60 --retry-delay 1 --retry-all-errors >"$scratch/retried" 2>/dev/null || true
tail -n 2 "$scratch/retried" >"$scratch/last"
expect "The client tries again, until that execution's lease has ended:" "$scratch/last" "200 OK" '\{"id":"ch_[0-9]+",.*'
[[ $(rows) == 2 ]] || fail "there are $(rows) rows in the ledger"
end TERM

start --reply-delay-ms 60000
post order-3 amount=30 >"$scratch/lost" 2>/dev/null &
lost=$!
for _ in $(seq 600); do
  [[ $(rows) != 3 ]] || break
  sleep 0.05
done
[[ $(rows) == 3 ]] || fail "there are $(rows) rows in the ledger"
echo "The server has charged, and is killed before it replies."
end KILL
wait "$lost" || true
[[ ! -s $scratch/lost ]] || fail "there was a reply"
start
post order-3 amount=30 >"$scratch/replayed"
expect "The client tries again:" "$scratch/replayed" "200 OK" "Idempotent-Replayed: true" '\{"id":"ch_[0-9]+",.*'
[[ $(rows) == 3 ]] || fail "there are $(rows) rows in the ledger"
end TERM
echo "3 orders, 3 rows in the ledger"
