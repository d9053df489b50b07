"""Writes down the end of reservations that are over, at its own pace. Never needed for correctness: an open reservation
past its time is expired whatever its row says, and its place is free.

Run by `bootstrap` beside the server; the store does the work.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

import structlog

PAUSE_SECONDS = 0.5

_log = structlog.get_logger(__name__)


class Sweepable(Protocol):
    """What is needed of the store."""

    async def sweep(self) -> int:
        """Tidy some; how many there were. 0: nothing more to do now."""
        ...


class Sweep:
    """Tidies until cancelled."""

    def __init__(self, store: Sweepable) -> None:
        self._store = store

    async def run(self) -> None:
        """Go on for ever: at once while there is something to do, else after a pause."""
        while True:
            try:
                tidied = await self._store.sweep()
            except Exception:  # noqa: BLE001 -- whatever it was, the next round may do better
                _log.exception("sweep_failed")
                tidied = 0
            if not tidied:
                await asyncio.sleep(PAUSE_SECONDS)
