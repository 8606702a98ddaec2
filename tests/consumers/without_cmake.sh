#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# without_cmake.sh [--pkg-config <directory of the .pc file>] <scratch directory> <compiler> <flag>...
# Builds the core's consumer with the bare compiler, and runs it.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
flags=()
if [[ $1 == --pkg-config ]]; then
  export PKG_CONFIG_PATH=$2
  shift 2
  found=$(pkg-config --cflags --libs 'nexus_idempotency >= 0.1.0')
  read -ra flags <<<"$found"
  [[ $found == *"$(dirname "$(dirname "$PKG_CONFIG_PATH")")"* ]] || { echo "not relocatable: $found"; exit 1; }
fi
scratch=$1
shift
mkdir -p "$scratch"
"$@" "$here/core/main.cpp" "${flags[@]}" -o "$scratch/consumer"
"$scratch/consumer"
