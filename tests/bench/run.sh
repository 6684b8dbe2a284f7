#!/usr/bin/env bash
# Imports from the Drive emulator to local disk, S3 (Ceph's radosgw) and Azure Blob (Azurite), by imgimport and by
# rclone, in one run: images/s, MB/s, CPU seconds per 1,000 images and peak resident set of the mover alone (the CPU of
# emulator and store is not counted, but shares the machine).
# Then thumbnails beside vipsthumbnail's, and the web app's gallery with 100,000 images, in Chromium: frame times while
# it is scrolled.
#   tests/bench/run.sh BUILD_DIR [COUNTxBYTES…] [thumbnails] [scroll]     default: 5000x65536 300x3145728 thumbnails scroll
set -euo pipefail

build=$(readlink -f "$1")
shift
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
[ $# -gt 0 ] || set -- 5000x65536 300x3145728 thumbnails scroll
work=$(mktemp -d "$build/bench.XXXXXX")
# ext4 is slow to create files where many were just deleted: each run has a folder of its own, and all go at the end.
chattr +T "$work" 2>/dev/null || true
emulator= store=
stop() {
  [ -z "$emulator" ] || kill "$emulator" 2>/dev/null || true
  [ -z "$store" ] || kill "$store" 2>/dev/null || true
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

# Starts a store's script, and sets said to its one line.
start_store() { # SCRIPT ARGS…
  exec {store_out}< <(exec "$@" 2>"$work/store.log" </dev/null)
  store=$!
  read -r -t 60 -u "$store_out" said || { cat "$work/store.log" >&2; exit 1; }
}
stop_store() {
  kill "$store" 2>/dev/null || true
  wait "$store" 2>/dev/null || true
  store=
  exec {store_out}<&-
}

measured() { # NAME COUNT BYTES LOG ARRIVED
  sed -n 's/^measured //p' "$4" | tail -n 1 | awk -v name="$1" -v n="$2" -v size="$3" -v files="$5" -F '[:,}]' '{
    printf "  %-36s %7.0f images/s %8.1f MB/s %7.3f CPU s per 1,000 %7.1f MiB peak%s\n",
      name, n / $2, n * size / $2 / 1e6, $4 * 1000 / n, $6, files == n ? "" : "   ONLY " files " OF " n " ARRIVED" }'
}
report() { # NAME COUNT BYTES LOG OUTPUT_DIR
  measured "$1" "$2" "$3" "$4" "$(find "$5" -type f -size +1000c ! -name 'imgimport.db*' | wc -l)"
}

clean_environment=(env -i PATH="$PATH" HOME="$work")

for load in "$@"; do
  if [ "$load" = thumbnails ]; then
    "$here/thumbnails.sh" "$build"
    continue
  fi
  if [ "$load" = scroll ]; then
    "$here/../browser/run.sh" "$build" "$build/photos" -c playwright.bench.config.ts
    continue
  fi
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

  start_store "$here/../support/radosgw.sh" --bucket ours --bucket theirs --until-signal
  read -r _ s3_endpoint s3_key s3_secret _ <<<"$said"
  rclone_s3=("${clean_environment[@]}" RCLONE_CONFIG_STORE_TYPE=s3 RCLONE_CONFIG_STORE_PROVIDER=Ceph
    RCLONE_CONFIG_STORE_ENDPOINT="$s3_endpoint" RCLONE_CONFIG_STORE_ACCESS_KEY_ID="$s3_key"
    RCLONE_CONFIG_STORE_SECRET_ACCESS_KEY="$s3_secret" NO_PROXY=127.0.0.1 HTTPS_PROXY="$proxy")
  mkdir "$work/s3-$load"
  (cd "$work/s3-$load" && "${clean_environment[@]}" LOG_LEVEL=warning DATA_DIR="$work/s3-$load" HTTPS_PROXY="$proxy" \
    CURL_CA_BUNDLE="$work/tls/ca.pem" GOOGLE_APPLICATION_CREDENTIALS="$work/tls/account.json" \
    DRIVE_QUOTA_PER_MINUTE=0 STORAGE_PROVIDER=aws AWS_ENDPOINT_URL_S3="$s3_endpoint" AWS_BUCKET_NAME=ours \
    AWS_ACCESS_KEY_ID="$s3_key" AWS_SECRET_ACCESS_KEY="$s3_secret" "$build/measure" "$build/imgimport" import "$link" \
    >"$work/s3.out" 2>"$work/s3.log") || { cat "$work/s3.out" "$work/s3.log"; exit 1; }
  measured "imgimport to S3, HTTPS and proxy" "$count" "$bytes" "$work/s3.log" \
    "$("${rclone_s3[@]}" rclone lsf -R --files-only --config /dev/null store:ours | wc -l)"
  "${rclone_s3[@]}" "$build/measure" rclone copy --config /dev/null --ca-cert "$work/tls/ca.pem" \
    --drive-service-account-file "$work/tls/account.json" --drive-root-folder-id "$root" --drive-pacer-min-sleep 1ms \
    --drive-pacer-burst 10000 --transfers 150 --checkers 16 --s3-no-check-bucket :drive: store:theirs \
    2>"$work/rclone-s3.log" || { cat "$work/rclone-s3.log"; exit 1; }
  measured "rclone to S3, HTTPS and proxy" "$count" "$bytes" "$work/rclone-s3.log" \
    "$("${rclone_s3[@]}" rclone lsf -R --files-only --config /dev/null store:theirs | wc -l)"
  stop_store

  start_store "$here/../support/azurite.sh" start
  mkdir "$work/azure-$load"
  (cd "$work/azure-$load" && "${clean_environment[@]}" LOG_LEVEL=warning DATA_DIR="$work/azure-$load" \
    HTTPS_PROXY="$proxy" CURL_CA_BUNDLE="$work/tls/ca.pem" \
    GOOGLE_APPLICATION_CREDENTIALS="$work/tls/account.json" DRIVE_QUOTA_PER_MINUTE=0 STORAGE_PROVIDER=azure \
    AZURE_STORAGE_CONNECTION_STRING="$said" "$build/measure" "$build/imgimport" import "$link" \
    >"$work/azure.out" 2>"$work/azure.log") || { cat "$work/azure.out" "$work/azure.log"; exit 1; }
  measured "imgimport to Azure, HTTPS and proxy" "$count" "$bytes" "$work/azure.log" \
    "$(sed -n 's/^ *total *\([0-9]*\)$/\1/p' "$work/azure.out")"
  stop_store
  stop_emulator
done
