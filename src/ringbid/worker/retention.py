"""Flushes pings, ended reservations and calls that are older than the settings, until their bytes are gone from the
files.

Run by `bootstrap` beside the server; the store does the work.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Protocol

import structlog

from ringbid.settings import Outbox
from ringbid.settings import Retention as RetentionSettings
from ringbid.values.clock import Clock

MOST_PAUSE_SECONDS = 60.0
ROUNDS = 60  # in one retention time, so that a short one is kept to as well

_log = structlog.get_logger(__name__)


class Flushable(Protocol):
    """What is needed of the store."""

    async def flush(self, *, older_than: timedelta) -> int:
        """Remove, for good, pings that arrived longer ago and have ended; how many there were."""
        ...

    async def flush_calls(self, *, older_than: timedelta) -> int:
        """Remove, for good, calls that arrived longer ago and have ended; how many there were."""
        ...

    async def flush_outbox(self, *, delivered: timedelta, dead: timedelta) -> int:
        """Remove, for good, messages that were delivered, or given up, longer ago; how many there were."""
        ...

    @property
    def purged(self) -> bool:
        """Are the bytes of everything that was flushed gone? Otherwise the next flush goes on with it."""
        ...


class Retention:
    """Flushes until cancelled."""

    def __init__(self, store: Flushable, settings: RetentionSettings, outbox: Outbox, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._older_than = timedelta(hours=settings.rtb_hours)
        self._delivered = timedelta(days=outbox.delivered_days)
        self._dead = timedelta(days=outbox.dead_days)
        self._calls_older_than = timedelta(days=settings.call_days)

    async def run(self) -> None:
        """Go on for ever, at least a round a minute: a record lives at most that much longer than the setting."""
        pause_seconds = min(MOST_PAUSE_SECONDS, self._older_than.total_seconds() / ROUNDS)
        while True:
            began_at = self._clock.monotonic()
            try:
                messages = await self._store.flush_outbox(delivered=self._delivered, dead=self._dead)
                calls = await self._store.flush_calls(older_than=self._calls_older_than)
                flushed = await self._store.flush(older_than=self._older_than)
                if flushed or calls or messages or not self._store.purged:
                    took_seconds = round(self._clock.monotonic() - began_at, 3)
                    _log.info(
                        "flushed",
                        pings=flushed,
                        calls=calls,
                        messages=messages,
                        purged=self._store.purged,
                        took_seconds=took_seconds,
                    )
            except Exception:  # noqa: BLE001 -- whatever it was, the next round may do better
                _log.exception("flush_failed")
            await asyncio.sleep(pause_seconds)
