#!/usr/bin/env bash
# Makes a virtual environment with Ringbid in it, editable: make_venv.sh FOLDER [dev]
# With `dev`, also what the tests and checks need. A second run changes only what pyproject.toml changed.
set -euo pipefail

folder=$1
group=${2:-}
here=$(dirname "$0")

is_new_enough() {
  "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
  local candidate
  for candidate in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
    if command -v "$candidate" >/dev/null && is_new_enough "$candidate"; then
      command -v "$candidate"
      return 0
    fi
  done
  return 1
}

fail_without_python() {
  echo "Ringbid needs Python 3.11 or newer, and found $(python3 --version 2>/dev/null || echo none)." >&2
  echo "Install one (Debian 12: apt-get install python3 python3-venv; macOS: brew install python;" >&2
  echo "anywhere: uv python install 3.13) and name it: make ... PYTHON=/path/to/python3" >&2
  exit 1
}

make_environment() {
  local python
  if ! command -v python3 >/dev/null && [ -z "${PYTHON:-}" ]; then
    "$here/apt_install.sh" "Python" python3 python3-venv
  fi
  python=$(find_python) || fail_without_python
  if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    # Debian and Ubuntu ship these two apart from Python itself.
    "$here/apt_install.sh" "Python's venv module" "$(venv_package "$python")"
  fi
  echo "Making $folder with $("$python" --version)."
  "$python" -m venv --clear "$folder"
}

venv_package() {
  if [ "$(readlink -f "$1")" = "$(readlink -f /usr/bin/python3)" ]; then
    echo python3-venv
  else
    "$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'
  fi
}

install_packages() {
  if ! "$folder/bin/python" -m pip install -qq "$@"; then
    echo "pip could not install what Ringbid needs; its own message stands above." >&2
    echo "Check that this machine reaches PyPI (pip config list, https_proxy) and run the same command again." >&2
    exit 1
  fi
}

export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1

if ! "$folder/bin/python" -m pip --version >/dev/null 2>&1; then
  make_environment
fi
if [ "$group" = dev ]; then
  echo "Installing Ringbid and what its tests need (about a minute the first time)."
  install_packages --upgrade "pip>=25.1" # the first that knows dependency groups
  install_packages --editable . --group dev
else
  echo "Installing Ringbid (about 20 seconds the first time)."
  install_packages --editable .
fi
