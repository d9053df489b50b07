"""The examples of docs/rest_api.md are run, in their order: what the page shows is part of what happens."""

from __future__ import annotations

import asyncio
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from support.api_v1 import Api, api_world
from support.http_blocks import read_messages
from support.stores import StorePlace

PAGE = (Path(__file__).parents[2] / "docs" / "rest_api.md").read_text()
_COMMAND = re.compile(r"^```sh\n(curl .*?)^```", re.DOTALL | re.MULTILINE)
_ANYTHING = "…"


def test_every_example_is_answered_as_the_page_says(place: StorePlace) -> None:
    commands, answers = _COMMAND.findall(PAGE), read_messages(PAGE)
    assert len(commands) == len(answers) >= 10

    async def run() -> None:
        async with api_world(place) as api:
            for command, shown in zip(commands, answers, strict=True):
                answer = await _send(
                    api, command, {"KEY": "owner", "HERE": "http://testserver.local", "CALL": api.call}
                )
                assert answer.status_code == shown.status, answer.text
                for name, value in shown.headers.items():
                    assert answer.headers[name] == value, command
                _compare(msgspec.json.decode(shown.body), answer.json(), command)

    asyncio.run(run())


async def _send(api: Api, command: str, variables: Mapping[str, str]) -> Any:
    """What `curl` would send, by the few options that the page uses."""
    for name, value in variables.items():
        command = command.replace(f"${name}", value)
    words = iter(shlex.split(command.replace("\\\n", " "))[1:])
    method, url, body, headers = "GET", "", None, {}
    for word in words:
        match word:
            case "-s":
                pass
            case "-X":
                method = next(words)
            case "-H":
                name, _, value = next(words).partition(": ")
                headers[name] = value
            case "-d":
                body = next(words)
            case _:
                assert word.startswith("http"), word
                url = word
    return await api.client.request(method, url, headers=headers, content=body)


def _compare(shown: Any, real: Any, command: str) -> None:
    """All that is shown is there."""
    if isinstance(shown, dict):
        assert isinstance(real, dict), command
        for name, value in shown.items():
            assert name in real, f"{command}: {real}"
            _compare(value, real[name], command)
    elif isinstance(shown, list):
        assert len(shown) == len(real), f"{command}: {real}"
        for one, other in zip(shown, real, strict=True):
            _compare(one, other, command)
    elif shown == _ANYTHING:
        assert real, command
    else:
        assert shown == real, f"{command}: {real}"
