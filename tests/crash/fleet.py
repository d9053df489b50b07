"""One server after the other, on the same port and the same store: started, killed with SIGKILL, started again."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

READY_SECONDS = 60.0
TESTS = Path(__file__).parents[1]


class StartError(AssertionError):
    """The server did not come up again: the worst answer a crash test can get."""


@dataclass
class Fleet:
    """The servers of one store. At most one runs."""

    process: subprocess.Popen[str]
    port: int
    data: Path
    pid: int = 0

    def start(self) -> None:
        """Start a server and wait until it listens."""
        assert not self.pid, "one at a time"
        assert self.process.stdin, "it is a pipe"
        self.process.stdin.write("start\n")
        self.process.stdin.flush()
        line = self._line()
        if not line.startswith("ready "):
            log = self.data / "serve.log"
            raise StartError(f"{line!r}\n{log.read_text()[-4000:] if log.exists() else 'It has no log yet.'}")
        self.pid = int(line.split()[1])

    def kill(self) -> None:
        """SIGKILL, and wait until nothing is left of it."""
        assert self.pid, "it runs"
        handle = os.pidfd_open(self.pid)
        try:
            os.kill(self.pid, signal.SIGKILL)
            select.select([handle], [], [])
        finally:
            os.close(handle)
        self.pid = 0

    def _line(self) -> str:
        assert self.process.stdout, "it is a pipe"
        readable, _, _ = select.select([self.process.stdout], [], [], READY_SECONDS)
        return self.process.stdout.readline() if readable else "nothing was heard of it"


@contextlib.contextmanager
def fleet(*, data: Path, port: int, database: str | None = None, plant: str | None = None) -> Iterator[Fleet]:
    """A fleet on this store, none running yet; ended with the block. `plant`: a bug of `crash.planted`."""
    command = [sys.executable, str(TESTS / "crash/fork_server.py"), "--data", str(data), "--port", str(port)]
    command += ["--database", database] if database else []
    command += ["--plant", plant] if plant else []
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, cwd=data, env=environment
    ) as process:
        started = Fleet(process, port, data)
        try:
            yield started
        finally:
            if started.pid:
                started.kill()
            process.kill()
