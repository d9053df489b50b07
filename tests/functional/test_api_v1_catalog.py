"""The catalog over the API: what is read, written, refused, and never lost to somebody else's change."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from support.api_v1 import Api, api_world
from support.stores import StorePlace

Story = Callable[[Api], Awaitable[None]]

# Of each list: its address, something to add, a change of it, and what then is there.
LISTS: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    ("/tags", {"key": "zip", "type": "text"}, "zip", {"private": True}),
    ("/publishers", {"id": "NEW", "name": "New"}, "NEW", {"paused": True}),
    ("/buyers", {"id": "echo", "name": "Echo", "number": "+12025550177"}, "echo", {"ring_seconds": 25}),
    ("/buyer-groups", {"id": "east", "name": "East", "buyers": ["alpha"]}, "east", {"name": "East coast"}),
    ("/campaigns", {"id": "boats", "name": "Boats"}, "boats", {"paused": True}),
    ("/campaigns/cars/numbers", {"number": "+18885550000"}, "+18885550000", {"publisher": "PUB-TWO"}),
    ("/campaigns/cars/rtb-keys", {"name": "Second"}, "Second", {"ttl_seconds": 40}),
    ("/campaigns/cars/access-keys", {"name": "CRM", "allows": "write_tags"}, "CRM", {"paused": True}),
    ("/campaigns/cars/conversions", {"name": "late", "seconds": 30, "revenue": 2.25}, "late", {"dedupe_seconds": 60}),
    (
        "/campaigns/cars/webhooks",
        {"name": "hook", "on": "call_ended", "url": "http://127.0.0.1:9/x"},
        "hook",
        {"method": "GET"},
    ),
    ("/event-webhooks", {"id": "crm", "url": "https://crm.example/in"}, "crm", {"events": ["call.ended"]}),
]


def play(place: StorePlace, story: Story) -> None:
    async def happen() -> None:
        async with api_world(place) as api:
            await story(api)

    asyncio.run(happen())


@pytest.mark.parametrize(("path", "new", "name", "changed"), LISTS, ids=[one[0] for one in LISTS])
def test_each_thing_is_added_read_changed_replaced_and_removed(
    sqlite_place: StorePlace, path: str, new: dict[str, Any], name: str, changed: dict[str, Any]
) -> None:
    async def story(api: Api) -> None:
        added = await api.send("POST", path, json=new)
        assert (added.status_code, added.headers["location"]) == (201, f"/api/v1{path}/{name}"), added.text
        read = await api.get(f"{path}/{name}")
        assert read.json().items() >= new.items()
        match = {"if-match": read.headers["etag"]}
        patched = await api.send("PATCH", f"{path}/{name}", json=changed, headers=match)
        assert patched.status_code == 200, patched.text
        assert patched.json() == read.json() | changed
        assert (await api.get(path)).json()["data"][-1] == patched.json()
        match = {"if-match": patched.headers["etag"]}
        replaced = await api.send("PUT", f"{path}/{name}", json=new, headers=match)
        assert (replaced.status_code, replaced.json()) == (200, read.json())
        match = {"if-match": replaced.headers["etag"]}
        assert (await api.send("DELETE", f"{path}/{name}", headers=match)).status_code == 204
        assert (await api.get(f"{path}/{name}")).status_code == 404

    play(sqlite_place, story)


def test_a_new_key_s_secret_is_shown_once(place: StorePlace) -> None:
    async def story(api: Api) -> None:
        added = (await api.send("POST", "/campaigns/cars/rtb-keys", json={"name": "Second"})).json()
        assert len(added["secret"]) > 20
        assert added["secret"] not in (await api.get("/campaigns/cars/rtb-keys")).text

    play(place, story)


def test_a_change_without_a_version_or_with_an_old_one_changes_nothing(place: StorePlace) -> None:
    async def story(api: Api) -> None:
        path = "/publishers/PUB-TWO"
        old = (await api.get(path)).headers["etag"]
        without = await api.send("PATCH", path, json={"paused": True})
        assert (without.status_code, without.json()["code"]) == (428, "version_required")
        first = await api.send("PATCH", path, json={"name": "First"}, headers={"if-match": old})
        late = await api.send("PATCH", path, json={"name": "Late"}, headers={"if-match": old})
        assert (late.status_code, late.json()["version"]) == (412, first.headers["etag"])
        assert "publishers[PUB-TWO].name" in late.json()["actual"]
        assert (await api.get(path)).json()["name"] == "First"

    play(place, story)


def test_what_is_wrong_is_named_by_field_with_what_is_allowed(sqlite_place: StorePlace) -> None:
    async def story(api: Api) -> None:
        path = "/campaigns/cars/rtb-keys/Default"
        match = {"if-match": (await api.get(path)).headers["etag"]}
        for body, at in (
            ({"ttl_seconds": 0}, "ttl_seconds"),
            ({"ttl_seconds": "long"}, "ttl_seconds"),
            ({"explain": "all"}, "explain"),
            ({"ttl": 3}, "body"),
            ({"name": "Other"}, "name"),
        ):
            answer = await api.send("PATCH", path, json=body, headers=match)
            [wrong] = answer.json()["errors"]
            assert (answer.status_code, wrong["at"]) == (422, at), answer.text
            assert wrong["expected"]

    play(sqlite_place, story)


def test_caps_are_changed_one_by_one(sqlite_place: StorePlace) -> None:
    async def story(api: Api) -> None:
        for caps in ({"daily": 5}, {"hourly": 2}, {"daily": None}):
            match = {"if-match": (await api.get("/buyers/alpha")).headers["etag"]}
            answer = await api.send("PATCH", "/buyers/alpha", json={"caps": caps}, headers=match)
            assert answer.status_code == 200, answer.text
        caps = answer.json()["caps"]
        assert (caps["hourly"], caps["daily"]) == (2, None)

    play(sqlite_place, story)


def test_a_change_is_in_force_for_the_next_ping(sqlite_place: StorePlace) -> None:
    async def story(api: Api) -> None:
        match = {"if-match": (await api.get("/campaigns/cars/routing")).headers["etag"]}
        routing = {"strategy": "priority", "buyers": [{"buyer": "delta"}]}
        assert (await api.send("PUT", "/campaigns/cars/routing", json=routing, headers=match)).status_code == 200
        await api.world.catalogs.refresh()
        answer = await api.world.ping(caller="+12125550177")
        assert (await api.get(f"/pings/{answer['uuid']}")).json()["buyer_id"] == "delta"

    play(sqlite_place, story)


def test_the_whole_catalog_is_read_planned_and_put_in_force(place: StorePlace) -> None:
    async def story(api: Api) -> None:
        whole = await api.get("/catalog")
        text = whole.text.replace("Call Shop Two", "Call Shop Three")
        plan = await api.send("POST", "/catalog/plan", content=text)
        assert [one["path"] for one in plan.json()["changes"]] == ["publishers[PUB-TWO].name"]
        assert (await api.get("/publishers/PUB-TWO")).json()["name"] == "Call Shop Two"
        put = await api.send("PUT", "/catalog", content=text, headers={"if-match": whole.headers["etag"]})
        assert put.status_code == 200, put.text
        assert (await api.get("/publishers/PUB-TWO")).json()["name"] == "Call Shop Three"
        wrong = await api.send("POST", "/catalog/plan", content=text.replace("Cars", "Cars\n    nmae: x"))
        assert wrong.status_code == 422

    play(place, story)


def test_only_who_may_change_the_catalog_does(sqlite_place: StorePlace) -> None:
    async def story(api: Api) -> None:
        for somebody, status in (("analyst", 403), ("reader", 403), ("publisher", 403), ("stranger", 404)):
            answer = await api.send("POST", "/publishers", by=somebody, json={"id": "X", "name": "X"})
            assert answer.status_code == status, somebody
        assert (await api.get("/publishers", by="publisher")).status_code == 403

    play(sqlite_place, story)


@pytest.mark.parametrize("name", ["a/b", "a//b", "a/", "50%2F", "ü? #1", "+1 (800)", "secrets", "🚗"])
def test_whatever_a_thing_of_a_campaign_is_called_it_has_an_address(sqlite_place: StorePlace, name: str) -> None:
    async def story(api: Api) -> None:
        keys = "/campaigns/cars/rtb-keys"
        for other in ("a", "a/b", "a b"):
            if other != name:
                await api.send("POST", keys, json={"name": other})
        added = await api.send("POST", keys, json={"name": name})
        address = added.headers["location"].removeprefix("/api/v1")
        read = await api.get(address)
        assert (read.status_code, read.json()["name"]) == (200, name)
        removed = await api.send("DELETE", address, headers={"if-match": read.headers["etag"]})
        assert removed.status_code == 204
        left = [one["name"] for one in (await api.get(keys)).json()["data"]]
        assert left == ["Default", *(other for other in ("a", "a/b", "a b") if other != name)]
        assert removed.headers["etag"] == (await api.get(keys)).headers["etag"]

    play(sqlite_place, story)


def test_what_is_still_named_is_not_removed(sqlite_place: StorePlace) -> None:
    async def story(api: Api) -> None:
        match = {"if-match": (await api.get("/buyers/alpha")).headers["etag"]}
        refused = await api.send("DELETE", "/buyers/alpha", headers=match)
        assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
        assert "campaigns[cars].routing.buyers[alpha]" in refused.json()["errors"][0]["at"]

    play(sqlite_place, story)
