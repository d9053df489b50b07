"""What the company's event webhooks are told of pings: reserved, rejected, and reservations that expired. Pure.

The names and shapes are those of `/api/v1/pings`. `store.batch` asks when it writes a ping down, `store.event_telling`
when an expiry is noticed.
"""

from __future__ import annotations

from datetime import datetime

from ringbid.outbox.events import Data, Event, amount_told, event_messages, reason_told
from ringbid.outbox.message import Message
from ringbid.reservations.books import EndedPing
from ringbid.reservations.reservation import Reservation
from ringbid.values.money import Money
from ringbid.values.quote import Quote
from ringbid.values.reason import Reason


def messages_of_ping(ended: EndedPing, reservation: Reservation | None, at: datetime) -> tuple[Message, ...]:
    """The messages that a ping's end causes; none for a duplicate, whose reservation was told before. `reservation` is
    its own, `at` the store's time."""
    webhooks = ended.settlement.event_webhooks
    if not webhooks or ended.record.reason is Reason.DUPLICATE:
        return ()
    return event_messages([_event_of_ping(ended, reservation, at)], webhooks)


def expired_event(reservation: Reservation) -> Event:
    """A reservation waited for its call in vain."""
    data = {
        "uuid": reservation.ping_id,
        "campaign_id": reservation.campaign_id,
        "key_id": reservation.key_id,
        "publisher_id": reservation.publisher_id,
        "buyer_id": reservation.buyer_id,
        "caller_number": reservation.caller_number,
        "inbound_number": reservation.inbound_number,
        "state": "expired",
        **_promise(reservation.quote),
        "ttl_seconds": reservation.ttl_seconds,
        "reserved_at": reservation.reserved_at,
        "expires_at": reservation.expires_at,
        "confirmed_at": reservation.confirmed_at,
    }
    return Event(
        type="reservation.expired",
        key=reservation.ping_id,
        company_id=reservation.company_id,
        at=reservation.expires_at,
        data=data,
    )


def _event_of_ping(ended: EndedPing, reservation: Reservation | None, at: datetime) -> Event:
    settlement, record = ended.settlement, ended.record
    place = record.caller_place
    data = {
        "uuid": settlement.ping_id,
        "created_at": settlement.received_at,
        "campaign_id": settlement.campaign_id,
        "key_id": settlement.key_id,
        "publisher_id": settlement.publisher_id,
        "buyer_id": record.buyer_id,
        "caller_number": settlement.caller_number,
        "caller_city": place.city,
        "caller_state": place.state,
        "caller_zip": place.zip_code,
        "caller_country": place.country,
        "status": record.status,
        "reason": reason_told(record.reason),
        "state": reservation.state.value if reservation is not None else None,
        **_promise(ended.quote),
        "took_ms": record.took_ms,
        "expires_at": reservation.expires_at if reservation is not None else None,
    }
    return Event(
        type="ping.reserved" if record.reason is Reason.RESERVED else "ping.rejected",
        key=settlement.ping_id,
        company_id=settlement.company_id,
        at=at,
        data=data,
    )


def _promise(quote: Quote | None) -> Data:
    if quote is None:
        return {"revenue": None, "payout": None, "seconds": None}
    return {
        "revenue": amount_told(Money(quote.revenue_micros, quote.currency)),
        "payout": amount_told(Money(quote.payout_micros, quote.currency)),
        "seconds": quote.seconds,
    }
