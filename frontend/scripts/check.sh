#!/usr/bin/env bash
# Types of the web app against the API's description, and the tests of its pure parts.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
scripts/install.sh
node node_modules/openapi-typescript/bin/cli.js ../src/gateway/openapi.json -o src/api/schema.d.ts >/dev/null
node node_modules/typescript/bin/tsc --noEmit
node node_modules/vitest/vitest.mjs run
