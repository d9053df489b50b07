"""What a call would bring, before the call: the first conversion rule that fits decides, for each side of the money.

Compiled by `routing.plan` for each buyer of a campaign; asked by the auction with the tags as they are after the
buyer's answer. Editing a rule later changes nothing already quoted: a quote carries what its rules say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

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
from ringbid.values.ids import BuyerId, PublisherId, RuleId
from ringbid.values.money import MAX_MICROS, parse_decimal, round_decimal_to_micros, share_of
from ringbid.values.quote import NO_TERMS, CountedFrom, Quote, SideTerms, Terms
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused

LONGEST_SECONDS = 86400


@dataclass(frozen=True, slots=True)
class _Rule:
    rule: ConversionRule
    setting: str
    publishers: frozenset[PublisherId]  # empty: any
    filters: tuple[CompiledFilter, ...]
    of_revenue: bool
    of_payout: bool
    terms: Terms | None  # for both sides; None: the seconds come from a tag, or the revenue's rule says when

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
            _compile_rule(rule, f"{setting}[{rule.name}]", declared)
            for rule in rules
            if not rule.buyers or buyer_id in rule.buyers
        )
    )


def _compile_rule(rule: ConversionRule, setting: str, declared: Mapping[str, TagDeclaration]) -> _Rule:
    return _Rule(
        rule,
        setting,
        frozenset(rule.publishers),
        tuple(
            compile_filter(filter_, declared.get(filter_.tag), setting=f"{setting}.filters[{index}]")
            for index, filter_ in enumerate(rule.filters)
        ),
        of_revenue=rule.side != "payout",
        of_payout=rule.side != "revenue",
        terms=_fixed_terms(rule),
    )


def quote(
    compiled: CompiledRules, *, publisher_id: PublisherId, tags: Tags, currency: str, before_call: bool = True
) -> Quote | Refused:
    """The quote by the first rule that fits the buyer's side and the first that fits the publisher's, most often the
    same; a side that no rule fits brings nothing. `before_call`: a price is asked for, and must be known; a call that
    is there may also be routed on a payout that a postback will decide.

    Refused: QUOTE_PAYOUT_UNKNOWN where the payout waits for a postback, QUOTE_TAG_MISSING or QUOTE_VALUE_INVALID where
    a rule reads a tag that is not there or no sensible number.
    """
    of_revenue, of_payout = _choose(compiled.rules, publisher_id, tags)
    if before_call and of_payout is not None and _is_unknown(of_payout, of_revenue):
        setting = f"{of_payout.setting}.on"
        actual = f"on: {of_payout.rule.on}"
        return Refused(Reason.QUOTE_PAYOUT_UNKNOWN, actual=actual, expected="on: timer", setting=setting)
    revenue = 0 if of_revenue is None else _amount(of_revenue, of_revenue.rule.revenue, tags, field="revenue")
    if isinstance(revenue, Refused):
        return revenue
    payout = 0 if of_payout is None else _payout(of_payout, revenue, tags)
    if isinstance(payout, Refused):
        return payout
    terms = _terms(of_revenue, of_payout, tags)
    if isinstance(terms, Refused):
        return terms
    paid = terms.payout
    return Quote(
        revenue_micros=revenue,
        payout_micros=payout,
        seconds=0 if paid is None else paid.seconds,
        currency=currency,
        rule_id=None if paid is None else paid.rule_id,
        rule_version=None if paid is None else paid.rule_version,
        terms=terms,
    )


def _choose(rules: tuple[_Rule, ...], publisher_id: PublisherId, tags: Tags) -> tuple[_Rule | None, _Rule | None]:
    """The rules of the revenue and of the payout. A payout that follows a revenue which never comes has none."""
    of_revenue: _Rule | None = None
    of_payout: _Rule | None = None
    for rule in rules:
        wanted = (rule.of_revenue and of_revenue is None) or (rule.of_payout and of_payout is None)
        if not wanted or not rule.fits(publisher_id, tags):
            continue
        if rule.of_revenue and of_revenue is None:
            of_revenue = rule
        if rule.of_payout and of_payout is None:
            of_payout = rule
        if of_revenue is not None and of_payout is not None:
            break
    if of_revenue is None and of_payout is not None and of_payout.rule.on == "revenue":
        of_payout = None
    return of_revenue, of_payout


def _is_unknown(of_payout: _Rule, of_revenue: _Rule | None) -> bool:
    """Does the payout wait, by itself or with the revenue, for somebody's word after the call?"""
    decides = of_revenue if of_payout.rule.on == "revenue" else of_payout
    return decides is not None and decides.rule.on == "postback"


