"""What lists are asked: filters, order, page size and where to go on, read from a URL's parameters. Pure.

`listing_fields` says which filters each list has, `listing_rows` what it answers, `store.ping_listing` and its
neighbours read it. A list is searched a stretch at a time, so that no page costs more than another whatever is stored:
a page may hold fewer rows than asked for, even none, and says how far it has searched. It was the last one where there
is no `next`.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

from ringbid.values.clock import to_ms
from ringbid.values.ids import BuyerId, CompanyId, PublisherId

LARGEST_PAGE = 1000
USUAL_PAGE = 50
MOST_COUNTED = 10_000
MOST_VALUES = 50
_LONGEST_VALUE = 200

Value = str | int | bool | tuple[str, ...]
Parameters = Iterable[tuple[str, str]]
Row = TypeVar("Row")

_RELATIVE = re.compile(r"last_([1-9]\d{0,2})([mhd])", re.ASCII)
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_OF_EVERY_LIST = ("created", "created_from", "created_to", "sort", "size", "cursor")
_ALSO_CALLED = {"limit": "size", "after": "cursor"}
_SORTS = {"-created": True, "created": False, "newest": True, "oldest": False}
_CURSOR = re.compile(r"(\d{1,15})-(\d{1,18})-([a-z]+)-(newest|oldest)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one parameter, in a sentence."""

    parameter: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A filter. `read` makes its value, or None of a text that is none; `many`: several values may be given, repeated
    or joined by commas, and one of them must hold. `choices` are all there are, where they are few."""

    name: str
    label: str
    expected: str
    read: Callable[[str], Value | None]
    many: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ListKind:
    """A list, by the filters it has."""

    name: str
    fields: Mapping[str, Field]

    def without(self, *names: str) -> ListKind:
        """The same list for somebody who must not know these."""
        return replace(self, fields={name: field for name, field in self.fields.items() if name not in names})

    @property
    def parameters(self) -> tuple[str, ...]:
        """Every parameter that may be given."""
        return (*self.fields, *_OF_EVERY_LIST)


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last row of the page before, by its time in milliseconds and its number."""

    at_ms: int
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """One page of a list. `start` (included) and `end` (not included) are when rows were created."""

    filters: Mapping[str, Value]
    start: datetime | None = None
    end: datetime | None = None
    newest_first: bool = True
    size: int = USUAL_PAGE
    after: Cursor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Whose rows: the company's, or only those of one of its publishers or buyers."""

    company_id: CompanyId
    publisher_id: PublisherId | None = None
    buyer_id: BuyerId | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """How many rows there are. Not `exact`: at least so many, and then it was not worth counting on."""

    number: int
    exact: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Row]):
    """A page of a list as of `as_of`, on the store's clock. `next` is where the next one begins, None after the last.
    `searched_to` is set where the page is not full although there may be more: how far it was searched."""

    rows: tuple[Row, ...]
    next: Cursor | None
    searched_to: datetime | None
    count: Count | None
    as_of: datetime


def read_query(kind: ListKind, parameters: Parameters, *, now: datetime, zone: ZoneInfo) -> ListQuery | list[Problem]:
    """What a list is asked, or all that is wrong with that. A name may end in `[]`; an empty value is none; `limit` is
    `size`, and `after` is `cursor`. Days and times without an offset are those of `zone`."""
    given: dict[str, list[str]] = {}
    problems = []
    for name, value in parameters:
        plain = name.removesuffix("[]")
        plain = _ALSO_CALLED.get(plain, plain)
        if plain not in kind.parameters:
            known = ", ".join(kind.parameters)
            problems.append(
                Problem(name[:64], f"The list of {kind.name} has no filter {name[:64]!r}. It has: {known}.")
            )
        elif value:
            given.setdefault(plain, []).append(value)
    filters: dict[str, Value] = {}
    for name, field in kind.fields.items():
        if name in given:
            read = _read_field(field, given[name])
            if isinstance(read, Problem):
                problems.append(read)
            else:
                filters[name] = read
    frame = _Frame(kind, {name: values[-1] for name, values in given.items()}, now, zone)
    query = ListQuery(
        filters=filters,
        start=frame.start(),
        end=frame.end(),
        newest_first=frame.newest_first(),
        size=frame.size(),
        after=frame.after(),
    )
    problems += frame.problems
    return problems or query


