"""CPU time and memory of processes, read from /proc: what the servers used while the load ran."""

from __future__ import annotations

import os
from pathlib import Path

_TICK_SECONDS = 1 / os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")

# Places in /proc/<pid>/stat, counted after the process's name, which may hold spaces.
_USER, _SYSTEM, _CHILDREN_USER, _CHILDREN_SYSTEM = 11, 12, 13, 14


def cpu_seconds(pid: int) -> float:
    """CPU seconds that process `pid` has used, user and system, all its threads, in steps of 10 ms."""
    fields = _stat(pid)
    return (int(fields[_USER]) + int(fields[_SYSTEM])) * _TICK_SECONDS


def family_cpu_seconds(pid: int) -> float:
    """CPU seconds of process `pid`, of its children, and of those that have ended (a PostgreSQL cluster is such)."""
    own = _stat(pid)
    seconds = cpu_seconds(pid) + (int(own[_CHILDREN_USER]) + int(own[_CHILDREN_SYSTEM])) * _TICK_SECONDS
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        try:
            seconds += cpu_seconds(int(child))
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we looked
    return seconds


def resident_megabytes(pid: int) -> float:
    """The memory that process `pid` holds, in MB (10⁶ bytes)."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES / 1e6


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