def _payout(rule: _Rule, revenue_micros: int, tags: Tags) -> int | Refused:
    amount = rule.rule.payout
    if isinstance(amount, PercentAmount):
        return share_of(revenue_micros, amount.percent)
    return _amount(rule, amount, tags, field="payout")


def _terms(of_revenue: _Rule | None, of_payout: _Rule | None, tags: Tags) -> Terms | Refused:
    if of_revenue is of_payout:
        return NO_TERMS if of_payout is None else _own_terms(of_payout, tags)
    buyer_side = NO_TERMS if of_revenue is None else _own_terms(of_revenue, tags)
    if isinstance(buyer_side, Refused):
        return buyer_side
    revenue = buyer_side.revenue
    if of_payout is None:
        return Terms(revenue=revenue)
    if of_payout.rule.on == "revenue":
        assert revenue is not None, "without a revenue such a rule is not chosen"
        return Terms(revenue=revenue, payout=_following_terms(of_payout.rule, revenue))
    publisher_side = _own_terms(of_payout, tags)
    if isinstance(publisher_side, Refused):
        return publisher_side
    return Terms(revenue=revenue, payout=publisher_side.payout)


def _own_terms(rule: _Rule, tags: Tags) -> Terms | Refused:
    """What a rule says for both sides, whichever it is of."""
    if rule.terms is not None:
        return rule.terms
    seconds = _seconds(rule, tags)
    return seconds if isinstance(seconds, Refused) else _timer_terms(*_timer_of(rule.rule), seconds)


def _fixed_terms(rule: ConversionRule) -> Terms | None:
    """The same, where no tag and no other rule has a word in it."""
    if rule.on == "postback":
        side = SideTerms(
            rule_id=rule.id,
            rule_version=rule.version,
            on="postback",
            start=rule.start,
            dedupe_seconds=rule.dedupe_seconds,
            postback_seconds=rule.postback_seconds,
        )
        return Terms(revenue=side, payout=side)
    if rule.on == "timer" and isinstance(rule.seconds, FixedSeconds):
        return _timer_terms(*_timer_of(rule), rule.seconds.seconds)
    return None


def _timer_of(rule: ConversionRule) -> tuple[RuleId, str, CountedFrom, int]:
    return rule.id, rule.version, rule.start, rule.dedupe_seconds


@lru_cache(maxsize=4096)  # buyers say the same seconds again and again, and a ping should not make such values anew
def _timer_terms(rule_id: RuleId, rule_version: str, start: CountedFrom, dedupe_seconds: int, seconds: int) -> Terms:
    side = SideTerms(
        rule_id=rule_id,
        rule_version=rule_version,
        on="timer",
        start=start,
        seconds=seconds,
        dedupe_seconds=dedupe_seconds,
    )
    return Terms(revenue=side, payout=side)


def _following_terms(rule: ConversionRule, revenue: SideTerms) -> SideTerms:
    """A payout that converts when the revenue does: when that is, is what the revenue's rule says."""
    return SideTerms(
        rule_id=rule.id,
        rule_version=rule.version,
        on="revenue",
        start=revenue.start,
        seconds=revenue.seconds,
        dedupe_seconds=rule.dedupe_seconds,
        postback_seconds=revenue.postback_seconds,
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
