#!/bin/bash
# A real S3 server for tests: Ceph's radosgw with one monitor and one object store in memory, all on loopback, at free
# ports, in a folder of its own. Several may run side by side.
#
#   radosgw.sh [--dir DIR] [--tls] [--bucket NAME]... [--until-signal]
#
# Prints one line when it serves:
#   ready ENDPOINT ACCESS_KEY SECRET_KEY DIR [TLS_ENDPOINT CA_FILE]
# and runs until its standard input closes (with --until-signal: until SIGTERM or SIGINT). Then, and also when this
# script is killed, its processes end; the folder goes too, unless --dir named it. A failure is told on standard error,
# with the ends of the logs.
#
# More users, quotas and the like: radosgw-admin -c DIR/ceph.conf -n client.rgw …
# Each request is a line with "beast:" in DIR/client.rgw.log. `kill -STOP $(cat DIR/osd.pid)` makes the server hang.
set -euo pipefail
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
unset CEPH_CONF CEPH_ARGS

dir='' tls=no until_signal=no own_dir=no
buckets=()
while [ $# -gt 0 ]; do
  case $1 in
    --dir) dir=$2 && shift 2 ;;
    --tls) tls=yes && shift ;;
    --bucket) buckets+=("$2") && shift 2 ;;
    --until-signal) until_signal=yes && shift ;;
    *) printf 'radosgw.sh: unknown argument %s\n' "$1" >&2 && exit 2 ;;
  esac
done

access_key=TESTACCESSKEY1234567
secret_key='test/Secret+Key1234567890abcdefghijklmno'
pids=()
port_files=()

