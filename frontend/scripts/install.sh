#!/usr/bin/env bash
# The packages of package-lock.json, where they are not there already.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
# Two builds of one checkout may want them at once, and npm ci begins by deleting those of the other.
exec {lock}>.install.lock
flock "$lock"
cmp -s package-lock.json node_modules/.installed-from && exit
npm ci --no-audit --no-fund --loglevel=error >&2
cp package-lock.json node_modules/.installed-from
