#!/usr/bin/env bash
# Builds the container image with buildah, looks at it, and runs both compose files with docker-compose on podman, by the
# commands of the README, in a network of their own: against the Drive emulator, to local disk and to Azurite.
#   image_test.sh BUILD_DIR      as root on Debian 12; images are kept in BUILD_DIR/image-test for the next time
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
top=$(cd "$here/../.." && pwd)
build=$(cd "$1" && pwd)
store=$build/image-test
stage=${2:-}

say() { printf '%s\n' "-- $*"; }
die() {
  printf 'image-test: %s\n' "$*" >&2
  exit 1
}

# Nobody's containers but these: storage, networks and settings of their own.
export CONTAINERS_CONF=$store/containers.conf
# Without systemd nobody runs the health checks; watch_health below does.
export DISABLE_HC_SYSTEMD=true
export BUILDAH_ISOLATION=chroot
# docker-compose builds over podman's socket, with or without a docker program here.
export COMPOSE_DOCKER_CLI_BUILD=0
storage=(--root "$store/store" --runroot "$store/run" --storage-driver overlay)
podman() { command podman "${storage[@]}" "$@"; }
buildah() { command buildah "${storage[@]}" "$@"; }
# Vite opens more files at once than the default lets it.
bud() {
  buildah bud --format docker --isolation chroot --pull-never --network host --layers --ulimit "nofile=$(ulimit -Hn)" "$@"
}

