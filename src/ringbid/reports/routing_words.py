"""A campaign's routing for people: in one sentence, and level by level. Pure; read by the console's pages."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from ringbid.catalog.model import (
    Buyer,
    Campaign,
    Catalog,
    ConversionRule,
    Filter,
    FixedAmount,
    FixedSeconds,
    PercentAmount,
    RoutedBuyer,
    TagAmount,
)
from ringbid.routing.hours import show_hours
from ringbid.values.money import format_price

_WINS = {
    "priority": "one is drawn by weight",
    "bid": "the highest revenue wins",
    "performance": "the best earnings per call win",
}


@dataclass(frozen=True, slots=True)
class LevelBuyer:
    """A buyer within a level; `words` says when it takes calls."""

    buyer: Buyer
    words: str


@dataclass(frozen=True, slots=True)
class Level:
    """Buyers that compete for a call."""

    priority: int
    buyers: tuple[LevelBuyer, ...]


def routing_levels(catalog: Catalog, campaign: Campaign) -> tuple[Level, ...]:
    """The levels in the order in which they are tried."""
    buyers = {buyer.id: buyer for buyer in catalog.buyers}
    routed = sorted(campaign.routing.buyers, key=lambda one: (one.priority, one.buyer))
    return tuple(
        Level(priority, tuple(LevelBuyer(buyers[one.buyer], _words(buyers[one.buyer], one)) for one in level))
        for priority, level in groupby(routed, key=lambda one: one.priority)
    )


def routing_sentence(catalog: Catalog, campaign: Campaign) -> str:
    """`A call of Auto goes to the highest revenue of Alpha and Bravo, else to Delta.`"""
    levels = routing_levels(catalog, campaign)
    if not levels:
        return f"A call of {campaign.name} goes to nobody: the campaign has no buyers."
    parts = [" or ".join(one.buyer.name for one in level.buyers) for level in levels]
    several = any(len(level.buyers) > 1 for level in levels)
    wins = f" Of several, {_WINS[campaign.routing.strategy]}." if several else ""
    return f"A call of {campaign.name} goes to {', else to '.join(parts)}, else to nobody.{wins}"


def filter_words(one: Filter) -> str:
    """`caller_state in CA, NV`."""
    if one.value is None:
        return f"{one.tag} {one.operator}"
    values = one.value if isinstance(one.value, tuple) else (one.value,)
    return f"{one.tag} {one.operator} {', '.join(str(value) for value in values)}"


def rule_words(rule: ConversionRule) -> str:
    """`alpha pays 20 after 90 s; 4321ABCD is paid 15`."""
    buyers, publishers = ", ".join(rule.buyers) or "any buyer", ", ".join(rule.publishers) or "any publisher"
    when = f"after {amount_words(rule.seconds)} s" if rule.on == "timer" else f"on {rule.on}"
    return f"{buyers} pays {amount_words(rule.revenue)} {when}; {publishers} is paid {amount_words(rule.payout)}."


def amount_words(amount: FixedAmount | TagAmount | PercentAmount | FixedSeconds) -> str:
    """`1.50`, `[bid]`, `80%`, `95`."""
    match amount:
        case FixedAmount(micros):
            return format_price(micros)
        case FixedSeconds(seconds):
            return str(seconds)
        case TagAmount(tag):
            return f"[{tag}]"
        case PercentAmount(percent):
            return f"{percent:f}%"


def _words(buyer: Buyer, routed: RoutedBuyer) -> str:
    words = [f"weight {routed.weight}"] if routed.weight != 1 else []
    if buyer.hours is not None:
        words.append(show_hours(buyer.hours))
    words += [filter_words(one) for one in buyer.filters]
    if buyer.caps.concurrency is not None:
        words.append(f"{buyer.caps.concurrency} at once")
    return "; ".join(words)
