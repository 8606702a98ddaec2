#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# rounds.sh <06_payments_server> <rounds> <slices> memory|sqlite|postgres|redis...
#
# Prints the table that ../http.sh is about, for these stores. In each round two servers are started on each store, one
# with the layer and one without; wrk drives them in turns, <slices> slices of a second for each line of the table. Servers
# are new in each round, so that what they keep stays small. It ends with an error if any request was answered with one.
set -euo pipefail

if ! command -v wrk >/dev/null; then
  echo "skipped: wrk is not installed"
  exit 77
fi
server=$1
rounds=$2
slices=$3
stores=("${@:4}")
here=$(dirname "${BASH_SOURCE[0]}")
replayed_keys=100
scratch=$(mktemp -d "$PWD/http.XXXXXX") # not in /tmp, which may be in memory
declare -A pids=() urls=()
# shellcheck disable=SC2329
clean_up() {
  [[ ${#pids[@]} -eq 0 ]] || kill -KILL "${pids[@]}" 2>/dev/null || true
  rm -rf "$scratch"
}
trap clean_up EXIT
fail() {
  echo "rounds.sh: $*" >&2
  exit 1
}

# start_server with|without <store>
start_server() {
  local store=$2 options=()
  case $2 in
    sqlite) store=sqlite:$scratch/$1.db ;;
    postgres) store=postgres:$NEXUS_IDEMPOTENCY_POSTGRES ;;
    redis) store=redis:$NEXUS_IDEMPOTENCY_REDIS ;;
  esac
  [[ $1 == with ]] || options=(--without-layer)
  : >"$scratch/$1.out"
  "$server" --store "$store" "${options[@]}" >"$scratch/$1.out" &
  pids[$1]=$!
  for _ in $(seq 600); do
    urls[$1]=$(sed -n 's|^listening on \(.*\)$|http://\1|p' "$scratch/$1.out")
    [[ -z ${urls[$1]} ]] || return 0
    kill -0 "${pids[$1]}" 2>/dev/null || fail "the server has ended"
    sleep 0.05
  done
  fail "the server does not listen"
}

stop_servers() {
  local side
  for side in "${!pids[@]}"; do
    kill -TERM "${pids[$side]}"
    wait "${pids[$side]}" || fail "the server did not end well"
    unset "pids[$side]"
  done
  rm -f "$scratch"/*.db*
}

# slice with|without <connections> <name> <keys>: prints requests, microseconds, p50, p99.
slice() {
  local line
  line=$(wrk --threads 1 --connections "$2" --duration 1s --timeout 30s --script "$here/requests.lua" "${urls[$1]}" \
    -- "$3" "$4" | sed -n 's/^result //p')
  [[ $line =~ ^[1-9][0-9]*\ .*\ 0$ ]] || fail "$1, $2 connections, $4 keys: '$line'"
  echo "${line% 0}"
}

# replays <key>: whether the server with the layer replays the answer to it.
replays() {
  curl --silent --include --request POST "${urls[with]}/v1/charges" --header "Authorization: Bearer sk_benchmark" \
    --header "Content-Type: application/json" --header "Idempotency-Key: $1" --data \
    '{"amount":1999,"currency":"eur","source":"tok_visa","metadata":{"order":"1042","express":true}}' |
    grep -qi '^Idempotent-Replayed: true'
}

names=0
for ((round = 1; round <= rounds; ++round)); do
  for store in "${stores[@]}"; do
    start_server with "$store"
    start_server without "$store"
    # All keys to be replayed are used once, by one connection: of two at once, one would get 409.
    replayed=$store-$round-replayed
    # On a slow disk a second is not enough for all of them.
    slice without 1 "$replayed" "$replayed_keys" >/dev/null
    for ((tries = 0; ; ++tries)); do
      slice with 1 "$replayed" "$replayed_keys" >/dev/null
      ! replays "$replayed-$replayed_keys" || break
      [[ $tries -lt 60 ]] || fail "$store: the keys to be replayed are not"
    done
    for keys in 0 "$replayed_keys"; do
      for connections in 2 8; do
        for ((i = 1; i <= slices; ++i)); do
          sides=(with without)
          [[ $(((round + i) % 2)) == 0 ]] || sides=(without with)
          for side in "${sides[@]}"; do
            name=$replayed
            [[ $keys -gt 0 ]] || name=$store-$((++names))
            figures=$(slice "$side" "$connections" "$name" "$keys")
            echo "$store $keys $connections $round $side $figures"
          done
        done
      done
    done
    stop_servers
  done
done >"$scratch/slices"

awk -v rounds="$rounds" -v slices="$slices" '
  # The three figures of a round: rate; p50 and p99, the mean over the slices.
  {
    line = $1 " " $2 " " $3
    if (!(line in seen)) { seen[line] = 1; lines[++count] = line }
    at = line SUBSEP $4 SUBSEP $5
    requests[at] += $6; seconds[at] += $7 / 1e6; p50[at] += $8 / slices; p99[at] += $9 / slices
  }
  function figure(which, line, round, side,   at) {
    at = line SUBSEP round SUBSEP side
    return which == 1 ? requests[at] / seconds[at] : which == 2 ? p50[at] : p99[at]
  }
  # Sorts values[1..n]; returns their median.
  function median(values, n,   i, j, v) {
    for (i = 2; i <= n; ++i) {
      v = values[i]
      for (j = i - 1; j >= 1 && values[j] > v; --j) values[j + 1] = values[j]
      values[j + 1] = v
    }
    return n % 2 ? values[(n + 1) / 2] : (values[n / 2] + values[n / 2 + 1]) / 2
  }
  function text(which, value) {
    if (which == 1) return sprintf("%.1f k", value / 1000)
    return value < 1000 ? sprintf("%.0f µs", value) : sprintf("%.2f ms", value / 1000)
  }
  END {
    print "| store | keys | connections | a second: with the layer, without | ratio | p50 | ratio | p99 | ratio | met |"
    print "|---|---|---|---|---|---|---|---|---|---|"
    for (l = 1; l <= count; ++l) {
      line = lines[l]
      split(line, words, " ")
      row = "| " words[1] " | " (words[2] > 0 ? "replayed" : "fresh") " | " words[3]
      met = "yes"
      for (which = 1; which <= 3; ++which) {
        for (r = 1; r <= rounds; ++r) {
          with[r] = figure(which, line, r, "with")
          without[r] = figure(which, line, r, "without")
          ratio[r] = with[r] / without[r]
        }
        m = median(ratio, rounds)
        if (which == 1 ? m < 0.85 : words[3] == 2 && m > 1.15) met = "**no**"
        row = row " | " text(which, median(with, rounds)) ", " text(which, median(without, rounds)) \
          sprintf(" | %.2f (%.2f–%.2f)", m, ratio[1], ratio[rounds])
      }
      print row " | " (words[1] == "memory" ? met : "–") " |"
    }
  }' "$scratch/slices"
