#!/bin/bash
# As the official image: an empty volume gets a cluster, a superuser, a database and what /docker-entrypoint-initdb.d holds; then the server runs.
set -eu
if [ "$(id -u)" = 0 ]; then
  chown -R postgres:postgres "$PGDATA"
  chmod 700 "$PGDATA"
  exec gosu postgres "$0" "$@"
fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  : "${POSTGRES_PASSWORD:?a password of the superuser is needed}"
  : "${POSTGRES_USER:=postgres}"
  export POSTGRES_USER
  initdb --username "$POSTGRES_USER" --auth-local trust --auth-host scram-sha-256 --pwfile <(printf '%s\n' "$POSTGRES_PASSWORD") >/dev/null
  echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
  pg_ctl --wait --options "-c listen_addresses=''" start
  [ "${POSTGRES_DB:=$POSTGRES_USER}" = postgres ] || createdb --username "$POSTGRES_USER" --maintenance-db postgres "$POSTGRES_DB"
  export POSTGRES_DB PGDATABASE=$POSTGRES_DB
  for file in /docker-entrypoint-initdb.d/*; do
    case $file in
      *.sh) if [ -x "$file" ]; then "$file"; else . "$file"; fi ;;
      *.sql) psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --file "$file" ;;
    esac
  done
  pg_ctl --wait --mode fast stop
fi
exec "$@" -c listen_addresses='*'
