#!/usr/bin/env bash
# Imports from the Drive emulator to local disk, by imgimport and by rclone, in one run: images/s, MB/s, CPU seconds per
# 1,000 images and peak resident set of the mover alone (the emulator's CPU is not counted, but shares the machine).
#   tests/bench/run.sh BUILD_DIR [COUNTxBYTES…]     default: 5000x65536 300x3145728
set -euo pipefail

build=$(readlink -f "$1")
shift
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
[ $# -gt 0 ] || set -- 5000x65536 300x3145728
work=$(mktemp -d "$build/bench.XXXXXX")
# ext4 is slow to create files where many were just deleted: each run has a folder of its own, and all go at the end.
chattr +T "$work" 2>/dev/null || true
emulator=
stop() {
  [ -z "$emulator" ] || kill "$emulator" 2>/dev/null || true
  rm -rf "$work"
}
trap stop EXIT

"$here/../emulators/drive/make_certificates.sh" "$work/tls" >/dev/null

start_emulator() { # ARGS… → url root key proxy link
  local line
  exec {out}< <(exec "$build/drive-emulator" "$@" 2>"$work/emulator.log")
  emulator=$!
  read -r -t 60 -u "$out" line || { cat "$work/emulator.log" >&2; exit 1; }
  url= root= key= proxy= link=
  local field
  for field in $line; do printf -v "${field%%=*}" '%s' "${field#*=}"; done
}
stop_emulator() {
  kill "$emulator" 2>/dev/null || true
  wait "$emulator" 2>/dev/null || true
  emulator=
  exec {out}<&-
}

report() { # NAME COUNT BYTES LOG OUTPUT_DIR
  local files
  files=$(find "$5" -type f -size +1000c ! -name 'imgimport.db*' | wc -l)
  sed -n 's/^measured //p' "$4" | tail -n 1 | awk -v name="$1" -v n="$2" -v size="$3" -v files="$files" -F '[:,}]' '{
    printf "  %-28s %7.0f images/s %8.1f MB/s %7.3f CPU s per 1,000 %7.1f MiB peak%s\n",
      name, n / $2, n * size / $2 / 1e6, $4 * 1000 / n, $6, files == n ? "" : "   ONLY " files " OF " n " ARRIVED" }'
}

clean_environment=(env -i PATH="$PATH" HOME="$work")

for load in "$@"; do
  count=${load%x*} bytes=${load#*x}
  printf '%s images of %s bytes\n' "$count" "$bytes"

  start_emulator --synthetic "$load"
  mkdir "$work/plain-$load"
  (cd "$work/plain-$load" && "${clean_environment[@]}" LOG_LEVEL=warning DATA_DIR="$work/plain-$load" \
    GOOGLE_API_KEY="$key" GOOGLE_DRIVE_API_URL="$url" "$build/measure" "$build/imgimport" import "$link" \
    >"$work/plain.out" 2>"$work/plain.log") || { cat "$work/plain.out" "$work/plain.log"; exit 1; }
  report "imgimport, HTTP" "$count" "$bytes" "$work/plain.log" "$work/plain-$load/objects"
  stop_emulator

  start_emulator --synthetic "$load" --tls-cert "$work/tls/server.pem" --tls-key "$work/tls/server.key" \
    --connect-proxy 0 --service-account "$work/tls/account.json" --token-uri https://oauth2.googleapis.com/token
  mkdir "$work/tls-$load"
  (cd "$work/tls-$load" && "${clean_environment[@]}" LOG_LEVEL=warning DATA_DIR="$work/tls-$load" HTTPS_PROXY="$proxy" \
    CURL_CA_BUNDLE="$work/tls/ca.pem" GOOGLE_APPLICATION_CREDENTIALS="$work/tls/account.json" \
    DRIVE_QUOTA_PER_MINUTE=0 "$build/measure" "$build/imgimport" import "$link" \
    >"$work/tls.out" 2>"$work/tls.log") || { cat "$work/tls.out" "$work/tls.log"; exit 1; }
  report "imgimport, HTTPS and proxy" "$count" "$bytes" "$work/tls.log" "$work/tls-$load/objects"

  "${clean_environment[@]}" HTTPS_PROXY="$proxy" "$build/measure" rclone copy --config /dev/null \
    --ca-cert "$work/tls/ca.pem" --drive-service-account-file "$work/tls/account.json" --drive-root-folder-id "$root" \
    --drive-pacer-min-sleep 1ms --drive-pacer-burst 10000 --transfers 150 --checkers 16 :drive: "$work/rclone-$load" \
    2>"$work/rclone.log" || { cat "$work/rclone.log"; exit 1; }
  report "rclone copy, HTTPS and proxy" "$count" "$bytes" "$work/rclone.log" "$work/rclone-$load"
  stop_emulator
done
