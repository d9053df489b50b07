"""A `Catalog` as the file that makes it: the text that `ringbid export` prints and the store keeps.

`catalog_fields` has every field under the file's name, defaults too (`plan` compares these); `export_yaml` leaves out
what `validate` would fill in by itself. Reading an export gives an equal catalog.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import yaml

from ringbid.catalog.fields import shortest, whole_or_decimal
from ringbid.catalog.model import (
    Buyer,
    BuyerGroup,
    Campaign,
    Caps,
    Catalog,
    Company,
    ConversionRule,
    Filter,
    FilterScalar,
    FixedAmount,
    FixedSeconds,
    InboundNumber,
    OpenInterval,
    PercentAmount,
    Publisher,
    RoutedBuyer,
    Routing,
    RtbKey,
    TagAmount,
    TagDeclaration,
    Webhook,
)
from ringbid.values.ids import BuyerId, CampaignId, CompanyId, GroupId, KeyId, PublisherId, RuleId
from ringbid.values.money import format_micros
from ringbid.values.phone import PhoneNumber

Tree = dict[str, object]

# The innermost mappings and lists stand on one line where they are short, as in the examples.
_LAYOUT: dict[str, Any] = {"sort_keys": False, "allow_unicode": True, "width": 10**9, "default_flow_style": None}
_MOST_ON_ONE_LINE = 6


def export_yaml(catalog: Catalog) -> str:
    """YAML that `validate.read_catalog` reads as an equal catalog. RTB keys stand as `key_sha256`."""
    parts = [f"# The catalog of {catalog.company.id}. Fields at their default are left out.\n"]
    for name, value in _short_catalog(catalog).items():
        parts.append(yaml.dump({name: value}, Dumper=_Dumper, **_LAYOUT))
    return "\n".join(parts)


def catalog_fields(catalog: Catalog) -> Tree:
    """Every field of the catalog under its name in the file, in the file's order."""
    return {
        "company": _company_fields(catalog.company),
        "tags": [_tag_fields(tag) for tag in catalog.tags],
        "publishers": [_publisher_fields(publisher) for publisher in catalog.publishers],
        "buyers": [_buyer_fields(buyer) for buyer in catalog.buyers],
        "buyer_groups": [_group_fields(group) for group in catalog.buyer_groups],
        "campaigns": [_campaign_fields(campaign) for campaign in catalog.campaigns],
    }


def rule_fields(rule: ConversionRule) -> Tree:
    """Every field of a conversion rule; its id and version are not in the file, they are made of these."""
    return {
        "name": rule.name,
        "buyer": _one_or_list(rule.buyers),
        "publishers": list(rule.publishers),
        "filters": _filters(rule.filters),
        "on": rule.on,
        "start": rule.start,
        "seconds": _amount(rule.seconds),
        "revenue": _amount(rule.revenue),
        "payout": _amount(rule.payout),
        "postback_seconds": rule.postback_seconds,
        "dedupe_seconds": rule.dedupe_seconds,
    }


def _company_fields(company: Company) -> Tree:
    return {
        "id": company.id,
        "name": company.name,
        "time_zone": company.time_zone,
        "currency": company.currency,
        "rtb_enabled": company.rtb_enabled,
    }


def _tag_fields(tag: TagDeclaration) -> Tree:
    return {"key": tag.key, "type": tag.type, "required": tag.required, "private": tag.private}


def _publisher_fields(publisher: Publisher) -> Tree:
    return {"id": publisher.id, "name": publisher.name, "paused": publisher.paused}


def _buyer_fields(buyer: Buyer) -> Tree:
    return {
        "id": buyer.id,
        "name": buyer.name,
        "number": buyer.number,
        "time_zone": buyer.time_zone,
        "hours": None if buyer.hours is None else [_interval_fields(interval) for interval in buyer.hours],
        "holidays": buyer.holidays,
        "caps": _caps_fields(buyer.caps),
        "cap_counts": buyer.cap_counts,
        "ring_seconds": buyer.ring_seconds,
        "max_duration_seconds": buyer.max_duration_seconds,
        "filters": _filters(buyer.filters),
        "forward_filters": _filters(buyer.forward_filters),
        "paused": buyer.paused,
    }


