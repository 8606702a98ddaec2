#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# stripe.sh <directory of npm_install.sh> <argument of load.js>...
set -euo pipefail
if [[ ! -d $1/node_modules/stripe ]]; then
  echo "SKIPPED: Stripe's SDK was not installed"
  exit 77
fi
exec node "$1/load.js" "${@:2}"
