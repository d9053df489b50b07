"""Whatever a request about a call holds: an answer from the page, never an exception, and no money from nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from ringbid.values.reason import Reason
from support.asgi import call
from support.call_world import CALLER
from support.calls_api import SECRETS, Front, calls_front
from support.stores import StorePlace

# One product serves all examples.
MANY = settings(max_examples=150, derandomize=True, database=None)
NASTY = ["\x00", "\r\nX: 1", "' or 1=1 --", "../", "%2e%2e", '"', "\\", "é", "𝕏", "\ud800", "\u2028", "[call_key]"]
TEXTS = st.one_of(st.text(max_size=30), st.sampled_from(NASTY), st.just(""), st.just(CALLER))
NAMES = st.sampled_from(["key", "caller_number", "call_uuid", "call_key", "side", "publisher_id", "geo", "age"])
VALUES = st.one_of(
    TEXTS, st.sampled_from(sorted(SECRETS.values())), st.integers(), st.none(), st.lists(TEXTS, max_size=3)
)
PATHS = st.sampled_from(
    ["/data_writing", "/conversions", "/call_control/reject", "/buyer_groups/overflow/call_control/reject"]
)
CODES = {reason.code for reason in Reason}


async def _answered(front: Front, path: str, parameters: dict[str, Any], *, own_key: bool) -> None:
    if own_key:
        parameters = {**parameters, "key": SECRETS["Bravo"]}
    body = msgspec.json.encode({name: _escaped(value) for name, value in parameters.items()})
    body = body.replace(b"@surrogate@", b"\\ud800")
    response = await call(front.api, "POST", path, headers={"content-type": "application/json"}, body=body)
    tree = msgspec.json.decode(response.body, type=dict)
    assert response.status == 200 or 400 <= response.status < 500, response
    assert tree.get("code", "converted_before") in CODES, response


def _escaped(value: Any) -> Any:
    """A lone surrogate, which no encoder writes, though anybody can send one."""
    if isinstance(value, list):
        return [_escaped(one) for one in value]
    return value.replace("\ud800", "@surrogate@") if isinstance(value, str) else value


def test_whatever_a_request_holds_the_answer_is_clean_and_nothing_is_booked(sqlite_place: StorePlace) -> None:
    with asyncio.Runner() as runner:
        opened = calls_front(sqlite_place)
        front = runner.run(opened.__aenter__())
        runner.run(front.connect())

        @MANY
        @given(
            path=PATHS, parameters=st.dictionaries(st.one_of(NAMES, TEXTS), VALUES, max_size=6), own_key=st.booleans()
        )
        def answered(path: str, parameters: dict[str, Any], own_key: bool) -> None:
            named = {name.replace("\ud800", "@surrogate@"): value for name, value in parameters.items()}
            runner.run(_answered(front, path, named, own_key=own_key))

        answered()
        assert runner.run(front.world.balances()) == {}
        runner.run(opened.__aexit__(None, None, None))
