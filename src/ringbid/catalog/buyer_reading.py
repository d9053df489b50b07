"""Buyers and buyer groups of the file: who takes calls, when, and how many.

Called by `validate`; the [tokens] of buyers' numbers are checked by `token_checks` when all campaigns are read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import get_args

from ringbid.catalog import checks
from ringbid.catalog.fields import ID, ID_ALLOWED, Fields, as_text
from ringbid.catalog.filter_reading import read_filters
from ringbid.catalog.model import Buyer, BuyerGroup, Caps, Company, OpenInterval, TagDeclaration, Weekday
from ringbid.catalog.phone_parsing import parse_phone
from ringbid.catalog.tokens import tokens_in
from ringbid.values.ids import BuyerId, GroupId

_WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)
_TIME = re.compile(r"(\d{1,2}):([0-5]\d)", re.ASCII)
_MINUTES_PER_DAY = 1440
_HIGHEST_CAP = 1_000_000_000
_DAY_SECONDS = 86_400
_LONGEST_RECOVERY_SECONDS = 600
_NUMBER_ALLOWED = 'E.164 such as "+12025550101", a sip: URI, or a [tag] that a passthrough webhook fills'


def read_buyers(root: Fields, company: Company, tags: Mapping[str, TagDeclaration]) -> list[tuple[Fields, Buyer]]:
    """The buyers in the file's order, each with its fields for the checks that come later."""
    return [(fields, _read_buyer(fields, company, tags)) for fields in root.mappings("buyers", "id")]


def _read_buyer(fields: Fields, company: Company, tags: Mapping[str, TagDeclaration]) -> Buyer:
    buyer_id = BuyerId(fields.matching("id", ID, ID_ALLOWED))
    return Buyer(
        id=buyer_id,
        name=fields.text("name", buyer_id),
        number=_read_number(fields),
        time_zone=read_time_zone(fields, company.time_zone),
        hours=_read_hours(fields),
        holidays=_read_holidays(fields),
        caps=_read_caps(fields),
        cap_counts=fields.choice("cap_counts", ("connected", "converted"), "connected"),
        ring_seconds=fields.integer("ring_seconds", 30, low=1, high=600),
        max_duration_seconds=fields.integer("max_duration_seconds", 14_400, low=1, high=_DAY_SECONDS),
        recover_below_seconds=fields.integer("recover_below_seconds", 0, low=0, high=_LONGEST_RECOVERY_SECONDS),
        filters=read_filters(fields, "filters", tags),
        forward_filters=read_filters(fields, "forward_filters", tags),
        paused=fields.boolean("paused", False),
    )


def read_groups(root: Fields, buyers: tuple[BuyerId, ...]) -> tuple[BuyerGroup, ...]:
    """The buyer groups in the file's order."""
    return tuple(_read_group(fields, buyers) for fields in root.mappings("buyer_groups", "id"))


def _read_group(fields: Fields, buyers: tuple[BuyerId, ...]) -> BuyerGroup:
    group_id = GroupId(fields.matching("id", ID, ID_ALLOWED))
    return BuyerGroup(
        id=group_id,
        name=fields.text("name", group_id),
        buyers=tuple(BuyerId(buyer) for buyer in fields.references("buyers", buyers, "buyer")),
        caps=_read_caps(fields),
        ring=fields.choice("ring", ("one_at_a_time", "all_at_once"), "one_at_a_time"),
    )


def read_time_zone(fields: Fields, default: str) -> str:
    """The field `time_zone`."""
    name = fields.optional_text("time_zone")
    if name is None:
        return default
    wrong = checks.time_zone(name)
    if wrong is None:
        return name
    fields.refuse("time_zone", found=name, allowed=wrong)
    return default


def _read_number(fields: Fields) -> str:
    """E.164, a `sip:` URI, or a template."""
    text = fields.optional_text("number", longest=256)
    if text is None or tokens_in(text):
        if text is None and fields.value("number") is None:
            fields.refuse("number", found=None, allowed=_NUMBER_ALLOWED)
        return text or ""
    if text.startswith(("sip:", "sips:")):
        wrong = checks.sip_uri(text)
        if wrong is not None:
            fields.refuse("number", found=text, allowed=wrong)
        return text
    number = parse_phone(text)
    if number is None:
        fields.refuse("number", found=text, allowed=_NUMBER_ALLOWED)
        return text
    return number


def _read_holidays(fields: Fields) -> str | None:
    place = fields.optional_text("holidays", longest=20)
    wrong = None if place is None else checks.holiday_place(place)
    if wrong is not None:
        fields.refuse("holidays", found=place, allowed=wrong)
    return place


def _read_caps(fields: Fields) -> Caps:
    caps = fields.mapping("caps")
    if caps is None:
        return Caps()
    return Caps(
        concurrency=caps.optional_integer("concurrency", low=0, high=_HIGHEST_CAP),
        hourly=caps.optional_integer("hourly", low=0, high=_HIGHEST_CAP),
        daily=caps.optional_integer("daily", low=0, high=_HIGHEST_CAP),
        monthly=caps.optional_integer("monthly", low=0, high=_HIGHEST_CAP),
        total=caps.optional_integer("total", low=0, high=_HIGHEST_CAP),
    )


def _read_hours(fields: Fields) -> tuple[OpenInterval, ...] | None:
    if fields.value("hours") is None:
        return None
    intervals = tuple(_read_interval(one) for one in fields.mappings("hours"))
    if fields.value("hours") == []:
        allowed = "at least one interval; left out: always open; never open: paused: true"
        fields.refuse_as("hours", found="an empty list", allowed=allowed)
    return intervals


def _read_interval(fields: Fields) -> OpenInterval:
    named = fields.references("days", _WEEKDAYS, "weekday")
    if fields.value("days") in (None, []):
        fields.refuse_as("days", found="no day", allowed=f"a list of at least one of: {', '.join(_WEEKDAYS)}")
    return OpenInterval(
        days=tuple(day for day in _WEEKDAYS if day in named),
        open_minute=_read_time(fields, "open", latest=_MINUTES_PER_DAY - 1),
        close_minute=_read_time(fields, "close", latest=_MINUTES_PER_DAY),
    )


def _read_time(fields: Fields, name: str, *, latest: int) -> int:
    """Minutes since midnight."""
    text = as_text(fields.value(name)) or ""
    found = _TIME.fullmatch(text)
    minute = int(found[1]) * 60 + int(found[2]) if found else latest + 1
    if minute <= latest:
        return minute
    fields.refuse(
        name, found=fields.value(name), allowed=f'a time from "00:00" to "{latest // 60:02d}:{latest % 60:02d}"'
    )
    return 0
