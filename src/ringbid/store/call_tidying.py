"""Flushing what is old of calls: ended calls with all that their providers told, places they once took, written tags.

Called by `tidying` in small batches. What a call earned stays in the ledger, which keeps no number.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import bindparam, delete, literal_column, select

from ringbid.store import schema
from ringbid.store.call_schema import call, call_event, written_tag
from ringbid.store.session import Session
from ringbid.store.statements import Statement, one_of

BATCH = 100
_PARKED = timedelta(days=1)  # an event whose call has not come by then never had one

_held = schema.reservation

_OLD_CALLS = Statement(
    select(call.c.uuid, call.c.provider, call.c.provider_call_id)
    .where(call.c.received_at_ms < bindparam("before_ms"), literal_column("phase in ('ended', 'refused')"))
    .order_by(call.c.received_at_ms)
    .limit(BATCH)
)
_FLUSH_CALLS = Statement(delete(call).where(one_of(call.c.uuid, "call_ids")))
_FLUSH_EVENTS = Statement(
    delete(call_event).where(
        call_event.c.provider == bindparam("provider_name"), one_of(call_event.c.provider_call_id, "provider_calls")
    )
)
_FLUSH_PARKED = Statement(
    delete(call_event).where(call_event.c.stored_at_ms < bindparam("before_ms"), call_event.c.row.is_(None))
)
# Reservations that calls made for themselves, and that have ended. Written out: the index is partial.
_OWN = Statement(
    select(_held.c.ping_id)
    .where(
        literal_column("key_id = ''"),
        _held.c.reserved_at_ms < bindparam("before_ms"),
        literal_column("state <> 'live'"),
    )
    .limit(BATCH)
)
_FLUSH_OWN = [
    Statement(delete(table).where(one_of(table.c.ping_id, "ping_ids")))
    for table in (_held, schema.place, schema.reservation_move)
]
_FLUSH_WRITTEN = Statement(delete(written_tag).where(written_tag.c.expires_at_ms <= bindparam("now_ms")))


def flush_calls(session: Session, *, before_ms: int) -> int:
    """Remove some calls that arrived before and have ended, with all that was told of them; how many."""
    [rows] = session.fetch((_OLD_CALLS, {"before_ms": before_ms}))
    if not rows:
        return 0
    session.write(_FLUSH_CALLS, call_ids=[row[0] for row in rows])
    for provider in {row[1] for row in rows}:
        told = [row[2] for row in rows if row[1] == provider]
        session.write(_FLUSH_EVENTS, provider_name=provider, provider_calls=told)
    return len(rows)


def flush_own_reservations(session: Session, *, before_ms: int) -> int:
    """Remove some places that calls took for themselves before, and that are over; how many."""
    [rows] = session.fetch((_OWN, {"before_ms": before_ms}))
    for statement in _FLUSH_OWN if rows else ():
        session.write(statement, ping_ids=[row[0] for row in rows])
    return len(rows)


def flush_written(session: Session, *, now_ms: int) -> None:
    """Remove tags whose time is over, and events of calls that never came."""
    session.write(_FLUSH_WRITTEN, now_ms=now_ms)
    session.write(_FLUSH_PARKED, before_ms=now_ms - _PARKED // timedelta(milliseconds=1))
