#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# cmake/redis_server.sh start   <directory> [<setting>...]   makes and starts a Redis server of its own in a new <directory>
#                       crash   <directory>   kills it at once, as a loss of its process would
#                       again   <directory>   starts it again, after a crash or a stop
#                       stop    <directory>   stops it; its data stay
#                       run     <command>...  starts one, runs the command, stops it and removes it
#                       cluster <command>...  the same with a cluster of three nodes, without replicas
#
# For tests and examples. A server listens on a Unix socket in a directory of its own under /tmp, and on no port; a
# cluster's nodes on loopback ports that were free. It runs as an unprivileged user, is as durable as it can be
# (appendonly yes, appendfsync always), and is ended by its process number. <setting>: as on the command line of
# redis-server, such as `--replicaof "127.0.0.1 6379"`; they come last, so they count.
# <directory>/address has what a client needs: the socket's path, or host:port where a setting gives it a port; `run`
# exports that as NEXUS_IDEMPOTENCY_REDIS, `cluster` all of its nodes' as NEXUS_IDEMPOTENCY_REDIS_CLUSTER.
set -euo pipefail

fail() {
  echo "redis_server.sh: $*" >&2
  exit 1
}

server=$(command -v redis-server || command -v valkey-server || true)
client=$(command -v redis-cli || command -v valkey-cli || true)
[[ -n $server && -n $client ]] || fail "no Redis server is installed (Debian: redis-server)"

# What the server's process is started through: another user, and for `run` the same end as this script's.
as_owner=(setpriv)
if [[ $(id -u) -eq 0 ]]; then
  as_owner+=(--reuid=nobody --regid=nogroup --clear-groups)
fi

# The server's number, if this directory's server runs.
process() {
  local pid
  pid=$(cat "$1/pid" 2>/dev/null) || return 1
  [[ $pid =~ ^[0-9]+$ && $(readlink "/proc/$pid/cwd" 2>/dev/null) == "$1/data" ]] || return 1
  echo "$pid"
}

