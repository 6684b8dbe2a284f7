#!/usr/bin/env bash
# Makes a throw-away CA and a certificate of it for the hosts that Google's clients talk to, for a client that is led to
# the emulator through its CONNECT proxy: ca.pem (give it to the client), server.pem and server.key in OUT_DIR.
set -euo pipefail
[ $# = 1 ] || {
  echo "usage: $0 OUT_DIR" >&2
  exit 2
}
mkdir -p "$1"
cd "$1"
names=DNS:www.googleapis.com,DNS:oauth2.googleapis.com,DNS:accounts.google.com,DNS:localhost,IP:127.0.0.1
{
  openssl ecparam -name prime256v1 -genkey -noout -out ca.key
  openssl req -x509 -new -key ca.key -days 30 -subj "/CN=Drive emulator CA" -out ca.pem
  openssl ecparam -name prime256v1 -genkey -noout -out server.key
  openssl req -new -key server.key -subj "/CN=www.googleapis.com" -out server.csr
  printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth\n' "$names" >server.ext
  openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile server.ext -out leaf.pem
} >/dev/null 2>&1
cat leaf.pem ca.pem >server.pem
rm -f server.csr server.ext leaf.pem ca.srl
