"""The sums of reports, read: one statement for everything that a report shows, so that all of it is of one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Select,
    Text,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    select,
    union_all,
)

from ringbid.reports.attention import Recent
from ringbid.reports.counts import NAMES, NOTHING, Counts
from ringbid.reports.funnel import TIMES, Question, Reading, facet_of
from ringbid.store.journeys import StoredJourneys
from ringbid.store.report_schema import rollup
from ringbid.store.report_views import PLACES, stored_facet, view_of_places, view_of_times
from ringbid.store.session import Session
from ringbid.store.statements import Row, Statement
from ringbid.store.threads import Reading as Reads
from ringbid.values.clock import to_ms
from ringbid.values.ids import CompanyId

_NOW, _SINCE, _BEFORE, _HOURS, _HOURS_BEFORE = range(5)
_PLACES: Mapping[str, ColumnElement[str]] = {
    "publisher": rollup.c.publisher_id,
    "campaign": rollup.c.campaign_id,
    "buyer": rollup.c.buyer_id,
}
_MONEY = ("revenue_micros", "payout_micros")
_EMPTY = literal_column("''", Text)
_ALL, _LATER, _EARLIER = ("start_ms", "end_ms"), ("until_ms", "end_ms"), ("before_start_ms", "before_end_ms")


@dataclass(frozen=True, slots=True)
class _Shape:
    """Which statement answers a question: the views of its hours and of its rows (None: they are made of the hours),
    the places it filters by, and whether by a facet's value. `by_ending`: hours are told apart by endings."""

    filtered: frozenset[str]
    of_value: bool
    hours: frozenset[str]
    by_ending: bool
    rows: frozenset[str] | None
    key: str


def _sums() -> list[ColumnElement[int]]:
    """All counts, money only in the currency that is asked for; and how many conversions were in another."""
    ours = rollup.c.currency.in_([literal_column("''"), cast(bindparam("currency"), Text)])
    sums = [
        func.sum(case((ours, rollup.c[name]), else_=literal_column("0")) if name in _MONEY else rollup.c[name])
        for name in NAMES
    ]
    sums.append(func.sum(case((ours, literal_column("0")), else_=rollup.c.converted)))
    return [cast(one, BigInteger) for one in sums]


def _found(
    kept: frozenset[str], filtered: frozenset[str], span: tuple[str, str], facet: str, *, of_value: bool
) -> list[ColumnElement[bool]]:
    """Which rows of a view fit between two moments. Of each place it is said what it may be, in the order of the key,
    so that no others are read."""
    conditions = [rollup.c.company_id == bindparam("company_id"), rollup.c.facet == bindparam(facet)]
    for place, column in _PLACES.items():
        if place not in kept:
            conditions.append(column == _EMPTY)
        elif place in filtered:
            conditions.append(column == bindparam(place))
        elif place != PLACES[-1]:  # after the last one the key goes on with the time, which is not known exactly
            conditions.append(column.in_(_known(place, span)))
    if of_value:
        conditions.append(rollup.c.value == bindparam("value"))
    return [*conditions, *_between(rollup.c.start_ms, span)]


def _known(place: str, span: tuple[str, str]) -> Select[Any]:
    """Every publisher (or campaign) of which there was anything."""
    one = rollup.alias()
    alone = [one.c[column.name] == _EMPTY for column in _PLACES.values()]
    facet = literal_column(f"'{stored_facet(place, frozenset())}'", Text)
    of_company = one.c.company_id == bindparam("company_id")
    found: Select[Any] = select(one.c.value)
    return found.where(of_company, one.c.facet == facet, *alone, *_between(one.c.start_ms, span))


def _between(column: ColumnElement[int], span: tuple[str, str]) -> list[ColumnElement[bool]]:
    start, end = (bindparam(name, type_=BigInteger()) for name in span)
    return [column >= start, column < end]


