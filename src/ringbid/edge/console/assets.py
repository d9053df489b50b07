"""The built files that browsers load, each at an address that changes with its content."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

STATIC = Path(__file__).parent / "static"


def static_url(name: str) -> str:
    """Where a browser gets `name`. Raises KeyError where the build made no such file."""
    return f"/static/{name}?v={_hashes()[name]}"


@cache
def _hashes() -> dict[str, str]:
    manifest = json.loads((STATIC / "manifest.json").read_text())
    files = manifest["files"]
    assert isinstance(files, dict), "written by assets/build.mjs"
    return files
