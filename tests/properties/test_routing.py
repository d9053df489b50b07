"""Hours, quotes and rankings for any input: they agree with a plainer telling of the same rule."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import get_args
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from ringbid.catalog.model import Buyer, OpenInterval, Strategy, TagAmount, Weekday
from ringbid.routing.hours import compile_hours
from ringbid.routing.quote import compile_rules, quote
from ringbid.routing.ranking import Offer, rank
from ringbid.routing.tags import Tags
from ringbid.values.ids import BuyerId, PublisherId
from ringbid.values.money import MAX_MICROS
from ringbid.values.quote import Quote
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused
from support.catalogs import make_buyer, make_rule

DAYS = get_args(Weekday)
ZONES = [
    *("UTC", "America/New_York", "America/St_Johns", "America/Havana", "Africa/Cairo", "Africa/Casablanca"),
    *("Asia/Kathmandu", "Asia/Beirut", "Australia/Lord_Howe", "Pacific/Chatham", "Antarctica/Troll", "America/Nuuk"),
]
# Days on which the clock changes in one of these zones, and days on which it does in none.
STARTS = [
    datetime(2025, month, day, tzinfo=UTC)
    for month, day in [
        (2, 22),
        (3, 8),
        (3, 29),
        (4, 5),
        (4, 24),
        (6, 15),
        (9, 27),
        (10, 4),
        (10, 25),
        (10, 30),
        (11, 1),
    ]
]
intervals = st.builds(
    OpenInterval,
    days=st.sets(st.sampled_from(DAYS), min_size=1).map(tuple),
    open_minute=st.integers(0, 95).map(lambda quarter: quarter * 15),
    close_minute=st.integers(0, 96).map(lambda quarter: quarter * 15),
)
buyers = st.builds(
    lambda zone, hours, holidays: make_buyer(time_zone=zone, hours=hours, holidays=holidays),
    st.sampled_from(ZONES),
    st.lists(intervals, max_size=3).map(tuple),
    st.sampled_from([None, None, "US"]),
)
instants = st.builds(
    lambda start, seconds: start + timedelta(seconds=seconds), st.sampled_from(STARTS), st.integers(0, 3 * 86400)
)


def is_open_by_the_wall(buyer: Buyer, at: datetime) -> bool:
    """The plain telling: read the clock on the wall, look the minute up in the week."""
    wall = at.astimezone(ZoneInfo(buyer.time_zone))
    minute = wall.hour * 60 + wall.minute
    today, yesterday = DAYS[wall.weekday()], DAYS[wall.weekday() - 1]
    for one in buyer.hours or ():
        if one.open_minute < one.close_minute:
            if today in one.days and one.open_minute <= minute < one.close_minute:
                return True
        elif (today in one.days and minute >= one.open_minute) or (yesterday in one.days and minute < one.close_minute):
            return True
    return False


@settings(max_examples=400)
@given(buyers, instants)
def test_a_buyer_is_open_when_the_clock_on_its_wall_says_so(buyer: Buyer, at: datetime) -> None:
    """But for minutes that the wall shows twice: an edge counts at its first coming only, so that no interval happens
    twice (unit tests say so)."""
    zone = ZoneInfo(buyer.time_zone)
    if len(comings(at.astimezone(zone).replace(tzinfo=None), zone)) == 1:
        refused = compile_hours(replace(buyer, holidays=None)).check(at)
        assert (refused is None) == is_open_by_the_wall(buyer, at)


def comings(wall: datetime, zone: ZoneInfo) -> set[datetime]:
    """The instants at which the wall shows this."""
    both = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return {one for one in both if one.astimezone(zone).replace(tzinfo=None) == wall}


@settings(max_examples=40)
@given(buyers, st.sampled_from(STARTS), st.integers(0, 2**32))
def test_a_remembered_answer_is_what_a_fresh_look_would_say(buyer: Buyer, start: datetime, seed: int) -> None:
    chance = random.Random(seed)
    remembering = compile_hours(buyer)
    edges = [start + timedelta(minutes=15 * quarter) for quarter in range(200)]
    moments = [edge + timedelta(microseconds=chance.choice([-1, 0, 1, 30_000_000])) for edge in edges]
    chance.shuffle(moments)
    for at in moments[:100]:
        assert remembering.check(at) == compile_hours(buyer).check(at)


@settings(max_examples=60)
@given(buyers, instants)
def test_the_next_change_is_the_first_moment_at_which_the_answer_differs(buyer: Buyer, at: datetime) -> None:
    compiled = compile_hours(buyer)
    change = compiled.next_change(at)
    opened = compiled.check(at) is None
    until = change if change is not None else at + timedelta(days=30)
    for step in range(40):
        assert (compiled.check(at + (until - at) * step / 40) is None) is opened
    if change is not None:
        assert change > at
        assert (compiled.check(change - timedelta(microseconds=1)) is None) is opened
        assert (compiled.check(change) is None) is not opened


offers = st.lists(
    st.builds(
        lambda buyer, priority, weight, revenue, earnings: Offer(
            buyer_id=BuyerId(f"b{buyer}"),
            priority=priority,
            weight=weight,
            quote=Quote(revenue_micros=revenue, payout_micros=0, seconds=0, currency="USD"),
            earnings_micros=earnings,
        ),
        st.integers(0, 99),
        st.integers(1, 3),
        st.integers(0, 3),
        st.integers(0, 3),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda offer: offer.buyer_id,
)
strategies = st.sampled_from(get_args(Strategy))
seeds = st.integers(0, 2**63 - 1)


@settings(max_examples=300)
@given(offers, strategies, seeds, st.randoms(use_true_random=False))
def test_the_order_of_buyers_in_the_file_never_changes_the_ranking(
    ranked: list[Offer], strategy: Strategy, seed: int, chance: random.Random
) -> None:
    shuffled = chance.sample(ranked, len(ranked))
    first = rank(ranked, strategy=strategy, seed=seed).order
    assert rank(shuffled, strategy=strategy, seed=seed).order == first
    assert sorted(one.buyer_id for one in first) == sorted(one.buyer_id for one in ranked)


@settings(max_examples=300)
@given(offers, strategies, seeds, st.integers(0, 7))
def test_taking_an_offer_away_leaves_the_order_of_the_others(
    ranked: list[Offer], strategy: Strategy, seed: int, index: int
) -> None:
    """So a lower offer that joins never changes who wins."""
    gone = ranked[index % len(ranked)]
    others = [one for one in ranked if one is not gone]
    with_it = rank(ranked, strategy=strategy, seed=seed).order
    assert rank(others, strategy=strategy, seed=seed).order == tuple(one for one in with_it if one is not gone)


@settings(max_examples=300)
@given(offers, strategies, seeds)
def test_nobody_stands_before_a_better_offer(ranked: list[Offer], strategy: Strategy, seed: int) -> None:
    order = rank(ranked, strategy=strategy, seed=seed).order
    for better, worse in pairwise(order):
        assert better.priority <= worse.priority
        if better.priority == worse.priority and strategy == "bid":
            assert better.quote.revenue_micros >= worse.quote.revenue_micros
        if better.priority == worse.priority and strategy == "performance":
            assert (better.earnings_micros, better.quote.revenue_micros) >= (
                worse.earnings_micros,
                worse.quote.revenue_micros,
            )


TAGGED = compile_rules(
    [make_rule(revenue=TagAmount("bid"), seconds=TagAmount("bid"))], buyer_id=BuyerId("a"), declared={}
)
numbers = st.decimals(allow_nan=True, allow_infinity=True).map(str) | st.from_regex(
    r"[-+]?[0-9]{0,8}(\.[0-9]{0,8})?([eE][-+]?[0-9]{1,7})?", fullmatch=True
)


@settings(max_examples=500)
@given(numbers | st.text(max_size=50))
def test_no_text_from_outside_breaks_a_quote_or_makes_it_absurd(text: str) -> None:
    quoted = quote(TAGGED, publisher_id=PublisherId("PUB"), tags=Tags({"bid": text}, {}), currency="USD")
    if isinstance(quoted, Refused):
        assert quoted.reason is Reason.QUOTE_VALUE_INVALID
    else:
        assert 0 <= quoted.revenue_micros <= MAX_MICROS
        assert 0 <= quoted.seconds <= 86400
        assert abs(Decimal(text.strip()) - Decimal(quoted.revenue_micros) / 1_000_000) <= Decimal("0.0000005")
