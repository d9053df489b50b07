"""`Idempotency-Key` on the POSTs of `/api/v1`: done once, answered the same."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from ringbid.accounts.kept_answers import KeptUse
from support.api_v1 import Api, api_world
from support.store_clients import rows_of
from support.stores import StorePlace

KEYS = "/campaigns/cars/rtb-keys"
ONE = {"idempotency-key": "one"}


def play(place: StorePlace, story: Callable[[Api], Awaitable[None]]) -> None:
    async def happen() -> None:
        async with api_world(place) as api:
            await story(api)

    asyncio.run(happen())


async def names(api: Api) -> list[str]:
    return [one["name"] for one in (await api.get(KEYS)).json()["data"]]


def test_a_key_is_made_once_and_its_secret_told_again(place: StorePlace) -> None:
    async def story(api: Api) -> None:
        first = await api.send("POST", KEYS, json={"name": "Second"}, headers=ONE)
        again = await api.send("POST", KEYS, json={"name": "Second"}, headers=ONE)
        assert (first.status_code, again.status_code) == (201, 201)
        assert again.json() == first.json()
        assert again.json()["secret"]
        assert (again.headers["etag"], again.headers["location"]) == (first.headers["etag"], first.headers["location"])
        assert again.headers["idempotent-replayed"] == "true"
        assert "idempotent-replayed" not in first.headers
        assert await names(api) == ["Default", "Second"]

    play(place, story)


def test_another_request_with_the_same_key_is_refused(place: StorePlace) -> None:
    async def story(api: Api) -> None:
        await api.send("POST", KEYS, json={"name": "Second"}, headers=ONE)
        for path, body in ((KEYS, {"name": "Third"}), ("/publishers", {"name": "Second"})):
            other = await api.send("POST", path, json=body, headers=ONE)
            assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
        assert await names(api) == ["Default", "Second"]

    play(place, story)


def test_what_failed_is_tried_anew(place: StorePlace) -> None:
    async def story(api: Api) -> None:
        failed = await api.send("POST", KEYS, json={"name": "Second", "ttl_seconds": "x"}, headers=ONE)
        assert failed.status_code == 422
        mended = await api.send("POST", KEYS, json={"name": "Second"}, headers=ONE)
        assert mended.status_code == 201

    play(place, story)


def test_nobody_else_gets_the_answer(place: StorePlace) -> None:
    async def story(api: Api) -> None:
        first = await api.send("POST", KEYS, json={"name": "Second"}, headers=ONE)
        for by, status in (("manager", 409), ("analyst", 403), ("stranger", 404), (None, 401)):
            other = await api.send("POST", KEYS, json={"name": "Second"}, headers=ONE, by=by)
            assert other.status_code == status, by
            assert first.json()["secret"] not in other.text

    play(place, story)


def test_one_that_is_under_way_is_to_be_waited_for(place: StorePlace) -> None:
    async def story(api: Api) -> None:
        begin, uses = api.world.store.answers.begin, []

        async def noting(use: KeptUse) -> Any:
            uses.append(use)
            return await begin(use)

        api.world.store.answers.begin = noting  # type: ignore[method-assign]  # -- the real one, and what it is asked
        await api.send("POST", KEYS, json={"name": "Second"}, headers=ONE)
        await api.world.store.answers.release(uses[0])
        await begin(uses[0])  # as another request that is at work has
        busy = await api.send("POST", KEYS, json={"name": "Second"}, headers=ONE)
        assert (busy.status_code, busy.json()["code"]) == (409, "idempotency_key_in_flight")
        assert busy.headers["retry-after"] == "1"

    play(place, story)


@pytest.mark.parametrize("key", ["", "x" * 256, "ü", "a b"])
def test_a_key_is_1_to_255_visible_characters(sqlite_place: StorePlace, key: str) -> None:
    async def story(api: Api) -> None:
        answer = await api.send("POST", KEYS, json={"name": "Second"}, headers={"idempotency-key": key.encode()})
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_invalid")

    play(sqlite_place, story)


def test_a_secret_is_kept_where_nobody_reads_it(sqlite_place: StorePlace) -> None:
    secrets: list[str] = []

    async def story(api: Api) -> None:
        secrets.append((await api.send("POST", KEYS, json={"name": "Second"}, headers=ONE)).json()["secret"])

    play(sqlite_place, story)
    [row] = rows_of(sqlite_place, "select * from kept_answer")
    assert secrets[0] not in str(row)


def test_every_post_of_the_document_takes_the_key(sqlite_place: StorePlace) -> None:
    async def story(api: Api) -> None:
        document = (await api.get("/openapi.json")).json()
        posts = [path["post"] for path in document["paths"].values() if "post" in path]
        assert len(posts) > 10
        for one in posts:
            assert "Idempotency-Key" in {parameter["name"] for parameter in one["parameters"]}, one["operationId"]

    play(sqlite_place, story)
