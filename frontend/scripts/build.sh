#!/usr/bin/env bash
# Builds the web app and packs it into one file. usage: build.sh OUT_DIR PACK
set -euo pipefail
out=$1 pack=$2
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
scripts/install.sh
node node_modules/vite/bin/vite.js build --logLevel warn --emptyOutDir --outDir "$out"
node scripts/pack.mjs "$out" "$pack"
