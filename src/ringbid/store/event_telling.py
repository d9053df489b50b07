"""What the store tells the event webhooks of by itself: reservations that it finds expired, and corrections of money.

Called in the transaction that writes the fact down. The webhooks are those of the newest catalog, read here, because
corrections are made without a server, too. Pings and calls bring theirs along.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import func, select

from ringbid.call.events import correction_events
from ringbid.catalog.event_reading import event_webhooks_in
from ringbid.catalog.model import EventType, EventWebhook
from ringbid.ledger.posting import Posting
from ringbid.outbox.events import event_messages, wants
from ringbid.ping.events import expired_event
from ringbid.store import schema
from ringbid.store.call_rows import FIND, read_call
from ringbid.store.outbox_writing import enqueue
from ringbid.store.rows import RESERVATION_COLUMNS, read_reservation
from ringbid.store.session import Session
from ringbid.store.statements import Statement, one_of
from ringbid.values.clock import from_ms

_change, _held = schema.catalog_change, schema.reservation

_COMPANIES = Statement(select(_held.c.company_id).distinct().where(one_of(_held.c.ping_id, "ping_ids")))
_newest = (
    select(func.max(_change.c.id)).where(one_of(_change.c.company_id, "company_ids")).group_by(_change.c.company_id)
)
_DOCUMENTS = Statement(select(_change.c.company_id, _change.c.document).where(_change.c.id.in_(_newest)))
# All that wait are of pings: an attempt's reservation is live from the first.
_RESERVATIONS = Statement(
    select(*RESERVATION_COLUMNS).where(one_of(_held.c.ping_id, "ping_ids"), one_of(_held.c.company_id, "company_ids"))
)


def tell_expired(session: Session, ping_ids: Sequence[str], now_ms: int) -> None:
    """These reservations waited in vain, which is being written down."""
    if not ping_ids:
        return
    [companies] = session.fetch((_COMPANIES, {"ping_ids": list(ping_ids)}))
    webhooks = _webhooks_of(session, [company_id for (company_id,) in companies], "reservation.expired")
    if not webhooks:
        return
    [rows] = session.fetch((_RESERVATIONS, {"ping_ids": list(ping_ids), "company_ids": list(webhooks)}))
    found = [read_reservation(row) for row in rows]
    for reservation in found:
        enqueue(session, event_messages([expired_event(reservation)], webhooks[reservation.company_id]), now_ms)


def tell_correction(session: Session, booked: Sequence[Posting], made: Posting, at_ms: int) -> None:
    """`made` corrects what was `booked` for its call before."""
    webhooks = _webhooks_of(session, [made.company_id], "conversion.adjusted")
    if not webhooks:
        return
    [rows] = session.fetch((FIND, {"call_id": made.call_id}))
    call = read_call(rows[0]) if rows else None
    events = correction_events(call, (*booked, made), now=from_ms(at_ms))
    enqueue(session, event_messages(events, webhooks[made.company_id]), at_ms)


def _webhooks_of(
    session: Session, company_ids: Iterable[str], event_type: EventType
) -> dict[str, tuple[EventWebhook, ...]]:
    """By company, those that want to know of such events; companies without are not there."""
    [rows] = session.fetch((_DOCUMENTS, {"company_ids": list(company_ids)}))
    wanted = {
        company_id: tuple(webhook for webhook in event_webhooks_in(document) if wants(webhook, event_type))
        for company_id, document in rows
    }
    return {company_id: webhooks for company_id, webhooks in wanted.items() if webhooks}
