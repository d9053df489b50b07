"""The examples of docs/api.md are run, in their order, against the acme catalog: what the page shows is what
happens.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec

from support.asgi import Response, call
from support.http_blocks import UUID, Message, read_messages
from support.scenario import open_world

PAGE = Path(__file__).parents[2] / "docs" / "api.md"
_MAY_DIFFER = ("uuid", "expires_at")


def test_every_example_of_the_api_page_is_answered_as_the_page_says(tmp_path: Path) -> None:
    messages = read_messages(PAGE.read_text())
    pairs = list(zip(messages[::2], messages[1::2], strict=True))
    assert len(pairs) > 8

    async def run() -> None:
        answered: dict[str, str] = {}  # the page's uuids → the real ones
        async with open_world(tmp_path, {}) as world:
            world.outbound.answers = {"charlie bid": {"json": {"accepted": False}}}
            for request, expected in pairs:
                method, path, query = request.request
                path = UUID.sub(lambda found: answered.get(found[0], found[0]), path)
                response = await call(
                    world.app, method, path, query=query, headers=request.headers, body=request.body.encode()
                )
                _compare(request, expected, response, answered)

    asyncio.run(run())


def _compare(request: Message, expected: Message, response: Response, answered: dict[str, str]) -> None:
    assert response.status == expected.status, f"{request.first_line}: {response}"
    for name, value in expected.headers.items():
        assert response.headers[name.lower()] == value, f"{request.first_line}: {response.headers}"
    shown, real = msgspec.json.decode(expected.body), dict(response.json)
    if "uuid" in shown and shown["uuid"] not in answered:
        answered[shown["uuid"]] = real["uuid"]
    for name in _MAY_DIFFER:
        assert (name in shown) == (name in real), f"{request.first_line}: {real}"
        shown.pop(name, None)
        real.pop(name, None)
    assert real == shown, request.first_line
