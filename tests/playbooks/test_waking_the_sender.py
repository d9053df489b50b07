"""The outbox's sender is woken when a call has written something that must leave, and only then."""

from __future__ import annotations

import dataclasses

from ringbid.call.flow import Desk
from support.call_stage import Stage, act
from support.call_world import dials
from support.stores import StorePlace


def test_the_sender_is_woken_for_messages_and_not_for_what_nobody_is_told(place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        woken: list[str] = []
        world.desk = Desk(dataclasses.replace(world.tools, on_message=lambda: woken.append(step)))
        step = "arrive"
        [alpha, *_] = dials(await world.arrive())
        for step in ("ringing", "answered", "ended"):
            await world.tell(step, attempt=alpha)
        step = "record"
        await world.tell("record", attempt=alpha, seconds=100)
        assert woken == ["arrive", "answered", "record"]

    act(place, story)


def test_the_sender_is_woken_for_a_call_that_rings_its_next_buyer(sqlite_place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        woken: list[str] = []
        [alpha] = dials(await world.arrive())
        await world.tell("failed", attempt=alpha, cause="busy")
        world.desk = Desk(dataclasses.replace(world.tools, on_message=lambda: woken.append("woken")))
        [bravo] = dials(await world.desk.go_on("sip", "call-1"))
        assert bravo.buyer_id == "bravo"
        assert woken == ["woken"]

    act(sqlite_place, story)
