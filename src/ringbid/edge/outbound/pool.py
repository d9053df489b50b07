"""What the outbound client keeps for one endpoint: idle connections, how many are out, and its circuit breaker.

Owned by `edge.outbound.client`.
"""

from __future__ import annotations

import asyncio
from collections import deque

from ringbid.edge.outbound.breaker import Breaker
from ringbid.edge.outbound.connection import Connection
from ringbid.edge.outbound.endpoint import Endpoint
from ringbid.settings import Outbound

IDLE_SECONDS = 15.0  # most servers close after 5 to 75 s; what they close under our hands costs a second try
FORGOTTEN_SECONDS = 600.0


class Pool:
    """At most `connections_per_host` connections, the youngest idle one first."""

    __slots__ = ("_idle", "_limit", "_permits", "_waiting", "authority", "breaker", "endpoint", "last_used")

    def __init__(self, endpoint: Endpoint, settings: Outbound) -> None:
        self.endpoint = endpoint
        self.authority = endpoint.authority
        self.breaker = Breaker(failures_allowed=settings.breaker_failures, open_seconds=settings.breaker_open_seconds)
        self.last_used = 0.0  # monotonic seconds
        self._idle: list[Connection] = []
        self._limit = self._permits = settings.connections_per_host
        self._waiting: deque[asyncio.Future[None]] = deque()

    def take_permit(self) -> bool:
        """The right to use one connection, where one is free now. Give back what was taken."""
        if self._permits == 0:
            return False
        self._permits -= 1
        return True

    async def wait_for_permit(self) -> None:
        """Take a permit when it is one's turn. Cancelled freely."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give_permit_back()  # the turn came in the very moment of the cancellation: pass it on
            else:
                self._waiting.remove(turn)
            raise

    def give_permit_back(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)  # from hand to hand: the permit is never free between
                return
        self._permits += 1

    def take_idle(self) -> Connection | None:
        """A connection that was used before and still stands, to whoever holds a permit. `tidy` sees to their age."""
        while self._idle:
            connection = self._idle.pop()
            if connection.usable:
                return connection
        return None

    def keep(self, connection: Connection, now: float) -> None:
        """Take back a connection after use; one that is not usable any more is dropped."""
        if connection.usable:
            connection.idle_since = now
            self._idle.append(connection)

    def tidy(self, now: float) -> bool:
        """Close what has idled too long. True: nobody has used this endpoint for long, and it may be forgotten."""
        kept = []
        for connection in self._idle:
            if connection.usable and now - connection.idle_since < IDLE_SECONDS:
                kept.append(connection)
            else:
                connection.close()
        self._idle = kept
        return self._permits == self._limit and not kept and now - self.last_used > FORGOTTEN_SECONDS
