"""Kamailio's records in tests: what reads them, and the rows of its table."""

from __future__ import annotations

import asyncio
import time

from ringbid.edge.telephony.sip.records import OpenCall, Reconciler
from ringbid.store.engine_tables import EngineTables, RecordRow
from ringbid.values.clock import SystemClock
from support.sip_desk import WAIT_SECONDS, FakeDesk
from support.sip_stage import Stage


class FakeCalls:
    """The calls of which the desk believes that they are under way."""

    def __init__(self, *calls: OpenCall) -> None:
        self.calls = list(calls)

    async def open_calls(self, provider: str) -> list[OpenCall]:
        assert provider == "sip"
        return self.calls


def reconciler(stage: Stage, desk: FakeDesk, *calls: OpenCall, table: EngineTables | None = None) -> Reconciler:
    """What reads the records of this stage's Kamailio, and closes what it has forgotten at once."""
    return Reconciler(
        desk=desk,
        calls=FakeCalls(*calls),
        commands=stage.commands,
        folder=stage.engine.folder,
        clock=SystemClock(),
        table=table,
        patience_seconds=0,
    )


async def rows_of(table: EngineTables, count: int = 1) -> list[RecordRow]:
    """The new rows, once there are so many; Kamailio writes them a moment after it has told of the end."""
    return await asyncio.to_thread(_wait_for_rows, table, count)


def _wait_for_rows(table: EngineTables, count: int) -> list[RecordRow]:
    ends_at = time.monotonic() + WAIT_SECONDS
    while len(rows := table.unnoted(10)) < count:
        assert time.monotonic() < ends_at, "a record was not written"
        time.sleep(0.02)
    return rows
