"""Servers that start in a tenth of a second: everything is imported once, and each `start` forks a child that serves.

A program of its own, steered over its standard input by `crash.fleet`: a line `start` forks; the child says
`ready PID` on the standard output once it listens. Killing that pid kills the whole server, as `kill -9` of
`ringbid serve` does. `--plant NAME` first breaks the product in a known way, which the crash test must find
(`crash.planted`).
"""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
import traceback
from pathlib import Path

import uvloop

from crash.planted import PLANTED
from ringbid import bootstrap
from ringbid.edge.serving import Address
from ringbid.routing import geo
from ringbid.settings import Settings


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--database")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--plant", choices=sorted(PLANTED))
    arguments = parser.parse_args()
    settings = Settings(data=arguments.data, database=arguments.database, port=arguments.port)
    if arguments.plant:
        PLANTED[arguments.plant].sow()
    geo.load()
    gc.freeze()  # what was loaded is not copied into each child by its collector
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries the killed
    for line in sys.stdin:
        assert line == "start\n", line
        if os.fork() == 0:
            _serve(settings)


def _serve(settings: Settings) -> None:
    """Be the server, until killed. Never returns to the parent's loop."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    said = os.dup(1)
    log = os.open(settings.data / "serve.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number, kept in ((0, os.open(os.devnull, os.O_RDONLY)), (1, log), (2, log)):
        os.dup2(kept, number)

    def on_ready(_address: Address) -> None:
        os.write(said, f"ready {os.getpid()}\n".encode())

    try:
        uvloop.run(bootstrap.serve(settings, on_ready=on_ready))
    except BaseException:  # noqa: BLE001 -- whatever it was, it must not run the parent's code
        traceback.print_exc()
    finally:
        os.write(said, b"ended\n")
        os._exit(1)


if __name__ == "__main__":
    main()
