"""The benchmark runs: on both stores, with the servers, buyers and load that `make bench` starts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_a_quick_benchmark_measures_both_stores_and_finds_no_wrong_answer() -> None:
    command = [sys.executable, "-m", "bench", "--quick"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line.split()[:2] for line in done.stdout.splitlines()]
    for row in (["sqlite", "0"], ["sqlite", "5"], ["postgresql", "0"], ["postgresql", "5"]):
        assert rows.count(row) == 2, f"{row} stands in both tables\n{done.stdout}"
    assert "sqlite: each asked buyer adds" in done.stdout
