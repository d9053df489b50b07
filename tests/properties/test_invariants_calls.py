"""The promises about calls, for whatever the phone network tells, in whatever order: the same facts give the same
ledger; each side is decided once; no place is left, and none is sold twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

from ringbid.call.flow import Desk
from support.call_machine import CallMachine
from support.call_plants import REACTIONS, Plant, PlantedCalls
from support.call_stage import Outcome, Stage, exchange
from support.call_world import call_world
from support.playbook import HOUR_SECONDS, Ask, Buyers, Check, Delivery, Play, Tell, direct, reserved, straight
from support.stores import StorePlace
from support.virtual_time import VirtualLoop

FEW = settings(
    max_examples=60,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
# Until it is found, which other dice (of another Hypothesis, or where a test's text has changed) do later; none need be
# made small.
FINDING = settings(FEW, phases=[Phase.generate], report_multiple_bugs=False, max_examples=3000)
BUYERS = ("alpha", "bravo", "delta")
CAUSES = st.sampled_from(["busy", "no_answer", "declined", "unreachable", "failed", "cancelled"])
# Seconds count from the arrival for the buyer, and from the answer for the publisher.
RULES: dict[str, Any] = {
    "campaigns[cars].webhooks[buyer_selected]": "~remove",
    "campaigns[cars].conversions": [
        {"name": "buyer", "side": "revenue", "start": "received", "seconds": 60, "revenue": 10},
        {"name": "partner", "side": "payout", "seconds": 45, "payout": 6, "publishers": ["4321ABCD"]},
    ],
    "buyers[alpha].recover_below_seconds": 10,
    "buyers[bravo].cap_counts": "converted",
    "buyer_groups[+]": {"id": "desk", "name": "Desk", "buyers": ["bravo", "delta"], "ring": "all_at_once"},
}


class Theatre:
    """A stage that stays open for many plays."""

    def __init__(self, runner: asyncio.Runner, stage: Stage) -> None:
        self._runner = runner
        self._stage = stage

    def perform(self, play: Play, deliveries: tuple[Delivery, ...]) -> Outcome:
        async def happen() -> Outcome:
            run = await self._stage.perform(play, deliveries)
            return self._stage.outcomes([run])[run.call]

        return self._runner.run(happen())


@contextmanager
def theatre(place: StorePlace, *, plant: Plant | None = None, **change: Any) -> Iterator[Theatre]:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        opening = call_world(place, catalog=exchange(), change=change)
        world = runner.run(opening.__aenter__())
        if plant is not None:
            world.tools = replace(world.tools, calls=PlantedCalls(world.tools.calls, reaction=plant))  # type: ignore[arg-type]  -- a planted one
            world.desk = Desk(world.tools)
        try:
            yield Theatre(runner, Stage(world, place))
        finally:
            runner.run(opening.__aexit__(None, None, None))


@st.composite
def plays(draw: st.DrawFn) -> Play:
    """One call: how it arrives, who fails, who answers, how long they talk, who hangs up. What follows is whatever the
    exchange and the network make of it, and always ends with a record or without an answer."""
    play: Play = draw(st.sampled_from([direct(), reserved()]))
    ending = draw(st.sampled_from(["answered", "answered", "answered", "abandoned", "unanswered", "recovered"]))
    in_turn: list[Buyers] = ["alpha", ("bravo", "delta")]  # as the exchange has it
    most_steps = draw(st.integers(1, 2)) if ending != "recovered" else 1
    play = play.arrive(*in_turn[:most_steps], most_steps=most_steps)
    if ending == "recovered":
        early = draw(st.integers(0, 99)) / 10
        play = play.answers("alpha").wait(early).record("alpha", early, "buyer").go_on(("bravo", "delta"))
        fails: list[str] = []
    else:
        fails = draw(st.sampled_from([[], ["alpha"], ["alpha", "bravo"], ["alpha", "delta"]]))
        if most_steps == 1 and len(fails) < 2 and fails:
            play = play.fails("alpha", draw(CAUSES)).go_on(("bravo", "delta"))
        elif most_steps == 1 and fails:
            play = play.fails("alpha", draw(CAUSES)).go_on(("bravo", "delta")).fails(fails[1], draw(CAUSES))
        else:
            for buyer in fails:
                play = play.rings(buyer).fails(buyer, draw(CAUSES))
    left = [one for one in BUYERS if one not in fails]
    who = left[0] if ending != "recovered" else draw(st.sampled_from(["bravo", "delta"]))
    play = play.wait(draw(st.integers(0, 20))).rings(who)
    if ending == "abandoned":
        return play.abandons()
    if ending == "unanswered":
        return play.fails(who, draw(CAUSES)).unanswered()
    seconds = draw(
        st.sampled_from([0.0, 10.0, 44.9, 45.0, 59.9, 60.0, 7200.0]) | st.integers(0, 1200).map(lambda n: n / 10)
    )
    by = draw(st.sampled_from(["caller", "engine"]))
    return play.talks(who, seconds, by)


@dataclass(frozen=True, slots=True)
class Telling:
    """When and how often one event is told. `places`: for each time, from -1 (as soon as its call was
    asked about) over 0 (in its turn) to 1 (after everything else)."""

    places: tuple[float, ...]
    named: tuple[str, ...]
    late: bool


tellings = st.builds(
    Telling,
    places=st.lists(st.sampled_from([-1.0, -0.5, 0.0, 0.1, 0.5, 0.9, 1.0]), min_size=0, max_size=3).map(tuple),
    named=st.tuples(*[st.sampled_from(["", "again"])] * 3),
    late=st.booleans(),
)


def told_so(play: Play, how: list[Telling]) -> tuple[Delivery, ...]:
    """The same facts, told in another order, again, or not at all; only a record is never lost, and what the network
    waits for before it asks again."""
    plain = straight(play)
    asks = [index for index, one in enumerate(plain) if isinstance(one.move, Ask)]
    keyed: list[tuple[float, int, Delivery]] = []
    for index, one in enumerate(plain):
        if not isinstance(one.move, Tell):
            keyed.append((float(index), -1, replace(one, loose=True)))
            continue
        wish = how[index % len(how)]
        next_ask = next((later for later in asks if later > index), None)
        start = float(max((earlier for earlier in asks if earlier < index), default=0))
        awaited = next_ask is not None and one.move.kind in ("failed", "record")
        places = list(wish.places) or ([0.0] if one.move.kind == "record" or awaited else [])
        for number, where in enumerate(places):
            end = float(next_ask) if awaited and number == 0 and next_ask is not None else float(len(plain))
            key = index + (end - index - 0.02) * where if where >= 0 else index - (index - start - 0.02) * -where
            late = wish.late and next_ask is None
            told_seconds = plain[-1].told_seconds + (HOUR_SECONDS if late else 0.0)
            keyed.append((key, index, replace(one, told_seconds=told_seconds, again=wish.named[number])))
    keyed.sort(key=lambda item: (item[0], item[1]))
    last = max(one.told_seconds for *_, one in keyed)
    looks = [Delivery(move=Check(), at_seconds=last, told_seconds=last + hours * HOUR_SECONDS) for hours in (1, 4)]
    return (*_in_time(one for *_, one in keyed), *looks)


def _in_time(deliveries: Iterator[Delivery]) -> Iterator[Delivery]:
    """Nothing is told before what was told earlier."""
    now = 0.0
    for one in deliveries:
        now = max(now, one.told_seconds) if isinstance(one.move, Tell) else max(now, one.at_seconds)
        yield replace(one, told_seconds=now)


def comparable(outcome: Outcome) -> Outcome:
    sides = {buyer: reasons for buyer, reasons in outcome.sides.items() if any(reasons)}
    return replace(outcome, sides=sides)


def find_differences(place: StorePlace, how: Any, *, plant: Plant | None = None) -> None:
    """Perform many plays, each told straight and in some other way: both must come to the same."""
    with theatre(place, plant=plant, **RULES) as house:

        @how
        @given(play=plays(), tellings=st.lists(tellings, min_size=3, max_size=8))
        def both_come_to_the_same(play: Play, tellings: list[Telling]) -> None:
            end = straight(play)[-1].told_seconds
            looks = [Delivery(move=Check(), at_seconds=end, told_seconds=end + h * HOUR_SECONDS) for h in (1, 4)]
            plain = comparable(house.perform(play, (*straight(play), *looks)))
            other = comparable(house.perform(play, told_so(play, tellings)))
            assert other == plain
            assert plain.places == other.places == 0
            assert plain.phase == "ended"
            accounts = [account for account, _ in plain.postings]
            assert len(accounts) == len(set(accounts)), "a side was booked twice"
            for reasons in plain.sides.values():
                assert None not in reasons, "a side was not decided"

        both_come_to_the_same()


def test_the_same_facts_come_to_the_same_in_whatever_order_and_however_often_they_are_told(
    sqlite_place: StorePlace,
) -> None:
    find_differences(sqlite_place, FEW)


@pytest.mark.parametrize("name", [name for name in REACTIONS if name != "counts nothing"])
def test_a_planted_bug_makes_the_order_matter(sqlite_place: StorePlace, name: str) -> None:
    """Or leaves a place, or a side without a decision."""
    with pytest.raises((AssertionError, ExceptionGroup)):
        find_differences(sqlite_place, FINDING, plant=REACTIONS[name])


def test_any_pings_and_calls_get_what_plain_books_would_give_and_no_cap_is_oversold(sqlite_template: Path) -> None:
    """A state machine on the store, against a model: after each step every place and every window is counted again."""
    run_machine(lambda: CallMachine(sqlite_template), settings(FEW, max_examples=30, stateful_step_count=25))


@pytest.mark.parametrize("name", ["keeps a place at the end", "counts nothing", "forgets to count where it frees"])
def test_the_state_machine_finds_a_planted_bug(sqlite_template: Path, name: str) -> None:
    with pytest.raises((AssertionError, ExceptionGroup)):
        run_machine(
            lambda: CallMachine(sqlite_template, reaction=REACTIONS[name]),
            settings(FINDING, stateful_step_count=25),
        )


def test_the_state_machine_finds_calls_that_take_places_without_a_look(sqlite_template: Path) -> None:
    with pytest.raises((AssertionError, ExceptionGroup)):
        run_machine(
            lambda: CallMachine(sqlite_template, greedy=True),
            settings(FINDING, stateful_step_count=25),
        )


def run_machine(machine: Callable[[], CallMachine], how: settings) -> None:
    run_state_machine_as_test(machine, settings=how)  # type: ignore[no-untyped-call]  -- hypothesis leaves it untyped
