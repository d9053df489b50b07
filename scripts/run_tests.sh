#!/usr/bin/env bash
# Runs the tests of `make test` in two parts: all that can share the machine side by side, then those that hold a figure
# only where nothing else runs (marker `alone`), one after the other. Both parts run whatever becomes of the first.
# Usage: run_tests.sh python [pytest's arguments]
set -euo pipefail

python=$1
shift

nothing_chosen=5  # pytest's status where arguments chose tests of the other part only
chosen=0
failed=0

run() {
  local status=0
  "$python" -m pytest "$@" || status=$?
  case $status in
    0) chosen=1 ;;
    "$nothing_chosen") ;;
    *) failed=1 ;;
  esac
}

run -m "not alone" --numprocesses auto --maxprocesses 4 "$@"
run -m alone "$@"

[ $failed -eq 0 ] || exit 1
[ $chosen -eq 1 ] || { echo "No test was chosen by: $*" >&2; exit 1; }
