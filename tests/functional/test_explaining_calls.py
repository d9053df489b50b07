"""`ringbid explain` of a call, on both databases: found by its own uuid and by its reservation's."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing

from typer.testing import CliRunner

from ringbid.cli import app
from ringbid.store.sqlite import FILE_NAME
from support.call_world import CallWorld, call_world, dials
from support.stores import StorePlace

HEADLINE = "alpha was busy; delta had the call for 97.3 s; it brought 1.50 USD, and 4321ABCD is paid 1.173 USD."
Story = Callable[[CallWorld], Awaitable[list[str]]]


def played(place: StorePlace, story: Story) -> list[str]:
    """The uuids that `story` returns, once everything it did is in the store and the store is closed."""

    async def happen() -> list[str]:
        async with call_world(place) as world:
            return await story(world)

    return asyncio.run(happen())


def explained(place: StorePlace, uuid: str, *options: str, code: int = 0) -> str:
    url = place.settings.database
    where = ["--database", url] if url is not None else ["--data", str(place.settings.data)]
    done = CliRunner().invoke(app, ["explain", uuid, *where, *options], env={"COLUMNS": "120"})
    assert done.exit_code == code, done.output
    return done.output


async def fail_over(world: CallWorld) -> list[str]:
    """A ping, and its call: alpha is busy, delta takes it. The uuids of the ping and of the call."""
    reply = await world.ping(caller_zip="10001")
    world.clock.advance(4.2)
    alpha, delta = dials(await world.arrive(most_steps=2))
    world.clock.advance(4)
    await world.tell("failed", attempt=alpha, cause="busy")
    world.clock.advance(6)
    await world.talk(delta, 97.3)
    return [reply["uuid"], (await world.stored()).call_id]


def test_a_call_is_explained_with_its_ping_in_short(place: StorePlace) -> None:
    reservation, call = played(place, fail_over)
    told = explained(place, call)
    assert HEADLINE in told
    assert f"ping      {reservation}" in told
    assert "Reserved at 15:00:00 UTC for alpha: revenue 1.50 USD, payout 1.173 USD after 95 s." in told
    assert "revenue 1.50 USD, payout 1.173 USD, margin 0.327 USD" in told
    assert "tell the publisher  waits to be sent" in told
    assert "[recorded]" in told
    assert "Steps" not in told


def test_a_reservation_is_explained_with_the_call_that_claimed_it(place: StorePlace) -> None:
    reservation, call = played(place, fail_over)
    told = explained(place, reservation.upper())
    assert told.index("Reserved for alpha at 1.50 USD revenue") < told.index("Its call") < told.index(HEADLINE)
    assert told.count(call) == 1


def test_a_duplicate_ping_is_explained_with_the_call_of_the_first(sqlite_place: StorePlace) -> None:
    async def story(world: CallWorld) -> list[str]:
        await world.ping(caller_zip="10001")
        await world.ping(caller_zip="10001")
        [alpha] = dials(await world.arrive())
        await world.talk(alpha, 95)
        return []

    played(sqlite_place, story)
    with closing(sqlite3.connect(sqlite_place.settings.data / FILE_NAME)) as connection:  # no answer tells its own uuid
        [(duplicate, first)] = connection.execute("select uuid, duplicate_of from ping where duplicate_of is not null")
    told = explained(sqlite_place, duplicate)
    assert f"Duplicate 1 of {first}" in told
    assert "alpha had the call for 95.0 s; it brought 1.50 USD" in told


def test_calls_that_come_with_one_reservation_are_all_told_the_oldest_first(sqlite_place: StorePlace) -> None:
    async def story(world: CallWorld) -> list[str]:
        reply = await world.ping(caller_zip="10001")
        [alpha] = dials(await world.arrive("call-1"))
        await world.talk(alpha, 10, "call-1")
        world.clock.advance(5)
        await world.arrive("call-2", uuid=reply["uuid"])
        calls = [await world.stored("call-1"), await world.stored("call-2")]
        return [reply["uuid"], *(one.call_id for one in calls)]

    reservation, first, second = played(sqlite_place, story)
    told = explained(sqlite_place, reservation)
    assert told.index(first) < told.index(second)
    assert "call_late" in told


def test_a_direct_call_is_explained_without_a_ping(sqlite_place: StorePlace) -> None:
    async def story(world: CallWorld) -> list[str]:
        await world.arrive(caller="+17025550123", tags={"caller_state": "NV"})
        return [(await world.stored()).call_id]

    [call] = played(sqlite_place, story)
    told = explained(sqlite_place, call)
    assert "call_direct  The call has no reservation: it was routed as it came." in told
    assert "ping      " not in told


def test_a_uuid_that_is_neither_is_said_to_be_neither(sqlite_place: StorePlace) -> None:
    played(sqlite_place, fail_over)
    told = explained(sqlite_place, "7ad7c5b2-0000-4000-8000-000000000000", code=1)
    assert "has no ping or call 7ad7c5b2-0000-4000-8000-000000000000." in told
