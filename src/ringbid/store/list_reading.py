"""How every list is read: from one index, a stretch at a time, in a constant number of queries.

A list has an index that begins with the company and the order of its rows, and holds most of what it is filtered by.
Three questions make a page: how far back does this stretch of the index reach, which rows in it fit, how many are they.
A stretch is as long as can be looked through in a few ten milliseconds; a filter that must look at the rows themselves
gets a shorter one, of those rows that fit as far as the index tells.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial
from typing import Any, Generic, TypeVar

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    FromClause,
    Select,
    bindparam,
    cast,
    func,
    literal_column,
    select,
    tuple_,
)

from ringbid.reports.listing import MOST_COUNTED, Count, Cursor, ListQuery, Page, Value, range_ms
from ringbid.store.session import Session
from ringbid.store.statements import Row, Statement, database_now_ms, one_of
from ringbid.values.clock import from_ms, to_ms

INDEXED_STRETCH = 100_000  # entries of the index
LOOKED_AT_STRETCH = 5_000  # rows of the table
MOST_SUMMED = 10_000
_HIGHEST_NUMBER = 2**62

Condition = ColumnElement[bool]
ListRow = TypeVar("ListRow")
NOW_MS: ColumnElement[int] = func.coalesce(bindparam("now_ms", type_=BigInteger()), database_now_ms())
_CLOCK = Statement(select(database_now_ms()))


@dataclass(frozen=True, eq=False)
class Source(Generic[ListRow]):
    """A list in the database. `columns` begin with the two that order it: its time in ms, and its number. `indexed` and
    `looked_at` are the filters, by name, that its index answers and does not; each has a parameter of its name.
    `found` are those that lead to a few rows by an index of their own, so that nothing is searched. `summed`: by what
    its rows are added up, and last what is added."""

    table: FromClause  # what the index is of
    joined: FromClause  # with what its rows are completed
    at_ms: Column[Any]
    number: Column[Any]
    columns: tuple[ColumnElement[Any], ...]
    company: Condition
    indexed: Mapping[str, Condition]
    looked_at: Mapping[str, Condition]
    found: frozenset[str]
    read: Callable[[Row, datetime], ListRow]
    summed: tuple[ColumnElement[Any], ...] = ()

    def page(self, session: Session, query: ListQuery, values: Mapping[str, Any], *, count: bool) -> Page[ListRow]:
        """A page. `values` are the parameters of the filters that are on, and the company's."""
        now = self._now(session)
        names = frozenset(values).intersection({*self.indexed, *self.looked_at})
        bound = {**values, **_bounds(query), "now_ms": None if session.clock is None else to_ms(now)}
        searched = self._stretch(session, names, query, bound)
        asked = _statements(self, names, query.newest_first)
        [rows] = session.fetch((asked.rows, {**bound, "rows": query.size + 1}))
        number = None
        if count and query.after is None:
            number = len(rows)
            if number > query.size:  # else there are no others to count
                [[(number,)]] = session.fetch((asked.count, {**bound, "rows": MOST_COUNTED + 1}))
        return self._made(rows, number, query, searched, now)

    def sums(self, session: Session, query: ListQuery, values: Mapping[str, Any]) -> tuple[list[Row], bool]:
        """What the rows that fit come to: `summed` but its last, how many, and the sum. False: of the first MOST_SUMMED
        rows, or of those within one stretch, only."""
        names = frozenset(values).intersection({*self.indexed, *self.looked_at})
        bound = {**values, **_bounds(query), "now_ms": None}
        searched = self._stretch(session, names, query, bound)
        statement = _sum_statement(self, names, query.newest_first)
        [rows] = session.fetch((statement, {**bound, "rows": MOST_SUMMED}))
        return rows, searched is None and sum(row[-2] for row in rows) < MOST_SUMMED

    def _stretch(
        self, session: Session, names: frozenset[str], query: ListQuery, bound: dict[str, Any]
    ) -> Cursor | None:
        """Where this page's search ends, and None where it ends with the list; `bound` is narrowed to it."""
        if not names or names & self.found:
            return None
        searched = None
        stretches = [(frozenset[str](), INDEXED_STRETCH)]
        if names & self.looked_at.keys():
            stretches.append((names.difference(self.looked_at), LOOKED_AT_STRETCH))
        for on, length in stretches:
            end = _statements(self, on, query.newest_first).end
            [found] = session.fetch((end, {**bound, "rows": length}))
            if found:
                searched = Cursor(*found[0])
                side = "low" if query.newest_first else "high"
                bound |= {f"{side}_ms": searched.at_ms, f"{side}_number": searched.number}
        return searched

    def _made(
        self, rows: list[Row], number: int | None, query: ListQuery, searched: Cursor | None, now: datetime
    ) -> Page[ListRow]:
        full = len(rows) > query.size
        shown = rows[: query.size]
        last = Cursor(shown[-1][0], shown[-1][1]) if full else searched
        exact = number is not None and number <= MOST_COUNTED and searched is None
        return Page(
            rows=tuple(self.read(row, now) for row in shown),
            next=last,
            searched_to=from_ms(searched.at_ms) if searched is not None and not full else None,
            count=None if number is None else Count(min(number, MOST_COUNTED), exact),
            as_of=now,
        )

    def _now(self, session: Session) -> datetime:
        if session.clock is not None:
            return session.clock.now()
        [[(now_ms,)]] = session.fetch((_CLOCK, {}))
        return from_ms(now_ms)


