"""uvicorn, set up for the exchange: how it listens, and how it stops.

Called by `bootstrap` with the application; the benchmark runs its empty baseline on the very same settings.
"""

from __future__ import annotations

import asyncio
import gc
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import uvicorn

GRACE_SECONDS = 10  # how long a stopping server may take to finish what it accepted
_COLLECT_AFTER = (50_000, 20, 50)  # objects made and kept; collections of the young, of the older
_SWITCH_SECONDS = 0.0005
IDLE_SECONDS = 65  # longer than the usual 60 s of a load balancer, so that it is the one to close


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens."""

    host: str
    port: int

    @property
    def url(self) -> str:
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


class Server(uvicorn.Server):
    """uvicorn, telling when and where it listens, and when it stops."""

    def __init__(
        self,
        config: uvicorn.Config,
        on_ready: Callable[[Address], None] | None,
        on_stop: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(config)
        self._on_ready = on_ready
        self._on_stop = on_stop

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell, then finish what was accepted."""
        self._on_stop()
        await super().shutdown(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then tell where."""
        await super().startup(sockets)
        if self.started and sockets and self._on_ready is not None:
            host, port = sockets[0].getsockname()[:2]
            self._on_ready(Address(host, port))


def http_config(application: Callable[..., Any]) -> uvicorn.Config:
    """How uvicorn runs an application here. It logs no request: a query holds keys and phone numbers."""
    return uvicorn.Config(
        application,
        http="httptools",
        loop="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,  # nothing here depends on the client's address
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_keep_alive=IDLE_SECONDS,
    )


def tune_interpreter() -> None:
    """Tell Python what a server is like. Called once everything is loaded.

    What is there at the start stays (zip codes, catalogs, code): walking it would stall pings for nothing. A ping
    makes no cycles, so looking for them can wait. And the writing thread, which lets the event loop in at each
    statement, must not wait five milliseconds each time to be let in again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)
    sys.setswitchinterval(_SWITCH_SECONDS)


async def stop_when(stop: asyncio.Event, server: uvicorn.Server) -> None:
    """Stop `server` once `stop` is set."""
    await stop.wait()
    server.should_exit = True
