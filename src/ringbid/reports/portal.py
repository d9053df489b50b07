"""What a publisher's or a buyer's own people may read: their own pings, calls and money, and nothing of the other side.

Pure. A publisher learns no buyer, revenue or margin; a buyer learns no publisher's pay. Rows here have no field for
what must not be shown, so that no page can show it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ringbid.accounts.actor import Actor
from ringbid.ledger.disputes import Disputes
from ringbid.ledger.ports import LedgerReads, Line
from ringbid.reports.asks import RecentAsks
from ringbid.reports.labels import LABELS, Label
from ringbid.reports.listing_rows import CallRow, Listings, PingRow
from ringbid.reservations.ports import Reservations, StoredPing
from ringbid.reservations.reservation import State
from ringbid.reservations.trace import decode
from ringbid.values.ids import CallId, CampaignId, PingId
from ringbid.values.money import Money
from ringbid.values.phone import PhoneNumber
from ringbid.values.reason import BY_CODE, Reason

_STANDING = {
    State.HELD: Label("held", "plain"),
    State.CONFIRMED: Label("confirmed", "plain"),
    State.LIVE: Label("on the line", "good"),
    State.DONE: Label("delivered", "good"),
    State.EXPIRED: Label("not delivered", "limit"),
    State.RELEASED: Label("released", "plain"),
    State.REJECTED: Label("filled up", "limit"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalTools:
    """The ports that portals read and write by."""

    listings: Listings
    reservations: Reservations
    ledger: LedgerReads
    disputes: Disputes
    asks: RecentAsks


@dataclass(frozen=True, slots=True, kw_only=True)
class PublisherPing:
    """One of a publisher's own pings. `code` and `text` are those that are safe for it; `standing` is None where there
    is no reservation of its own."""

    ping_id: PingId
    received_at: datetime
    campaign_id: CampaignId
    caller_number: PhoneNumber | None
    outcome: Label
    code: str
    text: str
    standing: Label | None
    payout: Money | None
    seconds: int | None
    call_id: CallId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PublisherCall:
    """One of its calls. `payout` None: it has not converted for the publisher."""

    call_id: CallId
    received_at: datetime
    campaign_id: CampaignId
    reservation_id: PingId | None
    caller_number: PhoneNumber | None
    inbound_number: str
    answered: bool
    ended: bool
    duration_ms: int | None
    payout: Money | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutLine:
    """A line of its statement, without the rule and the note, which may name a buyer."""

    at: datetime
    what: str
    call_id: CallId
    amount: Money
    balance: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class BuyerCall:
    """One of a buyer's calls. `price` is what it owes for it, None where it has not converted."""

    call_id: CallId
    received_at: datetime
    campaign_id: CampaignId
    caller_number: PhoneNumber | None
    answered: bool
    ended: bool
    duration_ms: int | None
    price: Money | None


def publisher_ping(row: PingRow) -> PublisherPing:
    reason = safe_reason(row.reason)
    return PublisherPing(
        ping_id=row.ping_id,
        received_at=row.received_at,
        campaign_id=row.campaign_id,
        caller_number=row.caller_number,
        outcome=LABELS[reason],
        code=row.reason.safe_code,
        text=row.reason.safe_text,
        standing=_STANDING[row.state] if row.state is not None else None,
        payout=row.payout,
        seconds=row.seconds,
        call_id=row.call_id,
    )


def publisher_call(row: CallRow) -> PublisherCall:
    return PublisherCall(
        call_id=row.call_id,
        received_at=row.received_at,
        campaign_id=row.campaign_id,
        reservation_id=row.reservation_id,
        caller_number=row.caller_number,
        inbound_number=row.inbound_number,
        answered=row.answered_at is not None,
        ended=row.ended_at is not None,
        duration_ms=row.duration_ms,
        payout=row.payout,
    )


def payout_line(line: Line) -> PayoutLine:
    return PayoutLine(at=line.at, what=line.kind, call_id=line.call_id, amount=line.amount, balance=line.balance)


def buyer_call(row: CallRow) -> BuyerCall:
    return BuyerCall(
        call_id=row.call_id,
        received_at=row.received_at,
        campaign_id=row.campaign_id,
        caller_number=row.caller_number,
        answered=row.answered_at is not None,
        ended=row.ended_at is not None,
        duration_ms=row.duration_ms,
        price=row.revenue,
    )


def safe_reason(reason: Reason) -> Reason:
    """The reason that a publisher is told in place of this one."""
    return BY_CODE[reason.safe_code]


def is_own_ping(ping: StoredPing, actor: Actor) -> bool:
    """Does the ping belong to the publisher whose user `actor` is?"""
    return (
        actor.publisher_id is not None
        and ping.company_id == actor.company_id
        and ping.publisher_id == actor.publisher_id
    )


def granted_tags(ping: StoredPing, actor: Actor, *, private: frozenset[str]) -> dict[str, str]:
    """The tags of the ping that `actor` was granted to see; never one that the company declares private."""
    tags = decode(ping.trace).tags
    return {
        name: tag.value if isinstance(tag.value, str) else ", ".join(tag.value)
        for name, tag in sorted(tags.items())
        if name in actor.tags and name not in private
    }
