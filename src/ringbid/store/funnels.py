"""The sums of reports, read: one statement for everything that a report shows, so that all of it is of one moment."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Text,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    or_,
    select,
    union_all,
)

from ringbid.reports.attention import Recent
from ringbid.reports.counts import NAMES, NOTHING, Counts
from ringbid.reports.funnel import TIMES, Question, Reading, facet_of
from ringbid.store.journeys import StoredJourneys
from ringbid.store.report_schema import rollup
from ringbid.store.session import Session
from ringbid.store.statements import Row, Statement
from ringbid.store.threads import Reading as Reads
from ringbid.values.clock import to_ms
from ringbid.values.ids import CompanyId

_NOW, _SINCE, _BEFORE, _HOURS, _HOURS_BEFORE = range(5)
_KEYS: Mapping[str, ColumnElement[str]] = {
    "publisher": rollup.c.publisher_id,
    "buyer": rollup.c.buyer_id,
    "campaign": rollup.c.campaign_id,
    "value": rollup.c.value,
}
_MONEY = ("revenue_micros", "payout_micros")


def _is(column: ColumnElement[str], name: str) -> ColumnElement[bool]:
    """The column has the value of this name, where it is not empty."""
    wanted: ColumnElement[str] = cast(bindparam(name), Text)
    return or_(wanted == literal_column("''"), column == wanted)


def _sums() -> list[ColumnElement[int]]:
    """All counts, money only in the currency that is asked for; and how many conversions were in another."""
    ours = rollup.c.currency.in_([literal_column("''"), cast(bindparam("currency"), Text)])
    sums = [
        func.sum(case((ours, rollup.c[name]), else_=literal_column("0")) if name in _MONEY else rollup.c[name])
        for name in NAMES
    ]
    sums.append(func.sum(case((ours, literal_column("0")), else_=rollup.c.converted)))
    return [cast(one, BigInteger) for one in sums]


def _part(number: int, span: tuple[str, str], facet: str, *keys: ColumnElement[Any]) -> Any:  # noqa: ANN401 -- a select of many types
    """The sums between two moments, by `keys`: the start of the hour (or 0), and a text (or empty)."""
    start, key = keys
    grouped = [column for column in keys if column.key is not None and column.key in rollup.c]
    found = select(
        literal_column(str(number), BigInteger).label("part"), start.label("start"), key.label("key"), *_sums()
    )
    found = found.where(
        rollup.c.company_id == bindparam("company_id"),
        rollup.c.facet == bindparam(facet),
        rollup.c.start_ms >= bindparam(span[0], type_=BigInteger()),
        rollup.c.start_ms < bindparam(span[1], type_=BigInteger()),
        and_(
            _is(rollup.c.campaign_id, "campaign"),
            _is(rollup.c.publisher_id, "publisher"),
            _is(rollup.c.buyer_id, "buyer"),
            _is(rollup.c.value, "value"),
        ),
    )
    return found.group_by(*grouped) if grouped else found


@lru_cache(maxsize=16)
def _statement(key: str, *, endings: bool) -> Statement:
    """`key`: of which column the rows are, empty for none; `endings`: are the hours told apart by them?"""
    no_start, no_key = literal_column("0", BigInteger), literal_column("''", Text)
    start, value = rollup.c.start_ms, rollup.c.value if endings else no_key
    parts = [
        _part(_HOURS, ("start_ms", "end_ms"), "hours_facet", start, value),
        _part(_HOURS_BEFORE, ("before_start_ms", "before_end_ms"), "hours_facet", start, no_key),
    ]
    if key:
        column = _KEYS[key]
        parts += [
            _part(_NOW, ("start_ms", "end_ms"), "facet", no_start, column),
            _part(_SINCE, ("until_ms", "end_ms"), "facet", no_start, column),
            _part(_BEFORE, ("before_start_ms", "before_end_ms"), "facet", no_start, column),
        ]
    return Statement(union_all(*parts))


_of_company = and_(
    rollup.c.company_id == bindparam("company_id"), rollup.c.start_ms >= bindparam("since_ms", type_=BigInteger())
)
# By publisher, and by buyer and how asking it went.
_RECENT = Statement(
    union_all(
        select(literal_column("'publisher'", Text), rollup.c.value, literal_column("''", Text), *_sums())
        .where(_of_company, rollup.c.facet == literal_column("'*publisher'"))
        .group_by(rollup.c.value),
        select(literal_column("'ask'", Text), rollup.c.buyer_id, rollup.c.value, *_sums())
        .where(_of_company, rollup.c.facet == literal_column("'ask'"))
        .group_by(rollup.c.buyer_id, rollup.c.value),
    )
)


class StoredFunnels:
    """Keeps the promises of `reports.funnel.FunnelReads` and of `reports.attention.RecentReads`."""

    def __init__(self, reading: Reads, journeys: StoredJourneys) -> None:
        self._reading = reading
        self._journeys = journeys

    async def read(self, question: Question) -> Reading:
        as_of = self._journeys.folded_at  # before the sums are read: they may tell more by then, never less
        rows = await self._reading.alone(lambda session: _read(question, session))
        parts: list[dict[Any, Counts]] = [{}, {}, {}, {}, {}]
        foreign = 0
        for part, start_ms, key, *sums, others in rows:
            counts = Counts(*sums)
            if part == _HOURS:
                foreign += others
            if counts != NOTHING:
                name = (start_ms, key) if part == _HOURS else start_ms if part == _HOURS_BEFORE else key
                parts[part][name] = counts
        return Reading(
            now=parts[_NOW],
            since=parts[_SINCE],
            before=parts[_BEFORE],
            hours=parts[_HOURS],
            hours_before=parts[_HOURS_BEFORE],
            foreign=foreign,
            as_of=as_of,
        )

    async def recent(self, company_id: CompanyId, since: datetime) -> Recent:
        values = {"company_id": company_id, "currency": "", "since_ms": to_ms(since)}
        [rows] = await self._reading.alone(lambda session: session.fetch((_RECENT, values)))
        publishers: dict[str, Counts] = {}
        asks: dict[str, dict[str, int]] = {}
        for kind, name, value, *sums, _ in rows:
            counts = Counts(*sums)
            if kind == "publisher":
                publishers[name] = counts
            else:
                asks.setdefault(name, {})[value] = counts.asked
        return Recent(publishers=publishers, asks=asks)


def _read(question: Question, session: Session) -> list[Row]:
    filters, period, group = question.filters, question.period, question.group
    key = "" if group in TIMES else group if facet_of(group) is None else "value"
    filtered = facet_of(filters.facet) if filters.facet else None
    facet, hours_facet = question.facet, filtered or "ending"
    if not (filters.campaign or filters.publisher or filters.buyer):  # then the sums that leave them out will do
        hours_facet = f"*{hours_facet}"
        if key == "value":
            facet = f"*{facet}"
        elif key and filtered is None:
            facet, key = f"*{key}", "value"
    values: dict[str, Any] = {
        "company_id": question.company_id,
        "currency": question.currency,
        "facet": facet,
        "hours_facet": hours_facet,
        "campaign": filters.campaign,
        "publisher": filters.publisher,
        "buyer": filters.buyer,
        "value": filters.value,
        "start_ms": to_ms(period.start),
        "end_ms": to_ms(period.end),
        "until_ms": to_ms(period.compared_until),
        "before_start_ms": to_ms(period.before_start),
        "before_end_ms": to_ms(period.before_end),
    }
    [rows] = session.fetch((_statement(key, endings=filtered in (None, "ending")), values))
    return rows
