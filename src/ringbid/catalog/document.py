"""A `Catalog` as YAML: the text that `ringbid export` prints and the store keeps. Reading it gives an equal catalog.

Written from `file_fields`, without the fields that `validate` would fill in by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import yaml

from ringbid.catalog.file_fields import (
    Tree,
    access_fields,
    buyer_fields,
    campaign_fields,
    caps_fields,
    company_fields,
    event_fields,
    group_fields,
    key_fields,
    number_fields,
    publisher_fields,
    routed_fields,
    routing_fields,
    rule_fields,
    tag_fields,
    webhook_fields,
)
from ringbid.catalog.model import (
    AccessKey,
    Buyer,
    BuyerGroup,
    Campaign,
    Caps,
    Catalog,
    Company,
    ConversionRule,
    EventWebhook,
    InboundNumber,
    Publisher,
    RoutedBuyer,
    Routing,
    RtbKey,
    TagDeclaration,
    Webhook,
)
from ringbid.values.ids import BuyerId, CampaignId, CompanyId, GroupId, KeyId, PublisherId, RuleId
from ringbid.values.phone import PhoneNumber

# The innermost mappings and lists stand on one line where they are short, as in the examples.
_LAYOUT: dict[str, Any] = {"sort_keys": False, "allow_unicode": True, "width": 10**9, "default_flow_style": None}
_MOST_ON_ONE_LINE = 6


def export_yaml(catalog: Catalog) -> str:
    """YAML that `validate.read_catalog` reads as an equal catalog. Keys stand as `key_sha256`."""
    parts = [f"# The catalog of {catalog.company.id}. Fields at their default are left out.\n"]
    parts.extend(write_yaml({name: value}) for name, value in short_fields(catalog).items())
    return "\n".join(parts)


def write_yaml(value: object) -> str:
    """Any part of a catalog's fields as the text that `yaml_reading` reads as the same."""
    text: str = yaml.dump(value, Dumper=_Dumper, **_LAYOUT)
    return text.removesuffix("...\n")  # which ends a text that is one plain value


# What each kind of thing is where the file says nothing but its required fields, which are empty here.
_COMPANY = company_fields(Company(id=CompanyId(""), name=""))
_TAG = tag_fields(TagDeclaration(key=""))
_PUBLISHER = publisher_fields(Publisher(id=PublisherId(""), name=""))
_GROUP = group_fields(BuyerGroup(id=GroupId(""), name="", buyers=()))
_CAMPAIGN = campaign_fields(Campaign(id=CampaignId(""), name=""))
_NUMBER = number_fields(InboundNumber(number=PhoneNumber("")))
_KEY = key_fields(RtbKey(id=KeyId("")))
_ACCESS = access_fields(AccessKey(id=KeyId("")))
_ROUTING = routing_fields(Routing())
_ROUTED = routed_fields(RoutedBuyer(buyer=BuyerId("")))
_RULE = rule_fields(ConversionRule(id=RuleId(""), version="", name=""))
_CAPS = caps_fields(Caps())
_EVENT = event_fields(EventWebhook(id="", url=""))
# The same by the name of the list that holds it, for forms of new things.
DEFAULTS: Mapping[str, Tree] = {
    "company": _COMPANY,
    "tags": _TAG,
    "publishers": _PUBLISHER,
    "buyers": buyer_fields(Buyer(id=BuyerId(""), name="", number="", time_zone="")),
    "buyer_groups": _GROUP,
    "campaigns": _CAMPAIGN,
    "numbers": _NUMBER,
    "rtb_keys": _KEY,
    "access_keys": _ACCESS,
    "routing": _ROUTING,
    "routing.buyers": _ROUTED,
    "conversions": _RULE,
    "webhooks": webhook_fields(Webhook(name="", on="passthrough", url="")) | {"side": None},
    "event_webhooks": _EVENT,
}


def short_fields(catalog: Catalog) -> Tree:
    """The catalog's fields without those at their default: what the document says."""
    parts: Tree = {
        "company": _short(company_fields(catalog.company), _COMPANY),
        "tags": [_short(tag_fields(tag), _TAG) for tag in catalog.tags],
        "publishers": [_short(publisher_fields(publisher), _PUBLISHER) for publisher in catalog.publishers],
        "buyers": [_short_buyer(buyer, catalog.company) for buyer in catalog.buyers],
        "buyer_groups": [_short(group_fields(group), _GROUP) for group in catalog.buyer_groups],
        "campaigns": [_short_campaign(campaign) for campaign in catalog.campaigns],
        "event_webhooks": [_short(event_fields(webhook), _EVENT) for webhook in catalog.event_webhooks],
    }
    return {name: part for name, part in parts.items() if part}


def _short_buyer(buyer: Buyer, company: Company) -> Tree:
    plain = Buyer(id=BuyerId(""), name="", number="", time_zone=company.time_zone)
    return _short(buyer_fields(buyer), buyer_fields(plain))


def _short_campaign(campaign: Campaign) -> Tree:
    routing = routing_fields(campaign.routing)
    routing["buyers"] = [_short(routed_fields(routed), _ROUTED) for routed in campaign.routing.buyers]
    fields = campaign_fields(campaign) | {
        "numbers": [_short(number_fields(number), _NUMBER) for number in campaign.numbers],
        "rtb_keys": [_short(key_fields(key), _KEY) for key in campaign.rtb_keys],
        "access_keys": [_short(access_fields(key), _ACCESS) for key in campaign.access_keys],
        "routing": _short(routing, _ROUTING),
        "conversions": [_short(rule_fields(rule), _RULE) for rule in campaign.conversions],
        "webhooks": [_short_webhook(webhook) for webhook in campaign.webhooks],
    }
    return {name: value for name, value in fields.items() if value not in ([], {}) and value != _CAMPAIGN.get(name)}


def _short_webhook(webhook: Webhook) -> Tree:
    plain = Webhook(name="", on=webhook.on, url="")
    return _short(webhook_fields(webhook), webhook_fields(plain) | {"on": None})


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
        first: resolvers
        for first, resolvers in yaml.SafeDumper.yaml_implicit_resolvers.items()
        if first not in ("o", "O")
    }

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> yaml.MappingNode:  # noqa: ANN401 -- as PyYAML declares it
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
    elif all(line.isprintable() and line == line.rstrip() != "" for line in text.removesuffix("\n").split("\n")):
        style = "|"
    else:
        # Otherwise PyYAML would write characters that end a line as they are, and read them as spaces, or fold empty
        # lines and blanks at the ends of lines where a list stands on one line.
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(Decimal, _write_decimal)
_Dumper.add_representer(str, _write_text)
