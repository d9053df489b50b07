"""A hypothesis strategy for any catalog that a file can say: `@given(catalogs())`.

Words that YAML reads as something else are as likely as others.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, get_args

from hypothesis import strategies as st

from ringbid.catalog.conversion_reading import identify_rules
from ringbid.catalog.model import (
    EVENT_TYPES,
    AccessKey,
    AccessRight,
    Buyer,
    BuyerGroup,
    Campaign,
    Caps,
    Catalog,
    Company,
    ConversionRule,
    EventWebhook,
    Filter,
    FixedAmount,
    FixedSeconds,
    InboundNumber,
    OpenInterval,
    PercentAmount,
    Publisher,
    RateLimit,
    RoutedBuyer,
    Routing,
    RtbKey,
    Side,
    TagAmount,
    TagDeclaration,
    TagType,
    Webhook,
    Weekday,
)
from ringbid.catalog.snapshot import key_id_of
from ringbid.catalog.tokens import BUILT_IN, HOLDING_TRIGGERS, TRIGGERS, aliases_of, tokens_in
from ringbid.values.ids import BuyerId, CampaignId, CompanyId, GroupId, PublisherId, RuleId
from ringbid.values.phone import PhoneNumber

_TRAPS = st.sampled_from(
    ["on", "off", "no", "NO", "yes", "null", "true", "12", "012", "1.50", "1e5", "0x1F", "1_0", "y"]
)
_LETTERS = st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp"))
_ids = _TRAPS | st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,12}", fullmatch=True)
_tags = _TRAPS | st.from_regex(r"[A-Za-z0-9_.:-]{1,12}", fullmatch=True)
_lines = (
    _TRAPS | st.text(_LETTERS, min_size=1, max_size=20) | st.sampled_from([" ", "- a", "a: b", "# c", "é", "{x}", "'"])
)
_texts = (
    _lines | st.text(" \n\ta:#-'", max_size=12) | st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
).filter(lambda text: not tokens_in(text))
_zones = st.sampled_from(["UTC", "America/Chicago", "America/New_York", "Asia/Kathmandu", "Europe/Berlin"])
_cap = st.none() | st.integers(0, 1_000_000_000)
_money = st.integers(0, 1_000_000_000_000)
_decimals = st.decimals(-10_000, 10_000, places=3, allow_nan=False)
_numbers = st.integers(2_002_000_000, 9_999_999_999).map(str).filter(lambda digits: digits[3] not in "01")
_expressions = st.sampled_from(["bid.amount", "a[0].b", "to_number(x)", "ok == `true`", '"on"', "join(',', a)"])
_header_values = st.from_regex(r"[!-Z^-~]([ -Z^-~]{0,10}[!-Z^-~])?", fullmatch=True)
_urls = st.sampled_from(
    ["http://127.0.0.1:9101/bid", "https://a.example/x?y=%20#z", "http://[::1]:80/", "https://b.example"]
)


def catalogs() -> st.SearchStrategy[Catalog]:
    """Any valid catalog, with up to two of everything that has a name."""
    return _catalogs()


def _named(names: st.SearchStrategy[str], most: int = 2) -> st.SearchStrategy[list[str]]:
    return st.lists(names, max_size=most, unique=True)


def _caps() -> st.SearchStrategy[Caps]:
    return st.builds(Caps, concurrency=_cap, hourly=_cap, daily=_cap, monthly=_cap, total=_cap)


def _hours() -> st.SearchStrategy[tuple[OpenInterval, ...] | None]:
    days = st.sets(st.sampled_from(get_args(Weekday)), min_size=1).map(
        lambda chosen: tuple(day for day in get_args(Weekday) if day in chosen)
    )
    interval = st.builds(OpenInterval, days=days, open_minute=st.integers(0, 1439), close_minute=st.integers(0, 1440))
    return st.none() | st.lists(interval, min_size=1, max_size=3).map(tuple)


def _filters(tags: dict[str, TagType]) -> st.SearchStrategy[tuple[Filter, ...]]:
    keys = st.sampled_from([*tags, "caller_state"])
    return st.lists(keys.flatmap(lambda key: _filter(key, tags.get(key, "text"))), max_size=3).map(tuple)


def _filter(key: str, kind: TagType) -> st.SearchStrategy[Filter]:
    scalars: dict[TagType, st.SearchStrategy[Any]] = {
        "text": _texts.filter(bool),
        "number": st.integers(-(10**9), 10**9) | _decimals,
        "boolean": st.booleans(),
        "date": st.dates(date(1900, 1, 1), date(2100, 1, 1)),
    }
    scalar = scalars[kind]
    several = st.lists(scalar, min_size=1, max_size=3).map(tuple)
    more: dict[str, list[str]] = {"text": ["contains", "starts with", ">"], "boolean": []}
    with_one = ["==", "!=", *more.get(kind, [">", ">=", "<", "<="])]
    choices = [
        st.builds(Filter, tag=st.just(key), operator=st.sampled_from(["exists", "missing"])),
        st.builds(Filter, tag=st.just(key), operator=st.sampled_from(with_one), value=scalar),
        st.builds(Filter, tag=st.just(key), operator=st.just("=="), value=several),
    ]
    if kind != "boolean":
        choices.append(st.builds(Filter, tag=st.just(key), operator=st.sampled_from(["in", "not in"]), value=several))
    if kind == "text":
        pattern = st.sampled_from([r"^9\d+$", "a|b", "(?i)x"])
        choices.append(st.builds(Filter, tag=st.just(key), operator=st.just("=~"), value=pattern))
    return st.one_of(choices)


def _buyer(buyer_id: str, tags: dict[str, TagType]) -> st.SearchStrategy[Buyer]:
    filled = st.sampled_from([*tags, "caller_zip"]).map("sip:[{}]@example.org".format)
    return st.builds(
        Buyer,
        id=st.just(BuyerId(buyer_id)),
        name=_lines,
        number=_numbers.map("+1{}".format) | st.sampled_from(["sip:a@b.example:5060;x=1", "+442079460958"]) | filled,
        time_zone=_zones,
        hours=_hours(),
        holidays=st.sampled_from([None, "US", "US-CA", "NO"]),
        caps=_caps(),
        cap_counts=st.sampled_from(["connected", "converted"]),
        ring_seconds=st.integers(1, 600),
        max_duration_seconds=st.integers(1, 86_400),
        recover_below_seconds=st.integers(0, 600),
        filters=_filters(tags),
        forward_filters=_filters(tags),
        paused=st.booleans(),
    )


def _key(secret: str, name: str) -> st.SearchStrategy[RtbKey]:
    return st.builds(
        RtbKey,
        id=st.just(key_id_of(secret)),
        name=st.just(name),
        ttl_seconds=st.integers(1, 3600),
        timeout_seconds=st.integers(1, 60_000).map(lambda ms: Decimal(ms) / 1000),
        inbound_number=st.none() | _numbers.map("+1{}".format),
        tag_prefix=st.sampled_from(["", "x_", "1", "no"]),
        allow_no_caller_number=st.booleans(),
        count_on_reserve=st.booleans(),
        route_only_to_reserved_buyer=st.booleans(),
        duplicate_scope=st.sampled_from(["key", "campaign"]),
        explain=st.sampled_from(["none", "reason", "buyers"]),
        rate_limit=st.none() | st.builds(RateLimit, pings=st.integers(1, 10**6), per_seconds=st.integers(1, 86_400)),
        after_expiry=st.sampled_from(["route_as_direct", "route_unpaid", "reject"]),
        paused=st.booleans(),
    )


@st.composite
def _access_key(draw: st.DrawFn, secret: str, name: str, buyers: list[str], publishers: list[str]) -> AccessKey:
    chosen = draw(st.sets(st.sampled_from(get_args(AccessRight)), min_size=1))
    of_tags = {"tag_prefix": draw(st.sampled_from(["", "x_", "no"])), "keep_seconds": draw(st.integers(1, 86_400))}
    return AccessKey(
        id=key_id_of(secret),
        name=name,
        allows=tuple(right for right in get_args(AccessRight) if right in chosen),
        buyer=draw(st.sampled_from([None, *map(BuyerId, buyers)])),
        publisher=draw(st.sampled_from([None, *map(PublisherId, publishers)])),
        until_seconds=draw(st.integers(0, 86_400)),
        paused=draw(st.booleans()),
        **of_tags if "write_tags" in chosen else {},
    )


def _event_webhook(webhook_id: str) -> st.SearchStrategy[EventWebhook]:
    return st.builds(
        EventWebhook,
        id=st.just(webhook_id),
        url=st.sampled_from(["http://127.0.0.1:9/events", "https://[::1]/x?a=%20#y", "https://crm.example/in"]),
        events=st.sets(st.sampled_from(EVENT_TYPES), min_size=1).map(
            lambda chosen: tuple(event for event in EVENT_TYPES if event in chosen)
        ),
        caller_number=st.booleans(),
        paused=st.booleans(),
    )


def _routed(buyer: str) -> st.SearchStrategy[RoutedBuyer]:
    return st.builds(
        RoutedBuyer,
        buyer=st.just(BuyerId(buyer)),
        priority=st.integers(-1000, 1000),
        weight=st.integers(1, 1_000_000),
        expected_earnings_micros=_money,
    )


@st.composite
def _rules(draw: st.DrawFn, buyers: list[str], publishers: list[str], tags: dict[str, TagType]) -> Any:
    tag = st.sampled_from([*tags, "caller_zip"]).map(TagAmount)
    percent = st.integers(0, 100_000).map(lambda thousandths: PercentAmount(Decimal(thousandths) / 1000))
    rules = []
    for name in draw(_named(_lines)):
        side = draw(st.sampled_from(get_args(Side)))
        on = draw(st.sampled_from(["timer", "postback", *(["revenue"] if side == "payout" else [])]))
        when = {
            "start": st.sampled_from(["answered", "received"]),
            "seconds": st.integers(0, 86_400).map(FixedSeconds) | tag,
            "postback_seconds": st.integers(1, 86_400),
        }
        amounts = {"revenue": _money.map(FixedAmount) | tag, "payout": _money.map(FixedAmount) | tag | percent}
        said = ({} if on == "revenue" else when) | {one: amounts[one] for one in amounts if side in ("both", one)}
        rules.append(
            ConversionRule(
                id=RuleId(""),
                version="",
                name=name,
                buyers=tuple(draw(_some_of(buyers))),
                publishers=tuple(draw(_some_of(publishers))),
                filters=draw(_filters(tags)),
                side=side,
                on=on,
                dedupe_seconds=draw(st.integers(0, 86_400)),
                **draw(st.fixed_dictionaries(said)),
            )
        )
    return identify_rules(rules)


@st.composite
def _webhooks(draw: st.DrawFn, buyers: list[str], tags: dict[str, TagType]) -> tuple[Webhook, ...]:
    webhooks = []
    for name in draw(_named(_lines)):
        trigger = draw(st.sampled_from(TRIGGERS))
        token = st.sampled_from([*BUILT_IN[trigger], *aliases_of(trigger), *tags]).map("[{}]".format)
        hold_seconds = draw(st.integers(0, 30)) if trigger in HOLDING_TRIGGERS else 0
        is_read = trigger == "passthrough" or hold_seconds > 0
        outputs = st.dictionaries(_tags.map("out_{}".format), _expressions, max_size=3)
        method = draw(st.sampled_from(["GET", "POST"]))
        body_type = draw(st.sampled_from(["json", "form", "xml", "text"]))
        scalar = _texts | token | st.booleans() | st.integers(-(10**9), 10**9) | _decimals
        bodies: dict[str, st.SearchStrategy[Any]] = {
            "json": st.recursive(
                scalar | st.none(),
                lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
                max_leaves=6,
            ).filter(lambda body: isinstance(body, str | dict | list)),
            "form": st.dictionaries(_texts, scalar, max_size=3),
            "xml": _texts,
            "text": _texts,
        }
        webhooks.append(
            Webhook(
                name=name,
                on=trigger,
                buyer=draw(st.sampled_from([None, *map(BuyerId, buyers)])),
                hold_seconds=hold_seconds,
                side=draw(st.sampled_from(get_args(Side))) if trigger == "converted" else "payout",
                method=method,
                url=draw(_urls) + draw(st.just("") | token.map("/?x={}".format)),
                headers=tuple(draw(_headers(token)).items()),
                body=None if method == "GET" else draw(st.none() | bodies[body_type]),
                body_type=body_type,
                accept=draw(st.none() | _expressions) if is_read else None,
                outputs=tuple(draw(outputs).items()) if is_read else (),
            )
        )
    return tuple(webhooks)


def _headers(token: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, str]]:
    return st.dictionaries(st.sampled_from(["X-Key", "on", "Content-Type", "X-1"]), _header_values | token, max_size=3)


def _some_of(ids: list[str]) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.sampled_from(ids), max_size=3, unique=True) if ids else st.just([])


@st.composite
def _catalogs(draw: st.DrawFn) -> Catalog:
    tag_list = [
        TagDeclaration(
            key=key,
            type=draw(st.sampled_from(get_args(TagType))),
            required=draw(st.booleans()),
            private=draw(st.booleans()),
        )
        for key in draw(_named(_tags))
    ]
    tags = {tag.key: tag.type for tag in tag_list}
    publishers, buyers, secrets = draw(_named(_ids)), draw(_named(_ids)), iter(range(1000))
    numbers = iter(draw(st.lists(_numbers, min_size=9, max_size=9, unique=True)))
    return Catalog(
        company=Company(
            id=CompanyId(draw(_ids)),
            name=draw(_lines),
            time_zone=draw(_zones),
            currency=draw(st.sampled_from(["USD", "EUR", "ALL"])),
            rtb_enabled=draw(st.booleans()),
            destinations=draw(st.sampled_from([("US", "CA"), (), ("GB", "+4930", "sip:pbx.example.org")])),
        ),
        tags=tuple(tag_list),
        publishers=tuple(
            Publisher(id=PublisherId(one), name=draw(_lines), paused=draw(st.booleans())) for one in publishers
        ),
        buyers=tuple(draw(_buyer(one, tags)) for one in buyers),
        buyer_groups=tuple(
            BuyerGroup(
                id=GroupId(one),
                name=draw(_lines),
                buyers=tuple(draw(_some_of(buyers))),
                caps=draw(_caps()),
                ring=draw(st.sampled_from(["one_at_a_time", "all_at_once"])),
            )
            for one in draw(_named(_ids))
        ),
        event_webhooks=tuple(draw(_event_webhook(one)) for one in draw(_named(_ids))),
        campaigns=tuple(
            Campaign(
                id=CampaignId(one),
                name=draw(_lines),
                paused=draw(st.booleans()),
                max_duration_seconds=draw(st.none() | st.integers(1, 86_400)),
                numbers=tuple(
                    InboundNumber(
                        number=PhoneNumber(f"+1{next(numbers)}"),
                        publisher=draw(st.sampled_from([None, *map(PublisherId, publishers)])),
                        tags=tuple(draw(st.dictionaries(_tags, _lines, max_size=2)).items()),
                    )
                    for _ in range(draw(st.integers(0, 3)))
                ),
                rtb_keys=tuple(
                    draw(_key(f"secret number {next(secrets)}", name))
                    for name in draw(_named(st.just("Default") | _lines))
                ),
                access_keys=tuple(
                    draw(_access_key(f"secret number {next(secrets)}", name, buyers, publishers))
                    for name in draw(_named(st.just("Default") | _lines))
                ),
                routing=Routing(
                    strategy=draw(st.sampled_from(["priority", "bid", "performance"])),
                    buyers=tuple(draw(_routed(buyer)) for buyer in draw(_some_of(buyers))),
                    performance_window_seconds=draw(st.integers(60, 86_400)),
                    recovery_attempts=draw(st.integers(0, 20)),
                ),
                conversions=draw(_rules(buyers, publishers, tags)),
                webhooks=draw(_webhooks(buyers, tags)),
            )
            for one in draw(_named(_ids))
        ),
    )
