"""What Kamailio tells twice is told to the desk once, unless the desk could not take it."""

from __future__ import annotations

import asyncio

import pytest

from ringbid.call.event import Arrival, CallEvent
from ringbid.call.instruction import Over, Routing
from ringbid.edge.telephony.sip.noting import NotingDesk
from ringbid.reservations.ports import StoreUnavailable
from ringbid.values.ids import CallId
from support.clocks import START

OVER = Over(call_id=CallId("018fc4a9-0000-7000-8000-000000000001"))


class Told:
    """A desk that remembers what it was told, and takes nothing while it is `down`."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.down = False

    async def arrive(self, arrival: Arrival) -> Routing:
        self.events.append(f"{arrival.provider_call_id} arrived")
        return OVER

    async def go_on(self, provider: str, provider_call_id: str) -> Routing:
        self.events.append(f"{provider_call_id} goes on")
        return OVER

    async def report(self, event: CallEvent) -> None:
        if self.down:
            raise StoreUnavailable("the disk is full")
        self.events.append(event.event_id)


def event(event_id: str) -> CallEvent:
    return CallEvent(provider="sip", event_id=event_id, provider_call_id="a", kind="ended", at=START)


def test_an_event_that_is_told_again_is_not_reported_again() -> None:
    told = Told()
    desk = NotingDesk(told)

    async def happen() -> None:
        for event_id in ("rings", "answered", "rings", "answered"):
            await desk.report(event(event_id))

    asyncio.run(happen())
    assert told.events == ["rings", "answered"]


def test_an_event_that_the_desk_could_not_take_is_reported_when_it_is_told_again() -> None:
    told = Told()
    desk = NotingDesk(told)

    async def happen() -> None:
        told.down = True
        with pytest.raises(StoreUnavailable):
            await desk.report(event("answered"))
        told.down = False
        await desk.report(event("answered"))

    asyncio.run(happen())
    assert told.events == ["answered"]


def test_what_was_told_long_ago_is_forgotten_so_that_memory_does_not_grow() -> None:
    told = Told()
    desk = NotingDesk(told, most_remembered=2)

    async def happen() -> None:
        for event_id in ("one", "two", "three", "two", "one"):
            await desk.report(event(event_id))

    asyncio.run(happen())
    assert told.events == ["one", "two", "three", "one"]


def test_a_call_that_arrives_twice_is_answered_twice() -> None:
    told = Told()
    desk = NotingDesk(told)
    arrival = Arrival(
        provider="sip", provider_call_id="a", caller_number=None, dialled="x", reservation_id=None, at=START
    )

    async def happen() -> None:
        assert await desk.arrive(arrival) is OVER
        assert await desk.arrive(arrival) is OVER
        assert await desk.go_on("sip", "a") is OVER

    asyncio.run(happen())
    assert told.events == ["a arrived", "a arrived", "a goes on"]
