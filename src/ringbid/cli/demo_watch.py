"""Looking into the demo's store beside its server: what became of a ping, of its call, and of the money.

One read-only connection for as long as the demo runs; `demo` looks several times a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

from ringbid.cli.demo_calls import CallView, view_of
from ringbid.ledger.ports import Balance
from ringbid.reservations.ports import StoredPing, StoreUnavailable
from ringbid.settings import Settings
from ringbid.store.opening import open_reader
from ringbid.values.ids import CompanyId, PingId

COMPANY = CompanyId("acme")  # of demo.yaml


class Watch:
    """Where the store cannot be read (the server may just be stopping), nothing is known."""

    def __init__(self, settings: Settings) -> None:
        self._reader = open_reader(settings)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._reader.close()

    async def ping(self, uuid: PingId) -> StoredPing | None:
        with suppress(StoreUnavailable):
            return await self._reader.find(uuid)
        return None

    async def call_of(self, reservation: PingId) -> CallView | None:
        """The call that came with this reservation."""
        with suppress(StoreUnavailable):
            found = await self._reader.calls.find_by_uuid(reservation)
            return view_of(found) if found is not None else None
        return None

    async def balances(self) -> Sequence[Balance]:
        with suppress(StoreUnavailable):
            return await self._reader.ledger.balances(COMPANY)
        return ()
