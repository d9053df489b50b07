"""One ping at a time for one caller: the second of two simultaneous pings waits and then is a duplicate of the first.

Without this, both would ask the buyers before either had reserved. Between processes the store's lock still lets only
one of them reserve; buyers may then be asked twice.
"""

from __future__ import annotations

import asyncio
from collections import deque


class Turns:
    """Who is being served, and who waits, by duplicate key. Lives in one event loop."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    async def take(self, key: str) -> None:
        """Wait for the turn of `key`; whoever took it gives it back."""
        queue = self._waiting.get(key)
        if queue is None:
            self._waiting[key] = deque()
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give_back(key)  # the turn came in the very moment of the cancellation: pass it on
            else:
                queue.remove(turn)
            raise

    def give_back(self, key: str) -> None:
        """The turn of `key` is over: the next who waits has it."""
        queue = self._waiting[key]
        while queue:
            turn = queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        del self._waiting[key]
