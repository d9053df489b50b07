"""The auction's order, written down: priority level first (lowest first), then the campaign's strategy in the level.

`bid`: highest revenue. `performance`: highest earnings per call. `priority`: drawn by weight. Ties: higher revenue,
then weight drawn from the seed, then buyer id. The draw depends on the seed, the buyer's id and its weight alone, so
that the order of buyers in the catalog never changes the winner, and a kept seed draws the same again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import groupby

from ringbid.catalog.model import Strategy
from ringbid.values.ids import BuyerId
from ringbid.values.money import format_micros
from ringbid.values.quote import Quote
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What one buyer's call would bring, and where the buyer stands. `earnings_micros` is per call."""

    buyer_id: BuyerId
    priority: int
    weight: int
    quote: Quote
    earnings_micros: int


@dataclass(frozen=True, slots=True)
class Ranking:
    """Offers, best first."""

    order: tuple[Offer, ...]


# What settles the order before anything is drawn. Under `priority` nothing but the level does: the weights decide.
_BEFORE_THE_DRAW: dict[Strategy, Callable[[Offer], tuple[int, ...]]] = {
    "bid": lambda offer: (offer.priority, -offer.quote.revenue_micros),
    "performance": lambda offer: (offer.priority, -offer.earnings_micros, -offer.quote.revenue_micros),
    "priority": lambda offer: (offer.priority,),
}


def rank(offers: Sequence[Offer], *, strategy: Strategy, seed: int) -> Ranking:
    """The order in which places are tried."""
    key = _BEFORE_THE_DRAW[strategy]
    order: list[Offer] = []
    for _, equals in groupby(sorted(offers, key=key), key):
        tied = list(equals)
        if len(tied) > 1:
            tied.sort(key=lambda offer: (_draw(offer, seed), -offer.quote.revenue_micros, offer.buyer_id))
        order += tied
    return Ranking(tuple(order))


def losing_reason(strategy: Strategy, *, winner: Offer, loser: Offer) -> Refused:
    """Why `loser` comes after `winner`: the first thing in which they differ, or the draw where nothing else did."""
    if loser.priority > winner.priority:
        return Refused(
            Reason.LOWER_PRIORITY, actual=f"priority {loser.priority}", expected=f"priority {winner.priority} or lower"
        )
    if strategy == "performance" and loser.earnings_micros < winner.earnings_micros:
        return Refused(
            Reason.OUTPERFORMED,
            actual=f"{_money(loser.earnings_micros, loser)} a call",
            expected=f"more than {_money(winner.earnings_micros, winner)} a call",
        )
    if strategy != "priority" and loser.quote.revenue_micros < winner.quote.revenue_micros:
        return Refused(
            Reason.OUTBID,
            actual=_money(loser.quote.revenue_micros, loser),
            expected=f"more than {_money(winner.quote.revenue_micros, winner)}",
        )
    return Refused(Reason.NOT_DRAWN, actual=f"weight {loser.weight}", expected="to be drawn")


def _draw(offer: Offer, seed: int) -> float:
    """A key whose smallest is drawn with the chance weight / total weight: an exponential waiting time at that rate.
    Weight 0 waits for everybody else. Only ever a sort key; no money is computed with it."""
    if offer.weight <= 0:
        return math.inf
    digest = blake2b(f"{seed}:{offer.buyer_id}".encode(), digest_size=8).digest()
    uniform = (int.from_bytes(digest, "big") + 1) / (2**64 + 1)
    return -math.log(uniform) / offer.weight


def _money(micros: int, offer: Offer) -> str:
    return f"{format_micros(micros)} {offer.quote.currency}"
