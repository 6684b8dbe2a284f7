#!/usr/bin/env bash
# The web app in Debian's Chromium, against the built server and the Drive emulator. Pictures of the pages are kept in
# BUILD_DIR/browser/screens. usage: run.sh BUILD_DIR PHOTO_DIR [ARGUMENTS OF PLAYWRIGHT]
set -euo pipefail
[ $# -ge 2 ] || {
  echo "usage: $0 BUILD_DIR PHOTO_DIR [ARGUMENTS OF PLAYWRIGHT]" >&2
  exit 2
}
IMGIMPORT_BUILD=$(cd "$1" && pwd)
IMGIMPORT_PHOTOS=$(readlink -m "$2")
export IMGIMPORT_BUILD IMGIMPORT_PHOTOS
shift 2
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"
../emulators/drive/make_photos.sh "$IMGIMPORT_PHOTOS" 1000
if ! cmp -s package-lock.json node_modules/.installed-from; then
  npm ci --no-audit --no-fund --loglevel=error >&2
  cp package-lock.json node_modules/.installed-from
fi
# Browsers and tests talk to this machine alone.
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY all_proxy ALL_PROXY
exec node node_modules/@playwright/test/cli.js test "$@"
