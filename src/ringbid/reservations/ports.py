"""What both flows need of the store, and the values that pass between them. `store.reservations` keeps the promises.

A ping ends in one transaction (`settle`): the duplicate check, the place, the ping's record and its trace, and the
idempotency key are written together or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ringbid.catalog.model import EventWebhook
from ringbid.reservations.limits import Subject, Usage
from ringbid.reservations.reservation import Reservation
from ringbid.values.ids import BuyerId, CampaignId, CompanyId, KeyId, PingId, PublisherId
from ringbid.values.phone import PhoneNumber
from ringbid.values.quote import Quote
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused, Verdict

SubjectsOf = Callable[[BuyerId], tuple[Subject, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A candidate for the reservation: a buyer with everything that must hold to take a place with it."""

    buyer_id: BuyerId
    buyer_number: str
    subjects: tuple[Subject, ...]  # the buyer and its groups, with and without caps
    quote: Quote


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotencyUse:
    """An Idempotency-Key as it was sent, with a hash of the request's parameters."""

    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class CallerPlace:
    """Where a ping's caller is, as far as its tags tell: short texts, for they stand in an index."""

    state: str | None = None
    country: str | None = None
    city: str | None = None
    zip_code: str | None = None


NOWHERE = CallerPlace()


@dataclass(frozen=True, slots=True, kw_only=True)
class PingRecord:
    """What is kept of a ping. `reply_body` is what the publisher was sent; `trace` is `reservations.trace` as JSON.

    `caller_place` and `took_ms` (from its arrival until it was settled) are in the trace too: lists are made of them.
    """

    reason: Reason
    status: str  # reserved | rejected | no-target
    buyer_id: BuyerId | None
    trace: bytes
    reply_status: int
    reply_body: bytes
    caller_place: CallerPlace = NOWHERE
    took_ms: int = 0


@dataclass(frozen=True, slots=True)
class Taken:
    """A place was taken with the first candidate that had one free. `passed`: the verdicts on those before it."""

    reservation: Reservation
    passed: tuple[Verdict, ...]


@dataclass(frozen=True, slots=True)
class NotTaken:
    """There was no candidate, or none had a place free."""

    passed: tuple[Verdict, ...]


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The caller already has an open reservation under this key or campaign. `order` counts its pings: 1 is the first
    duplicate."""

    original: Reservation
    order: int


@dataclass(frozen=True, slots=True)
class Replayed:
    """The Idempotency-Key was used before with the same parameters: this was the reply."""

    reply_status: int
    reply_body: bytes


@dataclass(frozen=True, slots=True)
class KeyReused:
    """The Idempotency-Key was used before with other parameters. Nothing was done."""


@dataclass(frozen=True, slots=True)
class Stale:
    """The catalog has changed since the ping's snapshot: look again. Nothing was done."""

    version: int


Decision = Taken | NotTaken | Duplicate
Settled = Decision | Replayed | KeyReused | Stale


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """A ping, ready to end. `places` are in the auction's order; none where the ping is refused.

    `finish` turns the decision into the record; it is called inside the transaction and must be pure.
    """

    ping_id: PingId
    company_id: CompanyId
    campaign_id: CampaignId
    key_id: KeyId
    publisher_id: PublisherId
    caller_number: PhoneNumber | None
    inbound_number: str
    received_at: datetime
    snapshot_version: int
    places: tuple[Place, ...]
    ttl_seconds: int
    count_on_reserve: bool
    duplicate_key: str | None  # key or campaign, and caller; None: no duplicate check
    idempotency: IdempotencyUse | None
    finish: Callable[[Decision], PingRecord]
    event_webhooks: tuple[EventWebhook, ...] = ()  # the company's, which are told how it ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What is known before buyers are asked. `usage` is complete for the subjects asked about that have caps."""

    now: datetime
    open_duplicate: Reservation | None
    replayed: Replayed | KeyReused | None
    usage: Mapping[str, Usage]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPing:
    """A ping as it is kept, with its reservation where it got one (as it stands at `now` on the store's clock)."""

    ping_id: PingId
    company_id: CompanyId
    campaign_id: CampaignId
    key_id: KeyId
    publisher_id: PublisherId
    caller_number: PhoneNumber | None
    received_at: datetime
    reason: Reason
    status: str
    buyer_id: BuyerId | None
    trace: bytes
    duplicate_of: PingId | None
    duplicate_order: int | None
    reservation: Reservation | None
    now: datetime


class StoreOverloaded(Exception):  # noqa: N818 -- a state of the machinery, named as what it is
    """More writes wait than the store may hold (`limits.writes_waiting`): the caller should try again shortly."""


class StoreUnavailable(Exception):  # noqa: N818 -- a state of the machinery, named as what it is
    """The database cannot be reached, or cannot write (a full disk). Whether the write happened is unknown; looking up
    the ping's uuid tells."""


class Places(Protocol):
    """What the ping's flow itself needs of the store. Every method is one transaction."""

    async def look(
        self,
        *,
        key_id: KeyId,
        duplicate_key: str | None,
        subjects: tuple[Subject, ...],
        idempotency: IdempotencyUse | None,
    ) -> Look:
        """What can be known without a lock. Cheap; decides nothing for good."""
        ...

    async def settle(self, settlement: Settlement) -> Settled:
        """End a ping: take the first place that is free, or none, and keep its record."""
        ...


class Reservations(Places, Protocol):
    """The store's promises. Every method is one transaction; refusals are values; `now` is always the store's clock."""

    async def confirm(self, ping_id: PingId, *, key_id: KeyId, subjects_of: SubjectsOf) -> Reservation | Refused:
        """Make an open reservation count. Idempotent. Refused: RESERVATION_UNKNOWN, RESERVATION_OVER, or CAPS_FILLED
        (and then it has ended as rejected; a repeated confirm says CAPS_FILLED again)."""
        ...

    async def release(self, ping_id: PingId, *, key_id: KeyId) -> Reservation | Refused:
        """Give the place back. Idempotent for a released one. Refused: RESERVATION_UNKNOWN, RESERVATION_OVER."""
        ...

    async def extend(self, ping_id: PingId, *, key_id: KeyId, ttl_seconds: int) -> Reservation | Refused:
        """Let it wait until `ttl_seconds` after it was reserved, once. The same `ttl_seconds` again: the same answer.
        Refused: RESERVATION_UNKNOWN, RESERVATION_OVER, ALREADY_EXTENDED; TTL_INVALID where that moment has passed."""
        ...

    async def claim(
        self, ping_id: PingId, *, subjects_of: SubjectsOf, max_duration_seconds: int
    ) -> Reservation | Refused:
        """The call has arrived: live, at most once, never after expiry. The place is held for at most
        `max_duration_seconds`; a reservation that did not count takes its place now. Refused: RESERVATION_UNKNOWN,
        RESERVATION_OVER, CAPS_FILLED (the state stays)."""
        ...

    async def count(self, ping_id: PingId, *, subjects_of: SubjectsOf) -> None:
        """The live call connected (or converted): it adds one to the windows of the buyer and its groups, once."""
        ...

    async def finish(self, ping_id: PingId) -> Reservation | Refused:
        """The live call has ended: done, and its place is free. Idempotent."""
        ...

    async def find(self, ping_id: PingId) -> StoredPing | None:
        """A ping's record, with its reservation; None where there is none (never was, or flushed)."""
        ...
