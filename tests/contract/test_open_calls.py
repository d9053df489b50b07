"""Which calls the reconciler is given: those that go on as far as is known, and those whose record is still missing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ringbid.call.react import RECORD_SECONDS
from support.call_stage import Stage, act
from support.call_world import CallWorld, dials
from support.stores import StorePlace


async def open_calls(world: CallWorld) -> list[str]:
    return [call.provider_call_id for call in await world.store.calls.open_calls("sip")]


def play(place: StorePlace, scene: Callable[[CallWorld], Awaitable[None]]) -> None:
    async def story(stage: Stage) -> None:
        await scene(stage.world)

    act(place, story)


def test_a_call_is_open_while_it_rings_and_talks(place: StorePlace) -> None:
    async def scene(world: CallWorld) -> None:
        [dial] = dials(await world.arrive())
        assert await open_calls(world) == ["call-1"]
        await world.tell("answered", attempt=dial)
        assert await open_calls(world) == ["call-1"]

    play(place, scene)


def test_a_call_that_has_ended_without_its_record_is_open_until_the_record_comes(place: StorePlace) -> None:
    async def scene(world: CallWorld) -> None:
        [dial] = dials(await world.arrive())
        await world.tell("answered", attempt=dial)
        world.clock.advance(95)
        await world.tell("ended")
        assert await open_calls(world) == ["call-1"]
        [call] = await world.store.calls.open_calls("sip")
        assert call.state.unrecorded is not None
        assert call.state.unrecorded.attempt_id == dial.attempt_id
        await world.tell("record", attempt=dial, seconds=95, ended_by="caller")
        assert await open_calls(world) == []

    play(place, scene)


def test_a_call_that_nobody_answered_is_not_open_once_it_is_over(place: StorePlace) -> None:
    async def scene(world: CallWorld) -> None:
        await world.arrive()
        await world.tell("abandoned")
        assert await open_calls(world) == []

    play(place, scene)


def test_a_record_is_not_waited_for_for_ever(place: StorePlace) -> None:
    async def scene(world: CallWorld) -> None:
        [dial] = dials(await world.arrive())
        await world.tell("answered", attempt=dial)
        await world.tell("ended")
        world.clock.advance(RECORD_SECONDS + 1)
        assert await open_calls(world) == []

    play(place, scene)


def test_calls_of_another_network_are_not_among_them(place: StorePlace) -> None:
    async def scene(world: CallWorld) -> None:
        await world.arrive()
        assert await world.store.calls.open_calls("main") == []

    play(place, scene)
