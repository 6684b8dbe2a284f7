#!/usr/bin/env bash
# A PostgreSQL server on loopback for tests: postgres.sh DIRECTORY PORT PASSWORD. Makes the cluster when the directory is
# empty, then becomes the server, which writes its log to standard output. It ends with the program that started it.
# Nothing is synced to disk: it is for tests alone. As root, everything runs as the user postgres, as the server demands.
set -euo pipefail

dir=$1 port=$2 password=$3
bin=/usr/lib/postgresql/15/bin
[ -x "$bin/postgres" ] || { printf 'postgres.sh: install postgresql-15\n' >&2; exit 1; }

as=()
if [ "$(id -u)" -eq 0 ]; then
  as=(setpriv --reuid=postgres --regid=postgres --clear-groups)
  chown postgres "$dir"
fi
cd "$dir"
export LC_ALL=C.UTF-8

if [ ! -e "$dir/data/PG_VERSION" ]; then
  (umask 077 && printf '%s\n' "$password" >"$dir/password")
  [ ${#as[@]} -eq 0 ] || chown postgres "$dir/password"
  "${as[@]}" "$bin/initdb" --pgdata="$dir/data" --username=tester --auth=scram-sha-256 --encoding=UTF8 --no-sync \
    --no-instructions --pwfile="$dir/password" >"$dir/initdb.log" 2>&1 || { cat "$dir/initdb.log" >&2; exit 1; }
fi
# The signal of the parent's death is lost when the user changes: it is set afterwards.
exec "${as[@]}" setpriv --pdeathsig QUIT "$bin/postgres" -D "$dir/data" -p "$port" -c listen_addresses=127.0.0.1 \
  -c unix_socket_directories= -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c shared_buffers=64MB \
  -c max_connections=200 -c max_wal_size=2GB -c autovacuum_naptime=10s -c log_line_prefix= 2>&1
