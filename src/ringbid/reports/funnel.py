"""The one query layer of reports: header, table, plot, heat map and export are made of one reading of the sums.

A `Question` says what is asked, `store.funnels` answers with a `Reading` of one moment, and `make_report` turns it into
rows and totals. Everything is a whole number: ratios are made of them when they are shown (`counts`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Protocol
from zoneinfo import ZoneInfo

from ringbid.catalog.snapshot import CompanyView
from ringbid.reports.counts import NOTHING, Counts, add_up
from ringbid.reports.journey import EXPIRED, PAID, RELEASED, UNDER_WAY, VOIDED, WAITING
from ringbid.reports.labels import LABELS, Label
from ringbid.reports.periods import Period
from ringbid.reports.statements import period_of
from ringbid.values.clock import from_ms
from ringbid.values.ids import CompanyId
from ringbid.values.reason import BY_CODE

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
TIMES = ("hour", "weekday", "day")  # groups that are made of the hours, not of the names in them
NAMES = ("publisher", "buyer", "campaign")
# Groups by what each journey has one of; `tag:NAME` is another. Of these only one can be asked about at a time.
FACETS: Mapping[str, str] = MappingProxyType({"number": "number", "state": "state", "reason": "ending"})
GROUPS = (*NAMES, "number", "hour", "weekday", "day", "state", "reason")

# Endings that are no reason have a word, and a text, of their own.
_WORDS: Mapping[str, tuple[Label, str]] = MappingProxyType(
    {
        WAITING: (Label("waiting", "plain"), "The reservation waits for its call."),
        EXPIRED: (Label("no call came", "limit"), "No call came before the reservation expired."),
        RELEASED: (Label("released", "plain"), "The publisher gave the reservation back."),
        UNDER_WAY: (Label("under way", "plain"), "The call is under way, or not decided yet."),
        PAID: (Label("paid", "good"), "The call converted, and the publisher is paid."),
        VOIDED: (Label("voided", "limit"), "What the call had brought was taken back."),
    }
)

_UNNAMED: Mapping[str, str] = MappingProxyType(
    {"publisher": "No publisher of ours", "buyer": "No buyer", "number": "No number"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What is looked at; empty: all. `facet` and `value` name one number, state, reason or value of a tag."""

    campaign: str = ""
    publisher: str = ""
    buyer: str = ""
    facet: str = ""  # number | state | reason | tag:NAME
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked. `group` is one of GROUPS, or tag:NAME."""

    company_id: CompanyId
    currency: str
    period: Period
    group: str = "publisher"
    filters: Filters = field(default_factory=Filters)

    @property
    def facet(self) -> str:
        """In which facet of the sums the rows are found."""
        chosen = self.filters.facet or self.group
        return facet_of(chosen) or "number"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The sums of one moment. `now` and `before` are by the group's key, `since` is what of `now` came after
    `compared_until`; `hours` are by the start of each hour and the ending (empty, where another facet is filtered by).
    `foreign` counts conversions in other currencies, whose money is in none of them.
    """

    now: Mapping[str, Counts]
    since: Mapping[str, Counts]
    before: Mapping[str, Counts]
    hours: Mapping[tuple[int, str], Counts]
    hours_before: Mapping[int, Counts]
    foreign: int
    as_of: datetime | None  # everything that happened until then is in it; None: nothing was folded yet