def write_cursor(kind: ListKind, cursor: Cursor, *, newest_first: bool) -> str:
    """`cursor` as a parameter: opaque, for it may change; only `read_query` reads it."""
    text = f"{cursor.at_ms}-{cursor.number}-{kind.name}-{'newest' if newest_first else 'oldest'}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_field(field: Field, texts: list[str]) -> Value | Problem:
    if field.many:
        texts = [part for text in texts for part in text.split(",") if part]
        if len(texts) > MOST_VALUES:
            return Problem(field.name, f"{field.label} may have at most {MOST_VALUES} values; {len(texts)} were given.")
    elif len(texts) > 1:
        return Problem(field.name, f"{field.label} may be given once; it was given {len(texts)} times.")
    values = []
    for text in texts:
        value = field.read(text.strip()) if len(text) <= _LONGEST_VALUE and text.isprintable() else None
        if value is None:
            return Problem(field.name, f"{field.label} is {text[:64]!r}. Expected {field.expected}.")
        values.append(value)
    if not field.many:
        return values[0]
    return tuple(str(value) for value in dict.fromkeys(values))


class _Frame:
    """What every list is asked besides its filters; `problems` grows as it is read."""

    def __init__(self, kind: ListKind, given: Mapping[str, str], now: datetime, zone: ZoneInfo) -> None:
        self.problems: list[Problem] = []
        self._kind = kind
        self._given = given
        self._now = now
        self._zone = zone

    def start(self) -> datetime | None:
        if "created" in self._given:
            return self._relative(self._given["created"])[0]
        return self._moment("created_from", whole_day=timedelta(0))

    def end(self) -> datetime | None:
        """A relative period beats bounds, as it does in Retreaver's log."""
        if "created" in self._given:
            return self._relative(self._given["created"])[1]
        return self._moment("created_to", whole_day=timedelta(days=1))

    def newest_first(self) -> bool:
        sort = self._given.get("sort", "-created")
        if sort not in _SORTS:
            self._wrong("sort", "-created (newest first) or created (oldest first)")
        return _SORTS.get(sort, True)

    def size(self) -> int:
        text = self._given.get("size", str(USUAL_PAGE))
        if text.isascii() and text.isdigit() and len(text) < 5 and 1 <= int(text) <= LARGEST_PAGE:
            return int(text)
        self._wrong("size", f"a number from 1 to {LARGEST_PAGE}")
        return USUAL_PAGE

    def after(self) -> Cursor | None:
        text = self._given.get("cursor")
        if text is None:
            return None
        order = "newest" if _SORTS.get(self._given.get("sort", "-created"), True) else "oldest"
        try:
            plain = base64.urlsafe_b64decode(f"{text}{'=' * (-len(text) % 4)}").decode("ascii")
        except (binascii.Error, ValueError):
            plain = ""
        found = _CURSOR.fullmatch(plain)
        if found is None or (found[3], found[4]) != (self._kind.name, order):
            self._wrong("cursor", "the `next` of a page of this list in this order; leave it out for the first page")
            return None
        return Cursor(int(found[1]), int(found[2]))

    def _relative(self, text: str) -> tuple[datetime | None, datetime | None]:
        found = _RELATIVE.fullmatch(text)
        if found is not None:
            return self._now - int(found[1]) * _UNITS[found[2]], None
        today = datetime.combine(self._now.astimezone(self._zone).date(), time(), self._zone)
        if text == "today":
            return today, None
        if text == "yesterday":
            return today - timedelta(days=1), today  # wall-clock days: the zone's offset is applied to each
        problem = Problem(
            "created",
            f"Created is {text[:64]!r}. Expected today, yesterday, or a time such as last_15m, last_24h, last_7d.",
        )
        if problem not in self.problems:
            self.problems.append(problem)
        return None, None

    def _moment(self, name: str, *, whole_day: timedelta) -> datetime | None:
        text = self._given.get(name)
        if text is None:
            return None
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            at = None
        if at is None or not 1971 <= at.year <= 9000:
            self._wrong(name, "a date (2026-03-04) or a time (2026-03-04T10:14:00, with or without an offset)")
            return None
        if len(text) == len("2026-03-04"):
            at += whole_day
        return at if at.tzinfo is not None else at.replace(tzinfo=self._zone)

    def _wrong(self, name: str, expected: str) -> None:
        self.problems.append(Problem(name, f"{name} is {self._given[name][:64]!r}. Expected {expected}."))


def range_ms(query: ListQuery) -> tuple[int, int]:
    """When the rows were created that are asked for: from the first millisecond to before the second."""
    start, end = (None if at is None else to_ms(at) for at in (query.start, query.end))
    return max(start or 0, 0), min(end if end is not None else _END_OF_TIME_MS, _END_OF_TIME_MS)


_END_OF_TIME_MS = 10**15
