"""A whole server for tests and measurements: `ringbid serve` as a process of its own, with a catalog in force.

Everything goes through the commands that a user types. The output of each is kept in `<data>/serve.log`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from support.loopback import free_port

READY_SECONDS = 60.0
STOP_SECONDS = 60.0


class ServerError(Exception):
    """The server ended, or did not answer in time; the message has its output."""


@dataclass(frozen=True)
class RunningServer:
    """A server that answers. `data` is its folder: the store (on SQLite) and its output."""

    process: subprocess.Popen[bytes]
    port: int
    data: Path
    database: str | None = None

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def log(self) -> str:
        """What it has said so far, once it has said how it is claimed: the last, and only after it answers."""
        ends_at = time.monotonic() + READY_SECONDS
        while "/claim/" not in (said := (self.data / "serve.log").read_text(encoding="utf-8")):
            if time.monotonic() > ends_at:
                raise ServerError(f"the server does not say how it is claimed:\n{said[-4000:]}")
            time.sleep(0.02)
        return said

    def stop(self) -> int:
        """Ask it to stop, wait until it has, and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_SECONDS)

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def running_server(
    catalog: Path, *, data: Path, database: str | None = None, environment: Mapping[str, str] | None = None
) -> Iterator[RunningServer]:
    """A server with `catalog` (a YAML file) applied, on a free port; on PostgreSQL where `database` is its URL.

    Buyers on loopback may be asked. `environment` adds variables such as RINGBID_SIP_DOMAIN. Ended when the block ends.
    """
    data.mkdir(parents=True, exist_ok=True)
    apply_catalog(catalog, data=data, database=database)
    port = free_port()
    variables = {**_variables(data, database), "RINGBID_OUTBOUND_ALLOW_PRIVATE": "true", **(environment or {})}
    with (data / "serve.log").open("wb") as log:
        command = [_ringbid(), "serve", "--host", "127.0.0.1", "--port", str(port)]
        process = subprocess.Popen(command, cwd=data, env=variables, stdout=log, stderr=subprocess.STDOUT)
    server = RunningServer(process, port, data, database)
    try:
        _wait_until_ready(server)
        yield server
    finally:
        if process.poll() is None:
            server.kill()


def apply_catalog(catalog: Path, *, data: Path, database: str | None = None) -> None:
    """`ringbid apply` on this store; a refused catalog is an error that says why."""
    command = [_ringbid(), "apply", str(catalog)]
    done = subprocess.run(
        command, cwd=data, env=_variables(data, database), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ServerError(f"ringbid apply ended with {done.returncode}:\n{done.stdout}{done.stderr}")


def _ringbid() -> str:
    """The program as it is installed beside this Python."""
    return str(Path(sys.executable).with_name("ringbid"))


def _variables(data: Path, database: str | None) -> dict[str, str]:
    """The environment of a command: none of our own settings but these."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("RINGBID_")}
    variables["RINGBID_DATA"] = str(data)
    return variables if database is None else {**variables, "RINGBID_DATABASE": database}


def _wait_until_ready(server: RunningServer) -> None:
    ends_at = time.monotonic() + READY_SECONDS
    while server.process.poll() is None and time.monotonic() < ends_at:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{server.base_url}/healthz", timeout=30) as answer:
            if answer.status == 200:
                return
        time.sleep(0.02)
    raise ServerError(f"the server did not get ready:\n{(server.data / 'serve.log').read_text()[-4000:]}")