class FunnelReads(Protocol):
    """Kept by `store.funnels`: one query, whatever is asked."""

    async def read(self, question: Question) -> Reading:
        """The sums of one moment."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a report. `compared` is as much of `counts` as there can be in `before`."""

    key: str
    name: str
    counts: Counts
    compared: Counts
    before: Counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How many ended so: these add up to all there were."""

    code: str
    label: Label
    text: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """The journeys of one hour (or day) of the company's clock, which began `at` (in UTC). `endings` are by code."""

    at: datetime
    counts: Counts
    endings: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything about one question, of one moment. `heat` has a row for each weekday and 24 numbers in it."""

    question: Question
    as_of: datetime | None
    total: Row
    rows: tuple[Row, ...]
    endings: tuple[Ending, ...]  # the most frequent first; none where another facet is filtered by
    points: tuple[Point, ...]
    before_points: tuple[Point, ...]
    heat: tuple[tuple[Counts, ...], ...]
    foreign: int


def facet_of(group: str) -> str | None:
    """The facet that a group or a filter is found in; None where it is in all of them."""
    return group if group.startswith("tag:") else FACETS.get(group)


def check_question(question: Question, tags: Iterable[str]) -> str | None:
    """What cannot be asked, and why; None where it can. `tags` are the company's."""
    group, facet = question.group, question.filters.facet
    known = [*GROUPS, *(f"tag:{name}" for name in tags)]
    if group not in known:
        return f"group must be one of {', '.join(known)}."
    if facet and facet not in known:
        return (
            f"There is no such tag as {facet.removeprefix('tag:')[:40]} that reports know: declare it, and not private."
        )
    if facet and facet_of(group) not in (None, facet_of(facet)):
        return f"A report by {group} cannot be filtered by {facet} too: choose one of number, state, reason and tags."
    return None


def make_report(question: Question, reading: Reading, view: CompanyView | None) -> Report:
    """The report. `view` is the company's catalog, for its names."""
    period = question.period
    hours: dict[int, Counts] = {}
    for (start_ms, _), counts in reading.hours.items():
        hours[start_ms] = hours.get(start_ms, NOTHING) + counts
    until_ms = int(period.compared_until.timestamp()) * 1000
    total = Row(
        key="",
        name="All",
        counts=add_up(hours.values()),
        compared=add_up(counts for start_ms, counts in hours.items() if start_ms < until_ms),
        before=add_up(reading.hours_before.values()),
    )
    if question.group in TIMES:
        rows = _rows_of_times(question, hours, reading.hours_before, until_ms)
    else:
        rows = _rows_of_names(question, reading, view, total)
    return Report(
        question=question,
        as_of=reading.as_of,
        total=total,
        rows=tuple(rows),
        endings=_endings_of(reading),
        points=_points_of(question, reading.hours, period.start, period.end),
        before_points=_points_of(
            question,
            {(start_ms, ""): counts for start_ms, counts in reading.hours_before.items()},
            period.before_start,
            period.before_end,
        ),
        heat=_heat_of(hours, period.zone),
        foreign=reading.foreign,
    )


def sort_rows(rows: Iterable[Row], column: str, *, descending: bool) -> list[Row]:
    """By a number of `Counts`, where none is less than all; or by `name`. Equal rows stand by name."""
    by_name = sorted(rows, key=lambda row: row.name.casefold())
    if column == "name":
        return by_name[::-1] if descending else by_name
    return sorted(by_name, key=lambda row: _rank(getattr(row.counts, column)), reverse=descending)


def ending_label(code: str) -> tuple[Label, str]:
    """The word of an ending, and its sentence."""
    if code in _WORDS:
        return _WORDS[code]
    reason = BY_CODE.get(code)
    return (LABELS[reason], reason.text) if reason is not None else (Label(code, "plain"), code)


def name_of(group: str, key: str, view: CompanyView | None) -> str:
    """What a row is called."""
    if group == "reason":
        return ending_label(key)[0].word
    if group in NAMES and view is not None and key:
        named: list[tuple[str, str]] = [
            *((f"publisher {one.id}", one.name) for one in view.catalog.publishers),
            *((f"buyer {one.id}", one.name) for one in view.catalog.buyers),
            *((f"campaign {one.id}", one.name) for one in view.catalog.campaigns),
        ]
        return dict(named).get(f"{group} {key}", key)
    return key or _UNNAMED.get(group, "Unknown")


def _rows_of_names(question: Question, reading: Reading, view: CompanyView | None, total: Row) -> list[Row]:
    rows = []
    for key in {*reading.now, *reading.before}:
        counts, since = reading.now.get(key, NOTHING), reading.since.get(key, NOTHING)
        name = name_of(question.group, key, view)
        before = reading.before.get(key, NOTHING)
        rows.append(Row(key=key, name=name, counts=counts, compared=counts - since, before=before))
    if question.group.startswith("tag:") and not question.filters.facet:
        rest = Row(
            key="",
            name="Without this tag",
            counts=total.counts - add_up(row.counts for row in rows),
            compared=total.compared - add_up(row.compared for row in rows),
            before=total.before - add_up(row.before for row in rows),
        )
        rows += [rest] if rest.counts.all or rest.before.all else []
    return rows


