"""A thousand reservations, and their calls at the very moment of their expiry, each twice: claimed or expired, never
both, never twice. In real time, by the store's own clock."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from ringbid.call.instruction import Routing
from support.call_stage import exchange
from support.call_world import CallWorld, call_world, dials
from support.store_clients import rows_of
from support.stores import StorePlace, caller

RESERVATIONS = 1000
AROUND_SECONDS = 0.005
ONE_SECOND: dict[str, Any] = {
    "campaigns[cars].rtb_keys[Default].ttl_seconds": 1,
    "campaigns[cars].webhooks": [],
}


@dataclass(slots=True)
class Race:
    """The nodes, and how long before its moment a call must set out: a busy machine decides later than it is asked.
    The lead follows the outcomes, so that about every second call is in time."""

    nodes: list[CallWorld]
    chance: random.Random
    room: asyncio.Semaphore
    lead_seconds: float = 0.005
    answers: list[tuple[Routing, Routing]] = field(default_factory=list)

    async def run(self, number: int) -> None:
        """One reservation and its call, which reaches two nodes (or one twice); of some, a second call with it."""
        async with self.room:
            if self.lead_seconds > 0.3:
                await asyncio.sleep(2 * self.lead_seconds)  # the machine is busy: fewer at once
            await self._race(number)

    async def _race(self, number: int) -> None:
        node = self.nodes[number % len(self.nodes)]
        reply = await node.ping(caller=caller(number))
        waits = datetime.fromisoformat(reply["expires_at"]) - node.clock.now()
        around_seconds = self.chance.uniform(-AROUND_SECONDS, AROUND_SECONDS)
        await asyncio.sleep(max(0.0, waits.total_seconds() + around_seconds - self.lead_seconds))
        calls = [f"call-{number}"] * 2 + ([f"rival-{number}"] if number % 10 == 0 else [])
        self.chance.shuffle(calls)
        answers = await asyncio.gather(
            *(
                self.nodes[index % len(self.nodes)].arrive(
                    call, caller=caller(number), uuid=reply["uuid"] if number % 2 else None
                )
                for index, call in enumerate(calls)
            )
        )
        claimed = any(dial.attempt_id == reply["uuid"] for answer in answers for dial in dials(answer))
        self.lead_seconds = min(0.8, max(0.0, self.lead_seconds + (-0.001 if claimed else 0.001)))
        first, second = (answer for call, answer in zip(calls, answers, strict=True) if call == f"call-{number}")
        self.answers.append((first, second))


async def race(place: StorePlace, *, nodes: int, under_way: int) -> Race:
    """With so many reservations under way at once: what queues is no race."""
    async with AsyncExitStack() as stack:
        worlds = [
            await stack.enter_async_context(
                call_world(
                    place, first_number=(number + 1) << 32, real_time=True, catalog=exchange(), change=ONE_SECOND
                )
            )
            for number in range(nodes)
        ]
        running = Race(worlds, random.Random(4), asyncio.Semaphore(under_way))

        async def sweep(world: CallWorld) -> None:
            while True:
                await world.store.sweep()
                await asyncio.sleep(0.02)

        async with asyncio.TaskGroup() as group:
            sweepers = [group.create_task(sweep(world)) for world in worlds]
            async with asyncio.TaskGroup() as calls:
                for number in range(RESERVATIONS):
                    calls.create_task(running.run(number))
                    await asyncio.sleep(1 / under_way if number < under_way else 0)  # not all in the same moments
            await asyncio.sleep(1)
            for sweeper in sweepers:
                sweeper.cancel()
        for world in worlds:
            await world.store.sweep()
        return running


def assert_each_was_claimed_or_has_expired(place: StorePlace, running: Race) -> None:
    assert len(running.answers) == RESERVATIONS
    assert all(first == second for first, second in running.answers), "the same call got two answers"
    states = dict(rows_of(place, "select ping_id, state from reservation where key_id <> ''"))
    outcomes = Counter(states.values())
    assert set(outcomes) == {"live", "expired"}, f"all of one kind is no race: {outcomes}"
    assert outcomes.total() == RESERVATIONS
    moves = rows_of(place, "select ping_id, from_state, to_state, at_ms from reservation_move")
    assert {(ping_id, to_state) for ping_id, _, to_state, _ in moves if ping_id in states} == set(states.items())
    assert Counter(ping_id for ping_id, from_state, *_ in moves if from_state == "held").most_common(1)[0][1] == 1

    claims: Counter[str] = Counter()
    names: Counter[str] = Counter()
    for name, reservation_id, trace in rows_of(place, "select provider_call_id, reservation_id, trace from call"):
        names[name] += 1
        match = msgspec.json.decode(bytes(trace))["match"]
        # The later of the caller's two calls, where the other has claimed what they were after, is a direct one.
        assert match in ("call_claimed", "call_late", "call_direct")
        if reservation_id is not None:
            claims[reservation_id] += match == "call_claimed"
    assert names.most_common(1)[0][1] == 1, "a call was written down twice"
    assert {ping_id for ping_id, count in claims.items() if count} == {p for p, one in states.items() if one == "live"}
    assert max(claims.values()) == 1, "a reservation was claimed twice"
    late = "select count(*) from reservation r join reservation_move m on m.ping_id = r.ping_id"
    late += " where r.key_id <> '' and (m.to_state = 'live') = (m.at_ms >= r.expires_at_ms)"
    assert rows_of(place, late) == [(0,)], "claimed after its time, or expired before it"


def test_a_call_at_the_moment_of_expiry_claims_its_reservation_or_finds_it_expired(sqlite_place: StorePlace) -> None:
    running = asyncio.run(race(sqlite_place, nodes=1, under_way=160))
    assert_each_was_claimed_or_has_expired(sqlite_place, running)


def test_so_it_is_where_the_call_reaches_two_nodes_at_once(postgres_place: StorePlace) -> None:
    running = asyncio.run(race(postgres_place, nodes=2, under_way=100))
    assert_each_was_claimed_or_has_expired(postgres_place, running)
