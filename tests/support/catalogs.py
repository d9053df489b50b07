"""Catalogs for tests: small valid pieces to override, and `ACME` from the examples.

    catalog = make_catalog(buyers=(make_buyer("alpha", caps=Caps(concurrency=1)),))

`make_catalog` has one publisher `PUB`, one buyer `alpha`, and one campaign `auto` with the RTB key `KEY`, one routed
buyer and one rule; whatever is named replaces that part whole. `support.any_catalog` makes any other.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ringbid.catalog.conversion_reading import identify_rules
from ringbid.catalog.model import (
    Buyer,
    BuyerGroup,
    Campaign,
    Catalog,
    Company,
    ConversionRule,
    FixedAmount,
    FixedSeconds,
    InboundNumber,
    Publisher,
    RoutedBuyer,
    Routing,
    RtbKey,
    Webhook,
)
from ringbid.catalog.snapshot import CompanyView, build_snapshot, key_id_of
from ringbid.catalog.validate import CatalogRead, read_catalog
from ringbid.values.ids import BuyerId, CampaignId, CompanyId, GroupId, PublisherId, RuleId
from ringbid.values.phone import PhoneNumber

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
ACME_TEXT = (EXAMPLES / "acme.yaml").read_text()
ACME_KEY = "1915260e-da0c-4443-a35b-8fb9d9843e42"
KEY = "4b3f0c6e-key-of-the-small-catalog"


def catalog_of(text: str) -> Catalog:
    """The catalog of a file that has no problems."""
    read = read_catalog(text)
    assert isinstance(read, CatalogRead), "\n".join(map(str, read))
    return read.catalog


ACME = catalog_of(ACME_TEXT)


def make_company(company_id: str = "acme", **overrides: Any) -> Company:
    return Company(id=CompanyId(company_id), **{"name": "Acme Calls", "time_zone": "America/New_York"} | overrides)


def make_publisher(publisher_id: str = "PUB", **overrides: Any) -> Publisher:
    return Publisher(id=PublisherId(publisher_id), **{"name": "Publisher"} | overrides)


def make_buyer(buyer_id: str = "alpha", **overrides: Any) -> Buyer:
    defaults = {"name": buyer_id.title(), "number": "+12025550101", "time_zone": "America/New_York"}
    return Buyer(id=BuyerId(buyer_id), **defaults | overrides)


def make_group(group_id: str = "group", *buyers: str, **overrides: Any) -> BuyerGroup:
    members = tuple(BuyerId(buyer) for buyer in buyers)
    return BuyerGroup(id=GroupId(group_id), **{"name": group_id.title(), "buyers": members} | overrides)


def make_key(secret: str = KEY, **overrides: Any) -> RtbKey:
    return RtbKey(id=key_id_of(secret), **overrides)


def make_rule(name: str = "any call", **overrides: Any) -> ConversionRule:
    """A rule as it is alone in its campaign: its id and version are those that reading the file would give."""
    defaults = {"seconds": FixedSeconds(60), "revenue": FixedAmount(2_000_000), "payout": FixedAmount(1_500_000)}
    (rule,) = identify_rules([ConversionRule(id=RuleId(""), version="", name=name, **defaults | overrides)])
    return rule


def make_webhook(name: str = "bid", **overrides: Any) -> Webhook:
    return Webhook(name=name, **{"on": "passthrough", "url": "http://127.0.0.1:9101/bid"} | overrides)


def make_routing(*buyers: str, **overrides: Any) -> Routing:
    return Routing(**{"buyers": tuple(RoutedBuyer(buyer=BuyerId(buyer)) for buyer in buyers)} | overrides)


def make_campaign(campaign_id: str = "auto", **overrides: Any) -> Campaign:
    defaults = {
        "name": campaign_id.title(),
        "numbers": (InboundNumber(number=PhoneNumber("+18444021146")),),
        "rtb_keys": (make_key(),),
        "routing": make_routing("alpha"),
        "conversions": (make_rule(),),
    }
    return Campaign(id=CampaignId(campaign_id), **defaults | overrides)


def make_catalog(**overrides: Any) -> Catalog:
    defaults = {
        "company": make_company(),
        "publishers": (make_publisher(),),
        "buyers": (make_buyer(),),
        "campaigns": (make_campaign(),),
    }
    return Catalog(**defaults | overrides)


def view_of(catalog: Catalog) -> CompanyView:
    """The catalog with what is looked up by id, as flows see it."""
    return build_snapshot(1, [catalog]).companies[catalog.company.id]
