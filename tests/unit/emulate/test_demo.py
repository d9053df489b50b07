"""The demo's catalog: valid, grown from the example, and leading to the ports that are really listened on."""

from __future__ import annotations

import re
from pathlib import Path

from ringbid.catalog.model import Catalog
from ringbid.catalog.snapshot import key_id_of
from ringbid.catalog.validate import CatalogRead, read_catalog
from ringbid.edge.emulate.buyers import BEHAVIOURS
from ringbid.edge.emulate.demo import KEYS, demo_catalog

PORTS = {behaviour: 20_000 + index for index, behaviour in enumerate(BEHAVIOURS)}
ACME = Path(__file__).parents[3] / "examples/acme.yaml"


def read(text: str) -> Catalog:
    found = read_catalog(text)
    assert isinstance(found, CatalogRead), found
    return found.catalog


def test_the_catalog_is_valid_and_has_three_campaigns() -> None:
    catalog = read(demo_catalog(PORTS))
    assert [campaign.id for campaign in catalog.campaigns] == ["auto-insurance", "medicare", "home-services"]


def test_each_campaigns_key_is_the_one_that_simulated_publishers_send() -> None:
    catalog = read(demo_catalog(PORTS))
    in_catalog = {campaign.id: campaign.rtb_keys[0].id for campaign in catalog.campaigns}
    assert in_catalog == {campaign: key_id_of(key) for campaign, key in KEYS.items()}


def test_each_simulated_buyer_is_asked_at_its_own_port() -> None:
    catalog = read(demo_catalog(PORTS))
    urls = [hook.url for campaign in catalog.campaigns for hook in campaign.webhooks if hook.on == "passthrough"]
    asked = {
        found[2]: int(found[1])
        for url in urls
        if (found := re.match(r"http://127\.0\.0\.1:(\d+)/buyers/(\w+)/bid", url))
    }
    assert asked == PORTS


def test_auto_insurance_routes_pays_and_answers_as_in_the_example() -> None:
    ours, example = (read(text).campaigns[0] for text in (demo_catalog(PORTS), ACME.read_text(encoding="utf-8")))
    assert (ours.id, ours.numbers, ours.rtb_keys) == (example.id, example.numbers, example.rtb_keys)
    assert (ours.routing, ours.conversions) == (example.routing, example.conversions)


def test_the_closed_buyer_is_open_five_minutes_a_week() -> None:
    closed = next(buyer for buyer in read(demo_catalog(PORTS)).buyers if buyer.id == "juliett-closed")
    assert closed.hours is not None
    assert sum(len(one.days) * (one.close_minute - one.open_minute) for one in closed.hours) == 5
