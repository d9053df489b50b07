"""Flushes pings and ended reservations that are older than the setting, until their bytes are gone from the files.

Run by `bootstrap` beside the server; the store does the work.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Protocol

import structlog

from ringbid.settings import Retention as RetentionSettings

PAUSE_SECONDS = 60.0

_log = structlog.get_logger(__name__)


class Flushable(Protocol):
    """What is needed of the store."""

    async def flush(self, *, older_than: timedelta) -> int:
        """Remove, for good, pings that arrived longer ago and have ended; how many there were."""
        ...


class Retention:
    """Flushes until cancelled."""

    def __init__(self, store: Flushable, settings: RetentionSettings) -> None:
        self._store = store
        self._older_than = timedelta(hours=settings.rtb_hours)

    async def run(self) -> None:
        """Go on for ever, a round a minute: a record lives at most that much longer than the setting."""
        while True:
            try:
                flushed = await self._store.flush(older_than=self._older_than)
                if flushed:
                    _log.info("flushed", pings=flushed)
            except Exception:  # noqa: BLE001 -- whatever it was, the next round may do better
                _log.exception("flush_failed")
            await asyncio.sleep(PAUSE_SECONDS)