def _interval_fields(interval: OpenInterval) -> Tree:
    return {
        "days": list(interval.days),
        "open": f"{interval.open_minute // 60:02d}:{interval.open_minute % 60:02d}",
        "close": f"{interval.close_minute // 60:02d}:{interval.close_minute % 60:02d}",
    }


def _caps_fields(caps: Caps) -> Tree:
    return {
        "concurrency": caps.concurrency,
        "hourly": caps.hourly,
        "daily": caps.daily,
        "monthly": caps.monthly,
        "total": caps.total,
    }


def _filters(filters: tuple[Filter, ...]) -> list[Tree]:
    return [_filter_fields(one) for one in filters]


def _filter_fields(one: Filter) -> Tree:
    fields: Tree = {"tag": one.tag, "operator": one.operator}
    if one.value is not None:
        fields["value"] = [_scalar(each) for each in one.value] if isinstance(one.value, tuple) else _scalar(one.value)
    return fields


def _scalar(value: FilterScalar) -> object:
    if isinstance(value, Decimal):
        return whole_or_decimal(value)
    return value.isoformat() if isinstance(value, date) else value


def _group_fields(group: BuyerGroup) -> Tree:
    return {
        "id": group.id,
        "name": group.name,
        "buyers": list(group.buyers),
        "caps": _caps_fields(group.caps),
        "ring": group.ring,
    }


def _campaign_fields(campaign: Campaign) -> Tree:
    return {
        "id": campaign.id,
        "name": campaign.name,
        "paused": campaign.paused,
        "numbers": [_number_fields(number) for number in campaign.numbers],
        "rtb_keys": [_key_fields(key) for key in campaign.rtb_keys],
        "routing": _routing_fields(campaign.routing),
        "conversions": [rule_fields(rule) for rule in campaign.conversions],
        "webhooks": [_webhook_fields(webhook) for webhook in campaign.webhooks],
    }


def _number_fields(number: InboundNumber) -> Tree:
    return {"number": number.number, "tags": dict(number.tags)}


def _key_fields(key: RtbKey) -> Tree:
    limit = key.rate_limit
    return {
        "name": key.name,
        "key_sha256": key.id,
        "ttl_seconds": key.ttl_seconds,
        "timeout_seconds": key.timeout_seconds,
        "inbound_number": key.inbound_number,
        "tag_prefix": key.tag_prefix,
        "allow_no_caller_number": key.allow_no_caller_number,
        "count_on_reserve": key.count_on_reserve,
        "route_only_to_reserved_buyer": key.route_only_to_reserved_buyer,
        "duplicate_scope": key.duplicate_scope,
        "explain": key.explain,
        "rate_limit": None if limit is None else {"pings": limit.pings, "per_seconds": limit.per_seconds},
        "after_expiry": key.after_expiry,
        "paused": key.paused,
    }


def _routing_fields(routing: Routing) -> Tree:
    return {
        "strategy": routing.strategy,
        "performance_window_seconds": routing.performance_window_seconds,
        "buyers": [_routed_fields(routed) for routed in routing.buyers],
    }


def _routed_fields(routed: RoutedBuyer) -> Tree:
    return {
        "buyer": routed.buyer,
        "priority": routed.priority,
        "weight": routed.weight,
        "expected_earnings": Decimal(format_micros(routed.expected_earnings_micros)),
    }


def _webhook_fields(webhook: Webhook) -> Tree:
    return {
        "name": webhook.name,
        "on": webhook.on,
        "buyer": webhook.buyer,
        "method": webhook.method,
        "url": webhook.url,
        "headers": dict(webhook.headers),
        "body": webhook.body,
        "body_type": webhook.body_type,
        "accept": webhook.accept,
        "outputs": dict(webhook.outputs),
    }


def _one_or_list(ids: tuple[BuyerId, ...]) -> object:
    if not ids:
        return None
    return ids[0] if len(ids) == 1 else list(ids)


def _amount(amount: FixedSeconds | FixedAmount | TagAmount | PercentAmount) -> object:
    match amount:
        case FixedSeconds(seconds):
            return seconds
        case FixedAmount(micros):
            return Decimal(format_micros(micros))
        case TagAmount(tag):
            return f"[{tag}]"
        case PercentAmount(percent):
            return f"{shortest(percent):f}%"


