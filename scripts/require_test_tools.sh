#!/usr/bin/env bash
# Makes sure that what the tests and the benchmark start is there: a PostgreSQL server (each starts a private one; it is
# looked for where tests/support/postgres.py looks), and openssl, which makes the certificates of the TLS tests.
set -euo pipefail

here=$(dirname "$0")

has_server() {
  local pattern
  command -v initdb >/dev/null && return 0
  for pattern in "/usr/lib/postgresql/*/bin" "/opt/homebrew/opt/postgresql@*/bin" "/usr/pgsql-*/bin"; do
    compgen -G "$pattern/initdb" >/dev/null && return 0
  done
  return 1
}

has_server || "$here/apt_install.sh" "The PostgreSQL server (the tests run on SQLite and on PostgreSQL)" postgresql
command -v openssl >/dev/null || "$here/apt_install.sh" "openssl (it makes the certificates of the TLS tests)" openssl
