#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# npm_install.sh <directory>: puts Stripe's SDK and the programs that use it there. Skipped where there is no npm.
set -euo pipefail
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
  echo "SKIPPED: there is no npm, so no test with Stripe's SDK"
  exit 77
fi
mkdir -p "$1"
cp "$(dirname "${BASH_SOURCE[0]}")"/stripe/* "$1"
cd "$1"
if ! cmp -s package-lock.json node_modules/installed.json; then
  npm ci --ignore-scripts --no-audit --no-fund
  cp package-lock.json node_modules/installed.json
fi
