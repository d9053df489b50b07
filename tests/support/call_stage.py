"""Plays calls (`playbook`) on a real store, and says what each came to: money, places, messages, caps, reservation."""

from __future__ import annotations

import asyncio
import copy
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from ringbid.call import react
from ringbid.call.event import Arrival, CallEvent
from ringbid.call.instruction import Connect, Over, Refuse, Routing
from ringbid.call.ports import Lookups, Reaction, StoredCall
from ringbid.call.state import decode
from ringbid.values.ids import PingId
from ringbid.values.phone import PhoneNumber
from ringbid.values.verdict import Refused
from support.call_world import CALLER, NUMBER, CallWorld, call_world
from support.playbook import Ask, Check, Delivery, End, Ping, Play, Report, Tell, straight
from support.scenario import KEY
from support.store_clients import rows_of
from support.stores import StorePlace, caller
from support.virtual_time import VirtualLoop

NOBODY = PingId("00000000-0000-7000-8000-000000000000")  # an attempt that no call has made
TOLD_AT = ("call_received", "buyer_selected", "answered", "converted", "call_ended")


def _hook(trigger: str) -> dict[str, Any]:
    about_buyer = "" if trigger == "call_received" else "&buyer=[buyer_id]&attempt=[attempt_number]"
    about_end = "&seconds=[duration_seconds]&payout=[payout]&reason=[reason]" if trigger == "call_ended" else ""
    hook = {
        "name": trigger,
        "on": trigger,
        "method": "GET",
        "url": f"http://127.0.0.1:9/{trigger}?x=1{about_buyer}{about_end}",
    }
    return hook | ({"side": "both"} if trigger == "converted" else {})


# One exchange for all plays: alpha before bravo before delta, each of its own group's size, and every webhook told.
EXCHANGE: Mapping[str, Any] = {
    "company": {"id": "acme", "name": "Acme", "time_zone": "America/New_York", "currency": "USD"},
    "tags": [{"key": "source", "type": "text"}, {"key": "score", "type": "number"}],
    "publishers": [{"id": "4321ABCD", "name": "Lead Gen One"}, {"id": "PUB-TWO", "name": "Call Shop Two"}],
    "buyers": [
        {
            "id": name,
            "name": name.title(),
            "number": f"+1202555010{number}",
            "ring_seconds": 20,
            "max_duration_seconds": 7200,
        }
        for number, name in enumerate(("alpha", "bravo", "delta"), start=1)
    ],
    "buyer_groups": [],
    "campaigns": [
        {
            "id": "cars",
            "name": "Cars",
            "numbers": [
                {"number": NUMBER, "publisher": "4321ABCD"},
                {"number": "+18885551234", "tags": {"source": "radio"}},
            ],
            "rtb_keys": [{"key": KEY, "name": "Default", "ttl_seconds": 15}],
            "routing": {
                "buyers": [
                    {"buyer": name, "priority": number}
                    for number, name in enumerate(("alpha", "bravo", "delta"), start=1)
                ]
            },
            "conversions": [{"name": "any", "seconds": 95, "revenue": 1.5, "payout": 1.173}],
            "webhooks": [_hook(trigger) for trigger in TOLD_AT],
        }
    ],
}


def exchange() -> dict[str, Any]:
    """A catalog of one's own to change."""
    return copy.deepcopy(dict(EXCHANGE))


