#!/usr/bin/env bash
# Cuts N different photographs from those of Debian's mate-backgrounds and gnome-backgrounds into OUT_DIR: crops of
# different places and scales, mostly JPEG with PNG, WebP, HEIC, TIFF and GIF among them, in folders by theme and year,
# most JPEGs with date, camera and place in EXIF. The same N gives the same files (with the same libvips).
#
# Needs libvips-tools, mate-backgrounds, gnome-backgrounds. Does nothing when OUT_DIR is complete already.
set -euo pipefail

usage() {
  echo "usage: $0 OUT_DIR [N]" >&2
  exit 2
}

# The EXIF segment of a JPEG: Make, Model, DateTimeOriginal, GPS. Offsets are of fixed places in a little-endian TIFF
# structure of 242 bytes, so strings are padded with zeros to their room.
exif_segment() { # MAKE MODEL DATE LAT_DEG LAT_MIN LON_DEG LON_MIN
  padded() {
    local missing=$(($2 - ${#1}))
    [ "$missing" -ge 0 ] || return 1
    printf '%s' "$1"
    [ "$missing" -eq 0 ] || dd if=/dev/zero bs="$missing" count=1 status=none
  }
  degrees() { # DEG MIN
    printf "\\x$(printf %02x "$1")\0\0\0\1\0\0\0\\x$(printf %02x "$2")\0\0\0\1\0\0\0\0\0\0\0\1\0\0\0"
  }
  printf '\xff\xe1\0\xfaExif\0\0II*\0\x08\0\0\0'
  printf '\4\0'
  printf '\x0f\1\2\0\x10\0\0\0\x86\0\0\0'
  printf '\x10\1\2\0\x18\0\0\0\x96\0\0\0'
  printf '\x69\x87\4\0\1\0\0\0\x3e\0\0\0'
  printf '\x25\x88\4\0\1\0\0\0\x50\0\0\0'
  printf '\0\0\0\0'
  printf '\1\0\3\x90\2\0\x14\0\0\0\xae\0\0\0\0\0\0\0'
  printf '\4\0'
  printf '\1\0\2\0\2\0\0\0N\0\0\0'
  printf '\2\0\5\0\3\0\0\0\xc2\0\0\0'
  printf '\3\0\2\0\2\0\0\0E\0\0\0'
  printf '\4\0\5\0\3\0\0\0\xda\0\0\0'
  printf '\0\0\0\0'
  padded "$1" 16
  padded "$2" 24
  padded "$3" 20
  degrees "$4" "$5"
  degrees "$6" "$7"
}

# One line of the plan: SOURCE|LEFT|TOP|WIDTH|HEIGHT|FILE|OPTIONS|MAKE|MODEL|DATE|LAT_DEG|LAT_MIN|LON_DEG|LON_MIN
cut_photo() {
  local source left top width height file options make model date lat_deg lat_min lon_deg lon_min
  IFS='|' read -r source left top width height file options make model date lat_deg lat_min lon_deg lon_min <<<"$1"
  vips extract_area "$source" "$file[$options]" "$left" "$top" "$width" "$height"
  if [ -n "$make" ]; then
    {
      head -c 2 "$file"
      exif_segment "$make" "$model" "$date" "$lat_deg" "$lat_min" "$lon_deg" "$lon_min"
      tail -c +3 "$file"
    } >"$file.new"
    mv "$file.new" "$file"
  fi
}

# Decoded once, at most 2,560 pixels wide, without an alpha channel: what is cut from afterwards is only mapped.
prepare_source() { # FILE OUT
  vipsthumbnail "$1" --size '2560x>' -o "$2.full.v"
  vips extract_band "$2.full.v" "$2" 0 --n 3
  rm "$2.full.v"
}

if [ "${1:-}" = --cut ]; then
  shift
  for line in "$@"; do cut_photo "$line"; done
  exit
fi
if [ "${1:-}" = --prepare ]; then
  prepare_source "$2" "$3"
  exit
fi

[ $# -ge 1 ] && [ $# -le 2 ] || usage
out=$1
count=${2:-1000}
mark="3 $count" # the first number changes with this script's results
if [ "$(cat "$out/.complete" 2>/dev/null)" = "$mark" ]; then
  echo "$out holds $count photos already"
  exit
fi
if [ -d "$out" ] && [ ! -e "$out/.complete" ] && [ -n "$(ls -A "$out")" ]; then
  echo "$out holds something else: name a new folder" >&2
  exit 1
fi
command -v vips >/dev/null && command -v vipsthumbnail >/dev/null || {
  echo "vips is missing: install libvips-tools" >&2
  exit 1
}

export VIPS_CONCURRENCY=1 VIPS_WARNING=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/sources"
backgrounds=/usr/share/backgrounds
for file in "$backgrounds"/mate/nature/*.jpg "$backgrounds"/mate/abstract/Elephants_3840x2160.jpg \
  "$backgrounds"/gnome/{truchet-l,pixels-l,wood-l}.webp; do
  [ -r "$file" ] || continue
  name=$(basename "$file")
  printf '%s\0%s\0' "$file" "$work/sources/${name%.*}.v"
done | xargs -0 -r -n 2 -P "$(nproc)" "$0" --prepare
[ -n "$(ls "$work/sources")" ] || {
  echo "no photos under $backgrounds: install mate-backgrounds and gnome-backgrounds" >&2
  exit 1
}

for source in "$work"/sources/*.v; do
  echo "$source $(vipsheader -f width "$source") $(vipsheader -f height "$source")"
done >"$work/sizes"

# shellcheck disable=SC2016
awk -v count="$count" -v out="$work/photos" '
  function random(n) { # a small generator of our own: awk implementations differ in theirs
    state = (state * 16807) % 2147483647
    return int(state / 2147483647 * n)
  }
  { source[NR] = $1; width[NR] = $2; height[NR] = $3; theme[NR] = $1; sub(/.*\//, "", theme[NR]); sub(/\.v$/, "", theme[NR]) }
  END {
    state = 20240611
    split("Canon|Canon EOS 80D;NIKON|NIKON D750;Apple|iPhone 12;SONY|ILCE-7M3", camera, ";")
    for (i = 0; i < count; ++i) {
      s = i % NR + 1
      kind = i % 50
      type = "jpg"; options = "Q=" 80 + random(12) ",strip"; w = 800 + random(700)
      if (kind == 7 || kind == 23 || kind == 40) { type = "png"; options = "strip"; w = 360 + random(120) }
      if (kind == 12 || kind == 31) { type = "webp"; options = "Q=82,strip,effort=1"; w = 1000 + random(400) }
      if (kind == 18) { type = "heic"; options = "Q=60,speed=8,strip"; w = 600 + random(200) }
      if (kind == 27) { type = "tif"; options = "compression=deflate,strip"; w = 300 + random(100) }
      if (kind == 44) { type = "gif"; options = "strip"; w = 400 + random(120) }
      h = int(w * 2 / 3)
      if (random(4) == 0 && type != "heic") { t = w; w = h; h = t }
      if (w > width[s]) w = width[s]
      if (h > height[s]) h = height[s]
      w -= w % 2; h -= h % 2
      left = random(width[s] - w + 1); top = random(height[s] - h + 1)
      year = 2016 + random(8)
      date = sprintf("%04d:%02d:%02d %02d:%02d:%02d", year, 1 + random(12), 1 + random(28), random(24), random(60), random(60))
      exif = "||||||"
      if (type == "jpg" && random(4) > 0) {
        exif = camera[1 + random(4)] "|" date "|" 36 + random(20) "|" random(60) "|" random(25) "|" random(60)
      }
      folder = out "/" theme[s] "/" year
      print folder > (out ".folders")
      printf "%s|%d|%d|%d|%d|%s/IMG_%04d.%s|%s|%s\n", source[s], left, top, w, h, folder, i, type, options, exif
    }
  }' "$work/sizes" >"$work/plan"
sort -u "$work/photos.folders" | xargs -d '\n' mkdir -p
xargs -d '\n' -n 8 -P "$(nproc)" "$0" --cut <"$work/plan"

made=$(find "$work/photos" -type f | wc -l)
[ "$made" = "$count" ] || {
  echo "only $made of $count photos were made" >&2
  exit 1
}
echo "$mark" >"$work/photos/.complete"
rm -rf "$out"
mkdir -p "$(dirname "$out")"
mv "$work/photos" "$out"
echo "$count photos, $(du -sh "$out" | cut -f1), in $out"
