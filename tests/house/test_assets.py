"""What browsers load is built from assets/ and committed: the built files belong to their sources."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
ASSETS, STATIC = ROOT / "assets", ROOT / "src/ringbid/edge/console/static"
TEMPLATES = ROOT / "src/ringbid/edge/console/templates"
MANIFEST = json.loads((STATIC / "manifest.json").read_text())
REBUILD = "run `make assets` and commit what it built"


def hash_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def test_every_source_is_the_one_that_was_built() -> None:
    assert MANIFEST["sources"]
    changed = [name for name, told in MANIFEST["sources"].items() if hash_of(ASSETS / name) != told]
    assert changed == [], REBUILD


def test_no_source_was_left_out() -> None:
    folders = [path for name in ("css", "js") for path in (ASSETS / name).rglob("*") if path.is_file()]
    assert {str(path.relative_to(ASSETS)) for path in folders} <= set(MANIFEST["sources"]), REBUILD


def test_the_built_files_are_as_they_were_built() -> None:
    there = {path.name for path in STATIC.iterdir() if not path.name.startswith(".")} - {"manifest.json"}
    assert {name: hash_of(STATIC / name) for name in there} == MANIFEST["files"], REBUILD


def test_every_icon_that_a_template_names_was_built() -> None:
    built = set(re.findall(r'<symbol id="([\w-]+)"', (STATIC / "icons.svg").read_text()))
    named = {name for path in TEMPLATES.rglob("*.html") for name in re.findall(r'icon\("([\w-]+)"', path.read_text())}
    assert named
    assert named <= built, "add it to assets/icons.txt and run `make assets`"


def test_no_template_has_script_or_style_of_its_own() -> None:
    """The content policy would stop it, and the page would be broken."""
    forbidden = re.compile(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)|javascript:", re.IGNORECASE)
    found = [
        f"{path.relative_to(TEMPLATES)}: {match[0].strip()}"
        for path in sorted(TEMPLATES.rglob("*.html"))
        for match in forbidden.finditer(path.read_text())
    ]
    assert found == []


def test_a_build_from_these_sources_makes_the_same_script(tmp_path: Path) -> None:
    """Where the build's tools are installed. The stylesheet also follows the templates, and may be older."""
    if not (ASSETS / "node_modules").is_dir() or shutil.which("node") is None:
        return  # users and most developers have neither; the hashes above speak for the sources
    done = subprocess.run(
        ["node", "build.mjs"],
        cwd=ASSETS,
        env={**os.environ, "RINGBID_ASSETS_OUT": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for name in ("ringbid.js", "icons.svg", "inter.woff2"):
        assert hash_of(tmp_path / name) == MANIFEST["files"][name], f"{name}: {REBUILD}"
