"""What a call would bring, before the call: the first conversion rule that fits decides.

Compiled by `routing.plan` for each buyer of a campaign; asked by the auction with the tags as they are after the
buyer's answer. Editing a rule later changes nothing already quoted: a quote carries the rule's id and version.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from ringbid.catalog.model import (
    ConversionRule,
    FixedAmount,
    FixedSeconds,
    PercentAmount,
    TagAmount,
    TagDeclaration,
)
from ringbid.routing.filters import CompiledFilter, compile_filter
from ringbid.routing.tags import Tags
from ringbid.values.ids import BuyerId, PublisherId
from ringbid.values.money import MAX_MICROS, parse_decimal, round_decimal_to_micros, share_of
from ringbid.values.quote import Quote
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused

LONGEST_SECONDS = 86400


@dataclass(frozen=True, slots=True)
class _Rule:
    rule: ConversionRule
    setting: str
    publishers: frozenset[PublisherId]  # empty: any
    filters: tuple[CompiledFilter, ...]

    def fits(self, publisher_id: PublisherId, tags: Tags) -> bool:
        """A filter on a tag that is missing does not hold, so the rule does not fit."""
        if self.publishers and publisher_id not in self.publishers:
            return False
        return all(compiled.check(tags) is None for compiled in self.filters)


@dataclass(frozen=True, slots=True)
class CompiledRules:
    """The rules that can apply to one buyer, in the file's order."""

    rules: tuple[_Rule, ...]


def compile_rules(
    rules: Iterable[ConversionRule],
    *,
    buyer_id: BuyerId,
    declared: Mapping[str, TagDeclaration],
    setting: str = "conversions",
) -> CompiledRules:
    """Those of a campaign's rules that can apply to this buyer. `setting` is where they stand in the catalog."""
    return CompiledRules(
        tuple(
            _Rule(
                rule,
                f"{setting}[{rule.name}]",
                frozenset(rule.publishers),
                tuple(
                    compile_filter(
                        filter_, declared.get(filter_.tag), setting=f"{setting}[{rule.name}].filters[{index}]"
                    )
                    for index, filter_ in enumerate(rule.filters)
                ),
            )
            for rule in rules
            if not rule.buyers or buyer_id in rule.buyers
        )
    )


def quote(compiled: CompiledRules, *, publisher_id: PublisherId, tags: Tags, currency: str) -> Quote | Refused:
    """The quote of the first rule that fits; all zeros where none does. Refused: QUOTE_PAYOUT_UNKNOWN where the rule
    waits for a postback, QUOTE_TAG_MISSING or QUOTE_VALUE_INVALID where it reads a tag that is not there or no sensible
    number.
    """
    for candidate in compiled.rules:
        if candidate.fits(publisher_id, tags):
            return _quote_by(candidate, tags, currency)
    return Quote(revenue_micros=0, payout_micros=0, seconds=0, currency=currency)


def _quote_by(compiled: _Rule, tags: Tags, currency: str) -> Quote | Refused:
    rule = compiled.rule
    if rule.on == "postback":
        setting = f"{compiled.setting}.on"
        return Refused(Reason.QUOTE_PAYOUT_UNKNOWN, actual="on: postback", expected="on: timer", setting=setting)
    revenue = _amount(compiled, rule.revenue, tags, field="revenue")
    if isinstance(revenue, Refused):
        return revenue
    if isinstance(rule.payout, PercentAmount):
        payout: int | Refused = share_of(revenue, rule.payout.percent)
    else:
        payout = _amount(compiled, rule.payout, tags, field="payout")
    if isinstance(payout, Refused):
        return payout
    seconds = _seconds(compiled, tags)
    if isinstance(seconds, Refused):
        return seconds
    return Quote(
        revenue_micros=revenue,
        payout_micros=payout,
        seconds=seconds,
        currency=currency,
        rule_id=rule.id,
        rule_version=rule.version,
    )


def _amount(rule: _Rule, amount: FixedAmount | TagAmount, tags: Tags, *, field: str) -> int | Refused:
    if isinstance(amount, FixedAmount):
        return amount.micros
    number = _number(rule, amount, tags, field=field)
    if isinstance(number, Refused):
        return number
    if number < 0 or number.adjusted() > 12 or (micros := round_decimal_to_micros(number)) > MAX_MICROS:
        return _invalid(rule, amount, str(number), expected="0 to 1000000", field=field)
    return micros


def _seconds(rule: _Rule, tags: Tags) -> int | Refused:
    seconds = rule.rule.seconds
    if isinstance(seconds, FixedSeconds):
        return seconds.seconds
    number = _number(rule, seconds, tags, field="seconds")
    if isinstance(number, Refused):
        return number
    if not 0 <= number <= LONGEST_SECONDS or number != int(number):
        expected = f"a whole number from 0 to {LONGEST_SECONDS}"
        return _invalid(rule, seconds, str(number), expected=expected, field="seconds")
    return int(number)


def _number(rule: _Rule, amount: TagAmount, tags: Tags, *, field: str) -> Decimal | Refused:
    value = tags.values.get(amount.tag)
    if value is None:
        setting = f"{rule.setting}.{field}"
        return Refused(Reason.QUOTE_TAG_MISSING, actual=f"no {amount.tag}", expected=f"[{amount.tag}]", setting=setting)
    number = parse_decimal(value) if isinstance(value, str) else None
    if number is None:
        shown = value if isinstance(value, str) else ", ".join(value)
        return _invalid(rule, amount, shown[:60], expected="a decimal number", field=field)
    return number


def _invalid(rule: _Rule, amount: TagAmount, found: str, *, expected: str, field: str) -> Refused:
    setting = f"{rule.setting}.{field}"
    return Refused(Reason.QUOTE_VALUE_INVALID, actual=f"{amount.tag} = {found}", expected=expected, setting=setting)
