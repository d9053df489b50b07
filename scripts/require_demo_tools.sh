#!/usr/bin/env bash
# Installs what places the demo's calls over real SIP, Kamailio and SIPp, where that is possible: as root, with apt-get.
# Elsewhere it says in one line that calls go through a simulated carrier. The demo never fails for the lack of it.
set -uo pipefail

here=$(dirname "$0")

has_evapi() {
  compgen -G "/usr/lib/*/kamailio/modules/evapi.so" >/dev/null || compgen -G "/usr/l*/lib*/kamailio/modules/evapi.so" >/dev/null
}

tools=()
command -v kamailio >/dev/null || tools+=(kamailio)
has_evapi || tools+=(kamailio-extra-modules)
command -v sipp >/dev/null || tools+=(sip-tester)
[ ${#tools[@]} -eq 0 ] && exit 0

if command -v apt-get >/dev/null && [ "$(id -u)" -eq 0 ]; then
  "$here/apt_install.sh" "What places calls over real SIP" "${tools[@]}" && exit 0
  echo "Calls go through a simulated carrier instead." >&2
elif command -v apt-get >/dev/null; then
  echo "Calls go through a simulated carrier; for real SIP: sudo apt-get install -y --no-install-recommends ${tools[*]}"
else
  echo "Calls go through a simulated carrier; for real SIP install Kamailio (with its evapi module) and SIPp."
fi
exit 0