# ask <directory> <command>...
ask() {
  local address
  address=$(<"$1/address")
  if [[ $address == /* ]]; then
    "$client" -s "$address" "${@:2}"
  else
    "$client" -h "${address%:*}" -p "${address##*:}" "${@:2}"
  fi
}

launch() {
  local settings=()
  mapfile -t settings <"$1/settings"
  (cd "$1/data" && exec "${as_owner[@]}" "$server" - --daemonize no --protected-mode no --save "" --appendonly yes \
    --appendfsync always --loglevel warning --logfile "" "${settings[@]}" >>"$1/log" 2>&1 </dev/null) &
  echo $! >"$1/pid"
  for _ in $(seq 600); do
    if [[ ! -e /proc/$! ]]; then
      break
    fi
    if [[ -n $(process "$1") && $(ask "$1" ping 2>/dev/null) =~ ^(PONG|NOAUTH.*|MASTERDOWN.*)$ ]]; then
      return
    fi
    sleep 0.05
  done
  cat "$1/log" >&2
  echo "redis_server.sh: the server in $1 does not answer" >&2
  return 1
}

gone() {
  for _ in $(seq 600); do
    [[ -e /proc/$1 ]] || return 0
    sleep 0.05
  done
  fail "process $1 does not end"
}

# start <directory> [<setting>...]
start() {
  [[ ! -e $1 ]] || fail "$1 exists"
  mkdir -p "$1/data"
  local socket port=0 setting previous=
  socket=$(mktemp -d /tmp/nexus_redis.XXXXXX)
  echo "$socket" >"$1/socket"
  for setting in "${@:2}"; do
    [[ $previous != --port ]] || port=$setting
    previous=$setting
  done
  if [[ $port == 0 ]]; then
    echo "$socket/redis" >"$1/address"
  else
    echo "127.0.0.1:$port" >"$1/address"
  fi
  printf '%s\n' --bind 127.0.0.1 --port 0 --unixsocket "$socket/redis" --unixsocketperm 777 "${@:2}" >"$1/settings"
  chmod 755 "$1" "$socket"
  if [[ $(id -u) -eq 0 ]]; then
    chown nobody:nogroup "$1/data" "$socket"
  fi
  launch "$1"
}

stop() {
  local pid
  if pid=$(process "$1"); then
    kill -TERM "$pid" 2>/dev/null || true # it may be gone by now
    gone "$pid"
  fi
}

crash() {
  local pid
  pid=$(process "$1") || fail "the server in $1 does not run"
  kill -KILL "$pid"
  gone "$pid"
}

# A port of loopback that nothing listens on, nor on the one 10000 above it, where cluster nodes meet. Both are below
# those that the system gives to clients.
free_port() {
  local port
  for _ in $(seq 200); do
    port=$((11000 + RANDOM % 11000))
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null &&
      ! (exec 3<>"/dev/tcp/127.0.0.1/$((port + 10000))") 2>/dev/null; then
      echo "$port"
      return
    fi
  done
  fail "no port is free"
}

parent=
nodes=()
# shellcheck disable=SC2329
clean_up() {
  local node
  for node in "${nodes[@]}"; do
    stop "$node"
    rm -rf "$(cat "$node/socket" 2>/dev/null || echo "$node")"
  done
  rm -rf "$parent"
}
prepare() {
  parent=$(mktemp -d /tmp/nexus_redis.XXXXXX)
  chmod 755 "$parent"
  trap clean_up EXIT
  as_owner+=(--pdeathsig TERM)
}

case ${1-} in
  start)
    [[ $# -ge 2 ]] || fail "usage: redis_server.sh start <directory> [<setting>...]"
    start "$(realpath -m "$2")" "${@:3}"
    ;;
  stop | crash | again)
    [[ $# -eq 2 ]] || fail "usage: redis_server.sh $1 <directory>"
    directory=$(realpath -m "$2")
    if [[ $1 == again ]]; then
      launch "$directory"
    else
      "$1" "$directory"
    fi
    ;;
  run)
    shift
    [[ $# -gt 0 ]] || fail "usage: redis_server.sh run <command>..."
    prepare
    nodes=("$parent/server")
    start "$parent/server"
    NEXUS_IDEMPOTENCY_REDIS=$(<"$parent/server/address")
    export NEXUS_IDEMPOTENCY_REDIS
    "$@"
    ;;
  cluster)
    shift
    [[ $# -gt 0 ]] || fail "usage: redis_server.sh cluster <command>..."
    prepare
    NEXUS_IDEMPOTENCY_REDIS_CLUSTER=
    for i in 0 1 2; do
      for try in 1 2 3 4 5; do
        node=$parent/node-$i-$try
        nodes+=("$node")
        if start "$node" --port "$(free_port)" --cluster-enabled yes --cluster-node-timeout 2000; then
          break # else somebody else may have taken the port meanwhile
        fi
        [[ $try -lt 5 ]] || fail "a node does not start"
      done
      NEXUS_IDEMPOTENCY_REDIS_CLUSTER+="$(<"$node/address") "
    done
    # shellcheck disable=SC2086
    "$client" --cluster create $NEXUS_IDEMPOTENCY_REDIS_CLUSTER --cluster-yes >"$parent/create.log" 2>&1 ||
      { cat "$parent/create.log" >&2; fail "the cluster was not made"; }
    for node in "${nodes[@]}"; do
      process "$node" >/dev/null || continue
      for _ in $(seq 600); do
        [[ $(ask "$node" cluster info) != *cluster_state:ok* ]] || break
        sleep 0.05
      done
      [[ $(ask "$node" cluster info) == *cluster_state:ok* ]] || fail "the cluster does not come up"
    done
    export NEXUS_IDEMPOTENCY_REDIS_CLUSTER
    "$@"
    ;;
  *)
    sed -n 's/^# \{0,1\}//; 2,/^set /{/SPDX/d; /^set /d; p}' "${BASH_SOURCE[0]}" >&2
    exit 2
    ;;
esac
