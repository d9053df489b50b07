"""Values that try to become more than a value: what a raw server receives has the shape that the catalog gave it."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl

import h11
import pytest

from ringbid.buyers.protocol import Answer, Ask
from ringbid.buyers.webhook import compile_webhook
from ringbid.catalog.model import Webhook
from ringbid.values.ids import BuyerId
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused
from support import hostile_server as buyers
from support.hostile_server import HostileServer, in_good_time, open_client, run

VALUES = {
    "CR LF": "a\r\nX-Injected: 1",
    "a second request": "a\r\n\r\nGET /admin HTTP/1.1\r\nHost: x\r\n\r\n",
    "LF": "a\nX-Injected: 1",
    "CR": "a\rX-Injected: 1",
    "NUL": "a\0b",
    "another script": "ключ 鍵 \N{KEY}",
    "a letter that ends in CR LF when cut to a byte": "\u010d\u010aX-Injected: 1",
    "a parameter": "a&key=stolen",
    "a fragment": "a#b",
    "a question": "a?key=stolen",
    "climbing": "../../admin",
    "climbing, encoded": "%2e%2e/%2e%2e/admin",
    "spaces": " a b ",
    "quotes": '","admin":true,"x":"',
    "a token": "[secret]",
    "a template": "{{7*7}}${7*7}%(secret)s",
    "a megabyte": "x" * 1_000_000,
}


def webhook(part: str, port: int) -> Webhook:
    """A webhook with one token, in `part`."""
    token = {name: "[value]" if name == part else "fixed" for name in ("path", "query", "header", "json", "form")}
    is_form = part == "form"
    return Webhook(
        name="injected",
        on="passthrough",
        buyer=BuyerId("b"),
        url=f"http://127.0.0.1:{port}/v1/{token['path']}/bid?a={token['query']}&z=end",
        headers=(("X-Value", token["header"]),),
        body_type="form" if is_form else "json",
        body={"a": token["form"], "z": "end"} if is_form else {"a": token["json"], "z": "end"},
    )


@pytest.mark.parametrize("part", ["path", "query", "header", "json", "form"])
@pytest.mark.parametrize("name", VALUES)
def test_a_value_stays_a_value_or_the_ask_is_not_sent(part: str, name: str) -> None:
    value = VALUES[name]

    async def story() -> None:
        async with HostileServer(buyers.normal) as server, open_client() as client:
            compiled = compile_webhook(
                webhook(part, server.port), setting="w", money_tags=frozenset(), seconds_tags=frozenset()
            )
            ask = compiled.build_ask({"value": value, "secret": "stolen"})
            if isinstance(ask, Refused):
                assert ask.reason is Reason.ASK_UNBUILDABLE
                return
            assert isinstance(await client.send(ask, ends_at=in_good_time()), Answer)
            assert len(server.requests) == 1
            _assert_shape(server.requests[0], part, value, ask)

    run(story())


def _assert_shape(request: bytes, part: str, value: str, ask: Ask) -> None:
    reader = h11.Connection(h11.SERVER)
    reader.receive_data(request)
    head = reader.next_event()
    assert isinstance(head, h11.Request)
    assert len(head.headers) == len(ask.headers) + 2
    assert "x-injected" not in dict(head.headers)
    path, _, query = head.target.decode().partition("?")
    assert path.count("/") == 3
    assert path.startswith("/v1/")
    assert path.endswith("/bid")
    assert "#" not in query
    assert parse_qsl(query) == [("a", value if part == "query" else "fixed"), ("z", "end")]
    body = request.partition(b"\r\n\r\n")[2]
    fields = dict(parse_qsl(body.decode())) if part == "form" else json.loads(body)
    assert fields == {"a": value if part in ("json", "form") else "fixed", "z": "end"}
