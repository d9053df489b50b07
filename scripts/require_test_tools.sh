#!/usr/bin/env bash
# Makes sure that what the tests and the benchmark start is there: a PostgreSQL server (each starts a private one; it is
# looked for where tests/support/postgres.py looks), openssl, which makes the certificates of the TLS tests, curl,
# Kamailio, rtpengine and SIPp, which place the calls of tests/sip, and Chromium, which opens the pages of tests/browser, with
# what its driver needs.
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
command -v curl >/dev/null || "$here/apt_install.sh" "curl (tests run what pages and docs tell people to type)" curl

has_browser() {
  command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null
}

has_browser || "$here/apt_install.sh" "Chromium (tests/browser open every page in it)" chromium

has_libatomic() {
  [ "$(uname)" != Linux ] || compgen -G "/usr/lib*/libatomic.so.1" >/dev/null || compgen -G "/usr/lib/*/libatomic.so.1" >/dev/null
}

has_libatomic || "$here/apt_install.sh" "libatomic (Playwright, which drives Chromium, is linked with it)" libatomic1

has_kamailio_module() {
  compgen -G "/usr/lib/*/kamailio/modules/$1.so" >/dev/null || compgen -G "/usr/l*/lib*/kamailio/modules/$1.so" >/dev/null
}

sip_tools=()
command -v kamailio >/dev/null || sip_tools+=(kamailio)
has_kamailio_module evapi || sip_tools+=(kamailio-extra-modules)
has_kamailio_module db_postgres || sip_tools+=(kamailio-postgres-modules)
has_kamailio_module tls || sip_tools+=(kamailio-tls-modules)
command -v sipp >/dev/null || sip_tools+=(sip-tester)
command -v rtpengine >/dev/null || sip_tools+=(rtpengine-daemon)
[ ${#sip_tools[@]} -eq 0 ] || "$here/apt_install.sh" "Part of what places SIP calls" "${sip_tools[@]}"
