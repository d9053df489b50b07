"""Histories of a store: moves in any order as hypothesis draws them, for properties that look at the rows after
each.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from hypothesis import strategies as st

from ringbid.reservations.ports import Settled
from ringbid.reservations.reservation import Reservation
from ringbid.values.ids import PingId
from ringbid.values.verdict import Refused
from support.exchange import Exchange, Wish, takes_place
from support.reservation_machine import TICKS_SECONDS, wishes

Verb = Literal["confirm", "release", "extend", "claim", "connect", "finish"]


@dataclass(frozen=True, slots=True)
class Move:
    """A move of the `which`-th newest ping."""

    verb: Verb
    which: int


@dataclass(frozen=True, slots=True)
class Tick:
    seconds: int


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What happens beside the publishers' doing: a sweep, or a new process."""

    reopens: bool


Step = tuple[Wish, ...] | Move | Tick | Upkeep
Happened = list[tuple[Wish, PingId, Settled]] | tuple[Verb, PingId, Reservation | Refused | None] | Tick | Upkeep

_moves = st.builds(
    Move,
    st.sampled_from(["confirm", "claim", "claim", "connect", "finish", "release", "extend"]),
    st.integers(0, 3),
)
_reserves = st.lists(wishes, min_size=1, max_size=4).map(tuple)
histories: st.SearchStrategy[list[Step]] = st.lists(
    st.one_of(_reserves, _moves, _moves, st.sampled_from(TICKS_SECONDS).map(Tick), st.booleans().map(Upkeep)),
    min_size=10,
    max_size=30,
)


def play(exchange: Exchange, history: list[Step]) -> Iterator[Happened]:
    """Let it happen, step by step; what each was answered. A call connects only while it has its place."""
    pings: list[PingId] = []
    for step in history:
        if isinstance(step, Tick):
            exchange.clock.advance(step.seconds)
            yield step
        elif isinstance(step, Upkeep):
            if step.reopens:
                exchange.reopen()
            else:
                exchange.together(exchange.sweep())
            yield step
        elif isinstance(step, Move):
            if pings:
                yield _move(exchange, step.verb, pings[-1 - step.which % len(pings)])
        else:
            new = [exchange.new_ping_id() for _ in step]
            pings += new
            settled = exchange.together(*map(exchange.reserve, step, new))
            yield list(zip(step, new, settled, strict=True))


def _move(exchange: Exchange, verb: Verb, ping_id: PingId) -> tuple[Verb, PingId, Reservation | Refused | None]:
    if verb == "connect":
        row = exchange.rows.reservations().get(ping_id)
        if row is not None and row["state"] == "live" and takes_place(row, exchange.now):
            exchange.together(exchange.count(ping_id))
        return verb, ping_id, None
    work = {
        "confirm": exchange.confirm,
        "release": exchange.release,
        "finish": exchange.finish,
        "extend": lambda one: exchange.extend(one, 90),
        "claim": lambda one: exchange.claim(one, 600),
    }[verb]
    [answer] = exchange.together(work(ping_id))
    return verb, ping_id, answer
