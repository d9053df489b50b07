"""`Idempotency-Key`: a POST that is sent again with the same key is done once, and answered the same.

For a program that never heard the answer. What succeeded is kept for a day, for the same company, credential and key;
what failed has changed nothing, and is tried anew.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from hashlib import sha256
from typing import Any

import msgspec
from litestar import Response

from ringbid.accounts.kept_answers import KeptUse, Taken, open_answer, seal_answer
from ringbid.edge.api.v1.problems import refused
from ringbid.edge.web.auth import cookie_name
from ringbid.edge.web.office import WebRequest, actor_of, office_of
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused

HEADER = "Idempotency-Key"
PARAMETER: dict[str, Any] = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$", "examples": ["8e03978e-40d5-43e8-bc93-6894a57f9324"]},
    "description": "A key of your own. The same request sent again with it within 24 hours is done once, and gets the "
    "same answer with `Idempotent-Replayed: true`; another request with it is a 422.",
}
_LONGEST = 255
_Handler = Callable[..., Awaitable[Any]]


class _Answer(msgspec.Struct, array_like=True):
    status: int
    headers: dict[str, str]
    body: bytes


def idempotent(handler: _Handler, *, status: int) -> _Handler:
    """`handler`, which answers with `status` where it does not say another, done once for each key."""

    @wraps(handler)
    async def once(request: WebRequest, **parameters: Any) -> Any:  # noqa: ANN401 -- what `handler` takes and returns
        key = request.headers.get(HEADER)
        if key is None:
            return await handler(request, **parameters)
        if not (0 < len(key) <= _LONGEST and key.isascii() and key.isprintable() and " " not in key):
            raise refused(Refused(Reason.IDEMPOTENCY_KEY_INVALID, actual=f"{len(key)} characters"))
        secret = _secret(request, key)
        use, answers = await _use(request, secret), office_of(request).answers
        match await answers.begin(use):
            case bytes() as sealed:
                return _again(open_answer(sealed, secret))
            case Taken.UNDER_WAY:
                error = refused(Refused(Reason.IDEMPOTENCY_KEY_IN_FLIGHT))
                error.headers = {"Retry-After": "1"}
                raise error
            case Taken.OTHER_REQUEST:
                raise refused(Refused(Reason.IDEMPOTENCY_KEY_REUSED))
        try:
            answer = await handler(request, **parameters)
        except Exception:  # not where it was ended from outside: then nobody knows what became of it
            await answers.release(use)
            raise
        await answers.keep(use, seal_answer(_bytes_of(answer, status), secret))
        return answer

    return once


def _secret(request: WebRequest, key: str) -> str:
    """What nobody else can send: the credential, for this company, with the key."""
    cookie = request.cookies.get(cookie_name(office_of(request)), "")
    return "\n".join((actor_of(request).company_id, request.headers.get("authorization", cookie), key))


async def _use(request: WebRequest, secret: str) -> KeptUse:
    asked = b"\n".join((request.scope["path"].encode(), request.scope["query_string"], await request.body()))
    return KeptUse(
        use_hash=sha256(b"ringbid use\0" + secret.encode(errors="surrogateescape")).hexdigest(),
        fingerprint=sha256(asked).hexdigest(),
    )


def _bytes_of(answer: Any, status: int) -> bytes:  # noqa: ANN401 -- a response, or what one is made of
    if not isinstance(answer, Response):
        return msgspec.msgpack.encode(_Answer(status, {}, msgspec.json.encode(answer)))
    content = answer.content if isinstance(answer.content, bytes) else msgspec.json.encode(answer.content)
    headers = {str(name): str(value) for name, value in answer.headers.items()}
    return msgspec.msgpack.encode(_Answer(answer.status_code or status, headers, content))


def _again(kept: bytes) -> Response[bytes]:
    answer = msgspec.msgpack.decode(kept, type=_Answer)
    headers = answer.headers | {"Idempotent-Replayed": "true"}
    return Response(answer.body, status_code=answer.status, headers=headers, media_type="application/json")
