"""ASGI, spoken once: reading a request within its limits, sending a JSON answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from ringbid.edge.api.parsing import BODY_LIMIT_BYTES
from ringbid.ping.reply import PingReply, error_body
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_JSON = (b"content-type", b"application/json")
_NO_STORE = (b"cache-control", b"no-store")


class Disconnected(Exception):  # noqa: N818 -- it is no error of ours: the other side has gone
    """The client went away while its request was being read."""


def header(scope: Scope, name: bytes) -> str | None:
    """The first value of a header (its name in lower case), or None."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value.decode("latin-1"))
    return None


async def read_body(scope: Scope, receive: Receive, *, seconds: float) -> bytes | Refused:
    """The whole body, within the size limit and within `seconds` in all. Raises Disconnected."""
    declared = header(scope, b"content-length")
    if declared is not None and declared.isdigit() and int(declared) > BODY_LIMIT_BYTES:
        return _too_large()
    if declared in (None, "0") and header(scope, b"transfer-encoding") is None:
        return _chunk(await receive())  # there is none, and nothing to wait for
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(seconds):
            while True:
                message = await receive()
                chunks.append(_chunk(message))
                size += len(chunks[-1])
                if size > BODY_LIMIT_BYTES:
                    return _too_large()
                if not message.get("more_body", False):
                    return b"".join(chunks)
    except TimeoutError:
        return Refused(Reason.BODY_TOO_SLOW, actual=f"incomplete after {seconds:g} s", expected=f"within {seconds:g} s")


async def send_reply(send: Send, reply: PingReply, *, headers: list[tuple[bytes, bytes]]) -> None:
    """Send a reply's JSON with its status."""
    if reply.replayed:
        headers.append((b"idempotent-replayed", b"true"))
    headers += (_JSON, _NO_STORE, (b"content-length", b"%d" % len(reply.body)))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})


def error_reply(refused: Refused, status: int) -> PingReply:
    """The reply to a request that was refused before or beside a ping."""
    return PingReply(status, error_body(refused))


def _chunk(message: MutableMapping[str, Any]) -> bytes:
    if message["type"] == "http.disconnect":
        raise Disconnected
    return bytes(message.get("body", b""))


def _too_large() -> Refused:
    return Refused(Reason.BODY_TOO_LARGE, actual="more than 65536 bytes", expected="at most 65536 bytes")
