"""What is wrong with a request about a call, whatever it asks: its key, its body, its method."""

from __future__ import annotations

import pytest

from ringbid.edge.api.app import Application
from support.asgi import call as http_call
from support.call_world import CALLER
from support.calls_api import NO_CALL, SECRETS, Front, check_refused, happen
from support.stores import StorePlace

ADDRESSES = ["/data_writing", "/conversions", "/call_control/reject"]


@pytest.mark.parametrize("path", ADDRESSES)
def test_nothing_happens_without_a_key_that_allows_it(sqlite_place: StorePlace, path: str) -> None:
    async def story(front: Front) -> None:
        name = {"call_uuid": (await front.connect()).call_uuid}
        check_refused(await front.ask(path, **name), 401, "access_key_unknown")
        check_refused(await front.ask(path, **name, call_key=""), 401, "access_key_unknown")
        unknown = await http_call(front.api, "GET", path, query={"key": "nobody's key", **name})
        paused = await front.ask(path, key="Off", **name)
        assert check_refused(unknown, 401, "access_key_unknown") == check_refused(paused, 401, "access_key_unknown")
        lacks = {"/data_writing": "Sales", "/conversions": "CRM", "/call_control/reject": "CRM"}[path]
        check_refused(await front.ask(path, key=lacks, **name), 403, "access_not_allowed")
        assert front.networks.orders == []

    happen(sqlite_place, story)


@pytest.mark.parametrize(
    ("parameters", "status", "code"),
    [
        ({}, 422, "call_request_invalid"),
        ({"caller_number": "  "}, 422, "call_request_invalid"),
        ({"caller_number": "anonymous"}, 422, "caller_number_invalid"),
        ({"caller_number": "+1' or '1'='1"}, 422, "caller_number_invalid"),
        ({"call_uuid": "../../etc/passwd"}, 404, "call_unknown"),
        ({"call_uuid": NO_CALL}, 404, "call_unknown"),
        ({"caller_number": CALLER, "a b": "x"}, 422, "tag_key_invalid"),
        ({"caller_number": CALLER, "[call_key]": "x"}, 422, "tag_key_invalid"),
        ({"caller_number": CALLER, "note": "x" * 1025}, 422, "tag_value_invalid"),
        ({"caller_number": CALLER, "note": "line\nbreak"}, 422, "tag_value_invalid"),
        ({"caller_number": CALLER, **{f"t{number}": "x" for number in range(201)}}, 422, "too_many_tags"),
    ],
)
def test_a_request_that_is_wrong_says_what_is_wrong(
    sqlite_place: StorePlace, parameters: dict[str, str], status: int, code: str
) -> None:
    async def story(front: Front) -> None:
        check_refused(await front.ask("/data_writing", key="Plain", **parameters), status, code)

    happen(sqlite_place, story)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b'{"key": {"$ne": null}}', 422, "tag_value_invalid"),
        (b"\xff\xfe", 400, "encoding_invalid"),
        (b"{" * 5000, 400, "body_unreadable"),
        (b'{"caller_number": ["+12125550123", "+13105550142"], "key": "key-without-a-prefix", "geo": []}', 200, None),
    ],
)
def test_a_hostile_body_is_read_or_refused(
    sqlite_place: StorePlace, body: bytes, status: int, code: str | None
) -> None:
    async def story(front: Front) -> None:
        json = {"content-type": "application/json"}
        answer = await http_call(front.api, "POST", "/data_writing", headers=json, body=body)
        assert (answer.status, answer.json.get("code")) == (status, code)

    happen(sqlite_place, story)


def test_several_values_of_a_tag_are_one_text_within_its_limit(sqlite_place: StorePlace) -> None:
    async def story(front: Front) -> None:
        headers = {"content-type": "application/json", "authorization": f"Bearer {SECRETS['Plain']}"}
        long = b'{"caller_number": "%s", "list": ["%s", "%s"]}' % (CALLER.encode(), b"x" * 600, b"y" * 600)
        check_refused(
            await http_call(front.api, "POST", "/data_writing", headers=headers, body=long), 422, "tag_value_invalid"
        )
        short = b'{"caller_number": "%s", "list": ["x", "y"], "geo": ["us-ca", "310"]}' % CALLER.encode()
        answer = await http_call(front.api, "POST", "/data_writing", headers=headers, body=short)
        assert answer.json["tag_values"] == {"list": "x,y", "geo": "us-ca,310"}
        await front.world.arrive()
        assert {"us-ca", "310"} <= set((await front.tags())["geo"])

    happen(sqlite_place, story)


def test_a_side_that_is_none_is_refused(sqlite_place: StorePlace) -> None:
    async def story(front: Front) -> None:
        answer = await front.ask("/conversions", key="Sales", call_uuid=NO_CALL, side="all")
        assert check_refused(answer, 422, "side_invalid")["found"] == "all"

    happen(sqlite_place, story)


@pytest.mark.parametrize("path", ADDRESSES)
def test_other_methods_are_refused_with_those_that_are_taken(sqlite_place: StorePlace, path: str) -> None:
    async def story(front: Front) -> None:
        answer = await front.ask(path, method="DELETE", key="All")
        check_refused(answer, 405, "method_not_allowed")
        assert answer.headers["allow"] == "GET, POST"

    happen(sqlite_place, story)


def test_the_application_leads_these_addresses_here(sqlite_place: StorePlace) -> None:
    async def story(front: Front) -> None:
        app = Application(rtbs=front.world.app._rtbs, metrics=front.api._metrics, calls=front.api)
        for path in (*ADDRESSES, "/data_writing/some-key", "/buyer_groups/overflow/call_control/reject"):
            check_refused(await http_call(app, "GET", path), 401, "access_key_unknown")
        for path in ("/data_writing/a/b", "/conversions/x", "/buyer_groups//call_control/reject"):
            assert (await http_call(app, "GET", path)).status == 404

    happen(sqlite_place, story)
