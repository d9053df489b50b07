"""Pages of a list: an opaque cursor, a size that the user sets, and the address of the next page in `Link`.

A cursor belongs to its list and its filters; one of another list is refused, not misread.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b
from typing import Annotated, Any, TypeVar
from urllib.parse import quote, urlencode

import msgspec
from litestar import Response
from litestar.params import QueryParameter

from ringbid.edge.api.v1.problems import invalid
from ringbid.edge.web.office import WebRequest

MOST = 1000
Limit = Annotated[int, QueryParameter(ge=1, le=MOST, description="How many rows the page may have.")]
Cursor = Annotated[
    str | None,
    QueryParameter(
        max_length=600,
        description="Where the page begins: `next_cursor` of the page before, with the same filters.",
    ),
]
Next = Annotated[
    str | None,
    msgspec.Meta(description="The cursor of the next page; null on the last one. Pass it on as it is."),
]
Body = TypeVar("Body")


def after_of(request: WebRequest, cursor: str | None) -> str | None:
    """What `next_cursor` was made of. Raises ApiError where `cursor` is not one of this list with these filters."""
    if cursor is None:
        return None
    try:
        text = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)).decode("utf-8")
    except (binascii.Error, UnicodeError, ValueError):
        text = ""
    mark, found, after = text.partition(":")
    if not found or mark != _mark(request):
        raise invalid("cursor", actual=cursor, expected="the next_cursor of a page of this list, with the same filters")
    return after


def cursor_of(request: WebRequest, after: str | None) -> str | None:
    """The cursor with which the next page begins after `after`; None where there is none."""
    if after is None:
        return None
    return urlsafe_b64encode(f"{_mark(request)}:{after}".encode()).rstrip(b"=").decode()


def page(request: WebRequest, body: Body, next_cursor: str | None) -> Response[Body]:
    """The answer: the page, and where the next one is."""
    headers = {}
    if next_cursor is not None:
        query = [*_filters(request, without=("cursor",)), ("cursor", next_cursor)]
        headers["Link"] = f'<{address_of(request)}?{urlencode(query)}>; rel="next"'
    return Response(body, headers=headers)


def address_of(request: WebRequest) -> str:
    """The path that was asked for, as a header can tell it: names may have letters that no header takes."""
    return quote(request.scope["path"])


def _mark(request: WebRequest) -> str:
    """Tells lists and filters apart: the path and everything asked but size and place."""
    asked = urlencode(sorted(_filters(request, without=("cursor", "limit"))))
    return blake2b(f"{request.url.path}?{asked}".encode(), digest_size=6).hexdigest()


def _filters(request: WebRequest, *, without: tuple[str, ...]) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in request.query_params.multi_items() if name not in without]
