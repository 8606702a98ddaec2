#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# cmake/setup.sh <profile>...
#
# Installs the Debian packages that a script of this project needs, if any is missing; asks nothing.
#   examples  what examples/run.sh needs
#   gcc       the tests with GCC
#   clang     the tests with Clang: the fuzzers' runtime too
#   bench     tests/benchmarks/*.sh, besides gcc
#   lint      the checks of the formatting and with clang-tidy
set -euo pipefail

packages=()
tools=()
for profile in "$@"; do
  case $profile in
    examples)
      packages+=(g++ cmake ninja-build nlohmann-json3-dev libsqlite3-dev libpq-dev postgresql libssl-dev)
      packages+=(pkg-config libhiredis-dev libcpp-httplib-dev curl)
      tools+=(g++ cmake ninja curl)
      ;;
    gcc)
      packages+=(g++ cmake ninja-build nlohmann-json3-dev catch2 libbenchmark-dev pkg-config)
      packages+=(libsqlite3-dev sqlite3 libpq-dev postgresql pgbouncer libhiredis-dev redis-server libssl-dev openssl)
      packages+=(libcpp-httplib-dev curl faketime)
      # Stripe's SDK, a client in the tests, is a package of npm's. Node's own packages bring npm along, and exclude Debian's.
      command -v npm >/dev/null || packages+=(nodejs npm)
      tools+=(g++ cmake ninja pkg-config curl)
      ;;
    clang)
      packages+=(clang libclang-rt-dev)
      tools+=(clang++)
      ;;
    bench)
      packages+=(procps wrk)
      tools+=(ps wrk)
      ;;
    lint)
      packages+=(clang-format clang-tidy)
      tools+=(clang-format clang-tidy)
      ;;
    *)
      echo "setup.sh: unknown profile '$profile'" >&2
      exit 2
      ;;
  esac
done

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
  # Not Debian: libraries are left to CMake, which stops at the first that it misses.
  for tool in "${tools[@]}"; do
    if ! command -v "$tool" >/dev/null; then
      echo "setup.sh: '$tool' is missing, and this is no Debian machine. Install what corresponds to" >&2
      echo "  ${packages[*]}" >&2
      exit 1
    fi
  done
  exit 0
fi

missing=()
for package in "${packages[@]}"; do
  [[ $(dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null) == *installed* ]] || missing+=("$package")
done
[[ ${#missing[@]} -gt 0 ]] || exit 0

as_root=()
if [[ $(id -u) -ne 0 ]]; then
  if ! command -v sudo >/dev/null || ! sudo -n true 2>/dev/null; then
    echo "setup.sh: packages are missing, and neither root nor sudo without a password is here. Install them with" >&2
    echo "  apt-get install ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo -n)
fi
echo "setup.sh: installing ${missing[*]}" >&2
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=3 -o DPkg::Lock::Timeout=120)
"${apt[@]}" update </dev/null >&2
"${apt[@]}" install -y --no-install-recommends "${missing[@]}" </dev/null >&2