@dataclass(slots=True)
class Run:
    """One performance of a play: a call and a caller of its own."""

    call: str
    caller: PhoneNumber
    started_at: datetime
    answers: list[Routing]
    ping_id: PingId | None = None
    dialled: dict[str, PingId] | None = None

    def attempt_of(self, buyer: str | None) -> PingId | None:
        if buyer is None:
            return None
        if buyer == "nobody":
            return NOBODY
        known = (self.dialled or {}).get(buyer, self.ping_id)
        assert known is not None, f"{buyer} was not dialled"
        return known


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What is left of a call when all is told. Two performances of the same facts must leave the same."""

    phase: str
    postings: tuple[tuple[str, int], ...]  # account and micros
    sides: Mapping[str, tuple[str | None, str | None]]  # of each buyer: the reasons of revenue and payout
    told: tuple[str, ...]
    places: int
    counted: int
    reservations: frozenset[str]
    reservation: str | None


class Stage:
    """Plays on one world, one call after the other."""

    def __init__(self, world: CallWorld, place: StorePlace) -> None:
        self.world = world
        self._place = place
        self.runs: list[Run] = []
        self.rows: Counter[str] = Counter()  # of the table, that looks at calls have reached

    async def perform(self, play: Play, deliveries: tuple[Delivery, ...] | None = None) -> Run:
        number = len(self.runs) + 1
        run = Run(f"call-{number}", caller(number), self.world.clock.now(), [])
        self.runs.append(run)
        for one in straight(play) if deliveries is None else deliveries:
            self._advance_to(run.started_at + timedelta(seconds=one.told_seconds))
            await self._do(run, one)
        return run

    async def _do(self, run: Run, one: Delivery) -> None:
        at = run.started_at + timedelta(seconds=one.at_seconds)
        match one.move:
            case Ping(tags=tags):
                reply = await self.world.ping(caller=run.caller, **tags)
                assert reply["status"] == "reserved", reply
                run.ping_id = PingId(reply["uuid"])
            case Ask() as ask:
                answer = await self._ask(run, ask, at)
                run.answers.append(answer)
                if not one.loose:
                    assert _in_words(answer) == ask.told, f"{answer} instead of {ask.told}"
            case Tell() as told:
                await self.world.desk.report(self._event(run, told, at, one.again))
            case Check():
                await self.check()
            case Report(buyer=buyer):
                await self.report(run, buyer)

    async def _ask(self, run: Run, ask: Ask, at: datetime) -> Routing:
        if ask.arrives:
            uuid = run.ping_id if ask.by_uuid else None
            arrival = Arrival(
                provider="sip",
                provider_call_id=run.call,
                caller_number=None if ask.by_uuid else run.caller,
                dialled=uuid or NUMBER,
                reservation_id=uuid,
                at=at,
                most_steps=ask.most_steps,
            )
            answer = await self.world.desk.arrive(arrival)
        else:
            answer = await self.world.desk.go_on("sip", run.call)
        if isinstance(answer, Connect):
            run.dialled = (run.dialled or {}) | {d.buyer_id: d.attempt_id for step in answer.steps for d in step}
        return answer

    def _event(self, run: Run, told: Tell, at: datetime, again: str | None) -> CallEvent:
        seconds = timedelta(seconds=told.seconds) if told.seconds is not None else None
        return CallEvent(
            provider="sip",
            event_id=f"{run.call}:{told.kind}:{told.buyer}:{told.name}:{again or ''}",
            provider_call_id=run.call,
            kind=told.kind,
            at=at,
            attempt_id=run.attempt_of(told.buyer),
            cause=told.cause,
            started_at=at - seconds if seconds is not None else None,
            duration_ms=seconds // timedelta(milliseconds=1) if seconds is not None else None,
            ended_by=told.ended_by,
        )

    async def change(self, **change: Any) -> None:
        """Put the exchange with these changes (and no others) in force."""
        await self.world.apply(catalog=exchange(), change=change)

    async def check(self) -> None:
        """What the worker does with calls whose time has come."""
        tools = self.world.tools

        def check(call: StoredCall, lookups: Lookups) -> Reaction:
            reaction = react.check(call, lookups, plans=tools.plans, random_bytes=tools.random_bytes)
            self.rows[reaction.row] += 1
            return reaction

        for call_id in await tools.calls.due():
            await tools.calls.change(call_id, check)

    async def report(self, run: Run, buyer: str) -> None:
        """Somebody with the right to say so reports a conversion."""
        tools = self.world.tools
        attempt_id = run.attempt_of(buyer)
        assert attempt_id is not None
        stored = await self.world.stored(run.call)
        reported = await tools.calls.change(
            stored.call_id,
            partial(
                react.report_conversion,
                attempt_id=attempt_id,
                sides=("revenue", "payout"),
                plans=tools.plans,
                random_bytes=tools.random_bytes,
            ),
        )
        assert not isinstance(reported, Refused), reported

    def _advance_to(self, moment: datetime) -> None:
        missing = (moment - self.world.clock.now()).total_seconds()
        if missing > 0:
            self.world.clock.advance(missing)

    def outcomes_of(self, call: str) -> Outcome:
        """What came of one call that no play has made."""
        return self.outcomes([Run(call, CALLER, self.world.clock.now(), [])])[call]

    def outcomes(self, runs: Iterable[Run] | None = None) -> dict[str, Outcome]:
        """What came of each call, read from the tables."""
        calls = {
            row[0]: row[1:] for row in self._rows("select provider_call_id, uuid, state, reservation_id from call")
        }
        postings = _grouped(
            self._rows(
                "select p.call_id, e.account, e.amount_micros from ledger_entry e join posting p on p.id = e.posting_id"
            )
        )
        told = _grouped(self._rows("select call_id, endpoint from outbox"))
        held = self._rows(
            "select r.call_id, r.ping_id, r.state, r.in_windows,"
            " (select count(*) from place p where p.ping_id = r.ping_id) from reservation r where r.call_id is not null"
        )
        of_call = _grouped(held)
        found = {}
        for run in self.runs if runs is None else runs:
            call_id, document, reservation_id = calls[run.call]
            state = decode(bytes(document))
            own = of_call.get(call_id, [])
            found[run.call] = Outcome(
                phase=state.phase.value,
                postings=tuple(sorted((account, micros) for account, micros in postings.get(call_id, []))),
                sides={one.buyer_id: (one.revenue.reason, one.payout.reason) for one in state.attempts},
                told=tuple(sorted(endpoint.partition("/")[2] for (endpoint,) in told.get(call_id, []))),
                places=sum(places for *_, places in own),
                counted=sum(in_windows for *_, in_windows, _ in own),
                reservations=frozenset(row[1] for row in own),
                reservation=next((row[1] for row in own if row[0] == reservation_id), None),
            )
        return found

    def rows_reached(self) -> set[str]:
        """The rows of the table that some event or look has come to."""
        return {row for (row,) in self._rows("select distinct row from call_event where row is not null")} | set(
            self.rows
        )

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        return rows_of(self._place, query)

    async def assert_end(self, run: Run, end: End) -> None:
        """The call came to what its play says."""
        outcome = self.outcomes([run])[run.call]
        stored = await self.world.stored(run.call)
        state = stored.state
        assert outcome.places == 0, "a place is left"
        for routing in stored.trace.routings:
            assert sorted(one.buyer for one in routing.verdicts) == ["alpha", "bravo", "delta"], "one verdict for each"
        money = dict(outcome.postings)
        found = End(
            revenue=_decimal(money.get("company/revenue", 0)),
            payout=_decimal(-money.get("company/payout", 0)),
            told=" ".join(_short(outcome.told)),
            reservation=outcome.reservation,
            sides=outcome.sides if end.sides else {},
            verdicts={one.buyer_id: one.reason for one in state.attempts} if end.verdicts else {},
            reason=state.reason,
            counted=outcome.counted if end.counted is not None else None,
        )
        assert found == end


def _in_words(answer: Routing) -> Any:
    match answer:
        case Connect(steps=steps):
            named = tuple(tuple(dial.buyer_id for dial in step) for step in steps)
            return tuple(step[0] if len(step) == 1 else step for step in named)
        case Refuse(reason=reason):
            return reason
        case Over():
            return None


def _short(told: Iterable[str]) -> list[str]:
    """In the order of a call: `answered converted call_ended`, each as often as it was told."""
    counted = Counter(told)
    order = [*TOLD_AT, *sorted(set(counted) - set(TOLD_AT))]
    return [name for name in order for _ in range(counted[name])]


def _decimal(micros: int) -> str:
    units = Decimal(micros) / 1_000_000
    return str(
        units.quantize(Decimal("0.001")).normalize().quantize(Decimal("0.01"))
        if micros % 10_000 == 0
        else units.normalize()
    )


def _grouped(rows: Iterable[tuple[Any, ...]]) -> dict[str, list[tuple[Any, ...]]]:
    groups: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for first, *rest in rows:
        groups[first].append(tuple(rest))
    return groups


def act(place: StorePlace, story: Callable[[Stage], Awaitable[None]], **change: Any) -> None:
    """Let a story happen in the exchange with these changes. Nobody really waits for webhooks that do not answer."""

    async def happen() -> None:
        async with call_world(place, catalog=exchange(), change=change) as world:
            await story(Stage(world, place))

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(happen())


def verdicts(call: StoredCall) -> dict[str, str]:
    """The reason of each buyer in the call's newest routing."""
    return {verdict.buyer: verdict.reason for verdict in call.trace.routings[-1].verdicts}
