"""Folds pings and calls into the journeys that reports count, at its own pace, and removes old ones.

Run by `bootstrap` beside the server; the store does the work. Nothing waits for it: reports say as of when they are.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Protocol

import structlog

from ringbid.catalog.snapshot import Snapshot
from ringbid.reports.homes import Home, Homes, home_of
from ringbid.values.clock import Clock
from ringbid.values.ids import CompanyId

PAUSE_SECONDS = 1.0
BREATH_SECONDS = 0.005  # between rounds while much is left, so that pings do not wait behind them
FLUSH_SECONDS = 600.0

_log = structlog.get_logger(__name__)


class JourneyStore(Protocol):
    """What is needed of the store."""

    async def fold(self, homes: Homes) -> bool:
        """Fold some of what is new or has changed; is more left?"""
        ...

    async def flush(self, *, older_than: timedelta) -> int:
        """Remove the journeys of hours that ended longer ago, with their sums; how many there were."""
        ...


class Snapshots(Protocol):
    """The catalogs in force."""

    @property
    def snapshot(self) -> Snapshot: ...


class Journeys:
    """Folds until cancelled."""

    def __init__(self, store: JourneyStore, catalogs: Snapshots, *, older_than: timedelta, clock: Clock) -> None:
        self._store = store
        self._catalogs = catalogs
        self._older_than = older_than
        self._clock = clock
        self._flush_at = clock.monotonic()

    async def run(self) -> None:
        """Go on for ever: soon again while more is left, else after a pause."""
        while True:
            more = False
            try:
                more = await self._store.fold(self.home_of)
                await self._flush()
            except Exception:  # noqa: BLE001 -- whatever it was, the next round may do better
                _log.exception("journeys_not_folded")
            await asyncio.sleep(BREATH_SECONDS if more else PAUSE_SECONDS)

    def home_of(self, company_id: CompanyId) -> Home:
        """The company's clock and tags as they are now."""
        return home_of(self._catalogs.snapshot, company_id)

    async def _flush(self) -> None:
        now = self._clock.monotonic()
        if now >= self._flush_at:
            self._flush_at = now + FLUSH_SECONDS
            flushed = await self._store.flush(older_than=self._older_than)
            if flushed:
                _log.info("journeys_flushed", journeys=flushed)
