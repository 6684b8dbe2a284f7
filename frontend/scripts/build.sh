#!/usr/bin/env bash
# Builds the web app and packs it into one file. usage: build.sh OUT_DIR PACK
set -euo pipefail
out=$1 pack=$2
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."

# Two builds of one checkout may want the packages at once; and npm ci begins by deleting those of the other.
exec {lock}>.install.lock
flock "$lock"
if ! cmp -s package-lock.json node_modules/.installed-from; then
  npm ci --no-audit --no-fund --loglevel=error >&2
  cp package-lock.json node_modules/.installed-from
fi
flock -u "$lock"

node node_modules/vite/bin/vite.js build --logLevel warn --emptyOutDir --outDir "$out"
node scripts/pack.mjs "$out" "$pack"
