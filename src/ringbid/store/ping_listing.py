"""Lists of pings, each with what has become of its reservation. `reports.listing_fields.PINGS` has the filters."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, and_, bindparam, case, literal_column, select

from ringbid.reports.listing import ListQuery, Page, Scope, Value
from ringbid.reports.listing_rows import PingRow
from ringbid.reservations.ports import CallerPlace
from ringbid.reservations.reservation import State
from ringbid.store import schema
from ringbid.store.list_reading import NOW_MS, Source, one_or_more, values_of
from ringbid.store.session import Session
from ringbid.store.statements import Row, Statement, one_of
from ringbid.values.clock import EPOCH, from_ms, to_ms
from ringbid.values.ids import CompanyId
from ringbid.values.money import Money
from ringbid.values.reason import BY_CODE, Reason

_ping, _held = schema.ping.c, schema.reservation.c
_OPEN = tuple(state.value for state in State if state.open)
# How a ping ends in the publisher's words follows from its reason, and that stands in the index.
_RESERVED: list[ColumnElement[str]] = [
    literal_column(f"'{reason.code}'") for reason in (Reason.RESERVED, Reason.DUPLICATE)
]
_NO_TARGET: list[ColumnElement[str]] = [literal_column(f"'{Reason.NO_BUYER_AVAILABLE.code}'")]
_STATUS_IS = {
    "status no-target": _ping.reason.in_(_NO_TARGET),
    "status no-target rejected": _ping.reason.not_in(_RESERVED),
    "status no-target reserved": _ping.reason.in_([*_RESERVED, *_NO_TARGET]),
    "status no-target rejected reserved": _ping.reason.is_not(None),
    "status rejected": _ping.reason.not_in([*_RESERVED, *_NO_TARGET]),
    "status rejected reserved": _ping.reason.not_in(_NO_TARGET),
    "status reserved": _ping.reason.in_(_RESERVED),
}

_OF_THEIR_OWN = ("search", "duplicate", "status", "state")

_open_now: list[ColumnElement[str]] = [literal_column(f"'{state}'") for state in _OPEN]
_state_now = case((and_(_held.state.in_(_open_now), _held.expires_at_ms <= NOW_MS), "expired"), else_=_held.state)


def ping_page(session: Session, scope: Scope, query: ListQuery, *, count: bool) -> Page[PingRow]:
    """A page of the pings of `scope`."""
    return _PINGS.page(session, query, _values(scope, query.filters), count=count)


def pings_after(session: Session, company_id: CompanyId, after: int | None, limit: int) -> tuple[PingRow, ...]:
    """The company's pings with a number above `after`, the lowest first; None: the newest `limit`."""
    statement = _NEWEST if after is None else _AFTER
    now_ms = None if session.clock is None else to_ms(session.clock.now())
    values = {"company_id": company_id, "after": after, "rows": limit, "now_ms": now_ms}
    [rows] = session.fetch((statement, values))
    now = session.clock.now() if session.clock is not None else max((from_ms(row[0]) for row in rows), default=EPOCH)
    return tuple(sorted((_read(row, now) for row in rows), key=lambda row: row.number))


def _values(scope: Scope, filters: Mapping[str, Value]) -> dict[str, Any]:
    """The parameters of the conditions that are on."""
    values: dict[str, Any] = {"company_id": scope.company_id}
    if scope.publisher_id is not None:
        values["own_publisher"] = scope.publisher_id
    if scope.buyer_id is not None:
        values["own_buyer"] = scope.buyer_id
    values |= values_of({name: value for name, value in filters.items() if name not in _OF_THEIR_OWN})
    if "search" in filters:
        values["caller" if str(filters["search"]).startswith("+") else "uuid"] = filters["search"]
    if "duplicate" in filters:
        values["duplicates" if filters["duplicate"] else "no_duplicates"] = None
    statuses = filters.get("status")
    if isinstance(statuses, tuple):
        values[" ".join(["status", *sorted(statuses)])] = None
    states = filters.get("state")
    if isinstance(states, tuple):
        values |= {"state": list(states), "with_reservation": None}
    return values


