"""What `call.ports.Calls` promises, on both databases: all of a call's change or nothing, each event once, also from
two nodes at the same moment."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import pytest

from ringbid.call import react
from ringbid.call.event import CallEvent
from ringbid.call.instruction import Connect
from ringbid.call.ports import Draft, Lookups, Opening, React, Reaction, StoredCall
from ringbid.call.state import CallState, Phase
from ringbid.call.trace import CallTrace
from ringbid.reservations.calling import CallTake, NotOpen
from ringbid.values.clock import to_ms
from ringbid.values.ids import CallId, CampaignId, CompanyId, PingId, PublisherId
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused
from support.call_stage import Stage, act, exchange
from support.call_world import CALLER, NUMBER, CallWorld, arrival_of, call_world, dials
from support.store_clients import rows_of
from support.stores import StorePlace, caller

CALL_ID = CallId("0197e5b0-5f7a-7c00-8000-00000000000c")
ALONE = {"campaigns[cars].routing": {"buyers": [{"buyer": "alpha"}]}}


def reacting(world: CallWorld) -> React:
    return partial(react.react, plans=world.tools.plans, random_bytes=world.tools.random_bytes)


def failing(call: StoredCall, event: CallEvent, lookups: Lookups) -> Reaction:
    raise RuntimeError("a bug")


def count_of(place: StorePlace, table: str) -> int:
    [(count,)] = rows_of(place, f"select count(*) from {table}")
    return int(count)


def opening(world: CallWorld, reservation: str | None, *, draft: Any = None, steps: Any = ()) -> Opening:
    """A call that claims this reservation, and rings nobody."""
    state = CallState(phase=Phase.REFUSED, received_ms=to_ms(world.clock.now()), call_key="k")
    trace = CallTrace(match="call_direct", strategy="bid", seed=0, currency="USD", tags={})
    reservation_id = PingId(reservation) if reservation is not None else None
    return Opening(
        call_id=CALL_ID,
        arrival=arrival_of(world, "call-1"),
        company_id=CompanyId("acme"),
        campaign_id=CampaignId("cars"),
        reservation_id=reservation_id,
        publisher_id=PublisherId("4321ABCD"),
        received_at=world.clock.now(),
        take=CallTake(
            call_id=CALL_ID,
            company_id=CompanyId("acme"),
            campaign_id=CampaignId("cars"),
            publisher_id=PublisherId("4321ABCD"),
            caller_number=CALLER,
            inbound_number=NUMBER,
            reservation_id=reservation_id,
            steps=steps,
            most_steps=1,
        ),
        draft=draft or (lambda *_: Draft(state=state, trace=trace)),
        react=reacting(world),
    )


def test_a_call_that_arrives_twice_at_once_is_written_down_once(place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        first, second = await asyncio.gather(stage.world.arrive(), stage.world.arrive())
        assert first == second
        assert (count_of(place, "call"), count_of(place, "reservation")) == (1, 1)

    act(place, story)


def test_an_event_that_is_told_twice_at_once_is_handled_once(place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        [dial] = dials(await world.arrive())
        await world.tell("answered", attempt=dial)
        [event] = world.told
        rows = await asyncio.gather(*(world.store.calls.report(event, reacting(world)) for _ in range(3)))
        assert rows == ["told_before"] * 3
        assert count_of(place, "call_event") == 1

    act(place, story)


def test_what_is_told_of_an_unknown_call_waits_for_it_and_is_handled_with_it(place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        await world.tell("abandoned")
        [event] = world.told
        assert await world.store.calls.report(event, reacting(world)) == "told_before"
        assert rows_of(place, "select row from call_event") == [(None,)]
        await world.arrive()
        assert rows_of(place, "select row from call_event") == [("is_abandoned",)]
        call = await world.stored()
        assert call.state.phase is Phase.ENDED
        [(_, row, told)] = await world.store.calls.events_of(call)
        assert (row, told) == ("is_abandoned", event)

    act(place, story)


def test_an_event_whose_handling_fails_leaves_nothing_behind_and_may_be_told_again(place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        [dial] = dials(await world.arrive())
        await world.tell("answered", attempt=dial)
        before = await world.stored()
        event = CallEvent(
            provider="sip",
            event_id="record",
            provider_call_id="call-1",
            kind="record",
            at=world.clock.now(),
            attempt_id=dial.attempt_id,
            started_at=world.clock.now(),
            duration_ms=95_000,
        )

        def half(call: StoredCall, told: CallEvent, lookups: Lookups) -> Reaction:
            made = reacting(world)(call, told, lookups)
            broken = made.postings[0]
            object.__setattr__(broken, "company_id", None)  # the database refuses it, after all the rest was written
            return made

        messages = count_of(place, "outbox")
        for bug in (failing, half):
            with pytest.raises(Exception, match=r"bug|(?i:null)"):
                await world.store.calls.report(event, bug)
            assert await world.stored() == before
            assert (count_of(place, "posting"), count_of(place, "outbox")) == (0, messages)
            assert rows_of(place, "select count(*) from place where subject_id = 'acme/buyer/alpha'") == [(1,)]
        assert await world.store.calls.report(event, reacting(world)) == "recorded"
        assert count_of(place, "posting") == 2

    act(place, story)


def test_a_call_that_cannot_be_written_down_claims_nothing(place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        reply = await world.ping()

        def draft(*_: object) -> Draft:
            raise RuntimeError("a bug")

        with pytest.raises(RuntimeError, match="a bug"):
            await world.store.calls.open(opening(world, reply["uuid"], draft=draft))
        assert rows_of(place, "select state from reservation") == [("held",)]
        assert count_of(place, "call") == 0

    act(place, story)


def test_a_call_that_comes_for_a_reservation_that_has_ended_is_not_written_down(place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        reply = await world.ping()
        world.clock.advance(15)
        answer = await world.store.calls.open(opening(world, reply["uuid"]))
        assert isinstance(answer, NotOpen)
        assert answer.reservation.state.value == "expired"
        assert count_of(place, "call") == 0

    act(place, story)


def test_a_reservation_that_is_claimed_by_a_call_which_rings_nobody_is_used(place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        reply = await world.ping()
        assert isinstance(await world.store.calls.open(opening(world, reply["uuid"])), StoredCall)
        assert rows_of(place, "select state, call_id from reservation") == [("rejected", CALL_ID)]
        assert count_of(place, "open_caller") == 0

    act(place, story)


def test_further_places_are_taken_once_however_many_ask_for_them(place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        [dial] = dials(await world.arrive())
        await world.tell("failed", attempt=dial, cause="busy")
        answers = await asyncio.gather(*(world.desk.go_on("sip", "call-1") for _ in range(3)))
        assert answers[0] == answers[1] == answers[2]
        assert [dial.buyer_id for dial in dials(answers[0])] == ["bravo"]
        assert count_of(place, "reservation") == 2

    act(place, story)


def test_nothing_is_changed_of_a_call_that_is_unknown_or_where_the_change_is_refused(place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        await world.arrive()
        before = await world.stored()
        refusal = Refused(Reason.CALL_NOT_LIVE)
        assert await world.store.calls.change(before.call_id, lambda *_: refusal) == refusal
        assert await world.stored() == before
        assert await world.store.calls.change(CALL_ID, lambda *_: refusal) == Refused(Reason.CALL_UNKNOWN)
        assert await world.store.calls.find(CALL_ID) is None
        assert await world.store.calls.find(before.call_id) == before

    act(place, story)


def test_calls_are_due_when_their_time_has_come_and_not_again_once_it_was_looked(place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        await world.arrive("call-1")
        world.clock.advance(10)
        await world.arrive("call-2")
        world.clock.advance(70.002)
        first, second = await world.stored("call-1"), await world.stored("call-2")
        assert await world.store.calls.due() == [first.call_id]
        world.clock.advance(10)
        assert await world.store.calls.due() == [first.call_id, second.call_id]
        await world.desk.check(first.call_id)
        await world.desk.check(second.call_id)
        assert await world.store.calls.due() == []

    act(place, story)


def test_a_call_that_is_looked_at_before_its_time_stays_as_it_is(place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        await world.arrive()
        before = await world.stored()
        await world.desk.check(before.call_id)
        assert await world.stored() == before

    act(place, story)


def test_the_number_of_a_caller_that_converted_stands_nowhere_and_its_window_outlives_the_process(
    place: StorePlace,
) -> None:
    change = {"campaigns[cars].conversions[any].dedupe_seconds": 3600}

    async def talk(call: str) -> str | None:
        async with call_world(place, catalog=exchange(), change=change) as world:
            [dial] = dials(await world.arrive(call))
            await world.talk(dial, 95.0, call)
            return (await world.stored(call)).state.attempts[0].revenue.reason

    assert [asyncio.run(talk(call)) for call in ("call-1", "call-2")] == ["converted", "converted_before"]
    remembered = rows_of(place, "select dedupe_key from converted_caller")
    assert len(remembered) == 2, "one for each side"
    assert not any("2125550123" in key for (key,) in remembered)
    assert rows_of(place, "select count(*) from secret where name = 'dedupe'") == [(1,)]


def test_an_event_is_kept_with_all_it_told(place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        world = stage.world
        [dial] = dials(await world.arrive())
        await world.tell("failed", attempt=dial, cause="busy")
        await world.tell("record", attempt=dial, seconds=94.999, ended_by="engine")
        told = await world.store.calls.events_of(await world.stored())
        assert {event.kind: event for _, _, event in told} == {event.kind: event for event in world.told}
        assert {row for _, row, _ in told} == {"fails", "recorded"}

    act(place, story)


async def _two_nodes(stack: AsyncExitStack, place: StorePlace, **change: Any) -> tuple[CallWorld, CallWorld]:
    """Two servers on one PostgreSQL database. They make uuids of their own."""
    worlds = [
        await stack.enter_async_context(call_world(place, first_number=number << 32, catalog=exchange(), change=change))
        for number in (1, 2)
    ]
    return worlds[0], worlds[1]


def test_two_nodes_that_hear_of_the_same_call_write_it_down_once_and_book_it_once(postgres_place: StorePlace) -> None:
    async def happen() -> None:
        async with AsyncExitStack() as stack:
            nodes = await _two_nodes(stack, postgres_place)
            chance = random.Random(7)
            for number in range(30):
                name, calling = f"call-{number}", caller(number)
                if number % 2:
                    await nodes[0].ping(caller=calling)
                first, second = await asyncio.gather(*(node.arrive(name, caller=calling) for node in nodes))
                assert first == second
                [dial] = dials(first)
                told = [("answered", dial, None), ("ended", None, None), ("record", dial, 95.0)] * 2
                chance.shuffle(told)
                await asyncio.gather(
                    *(
                        chance.choice(nodes).tell(kind, name, attempt=attempt, seconds=seconds)  # type: ignore[arg-type]  -- the kinds are right
                        for kind, attempt, seconds in told
                    )
                )
            assert not await nodes[0].store.ledger.verify()

    asyncio.run(happen())
    assert count_of(postgres_place, "call") == 30
    assert count_of(postgres_place, "posting") == 60
    assert count_of(postgres_place, "place") == 0
    told = Counter(endpoint for (endpoint,) in rows_of(postgres_place, "select endpoint from outbox"))
    assert told == {
        "cars/call_received": 30,
        "cars/buyer_selected": 30,
        "cars/answered": 30,
        "cars/converted": 60,
        "cars/call_ended": 30,
    }


def test_a_caller_that_converts_on_two_nodes_at_once_converts_once_within_its_window(
    postgres_place: StorePlace,
) -> None:
    async def happen() -> None:
        async with AsyncExitStack() as stack:
            nodes = await _two_nodes(stack, postgres_place, **{"campaigns[cars].conversions[any].dedupe_seconds": 3600})
            for number in range(10):
                names = [f"call-{number}-{node}" for node in (0, 1)]
                calling = caller(number)
                answers = [await node.arrive(name, caller=calling) for node, name in zip(nodes, names, strict=True)]
                await asyncio.gather(
                    *(
                        node.tell("record", name, attempt=dials(answer)[0], seconds=95.0)
                        for node, name, answer in zip(nodes, names, answers, strict=True)
                    )
                )

    asyncio.run(happen())
    assert count_of(postgres_place, "posting") == 20, "one revenue and one payout for each caller"


def test_two_nodes_never_give_a_buyer_more_calls_than_it_has_places(postgres_place: StorePlace) -> None:
    async def happen() -> int:
        async with AsyncExitStack() as stack:
            nodes = await _two_nodes(stack, postgres_place, **ALONE, **{"buyers[alpha].caps": {"concurrency": 3}})
            answers = await asyncio.gather(
                *(nodes[number % 2].arrive(f"call-{number}", caller=caller(number)) for number in range(20))
            )
            return sum(isinstance(answer, Connect) for answer in answers)

    assert asyncio.run(happen()) == 3
    assert rows_of(postgres_place, "select count(*) from place where subject_id = 'acme/buyer/alpha'") == [(3,)]


def test_taking_a_place_says_who_was_full(place: StorePlace) -> None:
    async def story(stage: Stage) -> None:
        await stage.world.arrive("first", caller=caller(1))
        await stage.world.arrive("second", caller=caller(2))
        [routing] = (await stage.world.stored("second")).trace.routings
        [verdict] = routing.verdicts
        assert (verdict.reason, verdict.actual) == ("buyer_concurrency_cap_full", "1 of 1")

    act(place, story, **ALONE, **{"buyers[alpha].caps": {"concurrency": 1}})