def _rows_of_times(
    question: Question, hours: Mapping[int, Counts], hours_before: Mapping[int, Counts], until_ms: int
) -> list[Row]:
    """Hours and weekdays have a row each, days those on which there was something."""
    zone = ZoneInfo(question.period.zone)
    shift = question.period.first - question.period.before_start.astimezone(zone).date()

    def keyed(found: Mapping[int, Counts], *, earlier: bool) -> dict[str, list[Counts]]:
        groups: dict[str, list[Counts]] = {}
        for start_ms, counts in found.items():
            local = from_ms(start_ms).astimezone(zone)
            day = local.date() + shift if earlier else local.date()  # as it is counted from its period
            key = {"hour": f"{local.hour:02d}", "weekday": str(local.weekday()), "day": f"{day}"}
            groups.setdefault(key[question.group], []).append(counts)
        return groups

    now, before = keyed(hours, earlier=False), keyed(hours_before, earlier=True)
    compared = keyed({start: one for start, one in hours.items() if start < until_ms}, earlier=False)
    every = {"hour": [f"{hour:02d}" for hour in range(24)], "weekday": [str(day) for day in range(7)]}
    keys = every.get(question.group, sorted({*now, *before}))
    return [
        Row(
            key=key,
            name=_name_of_time(question.group, key),
            counts=add_up(now.get(key, ())),
            compared=add_up(compared.get(key, ())),
            before=add_up(before.get(key, ())),
        )
        for key in keys
    ]


def _name_of_time(group: str, key: str) -> str:
    return f"{key}:00" if group == "hour" else WEEKDAYS[int(key)] if group == "weekday" else key


def _endings_of(reading: Reading) -> tuple[Ending, ...]:
    counted: dict[str, int] = {}
    for (_, code), counts in reading.hours.items():
        if code:
            counted[code] = counted.get(code, 0) + counts.all
    found = [
        Ending(code=code, label=ending_label(code)[0], text=ending_label(code)[1], count=count)
        for code, count in counted.items()
        if count
    ]
    return tuple(sorted(found, key=lambda one: (-one.count, one.code)))


def _points_of(
    question: Question, hours: Mapping[tuple[int, str], Counts], start: datetime, end: datetime
) -> tuple[Point, ...]:
    """By the hour for up to three days, else by the day: each that has begun, also where there was nothing."""
    zone = ZoneInfo(question.period.zone)
    by_day = question.period.days > 3
    counted: dict[datetime, Counts] = {}
    at = start
    while at < end and (at <= question.period.compared_until):
        counted[at] = NOTHING
        next_day = at.astimezone(zone).date() + timedelta(days=1)
        at = period_of(next_day, next_day, question.period.zone)[0] if by_day else at + timedelta(hours=1)
    endings: dict[datetime, dict[str, int]] = {}
    for (start_ms, code), counts in hours.items():
        local = from_ms(start_ms).astimezone(zone)
        # In UTC, also what is taken away: an hour that comes twice is two points.
        at = from_ms(start_ms) - timedelta(minutes=local.minute)
        if by_day:
            at, _ = period_of(local.date(), local.date(), question.period.zone)
        counted[at] = counted.get(at, NOTHING) + counts
        if code:
            of_point = endings.setdefault(at, {})
            of_point[code] = of_point.get(code, 0) + counts.all
    return tuple(Point(at=at, counts=counted[at], endings=endings.get(at, {})) for at in sorted(counted))


def _heat_of(hours: Mapping[int, Counts], zone_name: str) -> tuple[tuple[Counts, ...], ...]:
    zone = ZoneInfo(zone_name)
    cells = [[NOTHING] * 24 for _ in WEEKDAYS]
    for start_ms, counts in hours.items():
        local = from_ms(start_ms).astimezone(zone)
        cells[local.weekday()][local.hour] += counts
    return tuple(tuple(row) for row in cells)


def _rank(value: object) -> tuple[int, object]:
    return (0, 0) if value is None else (1, value)
