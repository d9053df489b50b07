"""Versions of what is changed: an `ETag` with what is read, `If-Match` with what is written.

The catalog of a company is one document with one version, so every thing in it has that version as its ETag: who has
read anything of it may change anything of it, as long as nobody else did meanwhile.
"""

from __future__ import annotations

import re

from ringbid.edge.api.v1.problems import ApiError, invalid
from ringbid.edge.web.office import WebRequest

_TAG = re.compile(r'(?:W/)?"(\d{1,18})"', re.ASCII)


def etag(version: int) -> str:
    return f'"{version}"'


def version_in(request: WebRequest) -> int:
    """The version that a change was based on. Raises ApiError: 428 where there is none, 422 where it is none of
    ours."""
    text = request.headers.get("if-match")
    if text is None:
        raise ApiError(428, fix="Read it first, and send its ETag as If-Match.")
    found = _TAG.fullmatch(text.strip())
    if found is None:
        raise invalid("If-Match", actual=text, expected='an ETag as it was sent, such as "12"')
    return int(found[1])


def differs(version: int, *, changed: str) -> ApiError:
    """Somebody else was faster: the ETag in force, and what they changed."""
    return ApiError(
        412,
        actual=changed or None,
        fix="Read it again, and send its new ETag.",
        version=etag(version),
        headers={"ETag": etag(version)},
    )
