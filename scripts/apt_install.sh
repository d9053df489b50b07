#!/usr/bin/env bash
# Installs Debian or Ubuntu packages, or says in one sentence how to get them and fails.
# Called by make_venv.sh and require_test_tools.sh: apt_install.sh "WHAT IS MISSING" PACKAGE...
set -euo pipefail

missing=$1
shift

if ! command -v apt-get >/dev/null; then
  echo "$missing is missing. Install it with this system's package manager (on Debian: apt-get install $*)." >&2
  exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
  echo "$missing is missing. Get it with: sudo apt-get install -y --no-install-recommends $*" >&2
  exit 1
fi

export DEBIAN_FRONTEND=noninteractive
echo "$missing is missing: installing $* with apt-get."
log=$(mktemp)
made=()
trap 'rm -f "$log" "${made[@]}"' EXIT
# Ringbid starts what it needs itself. As a service of the system, Kamailio would take port 5060 of every address, with
# Debian's own configuration.
if [ ! -e /usr/sbin/policy-rc.d ]; then
  made=(/usr/sbin/policy-rc.d)
  printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
  chmod +x /usr/sbin/policy-rc.d
fi
# A failed update is not the end: the lists on disk may do, and the installation itself tells.
apt-get update >"$log" 2>&1 || true
if ! apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=300 "$@" >>"$log" 2>&1; then
  tail -n 20 "$log" >&2
  echo "apt-get could not install $*; its last lines stand above. Mend that and run the same command again." >&2
  exit 1
fi
for package in "$@"; do
  case $package in
    # Not at the next start of the machine either.
    kamailio | rtpengine-daemon) systemctl disable --quiet "$package" >/dev/null 2>&1 || true ;;
  esac
done
