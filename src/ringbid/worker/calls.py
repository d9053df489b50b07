"""Looks at calls again whose time has come: a postback that never came, a call of which the network tells no more.

Run by `bootstrap` beside the server; the call flow decides, the store does the work.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

import structlog

from ringbid.reservations.ports import StoreOverloaded, StoreUnavailable
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
        """Go on for ever: at once while looking helps, else after a pause."""
        while True:
            looked = 0
            try:
                for call_id in await self._store.due():
                    looked += await self._check(call_id)
            except Exception:  # noqa: BLE001 -- whatever it was, the next round may do better
                _log.exception("call_checks_failed")
                looked = 0
            if not looked:
                await asyncio.sleep(PAUSE_SECONDS)

    async def _check(self, call_id: CallId) -> bool:
        """Was it looked at? A bug that one call meets must not keep all the others waiting behind it."""
        try:
            await self._desk.check(call_id)
        except (StoreOverloaded, StoreUnavailable):
            raise
        except Exception:  # noqa: BLE001 -- a bug, and this call's alone
            _log.exception("call_check_failed", call_id=call_id)
            return False
        return True
