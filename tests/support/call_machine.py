"""The state machine of the call properties: pings, calls, falling over, expiry and caps in any order, on a real store.

Whom the network is told to ring is compared with the model's answer (`reservation_books`, which knows caps and nothing
of calls); after each step the database file is read and counted again.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, MultipleResults, RuleBasedStateMachine, initialize, invariant, multiple, rule

from ringbid.call.event import CallEvent
from ringbid.call.flow import Desk
from ringbid.call.instruction import Connect, Routing
from ringbid.settings import Settings
from ringbid.store.sqlite import FILE_NAME
from support.asgi import call as http_call
from support.call_plants import Plant, PlantedCalls
from support.call_stage import Stage, exchange
from support.call_world import CallWorld, call_world
from support.clocks import JumpingClock
from support.exchange import BEFORE_MIDNIGHT, KINDS, CapLimits, Rows, window_starts
from support.reservation_books import OPEN, Books, Held
from support.scenario import KEY
from support.stores import StorePlace, caller

BUYERS = ("alpha", "bravo", "delta")  # in the order in which they are tried
RING_SECONDS, LONGEST_SECONDS, SLACK_SECONDS = 20, 600, 60
CONVERTS_SECONDS = 95.0
TICKS_SECONDS = (1, 14, 15, 90, 700, 3600)

cap_limits = st.dictionaries(st.sampled_from(KINDS), st.integers(0, 3), max_size=2).map(dict[str, int])


@dataclass(slots=True)
class Followed:
    """A call as the network knows it: who rings, who talks, who was tried."""

    name: str
    number: int
    by_itself: int  # how many steps the network takes without asking
    ringing: list[Held] = field(default_factory=list)
    talking: Held | None = None
    recorded: bool = False
    tried: set[str] = field(default_factory=set)
    over: bool = False
    told: list[CallEvent] = field(default_factory=list)


class CallMachine(RuleBasedStateMachine):
    """Made for each example with a migrated, empty database file to copy; with a planted bug, where one is wanted."""

    PINGS: Bundle[str] = Bundle("pings")
    CALLS: Bundle[Followed] = Bundle("calls")

    def __init__(self, template: Path, *, reaction: Plant | None = None, greedy: bool = False) -> None:
        super().__init__()
        self._template = template
        self._planted = {"reaction": reaction, "greedy": greedy} if reaction is not None or greedy else None
        self._runner = asyncio.Runner()
        self._stack = AsyncExitStack()
        self._stage: Stage | None = None
        self._calls: list[Followed] = []
        self._numbers = 0

    @initialize(
        limits=st.fixed_dictionaries(dict.fromkeys((*BUYERS, "all"), cap_limits)),
        counts=st.fixed_dictionaries({name: st.sampled_from(["connected", "converted"]) for name in BUYERS}),
        count_on_reserve=st.booleans(),
    )
    def open(self, limits: dict[str, CapLimits], counts: dict[str, str], count_on_reserve: bool) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="calls-", dir=self._template.parent))
        shutil.copy(self._template, self._folder / FILE_NAME)
        self.clock = JumpingClock(BEFORE_MIDNIGHT)
        place = StorePlace("sqlite", Settings(data=self._folder), self.clock)
        change: dict[str, Any] = {"company.time_zone": "UTC", "campaigns[cars].webhooks": []}
        change["campaigns[cars].rtb_keys[Default].count_on_reserve"] = count_on_reserve
        change["buyer_groups[+]"] = {"id": "all", "name": "All", "buyers": list(BUYERS), "caps": limits["all"]}
        for name in BUYERS:
            change[f"buyers[{name}].caps"] = limits[name]
            change[f"buyers[{name}].cap_counts"] = counts[name]
            change[f"buyers[{name}].max_duration_seconds"] = LONGEST_SECONDS
        world = self._do(self._stack.enter_async_context(call_world(place, catalog=exchange(), change=change)))
        if self._planted is not None:
            planted: Any = PlantedCalls(world.tools.calls, **self._planted)
            world.tools = replace(world.tools, calls=planted)
            world.desk = Desk(world.tools)
        self._stage, self._counts, self._count_on_reserve = Stage(world, place), counts, count_on_reserve
        self.rows = Rows(self._folder / FILE_NAME)
        group = "acme/group/all"
        self._books = Books(
            {f"acme/buyer/{name}": limits[name] for name in BUYERS} | {group: limits["all"]},
            {name: (f"acme/buyer/{name}", group) for name in BUYERS},
        )

    def teardown(self) -> None:
        if self._stage is not None:
            self.rows.close()
            self._do(self._stack.aclose())
            shutil.rmtree(self._folder)
        self._runner.close()

    @property
    def stage(self) -> Stage:
        assert self._stage is not None
        return self._stage

    @property
    def world(self) -> CallWorld:
        return self.stage.world

    @property
    def now(self) -> datetime:
        return self.clock.now()

    def _do(self, work: Any) -> Any:
        return self._runner.run(work)

    # What happens

    @rule(target=PINGS)
    def ping(self) -> str:
        """A ping of a new caller: the first buyer that has a place gets it."""
        self._numbers += 1
        reply = self._do(self.world.ping(caller=caller(self._numbers)))
        wanted = next((buyer for buyer in BUYERS if self._books.fits(buyer, self.now)), None)
        assert reply["status"] == ("reserved" if wanted else "no-target"), reply
        if wanted is not None:
            self._hold(reply["uuid"], wanted, counted=self._count_on_reserve)
        return str(reply["uuid"])

    @rule(ping=PINGS)
    def confirm(self, ping: str) -> None:
        expected = self._books.confirm(ping, self.now)
        query = {"key": KEY, "status": "confirmed"}
        reply = self._do(http_call(self.world.app, "PUT", f"/rtbs/{ping}.json", query=query)).json
        assert (reply.get("status") == "confirmed") is (expected == "confirmed"), (reply, expected)

    @rule(target=CALLS, ping=PINGS, by_itself=st.integers(1, 3), waits_seconds=st.sampled_from([0, 0, 0, 15]))
    def call_for(self, ping: str, by_itself: int, waits_seconds: int) -> MultipleResults[Followed]:
        """The call of a ping, in time or late, once or again."""
        self.clock.advance(waits_seconds)
        held = self._books.find(ping)
        call = self._new_call(by_itself)
        answer = self._do(self.world.arrive(call.name, caller=None, uuid=ping, most_steps=by_itself))
        if held is None:
            assert not isinstance(answer, Connect), "a ping without a reservation has no call"
            call.over = True
            return multiple()
        claims = held.state_at(self.now) in OPEN
        self._expect(call, answer, self._may_ring(call, held if claims else None), held if claims else None)
        if claims and held.state_at(self.now) in OPEN:
            held.state = "rejected"
        return multiple(call)

    @rule(target=CALLS, count=st.integers(1, 4), by_itself=st.integers(1, 3))
    def calls_at_once(self, count: int, by_itself: int) -> MultipleResults[Followed]:
        """Direct calls that arrive together: all are routed on the same facts, one after the other takes its places."""
        calls = [self._new_call(by_itself) for _ in range(count)]
        routes = [self._may_ring(call, None) for call in calls]

        async def arrive() -> list[Routing]:
            arrivals = (self.world.arrive(one.name, caller=caller(one.number), most_steps=by_itself) for one in calls)
            return await asyncio.gather(*arrivals)

        for call, route, answer in zip(calls, routes, self._do(arrive()), strict=True):
            self._expect(call, answer, route, None)
        return multiple(*calls)

    @rule(call=CALLS, answers=st.booleans())
    def first_fails(self, call: Followed, answers: bool) -> None:
        """Whoever rings first does not take the call; the next is rung, by the network itself or by our word."""
        if call.over or call.talking is not None or not call.ringing:
            return
        failed = call.ringing.pop(0)
        self._tell(call, "failed", attempt=failed.ping_id, cause="busy")
        self._books.finish(failed.ping_id, self.now)
        if not call.ringing:
            route = self._may_ring(call, None)
            self._expect(call, self._do(self.world.desk.go_on("sip", call.name)), route, None)
        elif answers:
            self.first_answers(call)

    @rule(call=CALLS)
    def first_answers(self, call: Followed) -> None:
        if call.over or call.talking is not None or not call.ringing:
            return
        call.talking = call.ringing.pop(0)
        self._tell(call, "answered", attempt=call.talking.ping_id)
        if self._counts[call.talking.buyer] == "connected":
            self._books.count(call.talking.ping_id, self.now)
        self._free_ringing(call)

    @rule(
        call=CALLS,
        seconds=st.sampled_from([0.0, 94.9, CONVERTS_SECONDS, 600.0]),
        order=st.permutations(["ended", "record"]),
        waits_seconds=st.sampled_from([0, 0, 3700]),
    )
    def talk_ends(self, call: Followed, seconds: float, order: list[str], waits_seconds: int) -> None:
        """The end and the record, in either order, the second perhaps an hour late."""
        talking = call.talking
        if talking is None or call.recorded:
            return
        self.clock.advance(seconds)
        call.recorded, call.over = True, True
        for number, what in enumerate(order):
            self.clock.advance(waits_seconds * number)
            if what == "ended":
                self._tell(call, "ended")
            else:
                self._tell(call, "record", attempt=talking.ping_id, seconds=seconds, ended_by="caller")
                if seconds >= CONVERTS_SECONDS and self._counts[talking.buyer] == "converted":
                    self._books.count(talking.ping_id, self.now)
            self._books.finish(talking.ping_id, self.now)

    @rule(call=CALLS)
    def nothing_but_the_record(self, call: Followed) -> None:
        """The first that rang has answered and talked, and only the record tells of it."""
        if call.over or call.talking is not None or not call.ringing:
            return
        talked = call.ringing.pop(0)
        self._tell(call, "record", attempt=talked.ping_id, seconds=CONVERTS_SECONDS, ended_by="caller")
        self._books.count(talked.ping_id, self.now)
        self._books.finish(talked.ping_id, self.now)
        self._free_ringing(call)
        call.talking, call.recorded, call.over = talked, True, True

    @rule(call=CALLS, how=st.sampled_from(["abandoned", "unanswered"]))
    def nobody_answers(self, call: Followed, how: Any) -> None:
        if call.over or call.talking is not None:
            return
        self._tell(call, how)
        self._free_ringing(call)
        call.over = True

    @rule(call=CALLS, renamed=st.booleans())
    def tell_all_again(self, call: Followed, renamed: bool) -> None:
        """Everything that was told is told again, under its own name or another: nothing changes."""
        for event in call.told:
            again = replace(event, event_id=f"{event.event_id}:again") if renamed else event
            self._do(self.world.desk.report(again))

    @rule(seconds=st.sampled_from(TICKS_SECONDS), looks=st.booleans(), sweeps=st.booleans())
    def tick(self, seconds: int, looks: bool, sweeps: bool) -> None:
        """Time passes; calls of which nothing is heard any more are given up."""
        self.clock.advance(seconds)
        if looks:
            self._do(self.stage.check())
            for call in self._calls:
                self._follow_given_up(call)
        if sweeps:
            self._books.sweep(self.now)
            self._do(self.world.store.sweep())

    # What must be so

    @invariant()
    def used_is_what_the_rows_and_the_books_say_and_within_the_caps(self) -> None:
        if self._stage is None:
            return
        now = self.now
        places, waiting = self.rows.places(now), self.rows.waiting(now)
        for subject_id, limits in self._books.limits.items():
            assert places[subject_id] == self._books.places(subject_id, now), subject_id
            for kind in KINDS:
                used, late = places[subject_id], 0
                if kind != "concurrency":
                    used = self.rows.counted(subject_id, kind, window_starts(now)[kind]) + waiting[subject_id]
                    late = self._books.counted(subject_id, kind, now, late_only=True)
                assert used == self._books.used(subject_id, kind, now), (subject_id, kind)
                if kind in limits:
                    # What is told after a place was given back is counted, full or not.
                    assert 0 <= used <= limits[kind] + late, f"{subject_id} {kind}: {used} of {limits[kind]}"

    @invariant()
    def a_call_that_is_over_has_no_place(self) -> None:
        if self._stage is None:
            return
        over = {call.name for call in self._calls if call.over}
        rows = self.stage._rows(
            "select c.provider_call_id from place p join reservation r on r.ping_id = p.ping_id"
            " join call c on c.uuid = r.call_id"
        )
        assert not over.intersection(name for (name,) in rows)

    # How

    def _new_call(self, by_itself: int) -> Followed:
        self._numbers += 1
        call = Followed(f"call-{self._numbers}", self._numbers, by_itself)
        self._calls.append(call)
        return call

    def _may_ring(self, call: Followed, reserved: Held | None) -> list[str]:
        """Whom a routing would offer to the store, in order."""
        route = [buyer for buyer in BUYERS if buyer not in call.tried and self._books.fits(buyer, self.now)]
        if reserved is not None:
            first = [reserved.buyer] if reserved.counted or reserved.buyer in route else []
            route = first + [buyer for buyer in route if buyer != reserved.buyer]
        return route

    def _expect(self, call: Followed, answer: Routing, route: list[str], reserved: Held | None) -> None:
        """The network is told to ring those who have a place when it is their turn, and as many as it goes through."""
        wanted: list[tuple[str, datetime]] = []
        rung = [dial for step in answer.steps for dial in step] if isinstance(answer, Connect) else []
        for waits, buyer in enumerate(route):
            if len(wanted) == call.by_itself:
                break
            of_reserved = reserved is not None and buyer == reserved.buyer
            if not (of_reserved and reserved is not None and reserved.counted) and not self._books.fits(
                buyer, self.now
            ):
                continue
            longest = RING_SECONDS * waits + RING_SECONDS + LONGEST_SECONDS + SLACK_SECONDS
            wanted.append((buyer, self.now + timedelta(seconds=longest)))
            assert len(rung) >= len(wanted), f"{buyer} has a place and is not rung: {answer}"
            attempt_id = rung[len(wanted) - 1].attempt_id
            if of_reserved and reserved is not None:
                assert attempt_id == reserved.ping_id
                reserved.state, reserved.counted, held = "live", True, reserved
            else:
                held = self._hold(attempt_id, buyer, counted=True)
                held.state = "live"
            held.live_until = wanted[-1][1]
            call.ringing.append(held)
            call.tried.add(buyer)
        assert [dial.buyer_id for dial in rung] == [buyer for buyer, _ in wanted]
        call.over = not rung

    def _hold(self, ping_id: str, buyer: str, *, counted: bool) -> Held:
        held = Held(
            ping_id=ping_id,
            buyer=buyer,
            subject_ids=self._books.subjects[buyer],
            caller=None,
            reserved_at=self.now,
            ttl_seconds=15,
            counted=counted,
        )
        self._books.held.append(held)
        return held

    def _free_ringing(self, call: Followed) -> None:
        for held in call.ringing:
            self._books.finish(held.ping_id, self.now)
        call.ringing.clear()

    def _tell(self, call: Followed, kind: Any, **what: Any) -> None:
        before = len(self.world.told)
        self._do(self.world.tell(kind, call.name, **what))
        call.told += self.world.told[before:]

    def _follow_given_up(self, call: Followed) -> None:
        """Where a look has given up a call: it must have been silent for long, and its places are free."""
        if call.over:
            return
        stored = self._do(self.world.stored(call.name))
        if stored.state.reason != "call_unheard":
            return
        heard_at = max([stored.received_at, *(event.at for event in call.told)])
        silent_seconds = (self.now - heard_at).total_seconds()
        longest = LONGEST_SECONDS if call.talking is not None else RING_SECONDS * len(call.ringing)
        assert silent_seconds >= longest + 60, f"{call.name} was given up after {silent_seconds} s"
        if call.talking is not None:
            self._books.finish(call.talking.ping_id, self.now)
        self._free_ringing(call)
        call.over = True
