"""Who comes first, by each strategy, and how the weights share what is left equal."""

from collections import Counter

import pytest

from ringbid.routing.ranking import Offer, losing_reason, rank
from ringbid.values.ids import BuyerId
from ringbid.values.quote import Quote
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused

SEED, DRAWS = 20_240_529, 20_000


def offer(buyer: str, *, revenue: int = 0, earnings: int = 0, priority: int = 1, weight: int = 1) -> Offer:
    quote = Quote(revenue_micros=revenue, payout_micros=0, seconds=0, currency="USD")
    return Offer(buyer_id=BuyerId(buyer), priority=priority, weight=weight, quote=quote, earnings_micros=earnings)


def order(*offers: Offer, strategy: str, seed: int = SEED) -> str:
    return "".join(one.buyer_id for one in rank(offers, strategy=strategy, seed=seed).order)


def winners(*offers: Offer, strategy: str = "priority") -> Counter[str]:
    return Counter(order(*offers, strategy=strategy, seed=seed)[0] for seed in range(DRAWS))


@pytest.mark.parametrize("strategy", ["bid", "performance", "priority"])
def test_one_offer_or_none_needs_no_order(strategy: str) -> None:
    assert order(strategy=strategy) == ""
    assert order(offer("a"), strategy=strategy) == "a"


@pytest.mark.parametrize("strategy", ["bid", "performance", "priority"])
def test_the_lower_priority_level_comes_first_whatever_else_holds(strategy: str) -> None:
    rich, poor = offer("a", revenue=9, earnings=9, priority=2, weight=99), offer("b", priority=1, weight=0)
    assert order(rich, poor, offer("c", priority=-1), strategy=strategy) == "cba"


def test_bid_puts_the_highest_revenue_first() -> None:
    offers = [offer("a", revenue=1, earnings=9), offer("b", revenue=3), offer("c", revenue=2, weight=99)]
    assert order(*offers, strategy="bid") == "bca"


def test_performance_puts_the_highest_earnings_first_and_then_the_highest_revenue() -> None:
    offers = [offer("a", earnings=1, revenue=9), offer("b", earnings=3), offer("c", earnings=3, revenue=1)]
    assert order(*offers, strategy="performance") == "cba"


def test_priority_lets_the_weights_draw_whatever_the_revenue() -> None:
    won = winners(offer("a", revenue=9), offer("b", revenue=1))
    assert won["b"] == pytest.approx(DRAWS / 2, rel=0.05)


@pytest.mark.parametrize("strategy", ["bid", "performance", "priority"])
def test_equal_offers_are_drawn_by_weight(strategy: str) -> None:
    won = winners(offer("a", weight=5), offer("b", weight=3), offer("c", weight=2), strategy=strategy)
    assert [won[buyer] / DRAWS for buyer in "abc"] == pytest.approx([0.5, 0.3, 0.2], abs=0.015)


def test_the_second_place_too_is_drawn_by_weight() -> None:
    offers = offer("a", weight=5), offer("b", weight=3), offer("c", weight=1)
    orders = [order(*offers, strategy="priority", seed=seed) for seed in range(DRAWS)]
    after_a = Counter(one[1] for one in orders if one[0] == "a")
    assert after_a["b"] / after_a.total() == pytest.approx(0.75, abs=0.015)


def test_a_buyer_of_weight_0_is_drawn_only_after_everybody_else() -> None:
    offers = offer("a", weight=0), offer("b", weight=1), offer("c", weight=1000)
    assert {order(*offers, strategy="priority", seed=seed)[2] for seed in range(500)} == {"a"}


def test_where_nobody_has_weight_the_revenue_decides_and_then_the_id() -> None:
    offers = [offer("b", weight=0, revenue=1), offer("a", weight=0, revenue=1), offer("c", weight=0, revenue=2)]
    assert order(*offers, strategy="priority") == "cab"


def test_a_kept_seed_draws_the_same_again_and_another_seed_may_not() -> None:
    offers = [offer(buyer) for buyer in "abcdefgh"]
    assert order(*offers, strategy="priority", seed=7) == order(*offers, strategy="priority", seed=7)
    assert len({order(*offers, strategy="priority", seed=seed) for seed in range(20)}) > 15


def test_an_old_traces_seed_still_draws_what_it_drew_then() -> None:
    offers = [offer(buyer, weight=weight) for buyer, weight in zip("abcde", (1, 2, 3, 4, 5), strict=True)]
    assert [order(*offers, strategy="priority", seed=seed) for seed in (0, 1, 2**63 - 1)] == ["dacbe", "ecbda", "edacb"]


@pytest.mark.parametrize(
    ("strategy", "loser", "expected"),
    [
        ("bid", offer("b", revenue=9, priority=2), Refused(Reason.LOWER_PRIORITY, "priority 2", "priority 1 or lower")),
        ("priority", offer("b", priority=2), Refused(Reason.LOWER_PRIORITY, "priority 2", "priority 1 or lower")),
        ("bid", offer("b", revenue=1_500_000), Refused(Reason.OUTBID, "1.5 USD", "more than 2 USD")),
        (
            "performance",
            offer("b", earnings=500_000),
            Refused(Reason.OUTPERFORMED, "0.5 USD a call", "more than 1 USD a call"),
        ),
        ("priority", offer("b", weight=3), Refused(Reason.NOT_DRAWN, "weight 3", "to be drawn")),
        (
            "performance",
            offer("b", earnings=1_000_000, revenue=1),
            Refused(Reason.OUTBID, "0.000001 USD", "more than 2 USD"),
        ),
        ("bid", offer("b", revenue=2_000_000), Refused(Reason.NOT_DRAWN, "weight 1", "to be drawn")),
        (
            "performance",
            offer("b", earnings=1_000_000, revenue=2_000_000),
            Refused(Reason.NOT_DRAWN, "weight 1", "to be drawn"),
        ),
    ],
)
def test_a_loser_is_told_what_it_had_and_what_would_have_won(strategy: str, loser: Offer, expected: Refused) -> None:
    winner = offer("a", revenue=2_000_000, earnings=1_000_000)
    assert losing_reason(strategy, winner=winner, loser=loser) == expected
