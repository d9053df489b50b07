"""Conversion rules of the file: what a call is worth, to whom, and when.

Called by `campaign_reading`; `routing.quote` works by what is made here.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import get_args

from ringbid.catalog.fields import Fields, as_decimal, shortest
from ringbid.catalog.file_fields import rule_fields
from ringbid.catalog.filter_reading import read_filters
from ringbid.catalog.model import (
    ConversionRule,
    FixedAmount,
    FixedSeconds,
    PercentAmount,
    Side,
    TagAmount,
    Webhook,
)
from ringbid.catalog.references import Known
from ringbid.catalog.token_checks import check_token, fillable_before_calls
from ringbid.catalog.tokens import only_token
from ringbid.values.ids import BuyerId, PublisherId, RuleId
from ringbid.values.money import MAX_MICROS, micros_from_decimal
from ringbid.values.quote import ConvertsOn, CountedFrom

_PERCENT = re.compile(r"(\d{1,3}(?:\.\d{1,6})?)%", re.ASCII)
_NOT_OF_A_SLUG = re.compile(r"[^a-z0-9]+")
_LONGEST_SLUG = 60
_DAY_SECONDS = 86_400
_MOST_POSTBACK_SECONDS = 30 * _DAY_SECONDS
_MOST_DEDUPE_SECONDS = 3650 * _DAY_SECONDS
_VERSION_DIGITS = 12
# Fields that came later: at their default they are no part of a version, so that older rules keep theirs.
_LATER_FIELDS = (("side", "both"),)


def read_conversions(campaign: Fields, known: Known, webhooks: Sequence[Webhook]) -> tuple[ConversionRule, ...]:
    """The rules of one campaign in the file's order. `webhooks`: the campaign's, whose answers may price calls."""
    rules = [_read_rule(fields, known, webhooks) for fields in campaign.mappings("conversions", "name")]
    return identify_rules(rules)


def identify_rules(rules: Sequence[ConversionRule]) -> tuple[ConversionRule, ...]:
    """The rules of one campaign, each with the id that its name makes and the version that its content makes."""
    taken: set[RuleId] = set()
    identified: list[ConversionRule] = []
    for rule in rules:
        slug = _NOT_OF_A_SLUG.sub("-", rule.name.lower()).strip("-")[:_LONGEST_SLUG] or "rule"
        rule_id, number = RuleId(slug), 1
        while rule_id in taken:
            number += 1
            rule_id = RuleId(f"{slug}-{number}")
        taken.add(rule_id)
        said = {name: one for name, one in rule_fields(rule).items() if (name, one) not in _LATER_FIELDS}
        content = json.dumps(said, default=_number_as_json, sort_keys=True)
        version = hashlib.sha256(content.encode()).hexdigest()[:_VERSION_DIGITS]
        identified.append(replace(rule, id=rule_id, version=version))
    return tuple(identified)


def _number_as_json(value: object) -> str:
    assert isinstance(value, Decimal), "all other values of a rule are JSON's own"
    return f"{shortest(value):f}"  # 1.5 and 1.50 are one version


def _read_rule(fields: Fields, known: Known, webhooks: Sequence[Webhook]) -> ConversionRule:
    buyers = _read_buyers(fields, known)
    fillable = fillable_before_calls(buyers, webhooks, known.tags)
    side = fields.choice("side", get_args(Side), "both")
    on = _read_on(fields, side)
    _refuse_what_means_nothing(fields, side, on)
    revenue = FixedAmount(0) if side == "payout" else _read_amount(fields, "revenue", fillable, percent=False)
    assert not isinstance(revenue, PercentAmount), "percent=False"
    return ConversionRule(
        id=RuleId(""),
        version="",
        name=fields.text("name"),
        buyers=buyers,
        publishers=tuple(PublisherId(one) for one in fields.references("publishers", known.publishers, "publisher")),
        filters=read_filters(fields, "filters", known.tags),
        side=side,
        on=on,
        start=fields.choice("start", get_args(CountedFrom), "answered"),
        seconds=_read_seconds(fields, fillable),
        revenue=revenue,
        payout=FixedAmount(0) if side == "revenue" else _read_amount(fields, "payout", fillable, percent=True),
        postback_seconds=fields.integer("postback_seconds", 600, low=1, high=_MOST_POSTBACK_SECONDS),
        dedupe_seconds=fields.integer("dedupe_seconds", 0, low=0, high=_MOST_DEDUPE_SECONDS),
    )


def _read_on(fields: Fields, side: Side) -> ConvertsOn:
    on: ConvertsOn = fields.choice("on", get_args(ConvertsOn), "timer")
    if on == "revenue" and side != "payout":
        allowed = "timer or postback: only a payout (side: payout) can follow the revenue"
        fields.refuse("on", found=on, allowed=allowed)
    return on


def _refuse_what_means_nothing(fields: Fields, side: Side, on: ConvertsOn) -> None:
    """What is of the other side, and what the buyer's rule says where the payout follows the revenue."""
    if side == "payout":
        fields.refuse_given("revenue", allowed="a rule of side: payout has no revenue")
    if side == "revenue":
        fields.refuse_given("payout", allowed="a rule of side: revenue has no payout")
    if on == "revenue":
        for name in ("start", "seconds", "postback_seconds"):
            fields.refuse_given(name, allowed="on: revenue converts when the rule of the revenue does")


def _read_buyers(fields: Fields, known: Known) -> tuple[BuyerId, ...]:
    """`buyer` is one id or a list of them; left out: any buyer."""
    if isinstance(fields.value("buyer"), list):
        return tuple(BuyerId(buyer) for buyer in fields.references("buyer", known.buyers, "buyer"))
    buyer = fields.reference("buyer", known.buyers, "buyer")
    return () if buyer is None else (BuyerId(buyer),)


def _read_seconds(fields: Fields, fillable: set[str]) -> FixedSeconds | TagAmount:
    value = fields.value("seconds")
    token = only_token(value) if isinstance(value, str) else None
    if token is not None:
        check_token(fields, "seconds", token, fillable)
        return TagAmount(token)
    if isinstance(value, str):
        fields.refuse("seconds", found=value, allowed=f'a whole number from 0 to {_DAY_SECONDS}, or "[tag]"')
        return FixedSeconds(0)
    return FixedSeconds(fields.integer("seconds", 90, low=0, high=_DAY_SECONDS))


def _read_amount(
    fields: Fields, name: str, fillable: set[str], *, percent: bool
) -> FixedAmount | TagAmount | PercentAmount:
    """`1.50`, `"[tag]"` or, for payouts, `"80%"`; left out: 0."""
    value = fields.value(name)
    if value is None:
        return FixedAmount(0)
    token = only_token(value) if isinstance(value, str) else None
    if token is not None:
        check_token(fields, name, token, fillable)
        return TagAmount(token)
    share = _PERCENT.fullmatch(value) if percent and isinstance(value, str) else None
    if share is not None and Decimal(share[1]) <= 100:
        return PercentAmount(shortest(Decimal(share[1])))
    number = as_decimal(value)
    micros = micros_from_decimal(number) if number is not None else None
    if micros is not None and 0 <= micros <= MAX_MICROS:
        return FixedAmount(micros)
    shares = ', or a share of the revenue such as "80%"' if percent else ""
    allowed = f'an amount such as 1.50 without quotes, from 0 to 1000000 with at most 6 decimals, or "[tag]"{shares}'
    fields.refuse(name, found=value, allowed=allowed)
    return FixedAmount(0)
