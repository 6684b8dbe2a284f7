#!/usr/bin/env bash
# Google's own Node client lists and downloads a tree from the Drive emulator: once with an API key, once as a service
# account. usage: run.sh BUILD_DIR (where drive-emulator was built)
set -euo pipefail
[ $# = 1 ] || {
  echo "usage: $0 BUILD_DIR" >&2
  exit 2
}
build=$(cd "$1" && pwd)
cd "$(dirname "$0")"
work=$(mktemp -d)
emulator=
finish() {
  [ -z "$emulator" ] || kill "$emulator" 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT

if ! cmp -s package-lock.json node_modules/.installed-from; then
  npm ci --no-audit --no-fund >&2
  cp package-lock.json node_modules/.installed-from
fi
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY no_proxy NO_PROXY GOOGLE_APPLICATION_CREDENTIALS

start_emulator() { # OPTIONS…; sets emulator and line
  rm -f "$work/ready"
  mkfifo "$work/ready"
  "$build/drive-emulator" --port 0 --scenario scenario.json "$@" >"$work/ready" &
  emulator=$!
  read -r -t 30 line <"$work/ready" || {
    echo "drive-emulator did not start" >&2
    exit 1
  }
}
value() { tr ' ' '\n' <<<"$line" | sed -n "s/^$1=//p"; }

start_emulator
node check.mjs "$(value url)" "$(value root)" 291 "$(value key)"
kill "$emulator"
wait "$emulator"

# With an account the client asks Google's own host for tokens, whatever the key file says: it is led to the emulator
# through the CONNECT proxy, and then may as well ask www.googleapis.com for the files.
../../emulators/drive/make_certificates.sh "$work/tls"
start_emulator --tls-cert "$work/tls/server.pem" --tls-key "$work/tls/server.key" --connect-proxy 0 \
  --service-account "$work/account.json" --token-uri https://oauth2.googleapis.com/token
HTTPS_PROXY=$(value proxy) NODE_EXTRA_CA_CERTS="$work/tls/ca.pem" \
  node check.mjs https://www.googleapis.com "$(value root)" 291 "$work/account.json"