# What each kind of thing is where the file says nothing but its required fields, which are empty here.
_COMPANY = _company_fields(Company(id=CompanyId(""), name=""))
_TAG = _tag_fields(TagDeclaration(key=""))
_PUBLISHER = _publisher_fields(Publisher(id=PublisherId(""), name=""))
_GROUP = _group_fields(BuyerGroup(id=GroupId(""), name="", buyers=()))
_CAMPAIGN = _campaign_fields(Campaign(id=CampaignId(""), name=""))
_NUMBER = _number_fields(InboundNumber(number=PhoneNumber("")))
_KEY = _key_fields(RtbKey(id=KeyId("")))
_ROUTING = _routing_fields(Routing())
_ROUTED = _routed_fields(RoutedBuyer(buyer=BuyerId("")))
_RULE = rule_fields(ConversionRule(id=RuleId(""), version="", name=""))
_WEBHOOK = _webhook_fields(Webhook(name="", on="passthrough", url="")) | {"on": None}
_CAPS = _caps_fields(Caps())


def _short_catalog(catalog: Catalog) -> Tree:
    """The catalog's fields without those at their default."""
    parts: Tree = {
        "company": _short(_company_fields(catalog.company), _COMPANY),
        "tags": [_short(_tag_fields(tag), _TAG) for tag in catalog.tags],
        "publishers": [_short(_publisher_fields(publisher), _PUBLISHER) for publisher in catalog.publishers],
        "buyers": [_short_buyer(buyer, catalog.company) for buyer in catalog.buyers],
        "buyer_groups": [_short(_group_fields(group), _GROUP) for group in catalog.buyer_groups],
        "campaigns": [_short_campaign(campaign) for campaign in catalog.campaigns],
    }
    return {name: part for name, part in parts.items() if part}


def _short_buyer(buyer: Buyer, company: Company) -> Tree:
    plain = Buyer(id=BuyerId(""), name="", number="", time_zone=company.time_zone)
    return _short(_buyer_fields(buyer), _buyer_fields(plain))


def _short_campaign(campaign: Campaign) -> Tree:
    routing = _routing_fields(campaign.routing)
    routing["buyers"] = [_short(_routed_fields(routed), _ROUTED) for routed in campaign.routing.buyers]
    fields = _campaign_fields(campaign) | {
        "numbers": [_short(_number_fields(number), _NUMBER) for number in campaign.numbers],
        "rtb_keys": [_short(_key_fields(key), _KEY) for key in campaign.rtb_keys],
        "routing": _short(routing, _ROUTING),
        "conversions": [_short(rule_fields(rule), _RULE) for rule in campaign.conversions],
        "webhooks": [_short(_webhook_fields(webhook), _WEBHOOK) for webhook in campaign.webhooks],
    }
    return {name: value for name, value in fields.items() if value not in ([], {}) and value != _CAMPAIGN.get(name)}


def _short(fields: Tree, defaults: Tree) -> Tree:
    short = {name: value for name, value in fields.items() if value != defaults.get(name)}
    caps = short.get("caps")
    if isinstance(caps, dict):
        short["caps"] = _short(caps, _CAPS)
    return short


class _Dumper(yaml.SafeDumper):
    """Writes what `yaml_reading` reads: decimals as they are, several lines as a block, the same thing twice twice."""

    # `on` is a name of ours and no boolean, so it needs no quotes.
    yaml_implicit_resolvers = {  # noqa: RUF012 -- PyYAML declares it so
        first: resolvers for first, resolvers in yaml.SafeDumper.yaml_implicit_resolvers.items() if first not in ("o", "O")
    }

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> yaml.MappingNode:
        node = super().represent_mapping(tag, mapping, flow_style)
        node.flow_style = node.flow_style and len(node.value) <= _MOST_ON_ONE_LINE
        return node

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 -- nothing is ever written as an alias
        return True


def _write_decimal(dumper: _Dumper, value: Decimal) -> yaml.ScalarNode:
    text = f"{value:f}"
    return dumper.represent_scalar(f"tag:yaml.org,2002:{'float' if '.' in text else 'int'}", text)


def _write_text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    if text.isprintable():
        style = None
    elif all(line.isprintable() for line in text.split("\n")):
        style = "|"
    else:
        style = '"'  # unquoted, PyYAML would write characters that end a line as they are, and read them as spaces
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(Decimal, _write_decimal)
_Dumper.add_representer(str, _write_text)
