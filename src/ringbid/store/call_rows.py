"""Calls and what their providers told as rows, and back, with the statements that read and write them.

Used by `calls`.
"""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import BigInteger, and_, bindparam, func, literal_column, or_, select, update

from ringbid.call import state as call_states
from ringbid.call import trace as call_traces
from ringbid.call.event import CallEvent
from ringbid.call.ports import StoredCall
from ringbid.call.state import CallState
from ringbid.call.trace import CallTrace
from ringbid.store import schema
from ringbid.store.call_schema import call, call_event
from ringbid.store.statements import Insert, Row, Statement, database_now_ms
from ringbid.values.clock import from_ms, to_ms
from ringbid.values.ids import PublisherId

LATE_SECONDS = 3600  # a call that comes longer after its reservation's end is a call like any other
_LONGEST_WAIT_SECONDS = 7200  # of a reservation: the longest TTL that a key may have, extended to its double

CALL_COLUMNS = tuple(column for column in call.columns if column is not call.c.id)
_held = schema.reservation

INSERT_CALL = Insert(call)
INSERT_EVENT = Insert(call_event)
FIND = Statement(select(*CALL_COLUMNS).where(call.c.uuid == bindparam("call_id")))
FIND_BY_PROVIDER = Statement(
    select(*CALL_COLUMNS).where(
        call.c.provider == bindparam("provider_name"), call.c.provider_call_id == bindparam("provider_call")
    )
)
UPDATE = Statement(
    update(call)
    .where(call.c.uuid == bindparam("call_id"))
    .values(
        phase=bindparam("new_phase"),
        answered_at_ms=bindparam("answered_ms"),
        ended_at_ms=bindparam("ended_ms"),
        duration_ms=bindparam("new_duration_ms"),
        buyer_id=bindparam("new_buyer_id"),
        check_at_ms=bindparam("new_check_at_ms"),
        state=bindparam("new_state"),
        trace=bindparam("new_trace"),
    )
)
# Calls that must be looked at again. Written out, not bound: a partial index serves only what says its condition.
DUE = Statement(
    select(call.c.uuid)
    .where(literal_column("check_at_ms is not null"), call.c.check_at_ms <= bindparam("now_ms"))
    .order_by(call.c.check_at_ms)
    .limit(50)
)
# Calls of a provider that have not ended, as far as is known, or of which a record may be missing. Every one of them is
# to be looked at again.
OPEN_CALLS = Statement(
    select(*CALL_COLUMNS).where(
        literal_column("check_at_ms is not null"),
        # A column would lead SQLite to the index that has the provider first, and so to all calls there ever were.
        literal_column("provider || ''") == bindparam("provider_name"),
        or_(
            literal_column("phase in ('routing', 'ringing', 'connected')"),
            and_(
                literal_column("phase = 'ended'"),
                literal_column("answered_at_ms is not null"),
                call.c.ended_at_ms > bindparam("ended_after_ms"),
            ),
        ),
    )
)
# What a provider told of this event before.
EVENT_ROW = Statement(
    select(call_event.c.row).where(
        call_event.c.provider == bindparam("provider_name"), call_event.c.event_id == bindparam("event")
    )
)
# Everything that was told of a call, in the order it came.
EVENTS_OF = Statement(
    select(call_event.c.event_id, call_event.c.stored_at_ms, call_event.c.row, call_event.c.document)
    .where(
        call_event.c.provider == bindparam("provider_name"), call_event.c.provider_call_id == bindparam("provider_call")
    )
    .order_by(call_event.c.stored_at_ms, call_event.c.event_id)
)
HANDLE_EVENT = Statement(
    update(call_event)
    .where(call_event.c.provider == bindparam("provider_name"), call_event.c.event_id == bindparam("event"))
    .values(row=bindparam("new_row"))
)
# The pings of this caller for this number that a call may belong to, the newest first; `since_ms` is None where the
# database has a clock of its own. (In a subquery, so that PostgreSQL reads it once and may use the index.)
_since_ms = func.coalesce(
    bindparam("since_ms", type_=BigInteger()), select(database_now_ms() - LATE_SECONDS * 1000).scalar_subquery()
)
PINGS_OF_CALLER = Statement(
    select(_held.c.ping_id, _held.c.state, _held.c.expires_at_ms)
    .where(
        _held.c.caller_number == bindparam("caller"),
        _held.c.inbound_number == bindparam("dialled"),
        _held.c.reserved_at_ms > _since_ms - _LONGEST_WAIT_SECONDS * 1000,  # which the index knows
        _held.c.expires_at_ms > _since_ms,
        _held.c.key_id != literal_column("''"),
    )
    .order_by(_held.c.reserved_at_ms.desc())
    .limit(8)
)

_encode_event = msgspec.json.Encoder().encode
_decode_event = msgspec.json.Decoder(CallEvent).decode


def call_row(stored: StoredCall, check_at_ms: int | None) -> Row:
    """In the order of CALL_COLUMNS."""
    state = stored.state
    return (
        stored.call_id,
        stored.company_id,
        stored.campaign_id,
        stored.provider,
        stored.provider_call_id,
        stored.reservation_id,
        stored.publisher_id,
        stored.caller_number,
        stored.inbound_number,
        state.phase.value,
        to_ms(stored.received_at),
        state.answered_ms,
        state.ended_ms,
        state.duration_ms,
        state.buyer_id,
        check_at_ms,
        call_states.encode(state),
        call_traces.encode(stored.trace),
    )


def call_changes(stored: StoredCall, state: CallState, trace: CallTrace, check_at_ms: int | None) -> dict[str, Any]:
    """The values of UPDATE."""
    return {
        "call_id": stored.call_id,
        "new_phase": state.phase.value,
        "answered_ms": state.answered_ms,
        "ended_ms": state.ended_ms,
        "new_duration_ms": state.duration_ms,
        "new_buyer_id": state.buyer_id,
        "new_check_at_ms": check_at_ms,
        "new_state": call_states.encode(state),
        "new_trace": call_traces.encode(trace),
    }


def read_call(row: Row) -> StoredCall:
    """From CALL_COLUMNS."""
    return StoredCall(
        call_id=row[0],
        company_id=row[1],
        campaign_id=row[2],
        provider=row[3],
        provider_call_id=row[4],
        reservation_id=row[5],
        publisher_id=PublisherId(row[6] or ""),
        caller_number=row[7],
        inbound_number=row[8],
        received_at=from_ms(row[10]),
        state=call_states.decode(row[16]),
        trace=call_traces.decode(row[17]),
    )


def event_row(event: CallEvent, *, stored_at_ms: int, row: str | None) -> Row:
    """In the order of the table's columns."""
    return (event.provider, event.event_id, event.provider_call_id, stored_at_ms, row, _encode_event(event))


def read_event(document: bytes) -> CallEvent:
    """An event as it was told."""
    return _decode_event(document)
