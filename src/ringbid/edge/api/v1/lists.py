"""Lists with many filters: from the query to what `reports.listing` is asked, and from its page to the answer.

An operation that declares `listing=…` has every filter of that list, in the reference and in what it refuses.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec

from ringbid.accounts.actor import Actor
from ringbid.edge.api.v1.paging import after_of, cursor_of
from ringbid.edge.api.v1.problems import ApiError, Wrong
from ringbid.edge.web.office import Office, WebRequest
from ringbid.reports.listing import LARGEST_PAGE, Field, ListKind, ListQuery, Page, Scope, read_query, write_cursor

Tree = dict[str, Any]

_RENAMED = {"size": "limit", "after": "cursor"}
_WORDS = {
    "created": "A period until now: today, yesterday, or such as last_15m, last_24h, last_7d. It beats bounds.",
    "created_from": "From this day or time on. Without an offset, in the company's time zone.",
    "created_to": "Up to this day (included) or time.",
}
_PATTERNS = {
    "search": r"^(\+1[2-9]\d{2}[2-9]\d{6}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$",
    "inbound_number": r"^\+1[2-9]\d{2}[2-9]\d{6}$",
    "call_id": r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
    "account": r"^(buyer/[a-z0-9-]{1,40}|publisher/[A-Za-z0-9-]{1,40}|company/revenue|company/payout)$",
    "caller_state": r"^[A-Z]{2}$",
    "caller_country": r"^[A-Z]{2}$",
    "created": r"^(today|yesterday|last_[1-9][0-9]{0,2}[mhd])$",
    "reason": r"^[a-z_]+$",
    "kind": r"^[a-z._]{1,60}$",
    "endpoint": r"^[A-Za-z0-9][A-Za-z0-9 /._-]{0,98}[A-Za-z0-9]$",
    "message_id": r"^msg_[0-9a-f]{32}$",
}
_ID = r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$"
_AMOUNT = r"^[0-9]{1,6}(\.[0-9]{1,6})?$"


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """What every page says of itself. A page may have fewer rows than asked for, even none, while there is a next one:
    a list is searched a stretch at a time, and `searched_to` says how far."""

    as_of: datetime
    searched_to: datetime | None
    next_cursor: Annotated[
        str | None, msgspec.Meta(description="The cursor of the next page; null on the last one. Pass it on as it is.")
    ]


def scope_of(actor: Actor) -> Scope:
    """Whose rows they see: the company's, or a publisher's or buyer's own."""
    return Scope(company_id=actor.company_id, publisher_id=actor.publisher_id, buyer_id=actor.buyer_id)


def query_of(request: WebRequest, office: Office, actor: Actor, kind: ListKind) -> ListQuery:
    """What the list is asked. Raises ApiError that names each wrong parameter with what is allowed."""
    view = office.catalogs.snapshot.companies.get(actor.company_id)
    zone = ZoneInfo(view.catalog.company.time_zone if view is not None else "UTC")
    read = read_query(kind, list(_parameters(request)), now=office.clock.now(), zone=zone)
    if isinstance(read, ListQuery):
        return read
    wrongs = [
        Wrong(at=_RENAMED.get(one.parameter, one.parameter), actual=_given(request, one.parameter), expected=one.text)
        for one in read
    ]
    raise ApiError(422, errors=wrongs)


def told_of(request: WebRequest, kind: ListKind, query: ListQuery, found: Page[Any]) -> dict[str, Any]:
    """The fields of `Listing` for this page."""
    after = write_cursor(kind, found.next, newest_first=query.newest_first) if found.next is not None else None
    return {"as_of": found.as_of, "searched_to": found.searched_to, "next_cursor": cursor_of(request, after)}


def known_parameters(kind: ListKind) -> dict[str, bool]:
    """Every parameter of the list, and whether it may stand more than once."""
    fields = {name: field.many for name, field in kind.fields.items()}
    return fields | dict.fromkeys(("created", "created_from", "created_to", "sort", "limit", "cursor"), False)


def parameters_told(kind: ListKind) -> list[Tree]:
    """The list's parameters in the words of OpenAPI."""
    told = [_told(name, _schema_of(field), f"{field.label}: {field.expected}.") for name, field in kind.fields.items()]
    for name, words in _WORDS.items():
        schema = {"type": "string"} | ({"pattern": _PATTERNS[name]} if name in _PATTERNS else {"format": "day-or-time"})
        told.append(_told(name, schema, words))
    told.append(_told("sort", {"type": "string", "enum": ["newest", "oldest"]}, "In which order."))
    limit = {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE, "default": 100}
    told.append(_told("limit", limit, "How many rows the page may have."))
    words = "Where the page begins: `next_cursor` of the page before, with the same filters."
    return [*told, _told("cursor", {"type": "string", "maxLength": 600}, words)]


def _told(name: str, schema: Tree, description: str) -> Tree:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": description}


def _schema_of(field: Field) -> Tree:
    if field.choices:
        item: Tree = {"type": "string", "enum": list(field.choices)}
    elif field.name.endswith(("_min", "_max")):
        item = {"type": "string", "pattern": _AMOUNT}
    else:
        item = {"type": "string", "pattern": _PATTERNS.get(field.name, _ID)}
    return {"type": "array", "items": item, "maxItems": 50} if field.many else item


def _parameters(request: WebRequest) -> Iterator[tuple[str, str]]:
    """As `reports.listing` knows them."""
    for name, value in request.query_params.multi_items():
        if name not in ("limit", "cursor"):
            yield name, value
    yield "size", request.query_params.get("limit", "100")
    cursor = request.query_params.get("cursor")
    after = after_of(request, cursor)
    if after is not None:
        yield "after", after


def _given(request: WebRequest, parameter: str) -> str | None:
    value = request.query_params.get(_RENAMED.get(parameter, parameter))
    return None if value is None else value[:200]
