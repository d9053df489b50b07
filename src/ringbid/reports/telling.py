"""Finding a ping or a call of one company with its whole story: what pages and API show of one uuid.

Reads through the ports below, which the open store and a reader beside it both keep.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from ringbid.call.ports import StoredCall
from ringbid.ledger.ports import LedgerReads
from ringbid.outbox.message import MessageState
from ringbid.outbox.ports import Listed
from ringbid.reports.call_story import CallStory, tell_call
from ringbid.reports.call_timeline import StoredEvent
from ringbid.reports.wording import PLAIN, Wording
from ringbid.reservations.ports import StoredPing
from ringbid.values.ids import CallId, CompanyId, PingId, parse_ping_id

MOST_MESSAGES = 1000  # of one call


class PingReads(Protocol):
    async def find(self, ping_id: PingId) -> StoredPing | None:
        """A ping's record; None where there is none (never was, or flushed)."""
        ...


class CallReads(Protocol):
    async def find(self, call_id: CallId) -> StoredCall | None:
        """A call, or None."""
        ...

    async def events_of(self, call: StoredCall) -> Sequence[StoredEvent]:
        """Everything its provider told."""
        ...

    async def calls_of_reservation(self, ping_id: PingId) -> Sequence[StoredCall]:
        """The calls that came with this ping's reservation, in time or late, the oldest first."""
        ...

    async def read_now(self) -> datetime:
        """The store's clock."""
        ...


class MessageReads(Protocol):
    async def listing(
        self,
        *,
        state: MessageState | None = None,
        company_id: CompanyId | None = None,
        call_id: CallId | None = None,
        before: int | None = None,
        limit: int = 50,
    ) -> Sequence[Listed]:
        """The newest messages that fit; `before` the one with that `number`, where it is given."""
        ...


async def find_ping(pings: PingReads, company_id: CompanyId, uuid: str) -> StoredPing | None:
    """The company's ping of this uuid; None where there is none, it is another company's, or this is no uuid."""
    ping_id = parse_ping_id(uuid)
    ping = await pings.find(ping_id) if ping_id is not None else None
    return ping if ping is not None and ping.company_id == company_id else None


async def find_call(calls: CallReads, company_id: CompanyId, uuid: str) -> StoredCall | None:
    """The company's call of this uuid; None as in `find_ping`."""
    call_id = parse_ping_id(uuid)
    call = await calls.find(CallId(call_id)) if call_id is not None else None
    return call if call is not None and call.company_id == company_id else None


async def story_of(
    call: StoredCall,
    *,
    calls: CallReads,
    pings: PingReads,
    ledger: LedgerReads,
    messages: MessageReads,
    wording: Wording = PLAIN,
) -> CallStory:
    """The whole story of a call that was found."""
    return tell_call(
        call,
        events=await calls.events_of(call),
        postings=await ledger.postings_of(call.company_id, call.call_id),
        messages=await messages.listing(call_id=call.call_id, limit=MOST_MESSAGES),
        ping=await pings.find(call.reservation_id) if call.reservation_id is not None else None,
        now=await calls.read_now(),
        wording=wording,
    )
