"""`/audit`: every change that somebody made: who, when, from, to; as a page and as a file."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from litestar import get
from litestar.response import Stream, Template

from ringbid.accounts.audit import AuditedChange
from ringbid.accounts.policy import Policy
from ringbid.edge.console.links import with_query
from ringbid.edge.console.lists import SIZES, curl_of
from ringbid.edge.console.pages import page
from ringbid.edge.console.shell import shell_of
from ringbid.edge.console.tables import Column
from ringbid.edge.web.office import WebRequest, actor_of, office_of, people_of
from ringbid.reports.export import MEDIA_TYPES, FileFormat, Row, stream_csv, stream_xlsx

_COLUMNS = [Column("When", key="created"), *map(Column, ("Who", "What", "From", "To"))]
_HEADER = ("When", "Who", "Came", "What", "From", "To")
_OF_CALL = re.compile(r"calls\[([0-9a-f-]{36})\]")
_LONGEST = 400
_LARGEST_PAGE = 1000
_CAME = {"session": "in the console", "terminal": "at the terminal", "key": "over the API"}


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the address asks: paths that begin with `path`, changes by one user, in which order, from where on."""

    path: str
    user_id: str
    oldest_first: bool
    size: int
    cursor: int | None


@get("/audit", opt={"policy": Policy.READ})
async def show_audit(request: WebRequest) -> Template:
    """The newest changes first. The address holds the filters (`path`, `user`), the order, the size of a page, and the
    cursor."""
    asked = _read(request)
    found = await _changes(request, asked, asked.cursor, asked.size + 1)
    changes = found[: asked.size]
    members = await people_of(request).accounts.members(actor_of(request).company_id)
    url = shell_of(request).url
    query = request.url.query
    return page(
        request,
        "audit.html",
        title="Audit",
        changes=[(change, _link(change.entry.path)) for change in changes],
        columns=_COLUMNS,
        users=[("", "everybody"), *((one.user_id, one.name) for one in members)],
        wanted={"path": asked.path, "user": asked.user_id},
        sort="created" if asked.oldest_first else "-created",
        size=asked.size,
        sizes=SIZES,
        first=asked.cursor is not None,
        next_cursor=changes[-1].number if len(found) > asked.size else None,
        longest=_LONGEST,
        url=url,
        csv=with_query(f"/audit.csv?{query}", cursor=None, size=None),
        xlsx=with_query(f"/audit.xlsx?{query}", cursor=None, size=None),
        curl=curl_of(request, "/api/v1/audit", [(name, value) for name, value in _filters(asked) if value]),
    )


@get("/audit.csv", opt={"policy": Policy.READ}, name="audit-csv")
async def audit_as_csv(request: WebRequest) -> Stream:
    """All that fit, as CSV."""
    return _file(request, "csv")


@get("/audit.xlsx", opt={"policy": Policy.READ}, name="audit-xlsx")
async def audit_as_xlsx(request: WebRequest) -> Stream:
    """All that fit, as a workbook."""
    return _file(request, "xlsx")


def _read(request: WebRequest) -> _Asked:
    query = request.query_params
    return _Asked(
        path=query.get("path", "").strip()[:200],
        user_id=query.get("user", "")[:200],
        oldest_first=query.get("sort") == "created",
        size=next((one for one in SIZES if str(one) == query.get("size")), 50),
        cursor=_cursor(query.get("cursor", "")),
    )


def _filters(asked: _Asked) -> Sequence[tuple[str, str]]:
    return (("path", asked.path), ("user_id", asked.user_id), ("sort", "oldest" if asked.oldest_first else ""))


async def _changes(request: WebRequest, asked: _Asked, cursor: int | None, limit: int) -> list[AuditedChange]:
    where = {"after": cursor or 0} if asked.oldest_first else {"before": cursor}
    return await people_of(request).audit.listing(
        actor_of(request).company_id, path=asked.path or None, user_id=asked.user_id or None, limit=limit, **where
    )


def _file(request: WebRequest, kind: FileFormat) -> Stream:
    asked, zone = _read(request), ZoneInfo(shell_of(request).time_zone)

    async def pages() -> AsyncIterator[Sequence[Row]]:
        cursor, more = None, True
        while more:
            found = await _changes(request, asked, cursor, _LARGEST_PAGE)
            yield list(map(_row, found))
            more = len(found) == _LARGEST_PAGE
            cursor = found[-1].number if found else None

    stream = stream_csv if kind == "csv" else stream_xlsx
    name = f"audit-{office_of(request).clock.now():%Y-%m-%d-%H%M}.{kind}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Stream(stream(_HEADER, pages(), zone), media_type=MEDIA_TYPES[kind], headers=headers)


def _row(change: AuditedChange) -> Row:
    """In the order of _HEADER."""
    entry = change.entry
    came = _CAME.get(entry.author.via, entry.author.via)
    return (change.at, entry.author.name, came, entry.path, entry.before, entry.after)


def _link(path: str) -> str | None:
    """Where the call is that a change is of."""
    found = _OF_CALL.match(path)
    return f"/calls/{found[1]}" if found is not None else None


def _cursor(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


HANDLERS = [show_audit, audit_as_csv, audit_as_xlsx]
