"""Where the measuring happens: who gets which core, the machine and the versions that stand above the figures."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

_PACKAGES = ("ringbid", "uvicorn", "uvloop", "httptools", "msgspec", "sqlalchemy", "psycopg")
_ENGINE = (("Kamailio", "kamailio", "-v"), ("SIPp", "sipp", "-v"))


@dataclass(frozen=True, slots=True)
class Cores:
    """One core for the measured server; the others for load, buyers and PostgreSQL."""

    server: frozenset[int]
    others: frozenset[int]

    @property
    def shared(self) -> bool:
        return bool(self.server & self.others)


def share_cores() -> Cores:
    """The last core that we may use is the server's. On a machine with one core, all share it."""
    usable = sorted(os.sched_getaffinity(0))
    return Cores(frozenset(usable[-1:]), frozenset(usable[:-1] or usable))


@contextmanager
def pinned(cores: frozenset[int]) -> Iterator[None]:
    """Processes started in this block, and all their threads, run on `cores`."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def describe(cores: Cores) -> str:
    """The machine and the versions, in three lines."""
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    load = ", ".join(f"{average:.1f}" for average in os.getloadavg())
    layout = f"pings: server on core {_numbers(cores.server)}, load, buyers and PostgreSQL on {_numbers(cores.others)}"
    warning = "; ONE CORE FOR ALL: latencies mean little" if cores.shared else ""
    return (
        f"{_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, load before {load}\n"
        f"{layout}{warning}\n"
        f"Python {sys.version.split()[0]}, SQLite {sqlite3.sqlite_version}, {packages}"
    )


def describe_engine() -> str:
    """Where calls are measured, and with what, in a line."""
    versions = ", ".join(f"{name} {_first_version(command)}" for name, *command in _ENGINE)
    return f"Calls: everything on all {len(os.sched_getaffinity(0))} cores; {versions}"


def _first_version(command: Sequence[str]) -> str:
    told = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    found = re.search(r"\d+\.\d+(\.\d+)?", told)
    return found[0] if found else "?"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _numbers(cores: frozenset[int]) -> str:
    return ", ".join(map(str, sorted(cores)))
