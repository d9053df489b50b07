"""Stores for tests, on both databases, and the settlements that are put into them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from ringbid.catalog.model import Caps
from ringbid.reservations.limits import Subject
from ringbid.reservations.ports import (
    Decision,
    Duplicate,
    IdempotencyUse,
    PingRecord,
    Place,
    Settlement,
    SubjectsOf,
    Taken,
)
from ringbid.settings import Settings
from ringbid.store.opening import Store, open_store
from ringbid.store.statements import DialectName
from ringbid.values.clock import SystemClock
from ringbid.values.ids import BuyerId, CampaignId, CompanyId, KeyId, PingId, PublisherId, RuleId, new_ping_id
from ringbid.values.phone import PhoneNumber
from ringbid.values.quote import Quote
from ringbid.values.reason import Reason
from support.clocks import JumpingClock

KEY = KeyId("5e" * 32)
TTL_SECONDS = 15
QUOTE = Quote(
    revenue_micros=1_500_000,
    payout_micros=1_173_000,
    seconds=95,
    currency="USD",
    rule_id=RuleId("auto-insurance/alpha and delta"),
    rule_version="5d1f0c",
)


@dataclass(frozen=True)
class StorePlace:
    """Where a test's store is, and the clock it goes by."""

    database: DialectName
    settings: Settings
    clock: JumpingClock

    @asynccontextmanager
    async def open(self, *, real_time: bool = False) -> AsyncIterator[Store]:
        """The open store. With `real_time` it goes by its own clock: the machine's, or the server's."""
        if real_time:
            store = await open_store(self.settings, SystemClock())
        else:
            store = await open_store(self.settings, self.clock, store_clock=self.clock)
        try:
            yield store
        finally:
            await store.close()

    def with_limits(self, *, writes_waiting: int) -> StorePlace:
        """The same place, with room for so many writes."""
        limits = self.settings.limits.model_copy(update={"writes_waiting": writes_waiting})
        return replace(self, settings=self.settings.model_copy(update={"limits": limits}))


def run(place: StorePlace, story: Callable[[Store], object], *, real_time: bool = False) -> object:
    """Open the store, let `story` (an async function) happen, close it."""

    async def happen() -> object:
        async with place.open(real_time=real_time) as store:
            return await story(store)  # type: ignore[misc]  # -- tests write their stories as plain async functions

    return asyncio.run(happen())


def subject(name: str = "alpha", *, zone: str = "America/New_York", owner: str = "buyer", **caps: int) -> Subject:
    """A buyer (or group) with caps, of the company acme."""
    return Subject(
        id=f"acme/{owner}/{name}",
        owner="buyer" if owner == "buyer" else "group",
        caps=Caps(**caps),
        zone=zone,
        setting=f"{owner}s[{name}].caps",
    )


def place_with(*subjects: Subject, buyer: str = "alpha") -> Place:
    """A candidate: a buyer with its caps and those of its groups."""
    return Place(buyer_id=BuyerId(buyer), buyer_number="+12025550101", subjects=subjects, quote=QUOTE)


def always(*subjects: Subject) -> SubjectsOf:
    """The catalog in which every buyer has these caps."""
    return lambda _: subjects


def caller(number: int = 1) -> PhoneNumber:
    """The number-th caller."""
    return PhoneNumber(f"+1212{2000000 + number:07d}")


def settlement(
    *places: Place,
    at: datetime,
    caller_number: PhoneNumber | None = None,
    key_id: KeyId = KEY,
    ping_id: PingId | None = None,
    ttl_seconds: int = TTL_SECONDS,
    count_on_reserve: bool = True,
    snapshot_version: int = 0,
    idempotency: IdempotencyUse | None = None,
    finish: Callable[[Decision], PingRecord] | None = None,
) -> Settlement:
    """A ping of `caller_number` (None: of nobody, so that it is no duplicate) that is ready to end."""
    made_id = ping_id or new_ping_id(at)
    return Settlement(
        ping_id=made_id,
        company_id=CompanyId("acme"),
        campaign_id=CampaignId("auto-insurance"),
        key_id=key_id,
        publisher_id=PublisherId("4321ABCD"),
        caller_number=caller_number,
        inbound_number="+18444021146",
        received_at=at,
        snapshot_version=snapshot_version,
        places=places,
        ttl_seconds=ttl_seconds,
        count_on_reserve=count_on_reserve,
        duplicate_key=f"{key_id}:{caller_number}" if caller_number is not None else None,
        idempotency=idempotency,
        finish=finish or (lambda decision: record_of(decision, made_id)),
    )


def record_of(decision: Decision, ping_id: PingId) -> PingRecord:
    """What the ping flow makes of a decision, in short. The reply's body is the uuid that the publisher is told."""
    if isinstance(decision, Taken):
        reason, status, buyer_id, told = Reason.RESERVED, "reserved", decision.reservation.buyer_id, ping_id
    elif isinstance(decision, Duplicate):
        original = decision.original
        reason, status, buyer_id, told = Reason.DUPLICATE, "reserved", original.buyer_id, original.ping_id
    else:
        reason, status, buyer_id, told = Reason.NO_BUYER_AVAILABLE, "no-target", None, ping_id
    return PingRecord(
        reason=reason,
        status=status,
        buyer_id=buyer_id,
        trace=b'{"reason":"' + reason.code.encode() + b'"}',
        reply_status=200,
        reply_body=told.encode(),
    )
