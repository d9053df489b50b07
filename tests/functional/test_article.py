"""The help-centre article that Ringbid was asked to implement, as its reader would try it: each thing it says, done."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import quickjs

from ringbid.catalog.model import RtbKey
from ringbid.reservations.trace import decode
from support.asgi import Response, call
from support.scenario import KEY, World, newest, open_world

NOBODY_BIDS = {"charlie bid": {"json": {"accepted": False}}}
FIELDS = {
    "key": KEY,
    "publisher_id": "4321ABCD",
    "caller_number": "+13105550142",
    "caller_zip": "90210",
    "caller_state": "CA",
    "first_name": "Ada",
    "last_name": "Lovelace",
}


def answer_of(folder: Path, *requests: dict[str, Any], **scenario: Any) -> list[Response]:
    """Send requests one after the other to a fresh exchange with the acme catalog."""

    async def run() -> list[Response]:
        async with open_world(folder, scenario) as world:
            world.outbound.answers = scenario.get("answers", NOBODY_BIDS)
            return [await call(world.app, path="/rtbs.json", **request) for request in requests]

    return asyncio.run(run())


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param({"method": "POST", "query": FIELDS}, id="everything in the query of a POST"),
        pytest.param({"method": "GET", "query": FIELDS}, id="GET"),
        pytest.param(
            {
                "method": "POST",
                "headers": {"content-type": "application/json"},
                "body": json.dumps(FIELDS).encode(),
            },
            id="JSON",
        ),
        pytest.param(
            {
                "method": "POST",
                "headers": {"content-type": "application/x-www-form-urlencoded"},
                "body": b"caller_number=%2B13105550142&caller_zip=90210",
                "query": {"key": KEY, "publisher_id": "4321ABCD"},
            },
            id="a form beside the link's query",
        ),
    ],
)
def test_each_encoding_gets_the_documented_reply(request_: dict[str, Any], tmp_path: Path) -> None:
    (response,) = answer_of(tmp_path, request_)
    assert response.status == 200
    reply = response.json
    assert list(reply) == ["uuid", "status", "retreaver_payout", "retreaver_seconds", "inbound_number", "expires_at"]
    assert reply["status"] == "reserved"
    assert (reply["retreaver_payout"], reply["retreaver_seconds"]) == (1.173, 95)
    assert reply["inbound_number"] == "+18444021146"
    assert b'"retreaver_payout":1.173,' in response.body


def test_the_link_as_the_article_writes_it_with_a_bare_plus_works(tmp_path: Path) -> None:
    query = f"key={KEY}&publisher_id=4321ABCD&caller_number=+13105550142&inbound_number=+18885551234"
    (response,) = answer_of(tmp_path, {"method": "POST", "query": query})
    assert response.json["inbound_number"] == "+18885551234"


def test_a_number_that_the_ping_names_lends_no_tags(tmp_path: Path) -> None:
    async def run() -> None:
        async with open_world(tmp_path, {}) as world:
            world.outbound.answers = NOBODY_BIDS
            query = {**FIELDS, "inbound_number": "+18885551234"}
            await call(world.app, "POST", "/rtbs.json", query=query)
            tags = decode((await newest(world)).trace).tags
            assert "source" not in tags, "the tag source: radio belongs to the number"
            assert tags["first_name"].value == "Ada"

    asyncio.run(run())


def test_no_buyer_means_no_inbound_number_and_the_documented_info(tmp_path: Path) -> None:
    change = {"buyers[alpha].paused": True, "buyers[delta].paused": True}
    request = {"method": "POST", "query": {**FIELDS, "age": "33"}}
    (response,) = answer_of(tmp_path, request, change=change)
    assert response.json["status"] == "rejected"
    assert response.json["info"] == "Unable to determine payout until the call converts"
    assert not {"inbound_number", "sip_address", "retreaver_payout"} & response.json.keys()


def test_a_publisher_without_conversion_criteria_is_quoted_a_payout_of_zero(tmp_path: Path) -> None:
    (response,) = answer_of(tmp_path, {"method": "POST", "query": {**FIELDS, "publisher_id": "PUB-FREE"}})
    assert (response.json["status"], response.json["retreaver_payout"]) == ("reserved", 0)
    assert b'"retreaver_payout":0,' in response.body


def test_a_key_holds_for_15_seconds_and_waits_5_unless_it_says_otherwise() -> None:
    assert RtbKey(id="k").ttl_seconds == 15  # type: ignore[arg-type]  # -- any id does
    assert RtbKey(id="k").timeout_seconds == 5  # type: ignore[arg-type]  # -- any id does


def test_an_unknown_uuid_is_no_secret_and_a_flushed_one_says_so(tmp_path: Path) -> None:
    async def look_up(world: World, uuid: str) -> Response:
        return await call(world.app, "GET", f"/rtbs/{uuid}.json", query={"key": KEY})

    async def run() -> None:
        async with open_world(tmp_path, {}) as world:
            world.outbound.answers = NOBODY_BIDS
            reply = (await call(world.app, "POST", "/rtbs.json", query=FIELDS)).json
            assert (await look_up(world, reply["uuid"])).json["status"] == "reserved"
            world.clock.advance(24 * 3600 + 1)
            await world.store.flush(older_than=timedelta(hours=24))
            gone = await look_up(world, reply["uuid"])
            assert (gone.status, gone.json["code"]) == (410, "reservation_flushed")

    asyncio.run(run())


def test_a_publishers_javascript_reads_the_three_properties(tmp_path: Path) -> None:
    (response,) = answer_of(tmp_path, {"method": "POST", "query": FIELDS})
    browser = quickjs.Context()
    browser.set("Webhook_Response", response.body.decode())
    assert browser.eval("JSON.parse(Webhook_Response).retreaver_payout") == 1.173
    assert browser.eval("JSON.parse(Webhook_Response).retreaver_seconds") == 95
    assert browser.eval("JSON.parse(Webhook_Response).inbound_number") == "+18444021146"
