#!/usr/bin/env bash
# 1,000 real photographs from the Drive emulator to local disk by `imgimport import`: each object's SHA-256 is the
# source's, and nothing else is stored. usage: run.sh BUILD_DIR PHOTO_DIR (made by make_photos.sh where it is missing)
set -euo pipefail
[ $# = 2 ] || {
  echo "usage: $0 BUILD_DIR PHOTO_DIR" >&2
  exit 2
}
build=$(cd "$1" && pwd)
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
photos=$(readlink -m "$2")
work=$(mktemp -d)
emulator=
finish() {
  [ -z "$emulator" ] || kill "$emulator" 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT

"$here/../../emulators/drive/make_photos.sh" "$photos" 1000
mkfifo "$work/ready"
"$build/drive-emulator" --port 0 --folder "$photos" >"$work/ready" &
emulator=$!
read -r -t 60 line <"$work/ready" || {
  echo "drive-emulator did not start" >&2
  exit 1
}
value() { tr ' ' '\n' <<<"$line" | sed -n "s/^$1=//p"; }

cd "$work"
env -i PATH="$PATH" LOG_LEVEL=warning DATA_DIR="$work/data" GOOGLE_API_KEY="$(value key)" \
  GOOGLE_DRIVE_API_URL="$(value url)" "$build/imgimport" import "$(value link)" --json >report.json
jq -e '.status == "completed" and .imported_count == 1000 and .failed == 0 and .pending == 0' report.json >/dev/null || {
  cat report.json >&2
  exit 1
}
# id and hash of what was stored, from the objects themselves, beside what the emulator serves.
(cd data/objects && find . -type f -print0 | xargs -0 sha256sum) |
  sed 's|^\([0-9a-f]*\)  \./\([^/]*\)/.*|\2 \1|' | sort >stored
curl -fsS "$(value url)/_emulator/manifest" | jq -r '.files[] | "\(.id) \(.sha256)"' | sort >served
diff served stored
# The facts that the listing had are in the records.
facts=$(sqlite3 data/imgimport.db "SELECT count(*) FROM images WHERE width > 0 AND height > 0")
dated=$(sqlite3 data/imgimport.db "SELECT count(*) FROM images WHERE taken_at <> '' AND camera <> ''")
echo "1,000 photographs stored as served; $facts with dimensions, $dated with date and camera"
[ "$facts" -gt 500 ] && [ "$dated" -gt 300 ]
