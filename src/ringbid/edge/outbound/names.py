"""Host names to addresses: the system's resolver behind a short memory, one question at a time for each name.

Used by `edge.outbound.client`, which judges every address again each time it dials.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

from ringbid.edge import tasks
from ringbid.values.clock import Clock

Resolver = Callable[[str], Awaitable[tuple[str, ...]]]  # a name's addresses as text, best first; none: no such name

REMEMBERED_SECONDS = 30.0
MAX_REMEMBERED = 4096


async def resolve_by_system(host: str) -> tuple[str, ...]:
    """A Resolver: what the system knows. It may take as long as the system likes."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return tuple(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


class RememberingResolver:
    """A Resolver with a memory for what another one found. Failures are not remembered."""

    def __init__(self, clock: Clock, resolve: Resolver = resolve_by_system) -> None:
        self._clock = clock
        self._resolve = resolve
        self._remembered: dict[str, tuple[float, tuple[str, ...]]] = {}
        self._running: dict[str, asyncio.Task[tuple[str, ...]]] = {}

    async def __call__(self, host: str) -> tuple[str, ...]:
        """The addresses of `host`. Cancelled freely: the look-up goes on, for the next who asks."""
        known = self._remembered.get(host)
        if known is not None and known[0] > self._clock.monotonic():
            return known[1]
        running = self._running.get(host)
        if running is None:
            # A look-up holds a thread until the system gives up. Asking once for all keeps slow names from taking all.
            running = self._running[host] = tasks.start(self._look_up(host), name=f"resolve {host}")
        return await asyncio.shield(running)

    async def _look_up(self, host: str) -> tuple[str, ...]:
        try:
            addresses = await self._resolve(host)
        finally:
            del self._running[host]
        if addresses:
            self._remember(host, addresses)
        return addresses

    def _remember(self, host: str, addresses: tuple[str, ...]) -> None:
        now = self._clock.monotonic()
        if len(self._remembered) >= MAX_REMEMBERED:
            self._remembered = {name: known for name, known in self._remembered.items() if known[0] > now}
        if len(self._remembered) < MAX_REMEMBERED:
            self._remembered[host] = (now + REMEMBERED_SECONDS, addresses)
