"""The live feed: everybody who watches sees each ping once, and nothing costs more because somebody is slow."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from ringbid.reports.listing_rows import PingRow
from ringbid.reports.live import MOST_READ, OVERLAP, POLL_SECONDS, RING, Burst, LiveFeed, fits, sample
from ringbid.reservations.ports import NOWHERE, CallerPlace
from ringbid.values.ids import CampaignId, CompanyId, KeyId, PingId, PublisherId
from ringbid.values.money import Money
from ringbid.values.phone import PhoneNumber
from ringbid.values.reason import Reason
from support.clocks import START, JumpingClock

ACME, OTHER = CompanyId("acme"), CompanyId("umbrella")


def row(number: int, **changes: Any) -> PingRow:
    values: dict[str, Any] = {
        "number": number,
        "ping_id": PingId(f"ping-{number}"),
        "received_at": START,
        "campaign_id": CampaignId("auto"),
        "key_id": KeyId("key"),
        "publisher_id": PublisherId("PUB"),
        "caller_number": PhoneNumber("+12125550123"),
        "caller_place": NOWHERE,
        "reason": Reason.RESERVED,
        "status": "reserved",
    }
    names = ("state", "buyer_id", "revenue", "payout", "seconds", "took_ms", "duplicate_of", "duplicate_order")
    empty = dict.fromkeys((*names, "expires_at", "confirmed_at", "ended_at", "call_id"))
    return PingRow(**(empty | values | changes))


@dataclass
class Kept:
    """A store, by the pings in it."""

    rows: list[PingRow] = field(default_factory=list)
    reads: int = 0

    async def read(self, company_id: CompanyId, after: int | None, limit: int) -> Sequence[PingRow]:
        self.reads += 1
        rows = sorted(self.rows, key=lambda one: one.number) if company_id == ACME else []
        if after is None:
            return rows[-limit:]
        return [one for one in rows if one.number > after][:limit]


@dataclass
class World:
    kept: Kept = field(default_factory=Kept)
    clock: JumpingClock = field(default_factory=JumpingClock)

    def __post_init__(self) -> None:
        self.feed = LiveFeed(self.kept.read, monotonic=self.clock.monotonic)

    def end(self, *numbers: int) -> None:
        self.kept.rows += [row(number) for number in numbers]

    def look(self, position: int | None, company_id: CompanyId = ACME) -> Burst:
        self.clock.advance(POLL_SECONDS)
        return asyncio.run(self.feed.since(company_id, position))


def numbers_of(burst: Burst) -> list[int]:
    return [one.number for one in burst.rows]


def test_a_watcher_sees_what_ends_from_now_on_and_each_ping_once() -> None:
    world = World()
    world.end(1, 2)
    start = world.look(None)
    assert start.rows == ()
    world.end(3, 4)
    burst = world.look(start.position)
    assert numbers_of(burst) == [3, 4]
    assert numbers_of(world.look(burst.position)) == []


def test_a_ping_whose_number_is_lower_and_that_appears_later_is_seen() -> None:
    world = World()
    world.end(1)
    start = world.look(None)
    world.end(3)
    burst = world.look(start.position)
    world.end(2)
    assert (numbers_of(burst), numbers_of(world.look(burst.position))) == ([3], [2])


def test_watchers_share_what_is_read() -> None:
    world = World()
    start = world.look(None).position
    world.end(1)
    world.clock.advance(POLL_SECONDS)
    before = world.kept.reads
    bursts = [asyncio.run(world.feed.since(ACME, start)) for _ in range(10)]
    assert {tuple(numbers_of(burst)) for burst in bursts} == {(1,)}
    assert world.kept.reads == before + 1


def test_a_company_sees_nothing_of_another() -> None:
    world = World()
    start = world.look(None, OTHER).position
    world.end(1)
    assert world.look(start, OTHER).rows == ()


def test_a_watcher_that_is_slow_is_told_how_many_it_missed() -> None:
    world = World()
    world.end(1)
    start = world.look(None).position
    for second in range(4):
        world.end(*range(2 + second * 1000, 2 + (second + 1) * 1000))
        world.look(None)
    burst = world.look(start)
    assert (len(burst.rows), burst.missed) == (RING, 4000 - RING)


def test_it_keeps_up_with_more_than_two_hundred_pings_a_second() -> None:
    world = World()
    world.end(1)
    position = world.look(None).position
    seen = 0
    for tick in range(20):  # ten seconds with 400 pings a second
        world.end(*range(2 + tick * 200, 2 + (tick + 1) * 200))
        burst = world.look(position)
        position, seen = burst.position, seen + len(burst.rows)
        assert burst.missed == 0
    assert seen == 4000
    assert MOST_READ + OVERLAP >= 400


def test_what_ended_while_nobody_watched_is_not_read_up() -> None:
    world = World()
    world.end(1)
    world.look(None)
    world.end(*range(2, 500))
    world.clock.advance(3600)
    start = world.look(None)
    world.end(500)
    assert numbers_of(world.look(start.position)) == [500]


@pytest.mark.parametrize(("count", "shown", "left"), [(0, 0, 0), (20, 20, 0), (21, 20, 1), (200, 20, 180)])
def test_a_sample_is_even_and_counts_what_it_leaves_out(count: int, shown: int, left: int) -> None:
    rows = [row(number) for number in range(count)]
    chosen, over = sample(rows, 20)
    assert (len(chosen), over) == (shown, left)
    numbers = [one.number for one in chosen]
    assert numbers == sorted(set(numbers))
    assert not numbers or numbers[0] == 0


FULL = row(
    1,
    buyer_id="alpha",
    revenue=Money(2_000_000, "USD"),
    payout=Money(1_000_000, "USD"),
    caller_place=CallerPlace("CA", "US"),
)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, True),
        ({"campaign_id": ("auto", "home")}, True),
        ({"campaign_id": ("home",)}, False),
        ({"publisher_id": ("PUB",), "buyer_id": ("alpha",), "status": ("reserved",), "reason": ("reserved",)}, True),
        ({"state": ("held",)}, False),
        ({"key_id": ("other",)}, False),
        ({"duplicate": False}, True),
        ({"duplicate": True}, False),
        ({"caller_state": ("CA",), "caller_country": ("US",)}, True),
        ({"caller_state": ("NY",)}, False),
        ({"revenue_min": 2_000_000, "revenue_max": 2_000_000}, True),
        ({"revenue_min": 2_000_001}, False),
        ({"payout_max": 999_999}, False),
        ({"payout_min": 1}, True),
        ({"search": "+12125550123"}, True),
        ({"search": "ping-2"}, False),
    ],
    ids=str,
)
def test_the_filters_of_the_list_hold_for_what_is_live(filters: dict[str, Any], expected: bool) -> None:
    assert fits(FULL, filters) is expected


def test_every_filter_of_the_list_is_known_here() -> None:
    from ringbid.reports.listing_fields import PINGS
    from ringbid.reports.live import _FITS

    assert _FITS.keys() == PINGS.fields.keys()
