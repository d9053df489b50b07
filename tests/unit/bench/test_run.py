"""The benchmark runs: on both stores, with the servers, buyers, engines and load that `make bench` starts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def _bench(part: str) -> str:
    command = [sys.executable, "-m", "bench", part, "--quick"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_quick_benchmark_measures_both_stores_and_finds_no_wrong_answer() -> None:
    printed = _bench("pings")
    rows = [line.split()[:2] for line in printed.splitlines()]
    for row in (["sqlite", "0"], ["sqlite", "5"], ["postgresql", "0"], ["postgresql", "5"]):
        assert rows.count(row) == 2, f"{row} stands in both tables\n{printed}"
    assert "sqlite: each asked buyer adds" in printed


def test_a_quick_benchmark_of_calls_places_them_every_way_and_none_goes_wrong() -> None:
    printed = _bench("calls")
    starts = [line.split("  ")[0] for line in printed.splitlines()]
    assert starts.count("direct") == 1
    for way in ("engine alone", "with lookup"):
        for store in ("SQLite", "PostgreSQL"):
            assert starts.count(f"{way}, {store}") == 2, f"it stands in both tables\n{printed}"
