"""A tried ping: it comes to what a real one would come to, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from ringbid.bootstrap.server import build_ping_tools
from ringbid.ping.trying import Trial, Trials
from ringbid.reports.explain import Explanation, explain
from ringbid.store.sqlite import FILE_NAME
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused
from support.asgi import call
from support.scenario import KEY, World, open_world

PING = {"publisher_id": "4321ABCD", "caller_number": "+12125550123", "caller_zip": "10001", "age": "44"}
BID = {"charlie bid": {"json": {"accepted": True, "bid": {"amount": 9.5, "min_seconds": 60, "phone": "+12025550177"}}}}


def in_world(test: Callable[[World], Awaitable[None]], folder: Path, **scenario: Any) -> None:
    async def run() -> None:
        async with open_world(folder, scenario) as world:
            world.outbound.answers = BID
            await test(world)

    asyncio.run(run())


async def try_ping(world: World, parameters: dict[str, str] | None = None, **how: Any) -> Trial:
    trial = await tried(world, PING if parameters is None else parameters, **how)
    assert isinstance(trial, Trial), trial
    return trial


async def tried(world: World, parameters: dict[str, str], **how: Any) -> Trial | Refused:
    tools = build_ping_tools(
        world.store.reservations, world.catalogs, world.outbound, settings=world.settings, clock=world.clock
    )
    [view] = world.catalogs.snapshot.keys.values()
    return await Trials(tools, world.store.reservations).try_ping(parameters, view, **how)


def verdicts(told: Explanation) -> dict[str, Reason]:
    return {row.buyer_id: row.reason for row in told.buyers}


def rows(folder: Path) -> dict[str, int]:
    with closing(sqlite3.connect(folder / FILE_NAME)) as connection:
        names = [name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")]
        return {name: connection.execute(f'select count(*) from "{name}"').fetchone()[0] for name in names}


def test_it_ends_as_a_real_ping_does_with_the_same_words_and_the_same_reply(tmp_path: Path) -> None:
    async def scene(world: World) -> None:
        trial = await try_ping(world, ask_buyers=True)
        real = await call(world.app, "POST", "/rtbs.json", query=PING | {"key": KEY})
        answered, told = msgspec.json.decode(trial.reply.body), real.json
        stored = await world.store.reservations.find(told["uuid"])
        assert stored is not None
        assert verdicts(explain(trial.ping)) == verdicts(explain(stored))
        assert answered | {"uuid": told["uuid"], "expires_at": told["expires_at"]} == told

    in_world(scene, tmp_path)


def test_it_leaves_nothing_in_the_store_and_the_place_stays_free(tmp_path: Path) -> None:
    async def scene(world: World) -> None:
        before = rows(tmp_path)
        for _ in range(5):
            trial = await try_ping(world, ask_buyers=True)
            assert explain(trial.ping).headline.startswith("Reserved for charlie at 9.50 USD")
        assert rows(tmp_path) == before

    in_world(scene, tmp_path, change={"buyers[charlie].caps": {"concurrency": 1}})


def test_nobody_is_asked_unless_that_is_wanted(tmp_path: Path) -> None:
    async def scene(world: World) -> None:
        told = explain((await try_ping(world)).ping)
        assert world.outbound.asks == []
        assert (verdicts(told)["charlie"], told.asks[0].request != "") == (Reason.ASK_LEFT_OUT, True)
        await try_ping(world, ask_buyers=True)
        assert [ask.webhook_name for ask in world.outbound.asks] == ["charlie bid"]

    in_world(scene, tmp_path)


def test_full_caps_of_real_reservations_count(tmp_path: Path) -> None:
    async def scene(world: World) -> None:
        await call(world.app, "POST", "/rtbs.json", query=PING | {"key": KEY})
        told = explain((await try_ping(world, PING | {"caller_number": "+12125550199"}, ask_buyers=True)).ping)
        assert verdicts(told)["charlie"] is Reason.BUYER_CONCURRENCY_CAP_FULL

    change = {
        "buyers[charlie].caps": {"concurrency": 1},
        "campaigns[auto-insurance].rtb_keys[Default].count_on_reserve": True,
    }
    in_world(scene, tmp_path, change=change)


def test_a_caller_with_an_open_reservation_is_a_duplicate(tmp_path: Path) -> None:
    async def scene(world: World) -> None:
        await call(world.app, "POST", "/rtbs.json", query=PING | {"key": KEY})
        assert (await try_ping(world)).ping.reason is Reason.DUPLICATE

    in_world(scene, tmp_path)


def test_a_repeated_caller_can_be_tried_without_a_reservation(tmp_path: Path) -> None:
    async def scene(world: World) -> None:
        trial = await try_ping(world, ask_buyers=True, repeated=True)
        assert (trial.ping.reason, b'"retreaver_ping_shield":true' in trial.reply.body) == (Reason.DUPLICATE, True)

    in_world(scene, tmp_path)


def test_hours_are_judged_at_the_time_that_is_tried(tmp_path: Path) -> None:
    async def scene(world: World) -> None:
        night = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
        by_day, by_night = explain((await try_ping(world)).ping), explain((await try_ping(world, at=night)).ping)
        assert verdicts(by_day)["alpha"] is not Reason.BUYER_CLOSED
        assert verdicts(by_night)["alpha"] is Reason.BUYER_CLOSED

    hours = [{"days": ["mon", "tue", "wed", "thu", "fri"], "open": "09:00", "close": "17:00"}]
    in_world(scene, tmp_path, change={"buyers[alpha].hours": hours})


def test_what_is_no_ping_is_refused_as_the_api_refuses_it(tmp_path: Path) -> None:
    async def scene(world: World) -> None:
        refused = await tried(world, {"caller_number": "+12125550123"})
        assert isinstance(refused, Refused)
        assert refused.reason is Reason.PUBLISHER_MISSING

    in_world(scene, tmp_path)