# As after a reboot: what an earlier run may have left is not running any more.
forget_earlier_runs() {
  rm -rf "$store/run" "$store/tmp"
  podman rm --all --force >/dev/null 2>&1 || true
  podman volume prune --force >/dev/null 2>&1 || true
  rm -f "$store"/networks/*.json
}

write_settings() {
  mkdir -p "$store/networks"
  cat >"$CONTAINERS_CONF" <<TEXT
[network]
network_backend = "netavark"
network_config_dir = "$store/networks"
[engine]
cgroup_manager = "cgroupfs"
runtime = "runc"
events_logger = "file"
tmp_dir = "$store/tmp"
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
TEXT
}

# --- the image ------------------------------------------------------------------------------------------------------

# Debian 12 as the registry's debian:bookworm-slim is: without documentation and translations. From this machine's own
# package sources, and with its certificate authorities.
make_base() {
  local root=$store/base suite_url
  if buildah inspect --type image docker.io/library/debian:bookworm-slim >/dev/null 2>&1; then return; fi
  say "a base image by debootstrap"
  suite_url=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' |
    sed -n 's/ bookworm main$//p' | head -n 1)
  [ -n "$suite_url" ] || die "this machine's package sources do not name Debian 12 (bookworm)"
  rm -rf "$root"
  debootstrap --variant=minbase --include=ca-certificates bookworm "$root" "$suite_url" >"$store/debootstrap.log" 2>&1 ||
    { tail -n 20 "$store/debootstrap.log" >&2; die "debootstrap failed"; }
  cp /etc/apt/sources.list.d/*.sources "$root/etc/apt/sources.list.d/" 2>/dev/null || true
  find "$root/etc/apt/sources.list.d" -name '*.sources' -exec grep -LE 'bookworm' {} + | xargs -r rm
  [ -z "$(ls "$root/etc/apt/sources.list.d")" ] || rm -f "$root/etc/apt/sources.list"
  mkdir -p "$root/usr/local/share/ca-certificates"
  cp -r /usr/local/share/ca-certificates/. "$root/usr/local/share/ca-certificates/" 2>/dev/null || true
  chroot "$root" update-ca-certificates >/dev/null 2>&1
  # Node is asked to trust the system's authorities, too.
  echo "cafile=/etc/ssl/certs/ca-certificates.crt" >"$root/root/.npmrc"
  printf '%s\n' 'path-exclude /usr/share/doc/*' 'path-include /usr/share/doc/*/copyright' 'path-exclude /usr/share/man/*' \
    'path-exclude /usr/share/locale/*' 'path-exclude /usr/share/info/*' >"$root/etc/dpkg/dpkg.cfg.d/docker"
  rm -rf "$root"/usr/share/{man,locale,info}/* "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
  find "$root/usr/share/doc" -type f ! -name copyright -delete
  tar -C "$root" -cf "$store/base.tar" .
  printf 'FROM scratch\nADD base.tar /\nCMD ["bash"]\n' >"$store/Containerfile"
  buildah bud --format docker --isolation chroot -t docker.io/library/debian:bookworm-slim -f "$store/Containerfile" "$store" \
    >"$store/base.log" 2>&1 || { tail -n 20 "$store/base.log" >&2; die "the base image cannot be built"; }
  rm -rf "$root" "$store/base.tar"
}

# Debian's Redis under the name that the compose file asks for.
make_redis() {
  if buildah inspect --type image docker.io/library/redis:7.2-bookworm >/dev/null 2>&1; then return; fi
  say "an image with Debian's Redis"
  printf '%s\n' 'FROM debian:bookworm-slim' \
    'RUN apt-get update && apt-get install -y --no-install-recommends redis-server && rm -rf /var/lib/apt/lists/*' \
    'USER redis' 'WORKDIR /data' 'CMD ["redis-server"]' |
    bud -t docker.io/library/redis:7.2-bookworm -f - "$here" >"$store/redis.log" 2>&1 ||
    { tail -n 20 "$store/redis.log" >&2; die "the Redis image cannot be built"; }
}

# The checkout as it is, without what git does not know.
copy_context() {
  rm -rf "$store/checkout"
  mkdir -p "$store/checkout"
  (cd "$top" && git ls-files -z --cached --others --exclude-standard |
    tar --null --files-from=- --ignore-failed-read -cf - 2>/dev/null) | tar -C "$store/checkout" -xf -
}

build_image() {
  local cache=()
  say "the image, from the Dockerfile (its log: $store/image.log)"
  # What ccache holds of this machine's builds helps, if it is there.
  if command -v ccache >/dev/null && cache_dir=$(ccache --get-config cache_dir); then
    mkdir -p "$cache_dir"
    cache=(-v "$cache_dir:/root/.cache/ccache:rw")
  fi
  bud ${cache[@]+"${cache[@]}"} -t docker.io/library/imgimport:latest "$store/checkout" >"$store/image.log" 2>&1 ||
    { tail -n 40 "$store/image.log" >&2; die "the image cannot be built"; }
}

inspect() { podman image inspect --format "$1" imgimport; } # FORMAT

in_image() { # COMMAND…
  podman run --rm --network none --read-only --cap-drop all -e VIPS_WARNING=0 --entrypoint "$1" ${mounts[@]+"${mounts[@]}"} imgimport "${@:2}"
}

look_at_image() {
  local size tool mounts=()
  size=$(inspect '{{.Size}}')
  say "size $((size / 1000000)) MB, user $(inspect '{{.Config.User}}'), $(in_image imgimport --version)"
  [ "$size" -lt 300000000 ] || die "the image is larger than 300 MB"
  [ "$(inspect '{{.Config.User}}')" = 10001:10001 ] || die "the image does not run as a user of its own"
  [ -n "$(inspect '{{.Config.Healthcheck}}')" ] || die "the image has no HEALTHCHECK"
  tool=$(in_image sh -c 'for t in cc gcc g++ c++ cpp clang ld as make cmake ninja git node npm curl wget; do command -v $t; done' || true)
  [ -z "$tool" ] || die "the image holds tools that it does not need: $tool"
  [ -z "$(in_image find / -xdev -perm /u+s -user root -writable -type f 2>/dev/null)" ] || die "a setuid program can be written"
}

# Decoders, by this machine's vips program with the image's libraries.
decode_formats() {
  local format mounts=(-v "$(command -v vips):/usr/local/bin/vips:ro" -v "$store/pictures:/pictures:ro" --tmpfs /tmp)
  for format in jpg png gif webp tif heic avif; do
    in_image vips avg "/pictures/1.$format" >/dev/null || die "the image's libvips does not read .$format"
  done
  say "libvips reads JPEG, PNG, GIF, WebP, TIFF, HEIC and AVIF"
}

make_pictures() {
  local i format
  rm -rf "$store/pictures"
  mkdir -p "$store/pictures"
  for i in $(seq 1 6); do
    vips gaussnoise "$store/pictures/noise.v" $((200 + 10 * i)) 160 --seed "$i" --mean 128 --sigma 40
    vips cast "$store/pictures/noise.v" "$store/pictures/grey.v" uchar
    vips bandjoin "$store/pictures/grey.v $store/pictures/grey.v $store/pictures/grey.v" "$store/pictures/colour.v"
    vips copy "$store/pictures/colour.v[]" "$store/pictures/rgb.v" --interpretation srgb
    for format in jpg png gif webp tif heic avif; do vips copy "$store/pictures/rgb.v" "$store/pictures/$i.$format"; done
  done
  rm "$store"/pictures/*.v
  pictures=$(find "$store/pictures" -type f | wc -l)
}

# --- compose, in a network of its own -----------------------------------------------------------------------------------

children=()
start_child() { # LOG COMMAND…
  local log=$1
  shift
  "$@" >"$log" 2>&1 </dev/null &
  child=$!
  children+=("$child")
}
stop_children() {
  local i status=$?
  trap '' INT TERM
  if [ -n "${composing:-}" ]; then
    [ "$status" -eq 0 ] || docker-compose -f "$composing" logs --tail=12 --no-color >&2 || true
    docker-compose -f "$composing" down -v --timeout 5 >"$store/down.log" 2>&1 || true
  fi
  for ((i = ${#children[@]} - 1; i >= 0; --i)); do kill "${children[i]}" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$work"
}

await() { # SECONDS WHAT COMMAND…
  local what=$2 end=$((SECONDS + $1))
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || die "timed out: $what"
    sleep 0.3 # between two looks
  done
}

watch_health() {
  local container
  while sleep 1; do
    for container in $(podman ps --quiet 2>/dev/null); do podman healthcheck run "$container" >/dev/null 2>&1 || true; done
  done
}

# An address that the containers reach and that leads nowhere else: what listens on this machine's loopback is put there.
outside=192.0.2.1
offer() { # PORT ON-LOOPBACK
  start_child "$work/socat-$1.log" socat "TCP-LISTEN:$1,bind=$outside,fork,reuseaddr" "TCP:127.0.0.1:$2"
}

value() { tr ' ' '\n' <<<"$1" | sed -n "s/^$2=//p"; }

start_drive() {
  local line
  start_child "$work/drive" "$build/drive-emulator" --port 8088 --folder "$store/pictures" \
    --service-account "$work/account.json" --token-uri "http://$outside:8089/token"
  await 20 "the Drive emulator" grep -q link= "$work/drive"
  line=$(cat "$work/drive")
  drive_key=$(value "$line" key) drive_link=$(value "$line" link)
  offer 8089 8088
}

start_azure() {
  local line
  start_child "$work/azurite" "$top/tests/support/azurite.sh" start
  await 30 Azurite grep -q BlobEndpoint "$work/azurite"
  line=$(cat "$work/azurite")
  [[ $line =~ 127\.0\.0\.1:([0-9]+) ]]
  offer 10000 "${BASH_REMATCH[1]}"
  azure=${line/127.0.0.1:${BASH_REMATCH[1]}/$outside:10000}
}

import_all() { # imports the folder and sees that all of it arrives, or is there already
  local answer job status
  answer=$(curl -fsS --max-time 60 -X POST http://localhost:5000/api/import/google-drive -H "Content-Type: application/json" \
    -d "{\"folder_url\": \"$drive_link\"}")
  job=$(jq -r .job_id <<<"$answer")
  ended() { [ "$(curl -fsS "http://localhost:5000/api/import/status/$job?imported=0" | jq -r .status)" = completed ]; }
  await 120 "the import of $pictures pictures" ended
  status=$(curl -fsS "http://localhost:5000/api/import/status/$job")
  jq -e --argjson n "$pictures" '.total == $n and .processed == $n and .failed == 0' <<<"$status" >/dev/null || die "the import ended with $status"
  say "$answer: all are there"
}

healthy() { # PORT SERVICE
  [ "$(curl -fsS --max-time 5 "http://localhost:$1/health" | jq -r '.status + " " + .service')" = "healthy $2" ]
}

containers_of() { podman ps --all --quiet --filter "label=com.docker.compose.service=$1"; } # SERVICE

# Every container that still ran ends with 0, well within the ten seconds that Docker grants.
stops_well() { # COMPOSE_FILE
  local id code
  local -a running
  mapfile -t running < <(podman ps --quiet)
  SECONDS=0
  docker-compose -f "$1" stop >"$work/stop.log" 2>&1
  for id in "${running[@]}"; do
    code=$(podman inspect --format '{{index .Config.Labels "com.docker.compose.service"}} {{.State.ExitCode}}' "$id")
    case $code in
      *" 0" | "worker-port 143") ;; # socat ends by the signal itself
      *) die "ended with status: $code" ;;
    esac
  done
  say "stopped in $SECONDS s, each with 0"
}

try_one_process() {
  local id size
  say "docker-compose up --build -d, with a service account"
  install -m 0644 "$work/account.json" account.json
  printf '%s\n' GOOGLE_APPLICATION_CREDENTIALS=./account.json "GOOGLE_DRIVE_API_URL=http://$outside:8089" STORAGE_PROVIDER=local >.env
  composing=docker-compose.yml
  docker-compose up --build -d >"$work/up.log" 2>&1 || { tail -n 30 "$work/up.log" >&2; die "compose did not start"; }
  id=$(containers_of imgimport)
  await 30 "the server's health" healthy 5000 api-gateway
  podman healthcheck run "$id" >/dev/null || die "HEALTHCHECK fails"
  curl -fsS http://localhost:3000/ | grep -qi '<!doctype html' || die "no web app on port 3000"
  import_all
  size=$(podman exec "$id" sh -c 'find /data/objects -type f | wc -l')
  [ "$size" = "$pictures" ] || die "$size objects on disk instead of $pictures"
  if podman exec "$id" touch /etc/imgimport/x 2>/dev/null; then die "the root file system can be written"; fi
  say "memory: $(podman exec "$id" cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null ||
    podman exec "$id" cat /sys/fs/cgroup/memory.max) bytes allowed, $(podman exec "$id" sed -n 's/^VmHWM: *//p' /proc/1/status) used at most"
  docker-compose ps
  stops_well docker-compose.yml
  # The data outlives the container.
  docker-compose down >/dev/null 2>&1
  docker-compose up -d >"$work/up.log" 2>&1
  await 30 "the server's health" healthy 5000 api-gateway
  [ "$(curl -fsS http://localhost:5000/api/stats | jq .total_images)" = "$pictures" ] || die "the images are gone after down and up"
  docker-compose down -v >/dev/null 2>&1
  composing=
}

