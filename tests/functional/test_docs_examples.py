"""The examples of docs/api.md are run, in their order, against the acme catalog: what the page shows is what
happens.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path

import msgspec

from support.asgi import Response, call
from support.scenario import open_world

PAGE = Path(__file__).parents[2] / "docs" / "api.md"
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MAY_DIFFER = ("uuid", "expires_at")


@dataclass(frozen=True)
class Message:
    first_line: str
    headers: dict[str, str]
    body: str


def _messages() -> list[Message]:
    """The page's http blocks."""
    found = []
    for block in re.findall(r"^```http\n(.*?)^```", PAGE.read_text(), flags=re.DOTALL | re.MULTILINE):
        head, _, body = block.partition("\n\n")
        first_line, *lines = head.strip().split("\n")
        headers = dict(line.split(": ", 1) for line in lines)
        found.append(Message(first_line, headers, body.strip()))
    return found


def test_every_example_of_the_api_page_is_answered_as_the_page_says(tmp_path: Path) -> None:
    messages = _messages()
    pairs = list(zip(messages[::2], messages[1::2], strict=True))
    assert len(pairs) > 8

    async def run() -> None:
        answered: dict[str, str] = {}  # the page's uuids → the real ones
        async with open_world(tmp_path, {}) as world:
            world.outbound.answers = {"charlie bid": {"json": {"accepted": False}}}
            for request, expected in pairs:
                method, target, _ = request.first_line.split(" ", 2)
                path, _, query = target.partition("?")
                path = _UUID.sub(lambda found: answered.get(found[0], found[0]), path)
                response = await call(
                    world.app, method, path, query=query, headers=request.headers, body=request.body.encode()
                )
                _compare(request, expected, response, answered)

    asyncio.run(run())


def _compare(request: Message, expected: Message, response: Response, answered: dict[str, str]) -> None:
    status = int(expected.first_line.split(" ")[1])
    assert response.status == status, f"{request.first_line}: {response}"
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
