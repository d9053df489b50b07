"""Finding calls by what others know of them: a uuid, a caller, or a filter of `ringbid call list`.

Used by `calls`; all of it only reads.
"""

from __future__ import annotations

from sqlalchemy import bindparam, select

from ringbid.call.ports import CallerOf, CallQuery, StoredCall
from ringbid.store.call_rows import CALL_COLUMNS, read_call
from ringbid.store.call_schema import call
from ringbid.store.session import Session
from ringbid.store.statements import Statement
from ringbid.values.ids import PingId

_MOST_OF_A_CALLER = 10
_MOST_OF_A_RESERVATION = 20

_BY_UUID = Statement(select(*CALL_COLUMNS).where(call.c.uuid == bindparam("call_uuid")))
_BY_RESERVATION = Statement(
    select(*CALL_COLUMNS)
    .where(call.c.reservation_id == bindparam("call_uuid"))
    .order_by(call.c.received_at_ms.desc())
    .limit(1)
)
_OF_RESERVATION = Statement(
    select(*CALL_COLUMNS)
    .where(call.c.reservation_id == bindparam("reservation"))
    .order_by(call.c.received_at_ms, call.c.id)
    .limit(_MOST_OF_A_RESERVATION)
)
_OF_CALLER = Statement(
    select(*CALL_COLUMNS)
    .where(
        call.c.caller_number == bindparam("caller"),
        call.c.company_id == bindparam("company"),
        call.c.campaign_id == bindparam("campaign"),
    )
    .order_by(call.c.received_at_ms.desc(), call.c.id.desc())
    .limit(_MOST_OF_A_CALLER)
)


def find_by_uuid(uuid: PingId, session: Session) -> StoredCall | None:
    """A publisher or a buyer of a ping knows a call by its reservation's uuid."""
    own, reserved = session.fetch((_BY_UUID, {"call_uuid": uuid}), (_BY_RESERVATION, {"call_uuid": uuid}))
    rows = own or reserved
    return read_call(rows[0]) if rows else None


def calls_of_reservation(ping_id: PingId, session: Session) -> list[StoredCall]:
    """The call that claimed it, and those that came too late for it: the first few, the oldest first."""
    [rows] = session.fetch((_OF_RESERVATION, {"reservation": ping_id}))
    return list(map(read_call, rows))


def find_of_caller(caller: CallerOf, session: Session) -> list[StoredCall]:
    """The newest few, the newest first."""
    values = {"caller": caller.caller_number, "company": caller.company_id, "campaign": caller.campaign_id}
    [rows] = session.fetch((_OF_CALLER, values))
    calls = map(read_call, rows)
    return [one for one in calls if caller.publisher_id in ("", one.publisher_id)]


def list_calls(query: CallQuery, session: Session) -> list[StoredCall]:
    """The newest that fit. Its statement is made for each question: people ask it, not programs."""
    wanted = {
        call.c.company_id: query.company_id,
        call.c.campaign_id: query.campaign_id,
        call.c.publisher_id: query.publisher_id,
        call.c.buyer_id: query.buyer_id,
        call.c.caller_number: query.caller_number,
        call.c.phase: query.phase.value if query.phase is not None else None,
    }
    given = {column: value for column, value in wanted.items() if value is not None}
    conditions = [column == bindparam(f"wanted_{column.name}") for column in given]
    newest = select(*CALL_COLUMNS).where(*conditions).order_by(call.c.received_at_ms.desc(), call.c.id.desc())
    values = {f"wanted_{column.name}": value for column, value in given.items()}
    [rows] = session.fetch((Statement(newest.limit(query.limit)), values))
    return list(map(read_call, rows))