def one_or_more(column: Column[Any], name: str) -> dict[str, Condition]:
    """The conditions for a filter that may have several values: a single one, as most have, is compared at once."""
    return {name: one_of(column, name), f"{name}_is": column == bindparam(f"{name}_is")}


def values_of(filters: Mapping[str, Value]) -> dict[str, Any]:
    """The parameters of filters, by the names of their conditions."""
    values: dict[str, Any] = {}
    for name, value in filters.items():
        if not isinstance(value, tuple):
            values[name] = value
        elif len(value) == 1:
            values[f"{name}_is"] = value[0]
        else:
            values[name] = list(value)
    return values


@dataclass(frozen=True, eq=False)
class _Statements:
    rows: Statement
    count: Statement
    end: Statement


@lru_cache(maxsize=1024)
def _statements(source: Source[Any], names: frozenset[str], newest_first: bool) -> _Statements:
    """For these filters and this order. There are few of each in use; the values are bound."""
    order, limit = _order(source, newest_first), bindparam("rows", type_=BigInteger())
    of = partial(_of, source, names, newest_first)
    from_ = source.joined if names & source.looked_at.keys() else source.table
    few = of(select(literal_column("1").label("one")), from_).limit(limit).subquery("few")
    end = of(select(source.at_ms, source.number), source.table).order_by(*order).limit(1).offset(limit)
    return _Statements(
        rows=Statement(of(select(*source.columns), source.joined).order_by(*order).limit(limit)),
        count=Statement(select(func.count()).select_from(few)),
        end=Statement(end),
    )


@lru_cache(maxsize=64)
def _sum_statement(source: Source[Any], names: frozenset[str], newest_first: bool) -> Statement:
    labels = [f"part_{number}" for number in range(len(source.summed))]
    parts = [column.label(label) for column, label in zip(source.summed, labels, strict=True)]
    first = _of(source, names, newest_first, select(*parts), source.joined).order_by(*_order(source, newest_first))
    few = first.limit(bindparam("rows", type_=BigInteger())).subquery("few")
    *keys, amount = (few.c[label] for label in labels)
    return Statement(select(*keys, func.count(), cast(func.sum(amount), BigInteger)).group_by(*keys))


def _of(
    source: Source[Any], names: frozenset[str], newest_first: bool, selected: Select[Any], from_: FromClause
) -> Select[Any]:
    """`selected` of the rows in the stretch for which the filters `names` hold."""
    conditions = [condition for name, condition in {**source.indexed, **source.looked_at}.items() if name in names]
    place = tuple_(source.at_ms, source.number)
    # The ends of the stretch lie in it: what is not in it any more is the row of the cursor.
    low, high = (_pair("low"), _pair("high"))
    within = (place >= low, place < high) if newest_first else (place > low, place <= high)
    return selected.select_from(from_).where(source.company, *within, *conditions)


def _order(source: Source[Any], newest_first: bool) -> tuple[ColumnElement[Any], ...]:
    if newest_first:
        return (source.at_ms.desc(), source.number.desc())
    return (source.at_ms, source.number)


def _pair(name: str) -> ColumnElement[Any]:
    numbers = (bindparam(f"{name}_{part}", type_=BigInteger()) for part in ("ms", "number"))
    return tuple_(*numbers)


def _bounds(query: ListQuery) -> dict[str, int]:
    """The parts of the index that are asked for: the period, from the cursor on."""
    start_ms, end_ms = range_ms(query)
    after = query.after
    if query.newest_first:
        low, high = (start_ms, 0), (end_ms, 0)
        high = min(high, (after.at_ms, after.number)) if after is not None else high
    else:
        low, high = (start_ms, -1), (end_ms - 1, _HIGHEST_NUMBER)
        low = max(low, (after.at_ms, after.number)) if after is not None else low
    return {"low_ms": low[0], "low_number": low[1], "high_ms": high[0], "high_number": high[1]}
