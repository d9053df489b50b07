"""Ports and networks of loopback for what a test starts: no two tests of one run get the same at the same time.

They are chosen first and used a moment later, so asking the system for a free one would not be enough.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
from itertools import count

# Systems take ports for outgoing connections from 32,768 upwards, and a server that comes back must find its own free.
_FIRST_PORT, _PORTS = 20_000, 3_000  # of each test process
_FIRST_BLOCK, _BLOCKS = 20, 50
_PROCESSES = 4  # `scripts/run_tests.sh` starts no more
_PROCESS = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _PROCESSES
_numbers = count(secrets.randbelow(_PORTS))  # runs of tests beside each other hardly meet


def free_port() -> int:
    """A port of loopback that nobody listens on now. No outgoing connection gets it, so that one server after the other
    may use it."""
    while True:
        port = _FIRST_PORT + _PROCESS * _PORTS + next(_numbers) % _PORTS
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def own_network() -> str:
    """The first three parts of addresses such as `127.20.2.1`, all of which are loopback on Linux."""
    block = _FIRST_BLOCK + _PROCESS * _BLOCKS + secrets.randbelow(_BLOCKS)
    return f"127.{block}.{secrets.randbelow(250) + 2}"
