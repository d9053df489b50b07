"""From a request to its parameters, and from an answer to its bytes: what every address of the API has in common.

Used by `rtbs` and `calls`.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

import structlog

from ringbid.edge.api.http import Receive, Scope, Send, error_reply, header, read_body, send_reply
from ringbid.edge.api.parsing import read_parameters
from ringbid.edge.api.statuses import status_of
from ringbid.edge.observe import Metrics
from ringbid.ping.reply import PingReply
from ringbid.ping.request import Parameter
from ringbid.reservations.ports import StoreOverloaded, StoreUnavailable
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused

_log = structlog.get_logger(__name__)

OVERLOADED = Refused(Reason.OVERLOADED, retry_after_seconds=1)
_LONGEST_REQUEST_ID = 200


async def request_parameters(scope: Scope, receive: Receive, *, body_seconds: float) -> dict[str, Parameter] | Refused:
    """Everything that came in query and body; a key in the header `Authorization` stands for the parameter `key`."""
    body = await read_body(scope, receive, seconds=body_seconds)
    if isinstance(body, Refused):
        return body
    parameters = read_parameters(scope["query_string"], body, header(scope, b"content-type") or "")
    if isinstance(parameters, Refused):
        return parameters
    bearer = header(scope, b"authorization")
    if bearer is not None and bearer[:7].lower() == "bearer ":
        parameters["key"] = bearer[7:].strip()
    return parameters


async def guarded(work: Coroutine[Any, Any, PingReply | Refused]) -> PingReply | Refused:
    """The answer, also where the store has no room or cannot be reached: then nothing was promised."""
    try:
        return await work
    except StoreOverloaded:
        return OVERLOADED
    except StoreUnavailable:
        _log.exception("store_unavailable")
        return Refused(Reason.STORE_UNAVAILABLE, retry_after_seconds=1)


async def send_answer(scope: Scope, send: Send, answer: PingReply | Refused, metrics: Metrics) -> None:
    """Send a reply, or what a refusal says, with the request's own id."""
    headers: list[tuple[bytes, bytes]] = []
    request_id = header(scope, b"x-request-id")
    if request_id is not None and len(request_id) <= _LONGEST_REQUEST_ID and request_id.isprintable():
        headers.append((b"x-request-id", request_id.encode("latin-1")))
    if isinstance(answer, Refused):
        metrics.refuse(answer.reason)
        if answer.retry_after_seconds is not None:
            headers.append((b"retry-after", b"%d" % answer.retry_after_seconds))
        if answer.reason is Reason.METHOD_NOT_ALLOWED and answer.expected is not None:
            headers.append((b"allow", answer.expected.encode()))
        answer = error_reply(answer, status_of(answer.reason))
    await send_reply(send, answer, headers=headers)


def wrong_method(scope: Scope, allowed: str) -> Refused:
    return Refused(Reason.METHOD_NOT_ALLOWED, actual=scope["method"][:20], expected=allowed)
