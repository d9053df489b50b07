"""Campaigns of the file: their numbers, keys, routing, conversion rules and webhooks.

Called by `validate` when tags, publishers and buyers are known.
"""

from __future__ import annotations

from decimal import Decimal
from typing import get_args

from ringbid.catalog.conversion_reading import read_conversions
from ringbid.catalog.fields import ID, ID_ALLOWED, TAG, TAG_ALLOWED, Fields, as_text, has_control_characters
from ringbid.catalog.key_reading import KeyReader
from ringbid.catalog.model import Campaign, InboundNumber, RoutedBuyer, Routing, Strategy
from ringbid.catalog.phone_parsing import parse_phone
from ringbid.catalog.references import Known
from ringbid.catalog.token_checks import check_webhooks
from ringbid.catalog.webhook_reading import read_webhooks
from ringbid.values.ids import BuyerId, CampaignId, PublisherId
from ringbid.values.money import micros_from_decimal
from ringbid.values.phone import PhoneNumber

_LONGEST_TAG_VALUE = 1024
_DAY_SECONDS = 86_400
_YEAR_SECONDS = 366 * _DAY_SECONDS
_MOST_RECOVERY_ATTEMPTS = 20


def read_campaigns(root: Fields, known: Known, keys: KeyReader) -> tuple[Campaign, ...]:
    """The campaigns in the file's order."""
    seen: dict[PhoneNumber, str] = {}
    return tuple(_read_campaign(fields, known, keys, seen) for fields in root.mappings("campaigns", "id"))


def _read_campaign(fields: Fields, known: Known, keys: KeyReader, seen: dict[PhoneNumber, str]) -> Campaign:
    campaign_id = CampaignId(fields.matching("id", ID, ID_ALLOWED))
    name, paused = fields.text("name", campaign_id), fields.boolean("paused", False)
    max_duration_seconds = fields.optional_integer("max_duration_seconds", low=1, high=_DAY_SECONDS)
    numbers = tuple(_read_number(one, known, seen) for one in fields.mappings("numbers", "number"))
    rtb_keys = keys.read_rtb_keys(fields, campaign_id)
    access_keys = keys.read_access_keys(fields, campaign_id, known)
    routing = _read_routing(fields, known)
    webhooks = read_webhooks(fields, known)
    check_webhooks(webhooks, known.tags)
    hooks = tuple(webhook for _, webhook in webhooks)
    return Campaign(
        id=campaign_id,
        name=name,
        paused=paused,
        max_duration_seconds=max_duration_seconds,
        numbers=numbers,
        rtb_keys=rtb_keys,
        access_keys=access_keys,
        routing=routing,
        conversions=read_conversions(fields, known, hooks),
        webhooks=hooks,
    )


def _read_number(fields: Fields, known: Known, seen: dict[PhoneNumber, str]) -> InboundNumber:
    text = as_text(fields.value("number"))
    number = parse_phone(text) if text is not None else None
    if number is None:
        fields.refuse("number", found=fields.value("number"), allowed='E.164 such as "+18885551234"')
    elif number in seen:
        found = f"{number}, which is {seen[number]}"
        fields.refuse_as("number", found=found, allowed="each number once: it says which campaign a call is for")
    else:
        seen[number] = fields.path
    publisher = fields.reference("publisher", known.publishers, "publisher")
    tags: dict[str, str] = {}
    for tag, value in fields.names("tags").items():
        if not TAG.fullmatch(tag):
            fields.refuse("tags", found=tag, allowed=TAG_ALLOWED, inside=f".{tag[:64]}")
        tag_text = as_text(value)
        if tag_text is None or not 1 <= len(tag_text) <= _LONGEST_TAG_VALUE or has_control_characters(tag_text):
            allowed = f"a text of 1 to {_LONGEST_TAG_VALUE} characters on one line"
            fields.refuse("tags", found=value, allowed=allowed, inside=f".{tag[:64]}")
        tags[tag] = tag_text or ""
    return InboundNumber(
        number=number or PhoneNumber(""),
        publisher=None if publisher is None else PublisherId(publisher),
        tags=tuple(tags.items()),
    )


def _read_routing(campaign: Fields, known: Known) -> Routing:
    routing = campaign.mapping("routing")
    if routing is None:
        return Routing()
    return Routing(
        strategy=routing.choice("strategy", get_args(Strategy), "priority"),
        buyers=tuple(_read_routed(one, known) for one in routing.mappings("buyers", "buyer")),
        performance_window_seconds=routing.integer("performance_window_seconds", 604_800, low=60, high=_YEAR_SECONDS),
        recovery_attempts=routing.integer("recovery_attempts", 1, low=0, high=_MOST_RECOVERY_ATTEMPTS),
    )


def _read_routed(fields: Fields, known: Known) -> RoutedBuyer:
    if fields.value("buyer") is None:
        fields.refuse("buyer", found=None, allowed="the id of a buyer")
    earnings = fields.decimal("expected_earnings", Decimal(0), low=Decimal(0), high=Decimal(1_000_000), decimals=6)
    micros = micros_from_decimal(earnings)
    assert micros is not None, "six decimals at most"
    return RoutedBuyer(
        buyer=BuyerId(fields.reference("buyer", known.buyers, "buyer") or ""),
        priority=fields.integer("priority", 1, low=-1000, high=1000),
        weight=fields.integer("weight", 1, low=1, high=1_000_000),
        expected_earnings_micros=micros,
    )
