"""Senders of the outbox as processes of their own: started in a hundredth of a second by a fork, and killed.

As a program it is steered over its standard input: a line `start` forks a sender on the store, which says `ready PID`
once it runs. Killing that pid kills the sender as `kill -9` of a server does. `--plant NAME` first breaks the product
in a known way (`crash.outbox_planted`). `Senders` steers it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import os
import select
import signal
import subprocess
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

from crash.outbox_planted import PLANTED
from ringbid.edge import tasks
from ringbid.edge.observe import set_up_logs
from ringbid.edge.outbound.client import OutboundClient
from ringbid.settings import Outbound, Outbox, Settings
from ringbid.store.opening import open_store
from ringbid.values.clock import SystemClock
from ringbid.worker.outbox import Sender

READY_SECONDS = 60.0
TESTS = Path(__file__).parents[1]
TRIES = 60  # half of them fail: nothing dies of bad luck


def settings_of(data: Path, database: str | None) -> Settings:
    """A schedule that is over in seconds, and a client without a breaker, as `bootstrap` makes it for the sender."""
    return Settings(
        data=data,
        database=database,
        outbox=Outbox(timeout_seconds=2, retry_seconds=(0.05,) * TRIES, concurrency=32, endpoint_concurrency=12),
        outbound=Outbound(allow_private=True, breaker_failures=sys.maxsize),
    )


@dataclass
class Senders:
    """The senders of one store; on SQLite at most one runs."""

    process: subprocess.Popen[str]
    log: Path
    running: list[int] = field(default_factory=list)

    def start(self) -> None:
        """Start one more and wait until it runs."""
        assert self.process.stdin, "it is a pipe"
        assert self.process.stdout, "it is a pipe"
        self.process.stdin.write("start\n")
        self.process.stdin.flush()
        readable, _, _ = select.select([self.process.stdout], [], [], READY_SECONDS)
        line = self.process.stdout.readline() if readable else "nothing was heard of it"
        assert line.startswith("ready "), f"{line!r}\n{self.log.read_text()[-4000:]}"
        self.running.append(int(line.split()[1]))

    def kill(self) -> None:
        """SIGKILL the oldest, and wait until nothing is left of it."""
        pid = self.running.pop(0)
        handle = os.pidfd_open(pid)
        try:
            os.kill(pid, signal.SIGKILL)
            select.select([handle], [], [])
        finally:
            os.close(handle)


@contextlib.contextmanager
def senders(*, data: Path, database: str | None = None, plant: str | None = None) -> Iterator[Senders]:
    """Senders on this store, none running yet; ended with the block."""
    command = [sys.executable, __file__, "--data", str(data)]
    command += ["--database", database] if database else []
    command += ["--plant", plant] if plant else []
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, cwd=data, env=environment
    ) as process:
        started = Senders(process, data / "senders.log")
        try:
            yield started
        finally:
            while started.running:
                started.kill()
            process.kill()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--database")
    parser.add_argument("--plant", choices=sorted(PLANTED))
    arguments = parser.parse_args()
    settings = settings_of(arguments.data, arguments.database)
    if arguments.plant:
        PLANTED[arguments.plant].sow()
    gc.freeze()  # what was loaded is not copied into each child by its collector
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries the killed
    for line in sys.stdin:
        assert line == "start\n", line
        if os.fork() == 0:
            _send(settings)


def _send(settings: Settings) -> None:
    """Be a sender, until killed. Never returns to the parent's loop."""
    said = os.dup(1)
    log = os.open(settings.data / "senders.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number, kept in ((0, os.open(os.devnull, os.O_RDONLY)), (1, log), (2, log)):
        os.dup2(kept, number)

    async def run() -> None:
        clock = SystemClock()
        store = await open_store(settings, clock)
        client = OutboundClient(settings.outbound, clock)
        sender = Sender(store.outbox, client, settings=settings.outbox, clock=clock, start_task=tasks.start_awaited)
        running = tasks.start(sender.run(), name="sender")
        os.write(said, f"ready {os.getpid()}\n".encode())
        await asyncio.wait([running])

    try:
        set_up_logs(pretty=False)
        uvloop.run(run())
    except BaseException:  # noqa: BLE001 -- whatever it was, it must not run the parent's code
        traceback.print_exc()
    finally:
        os.write(said, b"ended\n")
        os._exit(1)


if __name__ == "__main__":
    main()