# One import without a server.
try_one_shot() {
  say "podman run … imgimport import LINK"
  GOOGLE_API_KEY=$drive_key podman run --rm --network host --read-only --memory 256m --pids-limit 256 -e GOOGLE_API_KEY \
    -e GOOGLE_DRIVE_API_URL="http://$outside:8089" -v images:/data imgimport import "$drive_link" --json >"$work/report.json" ||
    die "the import failed: $(cat "$work/report.json")"
  jq -e --argjson n "$pictures" '.status == "completed" and .imported_count == $n' "$work/report.json" >/dev/null ||
    die "the import ended with $(cat "$work/report.json")"
}

# The commands of the README and of the original's quick start.
try_services() {
  local file=docker-compose.microservices.yml up=no workers
  say "docker-compose -f $file up --build -d"
  printf '%s\n' "GOOGLE_API_KEY=$drive_key" STORAGE_PROVIDER=azure "AZURE_STORAGE_CONNECTION_STRING=$azure" \
    AZURE_STORAGE_CONTAINER_NAME=images "GOOGLE_DRIVE_API_URL=http://$outside:8089" >.env
  composing=$file
  docker-compose -f docker-compose.microservices.yml up --build -d >"$work/up.log" 2>&1 || { tail -n 30 "$work/up.log" >&2; die "compose did not start"; }
  say "up after $SECONDS s"
  docker-compose -f docker-compose.microservices.yml ps
  await 20 "the gateway's health" healthy 5000 api-gateway
  await 20 "the import service's health" healthy 5001 import-service
  await 20 "the metadata service's health" healthy 5002 metadata-service
  await 20 "the storage service's health" healthy 5003 storage-service
  await 20 "a worker's health" healthy 5004 worker-service
  curl -fsS http://localhost:3000/ | grep -qi '<!doctype html' || die "no web app on port 3000"
  import_all
  [ "$(curl -fsS http://localhost:5000/api/stats | jq .azure_images)" = "$pictures" ] || die "not all images are in Azurite"
  curl -fsS http://localhost:5000/api/images/all | jq -e --argjson n "$pictures" '.total == $n' >/dev/null || die "not all images are listed"
  if curl -fsS --max-time 5 http://localhost:5002/internal/v1/ >/dev/null 2>&1; then die "the internal routes are open"; fi

  say "docker-compose -f $file up -d --scale worker-service=10"
  docker-compose -f docker-compose.microservices.yml up -d --scale worker-service=10 >"$work/scale.log" 2>&1 ||
    { tail -n 30 "$work/scale.log" >&2; die "the workers cannot be scaled"; }
  workers() { [ "$(podman ps --quiet --filter label=com.docker.compose.service=worker-service | wc -l)" = 10 ]; }
  await 30 "ten workers" workers
  await 20 "a worker's health" healthy 5004 worker-service
  import_all
  start_child "$work/logs" docker-compose -f docker-compose.microservices.yml logs -f
  await 30 "the logs of the import service" grep -q 'import-service_1.*a job is over' "$work/logs"
  kill "$child"
  stops_well "$file"
  docker-compose -f docker-compose.microservices.yml down >/dev/null 2>&1
  docker-compose -f docker-compose.microservices.yml down -v >/dev/null 2>&1
  composing=
}

