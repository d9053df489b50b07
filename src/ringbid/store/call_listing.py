"""Lists of calls, each with what is booked for it. `reports.listing_fields.CALLS` has the filters."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    ScalarSelect,
    Select,
    Text,
    and_,
    bindparam,
    cast,
    exists,
    func,
    literal_column,
    or_,
    select,
)

from ringbid.call.state import decode
from ringbid.ledger.entry import COMPANY_ACCOUNTS, Side, buyer_account
from ringbid.reports.call_ending import ending_of
from ringbid.reports.listing import ListQuery, Page, Scope, Value
from ringbid.reports.listing_rows import CallRow
from ringbid.store.call_schema import call
from ringbid.store.ledger_schema import ledger_entry, posting
from ringbid.store.list_reading import Source, one_or_more, values_of
from ringbid.store.session import Session
from ringbid.store.statements import Row
from ringbid.values.clock import from_ms
from ringbid.values.money import Money

_call, _posting, _entry = call.c, posting.c, ledger_entry.c


def call_page(session: Session, scope: Scope, query: ListQuery, *, count: bool) -> Page[CallRow]:
    """A page of the calls of `scope`. To a buyer a call brought what it owes itself, and to a publisher its payout."""
    source = _CALLS
    if scope.buyer_id is not None:
        source = _CALLS_OF_BUYER
    elif scope.publisher_id is not None:
        source = _CALLS_OF_PUBLISHER
    return source.page(session, query, _values(scope, query.filters), count=count)


def _values(scope: Scope, filters: Mapping[str, Value]) -> dict[str, Any]:
    """The parameters of the conditions that are on."""
    values: dict[str, Any] = {"company_id": scope.company_id}
    if scope.publisher_id is not None:
        values["own_publisher"] = scope.publisher_id
    if scope.buyer_id is not None:
        values["own_buyer"] = scope.buyer_id
        values["own_account"] = buyer_account(scope.buyer_id)
    values |= values_of({name: value for name, value in filters.items() if name not in ("search", "converted")})
    if "search" in filters:
        values["caller" if str(filters["search"]).startswith("+") else "uuid"] = filters["search"]
    if "converted" in filters:
        values["converted" if filters["converted"] else "not_converted"] = None
    return values


def _read(row: Row, _now: datetime) -> CallRow:
    at_ms, number, uuid, campaign_id, reservation_id, publisher_id, buyer_id, caller, inbound, phase, *rest = row
    state, answered_ms, ended_ms, duration_ms, revenue, payout, currency = rest
    return CallRow(
        number=number,
        call_id=uuid,
        received_at=from_ms(at_ms),
        campaign_id=campaign_id,
        reservation_id=reservation_id,
        publisher_id=publisher_id,
        buyer_id=buyer_id,
        caller_number=caller,
        inbound_number=inbound,
        phase=phase,
        ending=ending_of(decode(state)),
        answered_at=None if answered_ms is None else from_ms(answered_ms),
        ended_at=None if ended_ms is None else from_ms(ended_ms),
        duration_ms=duration_ms,
        revenue=None if revenue is None else Money(revenue, currency),
        payout=None if payout is None else Money(-payout, currency),
    )


def _booked(side: Side) -> ScalarSelect[int]:
    """What the company's account of that side has of the call; null where nothing was ever booked."""
    return _sum_on(literal_column(f"'{COMPANY_ACCOUNTS[side]}'"), func.sum(_entry.amount_micros))


def _sum_on(account: ColumnElement[str], amount: ColumnElement[Any]) -> ScalarSelect[int]:
    entries = posting.join(ledger_entry, and_(_entry.posting_id == _posting.id, _entry.account == account))
    booked = select(cast(amount, BigInteger)).select_from(entries)
    return booked.where(_posting.call_id == _call.uuid).correlate(call).scalar_subquery()


def _has_converted(*of: ColumnElement[bool]) -> ColumnElement[bool]:
    booked: Select[Any] = select(literal_column("1")).select_from(posting)
    conditions = (_posting.call_id == _call.uuid, _posting.kind == literal_column("'conversion'"), *of)
    return exists(booked.where(*conditions).correlate(call))


_own_account: ColumnElement[str] = bindparam("own_account", type_=Text())
_own_entry = exists(
    select(literal_column("1"))
    .where(_entry.posting_id == _posting.id, _entry.account == _own_account)
    .correlate(posting)
)
_currency = select(func.max(_posting.currency)).where(_posting.call_id == _call.uuid).correlate(call).scalar_subquery()


def _calls(revenue: ScalarSelect[int], converted: ColumnElement[bool]) -> Source[CallRow]:
    return Source(
        table=call,
        joined=call,
        at_ms=_call.received_at_ms,
        number=_call.id,
        columns=(
            *(_call.received_at_ms, _call.id, _call.uuid, _call.campaign_id, _call.reservation_id, _call.publisher_id),
            *(_call.buyer_id, _call.caller_number, _call.inbound_number, _call.phase, _call.state),
            *(_call.answered_at_ms, _call.ended_at_ms, _call.duration_ms),
            *(revenue, _booked("payout"), _currency),
        ),
        company=_call.company_id == bindparam("company_id"),
        indexed={
            "own_publisher": _call.publisher_id == bindparam("own_publisher"),
            "own_buyer": _call.buyer_id == bindparam("own_buyer"),
            "uuid": or_(_call.uuid == bindparam("uuid"), _call.reservation_id == bindparam("uuid")),
            "caller": _call.caller_number == bindparam("caller"),
            **one_or_more(_call.campaign_id, "campaign_id"),
            **one_or_more(_call.publisher_id, "publisher_id"),
            **one_or_more(_call.buyer_id, "buyer_id"),
            **one_or_more(_call.phase, "phase"),
            "inbound_number": _call.inbound_number == bindparam("inbound_number"),
            "duration_min": _call.duration_ms >= bindparam("duration_min"),
            "duration_max": _call.duration_ms <= bindparam("duration_max"),
        },
        looked_at={"converted": converted, "not_converted": ~converted},
        found=frozenset({"uuid"}),
        read=_read,
    )


_CALLS = _calls(_booked("revenue"), _has_converted())
_CALLS_OF_PUBLISHER = _calls(_booked("revenue"), _has_converted(_posting.side == literal_column("'payout'")))
# A call may have been with several buyers, one after the other, and each owes what it brought itself.
_CALLS_OF_BUYER = _calls(_sum_on(_own_account, -func.sum(_entry.amount_micros)), _has_converted(_own_entry))
