#!/usr/bin/env bash
# Thumbnails of photographs of 12 megapixels and about 3 MB: thumbnails/s when each has to be made and when each is
# kept, asked for by 16 connections, with vipsthumbnail on the same files beside them.   thumbnails.sh BUILD_DIR [COUNT]
set -euo pipefail

build=$(readlink -f "$1")
count=${2:-60}
width=320
work=$(mktemp -d "$build/bench.XXXXXX")
children=()
stop() {
  [ ${#children[@]} -eq 0 ] || kill "${children[@]}" 2>/dev/null || true
  rm -rf "$work"
}
trap stop EXIT
export VIPS_CONCURRENCY=1

# Photographs, enlarged, with the grain that a sensor has: as many bytes as a camera's files.
mkdir "$work/photos"
vips gaussnoise "$work/grain.v" 4000 3000 --mean 0 --sigma 9
sources=(/usr/share/backgrounds/mate/nature/{Dune,Blinds,Storm,TwoWings}.jpg)
for i in "${!sources[@]}"; do
  vips thumbnail "${sources[i]}" "$work/plain.v" 4000 --height 3000 --crop centre --size both
  vips add "$work/plain.v" "$work/grain.v" "$work/sum.v"
  vips cast "$work/sum.v" "$work/source-$i.v" uchar
done
for ((i = 0; i < count; ++i)); do
  vips wrap "$work/source-$((i % 4)).v" "$work/photos/photo-$i.jpg[Q=78]" --x $((i * 61 % 4000)) --y $((i * 37 % 3000))
done
bytes=$(du -sb "$work/photos" | cut -f 1)

exec {out}< <(exec "$build/drive-emulator" --folder "$work/photos" 2>"$work/emulator.log")
children+=($!)
read -r -t 60 -u "$out" line
for field in $line; do printf -v "${field%%=*}" '%s' "${field#*=}"; done
exec {server}< <(cd "$work" && exec env -i PATH="$PATH" LOG_LEVEL=warning DATA_DIR="$work/data" GOOGLE_API_KEY="$key" \
  GOOGLE_DRIVE_API_URL="$url" GATEWAY_PORT=0 FRONTEND_PORT=0 IMPORT_PORT=0 METADATA_PORT=0 STORAGE_PORT=0 WORKER_PORT=0 \
  "$build/imgimport" --role=all 2>"$work/server.log")
children+=($!)
while read -r -t 60 -u "$server" line; do
  [[ $line != api-gateway* ]] || api=${line##* }
  [[ $line != web-app* ]] || break
done
job=$(curl -fsS "$api/api/import/google-drive" -H 'Content-Type: application/json' -d "{\"folder_url\":\"$link\"}" | jq -r .job_id)
until [ "$(curl -fsS "$api/api/import/status/$job?imported=0" | jq -r .status)" = completed ]; do read -r -t 0.2 <> <(:) || true; done

curl -fsS "$api/api/images?per_page=500" | jq -r --arg api "$api" --arg work "$work" --arg w "$width" \
  '.images[] | "url=\($api)/api/images/\(.id)/thumbnail?w=\($w)\noutput=\($work)/out-\(.id).webp"' >"$work/urls"
seconds() { # COMMAND… → wall seconds
  local begin=$EPOCHREALTIME
  "$@" >/dev/null
  awk -v a="$begin" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }'
}
show() { awk -v name="$1" -v n="$2" -v s="$3" 'BEGIN { printf "  %-36s %8.1f thumbnails/s\n", name, n / s }'; }
ask() { curl -fsS --no-progress-meter --parallel --parallel-max 16 --config "$1"; }

printf '%s JPEGs of %s MB and 12 megapixels, to %s pixels\n' "$count" "$(awk -v b="$bytes" -v n="$count" 'BEGIN { printf "%.1f", b / n / 1e6 }')" "$width"
show "imgimport, made" "$count" "$(seconds ask "$work/urls")"
for _ in {1..20}; do cat "$work/urls"; done >"$work/many"
show "imgimport, kept" $((count * 20)) "$(seconds ask "$work/many")"
each() { printf '%s\0' "$work"/photos/*.jpg | xargs -0 -n "$1" -P "$(nproc)" vipsthumbnail --size "${width}x$((width * 2))>" -o "$work/tn_%s.webp[Q=78,effort=2,strip]"; }
show "vipsthumbnail, a process for each" "$count" "$(seconds each 1)"
show "vipsthumbnail, all files at once" "$count" "$(seconds each $(((count + $(nproc) - 1) / $(nproc))))"