@lru_cache(maxsize=512)
def _statement(shape: _Shape) -> Statement:
    no_start = literal_column("0", BigInteger)

    def part(
        number: int, start: ColumnElement[int], key: ColumnElement[str], conditions: list[ColumnElement[bool]]
    ) -> Any:  # noqa: ANN401 -- a select of many types
        """The sums by the start of the hour (or 0), and a text (or empty)."""
        named = literal_column(str(number), BigInteger).label("part"), start.label("start"), key.label("key")
        found: Any = select(*named, *_sums()).where(*conditions)
        return found.group_by(*(one for one in (start, key) if isinstance(one, Column)))

    def hours(number: int, key: ColumnElement[str], span: tuple[str, str]) -> Any:  # noqa: ANN401 -- the same
        found = _found(shape.hours, shape.filtered, span, "hours_facet", of_value=shape.of_value)
        return part(number, rollup.c.start_ms, key, found)

    parts = [hours(_HOURS, rollup.c.value if shape.by_ending else _EMPTY, _ALL), hours(_HOURS_BEFORE, _EMPTY, _EARLIER)]
    if shape.rows is not None:
        column = _PLACES.get(shape.key, rollup.c.value)
        for number, span in ((_NOW, _ALL), (_SINCE, _LATER), (_BEFORE, _EARLIER)):
            found = _found(shape.rows, shape.filtered, span, "facet", of_value=shape.of_value)
            parts.append(part(number, no_start, column, found))
    return Statement(union_all(*parts))


_of_company = (
    rollup.c.company_id == bindparam("company_id"),
    *(column == _EMPTY for column in _PLACES.values()),
    rollup.c.start_ms >= bindparam("since_ms", type_=BigInteger()),
)
# By publisher, and by how asking went and whom.
_RECENT = Statement(
    union_all(
        select(literal_column("'publisher'", Text), rollup.c.value, _EMPTY, *_sums())
        .where(*_of_company, rollup.c.facet == literal_column("'*publisher'"))
        .group_by(rollup.c.value),
        select(literal_column("'ask'", Text), rollup.c.value, _EMPTY, *_sums())
        .where(*_of_company, rollup.c.facet == literal_column("'ask'"))
        .group_by(rollup.c.value),
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
        for kind, name, _, *sums, _ in rows:
            counts = Counts(*sums)
            if kind == "publisher":
                publishers[name] = counts
            else:
                outcome, _, buyer_id = name.partition(" ")
                asks.setdefault(buyer_id, {})[outcome] = counts.asked
        return Recent(publishers=publishers, asks=asks)


def _read(question: Question, session: Session) -> list[Row]:
    filters, period, group = question.filters, question.period, question.group
    places = {"publisher": filters.publisher, "campaign": filters.campaign, "buyer": filters.buyer}
    filtered = frozenset(place for place, value in places.items() if value)
    facet = facet_of(filters.facet) if filters.facet else None
    hours = view_of_times(facet or "ending", filtered)
    rows = None
    if group in PLACES:
        rows = view_of_places(group, facet, filtered)
    elif group not in TIMES:
        rows = view_of_times(facet_of(group) or group, filtered)
    shape = _Shape(
        filtered=filtered,
        of_value=facet is not None,
        hours=hours.kept,
        by_ending=facet in (None, "ending"),
        rows=rows.kept if rows is not None else None,
        key=rows.key if rows is not None else "",
    )
    values: dict[str, Any] = {
        **places,
        "company_id": question.company_id,
        "currency": question.currency,
        "facet": rows.facet if rows is not None else "",
        "hours_facet": hours.facet,
        "value": filters.value,
        "start_ms": to_ms(period.start),
        "end_ms": to_ms(period.end),
        "until_ms": to_ms(period.compared_until),
        "before_start_ms": to_ms(period.before_start),
        "before_end_ms": to_ms(period.before_end),
    }
    [found] = session.fetch((_statement(shape), values))
    return found