cleanup() {
  trap - EXIT TERM INT HUP
  [ ${#pids[@]} -eq 0 ] || kill -KILL "${pids[@]}" 2>/dev/null || true
  wait 2>/dev/null || true
  [ ${#port_files[@]} -eq 0 ] || rm -f "${port_files[@]}"
  [ "$own_dir" = no ] || rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 0' TERM INT HUP

die() {
  printf 'radosgw.sh: %s\n' "$*" >&2
  [ ! -d "$dir" ] || tail -n 15 "$dir"/*.out >&2 || true
  exit 1
}

for program in ceph ceph-mon ceph-osd radosgw radosgw-admin monmaptool osdmaptool setpriv flock curl; do
  command -v "$program" >/dev/null || die "$program is missing: install ceph-mon ceph-osd radosgw ceph-common"
done

if [ -z "$dir" ]; then
  dir=$(mktemp -d "${TMPDIR:-/tmp}/radosgw-XXXXXX")
  own_dir=yes
fi
mkdir -p "$dir"/{mon,osd,rgw}
dir=$(cd "$dir" && pwd)

# Sets `port` to one nobody listens on, held by a lock for as long as this script lives, so that another instance that
# starts at the same moment takes another one. Below the range the system gives out by itself.
reserve_port() {
  local file lock
  for _ in {1..200}; do
    port=$((15000 + RANDOM % 17000))
    file=${TMPDIR:-/tmp}/radosgw-port-$port.lock
    exec {lock}>"$file"
    if flock -n "$lock" && ! grep -qi "^ *[0-9]*: [0-9A-F]*:$(printf %04X "$port") .* 0A " /proc/net/tcp; then
      port_files+=("$file")
      return
    fi
    exec {lock}>&-
  done
  die 'no free port'
}

# Runs in the background and dies with this script, however that ends.
start() {
  local name=$1
  shift
  setpriv --pdeathsig KILL "$@" >"$dir/$name.out" 2>&1 </dev/null &
  pids+=($!)
  printf '%s\n' "$!" >"$dir/$name.pid"
}

make_certificate() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj '/CN=imgimport test CA' \
    -keyout "$dir/ca.key" -out "$dir/ca.pem" 2>/dev/null
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj '/CN=127.0.0.1' \
    -keyout "$dir/server.key" -out "$dir/server.csr" 2>/dev/null
  openssl x509 -req -in "$dir/server.csr" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -set_serial 1 -days 2 \
    -extfile <(printf 'subjectAltName=IP:127.0.0.1,DNS:localhost\n') -out "$dir/server.crt" 2>/dev/null
  cat "$dir/server.crt" "$dir/server.key" >"$dir/server.pem"
}

reserve_port && mon_port=$port
reserve_port && http_port=$port
frontend="beast endpoint=127.0.0.1:$http_port"
if [ "$tls" = yes ]; then
  reserve_port && tls_port=$port
  make_certificate
  frontend+=" ssl_endpoint=127.0.0.1:$tls_port ssl_certificate=$dir/server.pem"
fi
fsid=$(</proc/sys/kernel/random/uuid)

# crc for the monitor's clients: without authentication the secure mode hangs. The two paxos times spare ten seconds.
cat >"$dir/ceph.conf" <<CONF
[global]
fsid = $fsid
mon host = v1:127.0.0.1:$mon_port
auth cluster required = none
auth service required = none
auth client required = none
ms mon client mode = crc
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind ipv6 = false
paxos propose interval = 0.05
paxos min wait = 0.01
mon allow pool size one = true
mon data avail warn = 1
mon data avail crit = 1
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pgp num = 8
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
osd crush update on start = false
osd class update on start = false
osd objectstore = memstore
memstore device bytes = 12884901888
mon data = $dir/mon
osd data = $dir/osd
run dir = $dir
keyring = $dir/keyring
admin socket =
log file = $dir/\$name.log
mon cluster log file = $dir/cluster.log

[client.rgw]
rgw data = $dir/rgw
rgw frontends = $frontend
rgw thread pool size = 64
rgw enable usage log = false
CONF

ceph_conf=(-c "$dir/ceph.conf")
monmaptool --create --addv a "[v1:127.0.0.1:$mon_port]" --fsid "$fsid" "$dir/monmap" >"$dir/mkfs.out" 2>&1 ||
  die 'monmaptool failed'
# A map with the one disk in its place. Left to itself, the disk asks the monitor for it as soon as it is connected, and
# ends when the monitor's own map has not reached it by then ("wrong fsid").
osdmaptool "${ceph_conf[@]}" --createsimple 1 "$dir/osdmap" --clobber >>"$dir/mkfs.out" 2>&1 || die 'osdmaptool failed'
ceph-mon "${ceph_conf[@]}" -i a --mkfs --monmap "$dir/monmap" --osdmap "$dir/osdmap" >>"$dir/mkfs.out" 2>&1 ||
  die 'ceph-mon --mkfs failed'
start mon ceph-mon "${ceph_conf[@]}" -i a -f

osd_uuid=$(</proc/sys/kernel/random/uuid)
ceph-osd "${ceph_conf[@]}" -i 0 --mkfs --osd-uuid "$osd_uuid" >>"$dir/mkfs.out" 2>&1 || die 'ceph-osd --mkfs failed'
timeout 60 ceph "${ceph_conf[@]}" osd new "$osd_uuid" >>"$dir/mkfs.out" 2>&1 || die 'the monitor does not answer'
start osd ceph-osd "${ceph_conf[@]}" -i 0 -f
start rgw radosgw "${ceph_conf[@]}" -n client.rgw -f

# It makes its pools before it listens. curl itself asks again, until it answers or one of the servers has ended.
curl -s -o /dev/null --noproxy '*' --retry 60 --retry-delay 0 --retry-max-time 60 --retry-connrefused \
  "http://127.0.0.1:$http_port/" &
asking=$!
wait -n "$asking" "${pids[@]}" || { kill "$asking" 2>/dev/null || true; die 'radosgw did not come up'; }
radosgw-admin "${ceph_conf[@]}" -n client.rgw user create --uid=tester --display-name=Tester \
  --access-key="$access_key" --secret-key="$secret_key" >"$dir/user.out" 2>&1 || die 'no user could be made'
empty_sha256=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
for bucket in "${buckets[@]}"; do
  curl -sf -o /dev/null --noproxy '*' -X PUT --aws-sigv4 aws:amz:us-east-1:s3 --user "$access_key:$secret_key" \
    -H "x-amz-content-sha256: $empty_sha256" "http://127.0.0.1:$http_port/$bucket" || die "bucket $bucket was not made"
done

line="ready http://127.0.0.1:$http_port $access_key $secret_key $dir"
[ "$tls" = no ] || line+=" https://127.0.0.1:$tls_port $dir/ca.pem"
printf '%s\n' "$line"

if [ "$until_signal" = yes ]; then
  # A signal ends the wait, and so does the end of any of the servers.
  wait -n "${pids[@]}" || true
else
  exec 3<&0
  cat <&3 >/dev/null &
  wait -n "$!" "${pids[@]}" || true
fi
