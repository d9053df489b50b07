"""A call as a short list: what happens to it, what the network is told, and what comes of it; and all the ways in which
the same facts may be told. Read by `call_stage`, which plays them.

    reserved().arrive("alpha").answers("alpha").wait(95).ends().record("alpha", 95.0).comes_to(...)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from ringbid.call.event import Cause, EndedBy, EventKind
from ringbid.values.reason import Reason

HOUR_SECONDS = 3600.0

Buyers = str | tuple[str, ...]  # of one step: those that ring at once
Told = tuple[Buyers, ...] | Reason | None  # whom to ring, step by step; why not; None: there is nothing left to do


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """The network asks where the call goes: when it `arrives`, and when those so far did not take it."""

    arrives: bool
    told: Told
    most_steps: int = 1
    by_uuid: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Tell:
    """The network tells something. `name` tells apart what is told in the same words."""

    kind: EventKind
    buyer: str | None = None
    cause: Cause | None = None
    seconds: float | None = None
    ended_by: EndedBy | None = None
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """The worker looks at calls whose time has come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Somebody reports a conversion of this buyer's attempt."""

    buyer: str


Move = Ping | Ask | Tell | Wait | Check | Report


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """What a play comes to. Money as decimals; `told`: the webhooks, sorted; `sides`: revenue and payout of each buyer
    that was rung, by their reasons; `counted`: how many calls were counted under caps."""

    revenue: str = "0.00"
    payout: str = "0.00"
    told: str = ""
    reservation: str | None = "done"
    sides: Mapping[str, tuple[str | None, str | None]] = field(default_factory=lambda: MappingProxyType({}))
    verdicts: Mapping[str, str | None] = field(default_factory=lambda: MappingProxyType({}))
    reason: str | None = None
    counted: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """Each method adds a line, and returns the longer play."""

    change: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    moves: tuple[Move, ...] = ()
    end: End | None = None

    def _and(self, move: Move) -> Play:
        return replace(self, moves=(*self.moves, move))

    def ping(self, **tags: str) -> Play:
        return self._and(Ping(tags=tags))

    def arrive(self, *told: Buyers | Reason, most_steps: int = 1, by_uuid: bool = False) -> Play:
        return self._and(Ask(arrives=True, told=_told(told), most_steps=most_steps, by_uuid=by_uuid))

    def go_on(self, *told: Buyers | Reason) -> Play:
        return self._and(Ask(arrives=False, told=_told(told)))

    def rings(self, buyer: str, name: str = "") -> Play:
        return self._and(Tell(kind="ringing", buyer=buyer, name=name))

    def answers(self, buyer: str, name: str = "") -> Play:
        return self._and(Tell(kind="answered", buyer=buyer, name=name))

    def fails(self, buyer: str, cause: Cause = "busy", name: str = "") -> Play:
        return self._and(Tell(kind="failed", buyer=buyer, cause=cause, name=name))

    def abandons(self, name: str = "") -> Play:
        return self._and(Tell(kind="abandoned", name=name))

    def unanswered(self, name: str = "") -> Play:
        return self._and(Tell(kind="unanswered", name=name))

    def ends(self, name: str = "") -> Play:
        return self._and(Tell(kind="ended", name=name))

    def record(self, buyer: str, seconds: float, by: EndedBy = "caller", name: str = "") -> Play:
        """The provider's account of a talk that has ended just now."""
        return self._and(Tell(kind="record", buyer=buyer, seconds=seconds, ended_by=by, name=name))

    def wait(self, seconds: float) -> Play:
        return self._and(Wait(seconds=seconds))

    def check(self) -> Play:
        return self._and(Check())

    def reports(self, buyer: str) -> Play:
        return self._and(Report(buyer=buyer))

    def talks(self, buyer: str, seconds: float, by: EndedBy = "caller") -> Play:
        """The buyer answers, they talk, somebody hangs up."""
        return self.answers(buyer).wait(seconds).ends().record(buyer, seconds, by)

    def comes_to(self, **end: Any) -> Play:
        return replace(self, end=End(**end))


def direct(**change: Any) -> Play:
    """A call without a ping, in a catalog with these changes: `direct(**{"buyers[alpha].paused": True})`."""
    return Play(change=change)


