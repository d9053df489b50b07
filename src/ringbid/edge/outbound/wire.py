"""An ask as the bytes that go out; nothing in it can become a second header, a second request or another host.

Used by `edge.outbound.client`, whoever built the ask. This is the last look before the wire.
"""

from __future__ import annotations

import re
from functools import lru_cache

from ringbid.buyers.protocol import Ask
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused

_URL = re.compile(r"([^/?#]*//[^/?#]*)([^#]*)")
_HEADER_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_METHODS = ("GET", "POST", "PATCH", "DELETE")  # buyers are asked by the first two; publishers need all four
# What frames a message or concerns the connection is ours alone to write.
_OUR_HEADERS = frozenset(
    {"connection", "content-length", "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)


def split_url(url: str) -> tuple[str, str]:
    """The origin (`https://host:port`) and the request's target; an origin that leads nowhere where `url` is none."""
    found = _URL.match(url)
    if found is None:
        return url, "/"
    origin, target = found.groups()
    return origin, target if target.startswith("/") else f"/{target}"


def request_bytes(ask: Ask, target: str, authority: str) -> bytes | Refused:
    """The request for `ask`. Refused: ASK_UNBUILDABLE, where method, target or headers are not what they should be."""
    lines = [f"{ask.method} {target} HTTP/1.1", f"host: {authority}"]
    if ask.body or ask.method != "GET":
        lines.append(f"content-length: {len(ask.body)}")
    for name, value in ask.headers:
        if not _is_header_name(name):
            return _unbuildable(f"the header name {name[:64]!a}", "a header that the client does not write itself")
        lines.append(f"{name}: {value}")
    # No control character is ASCII and printable, so the lines stay as many as they are.
    head = "".join(lines)
    if not head.isascii() or not head.isprintable():
        return _unbuildable("a URL or header with characters that do not belong there", "visible ASCII characters")
    if " " in target or ask.method not in _METHODS:
        allowed = f"{', '.join(_METHODS)}, and a target without spaces"
        return _unbuildable("another method, or a target with a space in it", allowed)
    lines.append("\r\n")
    return "\r\n".join(lines).encode() + ask.body


@lru_cache(maxsize=1024)
def _is_header_name(name: str) -> bool:
    return _HEADER_NAME.fullmatch(name) is not None and name.lower() not in _OUR_HEADERS


def _unbuildable(actual: str, expected: str) -> Refused:
    return Refused(Reason.ASK_UNBUILDABLE, actual=actual, expected=expected)
