"""Looks at calls again whose time has come: a postback that never came, a call of which the network tells no more.

Run by `bootstrap` beside the server; the call flow decides, the store does the work.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

import structlog

from ringbid.values.ids import CallId

PAUSE_SECONDS = 1.0

_log = structlog.get_logger(__name__)


class DueCalls(Protocol):
    """What is needed of the store."""

    async def due(self) -> list[CallId]:
        """Some calls that must be looked at again now."""
        ...


class Checking(Protocol):
    """What is needed of the call flow."""

    async def check(self, call_id: CallId) -> None:
        """Look at one of them."""
        ...


class CallChecks:
    """Checks until cancelled."""

    def __init__(self, store: DueCalls, desk: Checking) -> None:
        self._store = store
        self._desk = desk

    async def run(self) -> None:
        """Go on for ever: at once while something is due, else after a pause."""
        while True:
            due: list[CallId] = []
            try:
                due = await self._store.due()
                for call_id in due:
                    await self._desk.check(call_id)
            except Exception:  # noqa: BLE001 -- whatever it was, the next round may do better
                _log.exception("call_check_failed")
                due = []
            if not due:
                await asyncio.sleep(PAUSE_SECONDS)