def reserved(**change: Any) -> Play:
    """A call whose ping was answered a second ago."""
    return Play(change=change).ping().wait(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A move, when it happens, and when we get to know of it, in seconds since the play began. `again`: told once more,
    by its own name or by another. `loose`: the answer to an ask may differ from what the play says."""

    move: Move
    at_seconds: float
    told_seconds: float
    again: str | None = None
    loose: bool = False


def straight(play: Play) -> tuple[Delivery, ...]:
    """Everything is told when it happens."""
    made: list[Delivery] = []
    at_seconds = 0.0
    for move in play.moves:
        if isinstance(move, Wait):
            at_seconds += move.seconds
        else:
            made.append(Delivery(move=move, at_seconds=at_seconds, told_seconds=at_seconds))
    return tuple(made)


def variants(play: Play) -> Iterator[tuple[str, tuple[Delivery, ...]]]:
    """All that must come to the same: each event twice, each pair swapped, each event an hour late."""
    plain = straight(play)
    for index, one in enumerate(plain):
        if isinstance(one.move, Tell):
            what = f"{index}: {one.move.kind} {one.move.buyer or ''}"
            for name in ("", "again"):
                twice = (*plain[: index + 1], replace(one, again=name), *plain[index + 1 :])
                yield f"{what} twice, as {name or 'the same'}", twice
            yield f"{what} twice, at the end", (*plain, replace(one, again="again"))
            yield from _late(plain, index, what)
        if isinstance(one.move, Tell | Ask) and index + 1 < len(plain):
            yield from _swapped(plain, index)


def _late(plain: tuple[Delivery, ...], index: int, what: str) -> Iterator[tuple[str, tuple[Delivery, ...]]]:
    """An hour late: after all the others, or (where the network asks again, because of it) before they happen."""
    one, before, after = plain[index], plain[:index], plain[index + 1 :]
    if any(isinstance(later.move, Ask) for later in after):
        shifted = [_shift(later) for later in after]
        yield (
            f"{what} late, and the rest with it",
            (*before, replace(one, told_seconds=_shift(one).told_seconds), *shifted),
        )
        return
    last = max(plain[-1].told_seconds, one.told_seconds)
    late = replace(one, told_seconds=last + HOUR_SECONDS)
    look = Delivery(move=Check(), at_seconds=last, told_seconds=late.told_seconds)
    last_look = replace(look, told_seconds=late.told_seconds + HOUR_SECONDS)
    yield f"{what} late", (*before, *after, late, last_look)
    yield f"{what} late, after a look", (*before, *after, look, late, last_look)


def _shift(one: Delivery) -> Delivery:
    return replace(one, at_seconds=one.at_seconds + HOUR_SECONDS, told_seconds=one.told_seconds + HOUR_SECONDS)


def _swapped(plain: tuple[Delivery, ...], index: int) -> Iterator[tuple[str, tuple[Delivery, ...]]]:
    first, second = plain[index], plain[index + 1]
    if not isinstance(second.move, Tell):
        return
    if isinstance(first.move, Ask):
        # What is told before the call is known is parked. An attempt that no ping has named has no name yet.
        known = second.move.buyer is None or any(isinstance(one.move, Ping) for one in plain[:index])
        at_once = second.at_seconds == first.at_seconds
        of_reserved = second.move.buyer in (None, _first_of(first.move.told))
        if not (first.move.arrives and known and at_once and of_reserved) or second.move.kind == "failed":
            return  # (of a failure that is known when the call arrives the next buyer is told at once)
    told_seconds = max(first.told_seconds, second.told_seconds)
    pair = (replace(second, told_seconds=told_seconds), replace(first, told_seconds=told_seconds, loose=True))
    # What still rings when the network asks again is told again, whoever else there is.
    rest = [replace(one, loose=isinstance(one.move, Ask)) for one in plain[index + 2 :]]
    yield f"{index} and {index + 1} swapped", (*plain[:index], *pair, *rest)


def _first_of(told: Told) -> str | None:
    if not isinstance(told, tuple) or not told:
        return None
    return told[0] if isinstance(told[0], str) else None


def _told(told: tuple[Buyers | Reason, ...]) -> Told:
    if not told:
        return None
    if isinstance(told[0], Reason):
        return told[0]
    return tuple(one for one in told if not isinstance(one, Reason))
