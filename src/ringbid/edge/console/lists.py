"""What every page with a list has in common: its filters as a form and as chips, its pages, and itself as a file.

`reports.listing` reads the address; `pings`, `calls` and `deliveries` say which columns they have.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from litestar.response import Stream

from ringbid.catalog.snapshot import CompanyView
from ringbid.edge.console.links import with_query
from ringbid.edge.web.office import WebRequest, actor_of, office_of
from ringbid.ledger.entry import COMPANY_ACCOUNTS, buyer_account, publisher_account
from ringbid.reports.export import MEDIA_TYPES, FileFormat, Row, stream_csv, stream_xlsx
from ringbid.reports.listing import (
    LARGEST_PAGE,
    Count,
    ListKind,
    ListQuery,
    Page,
    Problem,
    Scope,
    read_query,
    write_cursor,
)
from ringbid.reports.wording import PLAIN, Wording
from ringbid.values.money import format_micros

SIZES = (25, 50, 100, 250, 1000)
PERIODS = (
    ("last_15m", "last 15 minutes"),
    ("last_1h", "last hour"),
    ("last_24h", "last 24 hours"),
    ("today", "today"),
    ("yesterday", "yesterday"),
    ("last_7d", "last 7 days"),
    ("last_30d", "last 30 days"),
)
Pairs = tuple[tuple[str, str], ...]
ListRow = TypeVar("ListRow")
Reader = Callable[[Scope, ListQuery], Awaitable[Page[ListRow]]]
_NAMED = ("campaign_id", "publisher_id", "buyer_id", "key_id", "inbound_number", "account")
_PERIOD_FIELDS = (("created_from", "Created from"), ("created_to", "Created to"))


@dataclass(frozen=True, slots=True)
class FilterField:
    """A filter in the form. Without `choices` it is a text."""

    name: str
    label: str
    value: str
    hint: str
    choices: Pairs = ()


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that is set: what it says, and the address without it."""

    words: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the address asks. `query` is what can be answered of it: where there are problems, nothing is."""

    kind: ListKind
    url: str
    query: ListQuery
    problems: tuple[Problem, ...]
    fields: tuple[FilterField, ...]
    more: tuple[FilterField, ...]
    chips: tuple[Chip, ...]
    sort: str
    curl: str
    cursor_given: bool

    @property
    def status(self) -> int:
        return 422 if self.problems else 200

    def table(self, page: Page[Any] | None, plural: str) -> dict[str, Any]:
        """What `macros/lists.html` needs for the list's frame."""
        following = page.next if page is not None else None
        cursor = None
        if following is not None:
            cursor = write_cursor(self.kind, following, newest_first=self.query.newest_first)
        return {
            "asked": self,
            "rows": page.rows if page is not None else (),
            "next": cursor,
            "searched_to": page.searched_to if page is not None else None,
            "shown": _how_many(page.count, plural) if page is not None and page.count is not None else "",
            "csv": with_query(_as_file(self.url, "csv"), cursor=None, size=None),
            "xlsx": with_query(_as_file(self.url, "xlsx"), cursor=None, size=None),
            "sizes": SIZES,
        }


def read_asked(
    request: WebRequest, kind: ListKind, *, first: Sequence[str], api: str, besides: Sequence[str] = ()
) -> Asked:
    """What the address of `request` asks of the list; the filters `first` are always in sight. `api` is the path of the
    same list in the API; `besides` are parameters that mean something to the page alone."""
    company = company_of(request)
    zone = ZoneInfo(company.catalog.company.time_zone if company is not None else "UTC")
    given = [(name, value) for name, value in request.query_params.multi_items() if name not in besides]
    read = read_query(kind, given, now=office_of(request).clock.now(), zone=zone)
    problems = tuple(read) if isinstance(read, list) else ()
    query = ListQuery(filters={}) if isinstance(read, list) else read
    query_text = request.url.query
    url = f"{request.url.path}?{query_text}" if query_text else request.url.path
    values = {name.removesuffix("[]"): value for name, value in given if value}
    fields = [_field(name, kind, values, company) for name in kind.fields]
    fields += [FilterField("created", "Time", values.get("created", ""), "", (("", "any time"), *PERIODS))]
    fields += [FilterField(name, label, values.get(name, ""), "2026-03-04T10:14") for name, label in _PERIOD_FIELDS]
    return Asked(
        kind=kind,
        url=url,
        query=query,
        problems=problems,
        fields=tuple(sorted((one for one in fields if one.name in first), key=lambda one: first.index(one.name))),
        more=tuple(one for one in fields if one.name not in first),
        chips=tuple(_chip(one, url) for one in fields if one.value),
        sort="-created" if query.newest_first else "created",
        curl=curl_of(request, api, given),
        cursor_given=query.after is not None,
    )


