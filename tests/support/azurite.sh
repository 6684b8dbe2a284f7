#!/usr/bin/env bash
# Azurite, the emulator of Azure Blob Storage, on a free port of 127.0.0.1 with a temporary folder of its own.
#   azurite.sh install       brings it from npm (once; again when the lock file has changed)
#   azurite.sh start [LOG]   prints its connection string as one line, and runs until SIGTERM; LOG gets a line for each
#                            request
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)/azurite

install() {
  cd "$here"
  cmp -s package-lock.json node_modules/.installed-from && return 0
  # Engines: it asks for a newer Node than Debian's, and runs on 18 as well.
  npm ci --no-audit --no-fund --ignore-scripts --loglevel=error >&2
  cp package-lock.json node_modules/.installed-from
}

work=
server=
finish() {
  trap '' TERM INT HUP
  if [ -n "$server" ]; then
    kill -TERM "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  [ -z "$work" ] || rm -rf "$work"
}

# What it says before it serves, then its requests. Sets endpoint.
await_endpoint() { # LOG
  local line reader
  exec 3< <(exec tail -n +1 -f --pid="$server" "$1")
  reader=$!
  endpoint=
  while [ -z "$endpoint" ] && read -r -t 60 -u 3 line; do
    case $line in *"successfully listens on "*) endpoint=${line##* } ;; esac
  done
  exec 3<&-
  kill "$reader" 2>/dev/null || true
}

start() { # [LOG]
  local program=$here/node_modules/.bin/azurite-blob log=${1:-} silent=() endpoint
  [ -e "$program" ] || {
    echo "Azurite is not installed: run tests/support/azurite.sh install" >&2
    exit 1
  }
  trap finish EXIT
  trap 'exit 0' TERM INT HUP
  work=$(mktemp -d)
  mkdir "$work/data"
  [ -n "$log" ] || silent=(--silent)
  log=${log:-$work/log}
  : >"$log"
  # It ends with this script, however that ends.
  setpriv --pdeathsig KILL node "$program" --blobHost 127.0.0.1 --blobPort 0 --location "$work/data" \
    --disableTelemetry --skipApiVersionCheck ${silent[@]+"${silent[@]}"} >"$log" 2>"$work/errors" </dev/null &
  server=$!
  await_endpoint "$log"
  [ -n "$endpoint" ] || {
    cat "$work/errors" >&2
    echo "Azurite did not start" >&2
    exit 1
  }
  # The emulator's one account, public and the same everywhere.
  printf 'DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=%s;BlobEndpoint=%s/devstoreaccount1;\n' \
    'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==' "$endpoint"
  wait "$server"
}

case ${1:-} in
  install) install ;;
  start) start "${2:-}" ;;
  *)
    echo "usage: $0 install|start [LOG]" >&2
    exit 2
    ;;
esac
