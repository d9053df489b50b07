"""Reservations for tests of what becomes of them: taken, or live with a call."""

from __future__ import annotations

from ringbid.reservations.limits import Subject, Usage
from ringbid.reservations.ports import Taken
from ringbid.reservations.reservation import Reservation
from ringbid.store.opening import Store
from ringbid.values.ids import PingId
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused
from support.clocks import START
from support.stores import KEY, always, caller, place_with, settlement, subject

ONE = subject(concurrency=1)


async def take(store: Store, *subjects: Subject, count_on_reserve: bool = True, number: int | None = 1) -> PingId:
    """A held reservation's id."""
    ping = settlement(
        place_with(*subjects),
        at=START,
        caller_number=None if number is None else caller(number),
        count_on_reserve=count_on_reserve,
    )
    settled = await store.reservations.settle(ping)
    assert isinstance(settled, Taken), settled
    return ping.ping_id


async def live(store: Store, *subjects: Subject, max_duration_seconds: int = 7200) -> PingId:
    """A live reservation's id."""
    ping_id = await take(store, *subjects, number=None)
    claimed = await store.reservations.claim(
        ping_id, subjects_of=always(*subjects), max_duration_seconds=max_duration_seconds
    )
    assert isinstance(claimed, Reservation)
    return ping_id


async def usage_of(store: Store, one: Subject) -> Usage:
    """What is used of its caps."""
    look = await store.reservations.look(key_id=KEY, duplicate_key=None, subjects=(one,), idempotency=None)
    return look.usage[one.id]


def reason_of(answer: Reservation | Refused) -> Reason:
    """Why it was refused."""
    assert isinstance(answer, Refused), answer
    return answer.reason
