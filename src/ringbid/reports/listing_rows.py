"""What lists answer: a ping, a call, a posting in a row each, and the port that `store` fills. Messages are listed as
`outbox.ports.Listed`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ringbid.ledger.entry import Account, Side
from ringbid.ledger.posting import Kind
from ringbid.outbox.ports import Listed
from ringbid.reports.listing import ListQuery, Page, Scope
from ringbid.reservations.ports import CallerPlace
from ringbid.reservations.reservation import State
from ringbid.values.ids import BuyerId, CallId, CampaignId, CompanyId, KeyId, PingId, PublisherId, RuleId
from ringbid.values.money import Money
from ringbid.values.phone import PhoneNumber
from ringbid.values.reason import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class PingRow:
    """A ping, with what has become of its reservation by the page's `as_of`. `revenue` and `payout` are what its own
    reservation promised; `call_id` is the call that claimed it. `number` is its place in the order of pings."""

    number: int
    ping_id: PingId
    received_at: datetime
    campaign_id: CampaignId
    key_id: KeyId
    publisher_id: PublisherId
    caller_number: PhoneNumber | None
    caller_place: CallerPlace
    reason: Reason
    status: str  # reserved | rejected | no-target
    state: State | None  # of its own reservation
    buyer_id: BuyerId | None
    revenue: Money | None
    payout: Money | None
    seconds: int | None
    took_ms: int | None
    duplicate_of: PingId | None
    duplicate_order: int | None
    expires_at: datetime | None
    confirmed_at: datetime | None
    ended_at: datetime | None
    call_id: CallId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRow:
    """A call. `ending` is what became of it or how it stands, `buyer_id` who answered last, `duration_ms` how long they
    talked; `revenue` and `payout` are what is booked for it now, None where it has not converted on that side."""

    number: int
    call_id: CallId
    received_at: datetime
    campaign_id: CampaignId
    reservation_id: PingId | None
    publisher_id: PublisherId | None
    buyer_id: BuyerId | None
    caller_number: PhoneNumber | None
    inbound_number: str
    phase: str
    ending: Reason
    answered_at: datetime | None
    ended_at: datetime | None
    duration_ms: int | None
    revenue: Money | None
    payout: Money | None

    @property
    def converted(self) -> bool:
        return self.revenue is not None or self.payout is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class PostingRow:
    """A posting's line on one buyer's or publisher's account: below zero they owe it."""

    number: int
    at: datetime
    account: Account
    amount: Money
    kind: Kind
    side: Side
    call_id: CallId
    rule_id: RuleId | None
    author: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PostingSum:
    """What postings of one currency come to, for the company: what buyers owe, and what publishers are owed."""

    postings: int
    revenue: Money
    payout: Money

    @property
    def currency(self) -> str:
        return self.revenue.currency

    @property
    def margin(self) -> Money:
        return Money(self.revenue.micros - self.payout.micros, self.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostingTotals:
    """The sums by currency. Not `exact`: of the first `postings` in the list's order only, as it was not worth adding
    up more."""

    sums: tuple[PostingSum, ...]
    postings: int
    exact: bool


class Listings(Protocol):
    """Lists, newest first or oldest first, a page at a time. Each page is a constant number of queries, whatever it is
    filtered by and however long it is. `count`: is the number of all rows wanted, too? Only a first page has one.
    Raises StoreUnavailable, StoreOverloaded."""

    async def pings(self, scope: Scope, query: ListQuery, *, count: bool = False) -> Page[PingRow]:
        """Of `listing_fields.PINGS`."""
        ...

    async def calls(self, scope: Scope, query: ListQuery, *, count: bool = False) -> Page[CallRow]:
        """Of `listing_fields.CALLS`."""
        ...

    async def postings(self, company_id: CompanyId, query: ListQuery, *, count: bool = False) -> Page[PostingRow]:
        """Of `listing_fields.POSTINGS`."""
        ...

    async def posting_totals(self, company_id: CompanyId, query: ListQuery) -> PostingTotals:
        """What all that fits comes to, on whichever page."""
        ...

    async def deliveries(self, company_id: CompanyId, query: ListQuery, *, count: bool = False) -> Page[Listed]:
        """Of `listing_fields.DELIVERIES`."""
        ...
