"""Bugs to plant in the call flow, each a store or a reaction that does one thing wrong: a property is worth what it
finds of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from ringbid.call.event import CallEvent
from ringbid.call.ports import Lookups, More, Opening, React, Reaction, StoredCall
from ringbid.reservations.books import Books
from ringbid.reservations.calling import CallTake, Claimed, NotOpen
from ringbid.reservations.moving import Count, Finish
from ringbid.values.clock import to_ms

Plant = Callable[[React, StoredCall, CallEvent, Lookups], Reaction]


def _by_our_own_clock(react: React, call: StoredCall, event: CallEvent, lookups: Lookups) -> Reaction:
    """Takes what is told now for what happens now."""
    lasted = timedelta(milliseconds=event.duration_ms or 0)
    return react(call, replace(event, at=lookups.now, started_at=lookups.now - lasted), lookups)


def _only_in_order(react: React, call: StoredCall, event: CallEvent, lookups: Lookups) -> Reaction:
    """Believes a record only of a buyer that was told to have answered."""
    attempt = call.state.find(event.attempt_id)
    if event.kind == "record" and (attempt is None or attempt.answered_ms is None):
        return Reaction(state=call.state, row="too early")
    return react(call, event, lookups)


def _keeps_places(react: React, call: StoredCall, event: CallEvent, lookups: Lookups) -> Reaction:
    """Frees a place when the caller hangs up or the record comes, and not when the end is told."""
    made = react(call, event, lookups)
    return _without(made, Finish) if event.kind == "ended" else made


def _decides_on_the_end(react: React, call: StoredCall, event: CallEvent, lookups: Lookups) -> Reaction:
    """Measures the call when it hears of its end, instead of waiting for the record."""
    talking = next((one for one in call.state.attempts if one.state == "connected"), None)
    if event.kind == "ended" and talking is not None and talking.answered_ms is not None:
        lasted_ms = to_ms(lookups.now) - talking.answered_ms
        started_at = lookups.now - timedelta(milliseconds=lasted_ms)
        event = replace(
            event, kind="record", attempt_id=talking.attempt_id, started_at=started_at, duration_ms=lasted_ms
        )
    return react(call, event, lookups)


def _counts_nothing(react: React, call: StoredCall, event: CallEvent, lookups: Lookups) -> Reaction:
    return _without(react(call, event, lookups), Count)


def _counts_after_freeing(react: React, call: StoredCall, event: CallEvent, lookups: Lookups) -> Reaction:
    """Forgets to count where it has a place to free."""
    made = react(call, event, lookups)
    frees = any(isinstance(request, Finish) for request in made.requests)
    return _without(made, Count) if frees else made


def _without(made: Reaction, kind: type) -> Reaction:
    return replace(made, requests=tuple(request for request in made.requests if not isinstance(request, kind)))


REACTIONS: Mapping[str, Plant] = MappingProxyType(
    {
        "goes by its own clock": _by_our_own_clock,
        "believes things only in order": _only_in_order,
        "keeps a place at the end": _keeps_places,
        "decides on the end": _decides_on_the_end,
        "counts nothing": _counts_nothing,
        "forgets to count where it frees": _counts_after_freeing,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Greedy(CallTake):
    """Takes places without a look at the caps."""

    def decide(self, books: Books) -> Claimed | NotOpen:
        usage, books.usage = books.usage, {}
        try:
            return CallTake.decide(self, books)
        finally:
            books.usage = usage


class PlantedCalls:
    """A store of calls with one bug; everything else is the real one's."""

    def __init__(self, calls: Any, *, reaction: Plant | None = None, greedy: bool = False) -> None:
        self._calls = calls
        self._reaction = reaction
        self._greedy = greedy

    def __getattr__(self, name: str) -> Any:
        return getattr(self._calls, name)

    async def report(self, event: CallEvent, react: React) -> str:
        return str(await self._calls.report(event, self._planted(react)))

    async def open(self, opening: Opening) -> Any:
        return await self._calls.open(
            replace(opening, take=self._planted_take(opening.take), react=self._planted(opening.react))
        )

    async def take_more(self, more: More) -> Any:
        return await self._calls.take_more(replace(more, take=self._planted_take(more.take)))

    def _planted(self, react: React) -> React:
        reaction = self._reaction
        if reaction is None:
            return react
        return lambda call, event, lookups: reaction(react, call, event, lookups)

    def _planted_take(self, take: CallTake | None) -> Any:
        if take is None or not self._greedy:
            return take
        names = ("call_id", "company_id", "campaign_id", "publisher_id", "caller_number", "inbound_number")
        same = {name: getattr(take, name) for name in (*names, "reservation_id", "steps", "most_steps")}
        return Greedy(**same)
