"""Tables whose rows are all at hand, such as the catalog's lists: filtered, sorted, paged, and as files.

Their whole state is the address: `q` (rows that have this text), `sort`, `size` and `cursor` (how many rows are left
out). `macros/table.html` draws them; `lists` is for what the store reads a page at a time.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from zoneinfo import ZoneInfo

from litestar import get
from litestar.response import Stream
from litestar.types import ControllerRouterHandler

from ringbid.accounts.policy import Policy
from ringbid.edge.console.links import with_query
from ringbid.edge.console.lists import company_of, curl_of
from ringbid.edge.console.tables import Column
from ringbid.edge.web.office import WebRequest, office_of
from ringbid.reports.export import MEDIA_TYPES, Cell, FileFormat, Row, stream_csv, stream_xlsx
from ringbid.values.money import Money

SIZES = (25, 50, 100, 250, 1000)
_USUAL_SIZE = 100
_LONGEST_SEARCH = 100
_MOST_LEFT_OUT = 9  # digits


@dataclass(frozen=True, slots=True)
class Line:
    """A row: its cells as they are searched, sorted and exported, and what its template draws it of."""

    cells: Row
    item: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeTable:
    """All rows of one table, in their own order. `name` is that of its files, `api` the path of the same rows in the
    API; `more`: columns that only the page has, such as buttons."""

    name: str
    labels: Sequence[str]
    lines: Sequence[Line]
    api: str = ""
    more: Sequence[Column] = ()
    numeric: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A page of a table, as its address asks. `own_order`: all rows, as they stand."""

    columns: Sequence[Column]
    lines: Sequence[Line]
    filled: bool
    q: str
    sort: str
    url: str
    size: int
    sizes: Sequence[int]
    next: int | None
    previous: int | None
    shown: str
    csv: str
    xlsx: str
    curl: str
    own_order: bool


def view_of(request: WebRequest, table: WholeTable) -> View:
    """The page that `request` asks for. What its address says amiss is as if it were not there."""
    query = request.query_params
    lines = _chosen(request, table)
    sort = query.get("sort", "")
    sort = sort if sort.removeprefix("-") in map(key_of, table.labels) else ""
    size = next((one for one in SIZES if str(one) == query.get("size")), _USUAL_SIZE)
    cursor = query.get("cursor", "")
    start = int(cursor) if cursor.isascii() and cursor.isdigit() and len(cursor) <= _MOST_LEFT_OUT else 0
    text, path = request.url.query, request.url.path
    columns = [Column(label, key=key_of(label), numeric=label in table.numeric) for label in table.labels]
    found = f"{len(lines):,} of {len(table.lines):,}" if len(lines) < len(table.lines) else f"{len(lines):,}"
    return View(
        columns=[*columns, *table.more],
        lines=lines[start : start + size],
        filled=bool(table.lines),
        q=_search(request),
        sort=sort,
        url=f"{path}?{text}" if text else path,
        size=size,
        sizes=SIZES,
        next=start + size if start + size < len(lines) else None,
        previous=max(start - size, 0) if start else None,
        shown=found,
        csv=with_query(f"{path}.csv?{text}", cursor=None, size=None),
        xlsx=with_query(f"{path}.xlsx?{text}", cursor=None, size=None),
        curl=curl_of(request, table.api) if table.api else "",
        own_order=not sort and not _search(request) and not start and size >= len(lines),
    )


def files_of(
    path: str, policy: Policy, read: Callable[[WebRequest], Awaitable[WholeTable]]
) -> list[ControllerRouterHandler]:
    """The handlers of `path` as CSV and as XLSX: all rows that fit, in the order that was chosen."""

    @get(f"{path}.csv", opt={"policy": policy}, name=f"{path}.csv")
    async def as_csv(request: WebRequest) -> Stream:
        return _file(request, await read(request), "csv")

    @get(f"{path}.xlsx", opt={"policy": policy}, name=f"{path}.xlsx")
    async def as_xlsx(request: WebRequest) -> Stream:
        return _file(request, await read(request), "xlsx")

    return [as_csv, as_xlsx]


def key_of(label: str) -> str:
    """How a column is called in an address: `RTB keys` is `rtb_keys`."""
    return re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")


def _file(request: WebRequest, table: WholeTable, kind: FileFormat) -> Stream:
    company = company_of(request)
    zone = ZoneInfo(company.catalog.company.time_zone if company is not None else "UTC")

    async def pages() -> AsyncIterator[Sequence[Row]]:
        yield [line.cells for line in _chosen(request, table)]

    stream = stream_csv if kind == "csv" else stream_xlsx
    name = f"{table.name}-{office_of(request).clock.now():%Y-%m-%d-%H%M}.{kind}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Stream(stream(table.labels, pages(), zone), media_type=MEDIA_TYPES[kind], headers=headers)


def _chosen(request: WebRequest, table: WholeTable) -> list[Line]:
    """The rows that fit, in the order that is asked for."""
    search, sort = _search(request).casefold(), request.query_params.get("sort", "")
    lines = [line for line in table.lines if not search or any(search in _text(cell) for cell in line.cells)]
    keys = [key_of(label) for label in table.labels]
    if sort.removeprefix("-") in keys:
        at = keys.index(sort.removeprefix("-"))
        lines.sort(key=lambda line: _rank(line.cells[at]), reverse=sort.startswith("-"))
    return lines


def _search(request: WebRequest) -> str:
    return request.query_params.get("q", "").strip()[:_LONGEST_SEARCH]


def _text(cell: Cell) -> str:
    return str(cell).casefold() if isinstance(cell, str | int) else ""


def _rank(cell: Cell) -> tuple[int, Any]:
    """What is empty first, then numbers, times and texts, each by themselves."""
    kinds: tuple[tuple[Literal[1, 2, 3], Any], ...] = ((1, int | Decimal | Money), (2, datetime), (3, str))
    rank = next((number for number, kind in kinds if isinstance(cell, kind)), 0)
    if isinstance(cell, Money):
        return rank, cell.micros
    return rank, cell.casefold() if isinstance(cell, str) else cell