# In a network namespace of its own: ports 3000 to 5004 are free there, and nothing leaves it.
run_composed() {
  local folder
  # What podman keeps at fixed places, too.
  for folder in /run/containers /run/netns; do
    mkdir -p "$folder"
    mount -t tmpfs tmpfs "$folder"
  done
  forget_earlier_runs
  work=$(mktemp -d)
  trap stop_children EXIT
  trap 'exit 143' TERM INT
  ip link set lo up
  ip addr add "$outside/32" dev lo
  pictures=$(find "$store/pictures" -type f | wc -l)
  start_child "$store/podman.log" command podman "${storage[@]}" system service --time=0 "unix://$work/podman.sock"
  export DOCKER_HOST=unix://$work/podman.sock
  await 20 podman test -S "$work/podman.sock"
  start_child "$store/health.log" watch_health
  start_drive
  start_azure
  cd "$store/checkout"
  # No variable of the caller's gets into the containers.
  for name in $(compgen -e | grep -E '^(GOOGLE_|AWS_|AZURE_|DB_|DATABASE_|COMPOSE_|STORAGE_|API_|INTERNAL_)'); do unset "$name"; done
  try_one_shot
  try_one_process
  try_services
}

case $stage in
  composed) run_composed ;;
  '')
    [ "$(id -u)" -eq 0 ] || die "this needs root"
    write_settings
    forget_earlier_runs
    make_base
    make_redis
    make_pictures
    copy_context
    build_image
    look_at_image
    decode_formats
    # With the namespace of processes ends whatever was started in it.
    unshare --net --mount --pid --fork --kill-child --mount-proc --propagation private "$0" "$build" composed
    say "the image is well"
    ;;
esac
