"""Calling the ASGI application without a socket: one request in, status, headers and body out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import msgspec


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


async def call(
    app: Any,
    method: str,
    path: str,
    *,
    query: Mapping[str, str] | Iterable[tuple[str, str]] | str = "",
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
) -> Response:
    """One HTTP request to `app`, with the body in one piece."""
    encoded = (
        query if isinstance(query, str) else urlencode(list(query.items() if isinstance(query, Mapping) else query))
    )
    sent = {**({"content-length": str(len(body))} if body else {}), **(headers or {})}
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": encoded.encode("latin-1"),
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in sent.items()],
    }
    messages: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        messages.append(message)

    await app(scope, receive, send)
    start = messages[0]
    return Response(
        status=start["status"],
        headers={name.decode(): value.decode("latin-1") for name, value in start["headers"]},
        body=b"".join(message.get("body", b"") for message in messages[1:]),
    )