def scope_of(request: WebRequest) -> Scope:
    """Whose rows: all of the company, for its own people."""
    return Scope(company_id=actor_of(request).company_id)


def company_of(request: WebRequest) -> CompanyView | None:
    """The catalog in force of the actor's company; None before its first."""
    return office_of(request).catalogs.snapshot.companies.get(actor_of(request).company_id)


def stream_file(
    request: WebRequest,
    asked: Asked,
    kind: FileFormat,
    *,
    read: Reader[ListRow],
    header: Sequence[str],
    row_of: Callable[[ListRow], Row],
) -> Stream:
    """The whole list as a file, read page by page while it is sent."""
    company = company_of(request)
    zone = ZoneInfo(company.catalog.company.time_zone if company is not None else "UTC")
    scope = scope_of(request)

    async def pages() -> AsyncIterator[Sequence[Row]]:
        query: ListQuery | None = replace(asked.query, size=LARGEST_PAGE, after=None)
        while query is not None:
            page = await read(scope, query)
            yield [row_of(row) for row in page.rows]
            query = replace(query, after=page.next) if page.next is not None else None

    stream = stream_csv if kind == "csv" else stream_xlsx
    name = f"{asked.kind.name}-{office_of(request).clock.now():%Y-%m-%d-%H%M}.{kind}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Stream(stream(header, pages(), zone), media_type=MEDIA_TYPES[kind], headers=headers)


def wording_of(company: CompanyView | None) -> Wording:
    """The company's own names and time, for sentences."""
    if company is None:
        return PLAIN
    names = names_of(company)
    zone = ZoneInfo(company.catalog.company.time_zone)
    return Wording(buyers=names["buyer_id"], publishers=names["publisher_id"], zone=zone)


def names_of(company: CompanyView | None) -> Mapping[str, Mapping[str, str]]:
    """The names of campaigns, publishers, buyers and keys, by their ids."""
    if company is None:
        return {name: {} for name in _NAMED}
    catalog = company.catalog
    keys = {str(key.id): f"{campaign.name}: {key.name}" for campaign in catalog.campaigns for key in campaign.rtb_keys}
    numbers = {str(number.number): str(number.number) for campaign in catalog.campaigns for number in campaign.numbers}
    return {
        "campaign_id": {one.id: one.name for one in catalog.campaigns},
        "publisher_id": {one.id: one.name for one in catalog.publishers},
        "buyer_id": {one.id: one.name for one in catalog.buyers},
        "key_id": keys,
        "inbound_number": numbers,
        "account": {
            **{buyer_account(one.id): f"Buyer {one.name}" for one in catalog.buyers},
            **{publisher_account(one.id): f"Publisher {one.name}" for one in catalog.publishers},
            **{account: f"The company's {side}" for side, account in COMPANY_ACCOUNTS.items()},
        },
    }


def _field(name: str, kind: ListKind, values: Mapping[str, str], company: CompanyView | None) -> FilterField:
    field = kind.fields[name]
    value = values.get(name, "")
    choices: Pairs = ()
    if name in _NAMED:
        choices = tuple(names_of(company)[name].items())
    elif field.choices:
        choices = tuple((choice, choice.replace("_", " ")) for choice in field.choices)
    if choices:
        others = () if not value or value in dict(choices) else ((value, value),)
        choices = (("", "any"), *others, *choices)
    return FilterField(name, field.label, value, f"Expected {field.expected}.", choices)


def _chip(field: FilterField, url: str) -> Chip:
    words = dict(field.choices).get(field.value, field.value)
    return Chip(
        f"{field.label}: {words}", with_query(url, **{field.name: None, f"{field.name}[]": None, "cursor": None})
    )


def curl_of(request: WebRequest, api: str, given: Sequence[tuple[str, str]] = ()) -> str:
    """The same question to the API. The key is never shown: it is not known here."""
    filters = urlencode([(name, value) for name, value in given if value and name != "cursor"])
    address = f"{str(request.base_url).rstrip('/')}{api}{'?' if filters else ''}{filters}"
    return f"curl -H 'Authorization: Bearer rbk_…' '{address}'"


def _as_file(url: str, kind: str) -> str:
    path, mark, query = url.partition("?")
    return f"{path}.{kind}{mark}{query}"


def _how_many(count: Count, plural: str) -> str:
    return f"{count.number:,} {plural}" if count.exact else f"at least {count.number:,} {plural}"


def amount_text(micros: int | None) -> str:
    """An amount for a sentence; empty where there is none."""
    return "" if micros is None else format_micros(micros)
