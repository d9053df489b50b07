"""Everything that runs while we measure: the servers, PostgreSQL, the emulated buyers, the load generator.

Used by `bench.run`. The servers are started by the commands a user types; PostgreSQL is a temporary cluster of our own,
with fsync on.
"""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import msgspec

from bench.buyers import Seen
from bench.catalog import NUMBERS_ASKED, catalog_yaml, key_of, payout_of
from bench.load import Result
from bench.machine import Cores, pinned
from support.loopback import free_port
from support.postgres import Cluster
from support.server import running_server

_CALLERS_PER_RUN = 1_000_000
_PATIENCE_SECONDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A server that is measured. `database_pid`: the postmaster behind it."""

    name: str
    port: int
    pid: int
    database_pid: int | None = None


@dataclass(slots=True)
class Stage:
    """What runs."""

    cores: Cores
    targets: dict[str, Target]
    buyers_port: int
    _runs: count[int] = field(default_factory=count)

    def load(
        self,
        target: Target,
        *,
        asked: int,
        delay_ms: int,
        seconds: float,
        warm_up_seconds: float,
        connections: int,
        rate: float | None = None,
    ) -> tuple[Result, list[str]]:
        """Put load on one server; what was measured, and everything that was wrong. No measure: end."""
        command = [sys.executable, "-m", "bench.load", "--json", "--port", str(target.port)]
        command += [
            "--server-pid",
            str(target.pid),
            "--key",
            key_of(asked, delay_ms),
            "--payout",
            str(payout_of(asked)),
        ]
        command += ["--seconds", str(seconds), "--warm-up-seconds", str(warm_up_seconds)]
        command += ["--connections", str(connections), "--first-caller", str(next(self._runs) * _CALLERS_PER_RUN)]
        command += ["--database-pid", str(target.database_pid)] if target.database_pid else []
        command += ["--rate", str(rate)] if rate is not None else []
        self._seen()
        with pinned(self.cores.others):
            patience_seconds = seconds + warm_up_seconds + _PATIENCE_SECONDS
            done = subprocess.run(command, stdout=subprocess.PIPE, check=False, timeout=patience_seconds)
        result = msgspec.json.decode(done.stdout, type=Result)
        wrong = [f"{target.name}, {asked} asked: {sample}" for sample in result.samples]
        if not result.answered:
            sys.exit("\n".join(wrong))
        asks = self._seen().asks
        if asks != result.sent * asked and target.name != "empty":
            wrong.append(f"{target.name}, {asked} asked: {result.sent} pings made {asks} asks")
        return result, wrong

    def _seen(self) -> Seen:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.buyers_port}/seen", timeout=5) as answer:
            return msgspec.json.decode(answer.read(), type=Seen)


@contextmanager
def set_up(folder: Path, cores: Cores, *, stores: tuple[str, ...]) -> Iterator[Stage]:
    """Start everything, with all files below `folder`; end it with the block. `stores`: sqlite, postgresql."""
    with ExitStack() as stack:
        with pinned(cores.others):
            catalog, buyers_port = start_buyers(stack, folder)
            cluster = Cluster.start(durable=True) if "postgresql" in stores else None
        if cluster is not None:
            stack.callback(cluster.stop)
        targets = {}
        with pinned(cores.server):
            port = free_port()
            process = stack.enter_context(start_program("bench.baseline", "--port", str(port), port=port))
            targets["empty"] = Target(name="empty", port=port, pid=process.pid)
            for store in stores:
                database = cluster.create_database() if cluster is not None and store == "postgresql" else None
                server = stack.enter_context(running_server(catalog, data=folder / store, database=database))
                database_pid = cluster.process_id if cluster is not None and database else None
                targets[store] = Target(name=store, port=server.port, pid=server.pid, database_pid=database_pid)
        yield Stage(cores, targets, buyers_port)


def start_buyers(stack: ExitStack, folder: Path) -> tuple[Path, int]:
    """Start the emulated buyers, until the stack ends. The catalog that asks them, and a port that answers `/seen`."""
    process = stack.enter_context(start_program("bench.buyers", "--number", str(max(NUMBERS_ASKED))))
    assert process.stdout is not None, "it is a pipe"
    ports = msgspec.json.decode(process.stdout.readline(), type=list[int])
    catalog = folder / "bench.yaml"
    catalog.write_text(catalog_yaml(ports))
    return catalog, ports[0]


@contextmanager
def start_program(module: str, *arguments: str, port: int | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """One of our own programs, once it answers on `port` where that is known; its standard output is a pipe."""
    with subprocess.Popen([sys.executable, "-m", module, *arguments], stdout=subprocess.PIPE) as process:
        try:
            if port is not None:
                _wait_until_open(port, process)
            yield process
        finally:
            process.terminate()


def _wait_until_open(port: int, process: subprocess.Popen[bytes]) -> None:
    ends_at = time.monotonic() + _PATIENCE_SECONDS
    while process.poll() is None and time.monotonic() < ends_at:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/seen", timeout=5).close()
        except urllib.error.HTTPError:
            return  # it answers, if only that it has no such page
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError(f"{process.args!r} did not start")
