"""The examples of docs/calls_api.md are run, in their order: what the page shows is what happens."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml

from ringbid.call.instruction import Dial
from support.asgi import call
from support.calls_api import Front, calls_front
from support.http_blocks import Message, read_blocks
from support.stores import StorePlace

PAGE = (Path(__file__).parents[2] / "docs" / "calls_api.md").read_text()
FIRST, SECOND = (f"0195630a-7c40-7000-8000-00000000000{number}" for number in (1, 2))
CALL_KEY = "0d9bc5d5f3f44b0f8e5d6d7c1a2b3c4d"


class Story:
    """What happens between the requests, by the words of the page; and what its uuids and keys really are."""

    def __init__(self, front: Front) -> None:
        self.front = front
        self.real: dict[str, str] = {}
        self._dial: Dial | None = None

    async def happens(self, words: str) -> None:
        steps: Mapping[str, Callable[[], Awaitable[None]]] = {
            "then bravo takes the call of this caller": self._first,
            "then they talk and hang up": self._end,
            "then bravo takes another call of this caller": self._second,
        }
        await steps[words]()

    def really(self, text: str) -> str:
        for shown, real in self.real.items():
            text = text.replace(shown, real)
        return text

    async def _first(self) -> None:
        self._dial = await self.front.connect()
        assert self._dial.buyer_id == "bravo"
        self.real = {FIRST: self._dial.call_uuid, CALL_KEY: self._dial.call_key}

    async def _end(self) -> None:
        assert self._dial is not None
        await self.front.hang_up(self._dial)

    async def _second(self) -> None:
        self.real[SECOND] = (await self.front.connect("call-2")).call_uuid


def test_every_example_of_the_page_is_answered_as_the_page_says(sqlite_place: StorePlace) -> None:
    blocks = read_blocks(PAGE)
    found = re.search(r"^```yaml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    assert found is not None
    keys = yaml.safe_load(found[1])["access_keys"]
    shown = sum(isinstance(one, Message) for one in blocks)
    assert shown >= 16

    async def run() -> None:
        async with calls_front(sqlite_place, **{"campaigns[0].access_keys": keys}) as front:
            story = Story(front)
            request: Message | None = None
            for block in blocks:
                if isinstance(block, str):
                    await story.happens(block)
                elif request is None:
                    request = block
                else:
                    await _compare(story, request, block)
                    request = None
            assert request is None

    asyncio.run(run())


async def _compare(story: Story, request: Message, expected: Message) -> None:
    method, path, query = map(story.really, request.request)
    body = story.really(request.body).encode()
    response = await call(story.front.api, method, path, query=query, headers=request.headers, body=body)
    shown: Any = msgspec.json.decode(story.really(expected.body))
    assert (response.status, response.json) == (expected.status, shown), request.first_line
    assert response.headers["content-type"] == expected.headers["Content-Type"]
