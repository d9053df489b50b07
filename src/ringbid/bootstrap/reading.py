"""What commands read of the store, beside a running server.

`cli` calls these through `bootstrap`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from ringbid.call.ports import StoredCall
from ringbid.ledger.ports import LedgerReads
from ringbid.outbox.ports import Counts
from ringbid.reports.call_story import CallStory, Findings
from ringbid.reports.telling import story_of
from ringbid.reservations.ports import StoredPing
from ringbid.settings import Settings
from ringbid.store.opening import Facts, Reader, open_reader
from ringbid.values.ids import CallId, CompanyId, PingId

LedgerAnswer = TypeVar("LedgerAnswer")


async def read_documents(settings: Settings) -> dict[CompanyId, str]:
    """Each company's newest document. Reads beside a running server."""
    reader = open_reader(settings)
    try:
        _, heads = await reader.catalog_heads()
        return dict(heads)
    finally:
        await reader.close()


async def read_facts(settings: Settings) -> Facts:
    """What `ringbid doctor` tells about the store. Raises as `store.opening.open_reader` does."""
    reader = open_reader(settings)
    try:
        return await reader.facts()
    finally:
        await reader.close()


async def find_ping(settings: Settings, ping_id: PingId) -> StoredPing | None:
    """A ping's record, read beside a running server; None where there is none."""
    reader = open_reader(settings)
    try:
        return await reader.find(ping_id)
    finally:
        await reader.close()


async def find_call_story(settings: Settings, uuid: PingId) -> Findings:
    """What the uuid of a ping, a reservation or a call leads to, read beside a running server."""
    reader = open_reader(settings)
    try:
        ping = await reader.find(uuid)
        call = await reader.calls.find(CallId(uuid)) if ping is None else None
        if call is not None:
            return Findings(None, (await _tell_call(reader, call),))
        original = ping.duplicate_of if ping is not None and ping.duplicate_of is not None else uuid
        calls = await reader.calls.calls_of_reservation(original)
        return Findings(ping, tuple([await _tell_call(reader, one) for one in calls]))
    finally:
        await reader.close()


async def _tell_call(reader: Reader, call: StoredCall) -> CallStory:
    return await story_of(call, calls=reader.calls, pings=reader, ledger=reader.ledger, messages=reader.outbox)


async def read_ledger(settings: Settings, question: Callable[[LedgerReads], Awaitable[LedgerAnswer]]) -> LedgerAnswer:
    """The answer to `question`, read beside a running server."""
    reader = open_reader(settings)
    try:
        return await question(reader.ledger)
    finally:
        await reader.close()


async def read_outbox_counts(settings: Settings) -> Counts:
    """How many messages wait, are dead or kept back. Reads beside a running server."""
    reader = open_reader(settings)
    try:
        return await reader.outbox.counts()
    finally:
        await reader.close()