def _read(row: Row, now: datetime) -> PingRow:
    at_ms, number, uuid, campaign_id, key_id, publisher_id, caller_number, state, country, city, zip_code, *rest = row
    reason, status, buyer_id, revenue, payout, currency, took_ms, duplicate_of, duplicate_order, *held = rest
    held_state, expires_ms, confirmed_ms, ended_ms, call_id, seconds = held
    expired = held_state in _OPEN and expires_ms <= to_ms(now)
    return PingRow(
        number=number,
        ping_id=uuid,
        received_at=from_ms(at_ms),
        campaign_id=campaign_id,
        key_id=key_id,
        publisher_id=publisher_id,
        caller_number=caller_number,
        caller_place=CallerPlace(state, country, city, zip_code),
        reason=BY_CODE[reason],
        status=status,
        state=None if held_state is None else State.EXPIRED if expired else State(held_state),
        buyer_id=buyer_id,
        revenue=None if revenue is None else Money(revenue, currency),
        payout=None if payout is None else Money(payout, currency),
        seconds=seconds,
        took_ms=took_ms,
        duplicate_of=duplicate_of,
        duplicate_order=duplicate_order,
        expires_at=_at(expires_ms),
        confirmed_at=_at(confirmed_ms),
        ended_at=_at(expires_ms if expired else ended_ms),
        call_id=call_id,
    )


def _at(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else from_ms(milliseconds)


_PINGS = Source(
    table=schema.ping,
    joined=schema.ping.outerjoin(schema.reservation, _held.ping_id == _ping.uuid),
    at_ms=_ping.received_at_ms,
    number=_ping.id,
    columns=(
        *(_ping.received_at_ms, _ping.id, _ping.uuid, _ping.campaign_id, _ping.key_id, _ping.publisher_id),
        *(_ping.caller_number, _ping.caller_state, _ping.caller_country, _ping.caller_city, _ping.caller_zip),
        *(_ping.reason, _ping.status, _ping.buyer_id, _ping.revenue_micros, _ping.payout_micros, _ping.currency),
        *(_ping.took_ms, _ping.duplicate_of, _ping.duplicate_order),
        *(_held.state, _held.expires_at_ms, _held.confirmed_at_ms, _held.ended_at_ms, _held.call_id, _held.seconds),
    ),
    company=_ping.company_id == bindparam("company_id"),
    indexed={
        "own_publisher": _ping.publisher_id == bindparam("own_publisher"),
        "own_buyer": _ping.buyer_id == bindparam("own_buyer"),
        "uuid": _ping.uuid == bindparam("uuid"),
        "caller": _ping.caller_number == bindparam("caller"),
        **one_or_more(_ping.campaign_id, "campaign_id"),
        **one_or_more(_ping.publisher_id, "publisher_id"),
        **one_or_more(_ping.buyer_id, "buyer_id"),
        **_STATUS_IS,
        **one_or_more(_ping.reason, "reason"),
        "duplicates": _ping.reason == literal_column("'duplicate'"),
        "no_duplicates": _ping.reason != literal_column("'duplicate'"),
        "with_reservation": _ping.reason == literal_column("'reserved'"),
        **one_or_more(_ping.caller_state, "caller_state"),
        **one_or_more(_ping.caller_country, "caller_country"),
        "revenue_min": _ping.revenue_micros >= bindparam("revenue_min"),
        "revenue_max": _ping.revenue_micros <= bindparam("revenue_max"),
        "payout_min": _ping.payout_micros >= bindparam("payout_min"),
        "payout_max": _ping.payout_micros <= bindparam("payout_max"),
    },
    looked_at={
        **one_or_more(_ping.key_id, "key_id"),
        "state": one_of(_state_now, "state"),
    },
    found=frozenset({"uuid"}),
    read=_read,
)
_rows = select(*_PINGS.columns).select_from(_PINGS.joined).where(_PINGS.company)
_limit = bindparam("rows", type_=BigInteger())
_AFTER = Statement(_rows.where(_ping.id > bindparam("after", type_=BigInteger())).order_by(_ping.id).limit(_limit))
_NEWEST = Statement(_rows.order_by(_ping.received_at_ms.desc(), _ping.id.desc()).limit(_limit))
