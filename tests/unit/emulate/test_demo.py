"""The demo's catalog: valid, grown from the example, and leading to the ports that are really listened on."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from ringbid.catalog.model import Catalog
from ringbid.catalog.snapshot import key_id_of
from ringbid.catalog.validate import CatalogRead, read_catalog
from ringbid.edge.emulate.buyers import BEHAVIOURS
from ringbid.edge.emulate.demo import KEYS, demo_catalog
from ringbid.edge.emulate.phones import PHONES, plain_address

PORTS = {behaviour: 20_000 + index for index, behaviour in enumerate(BEHAVIOURS)}
ACME = Path(__file__).parents[3] / "examples/acme.yaml"


def text(address_of: Callable[[str], str] = plain_address) -> str:
    return demo_catalog(PORTS, receiver_port=19_000, address_of=address_of)


def read(text: str) -> Catalog:
    found = read_catalog(text)
    assert isinstance(found, CatalogRead), found
    return found.catalog


def test_the_catalog_is_valid_and_has_three_campaigns() -> None:
    catalog = read(text())
    assert [campaign.id for campaign in catalog.campaigns] == ["auto-insurance", "medicare", "home-services"]


def test_each_campaigns_key_is_the_one_that_simulated_publishers_send() -> None:
    catalog = read(text())
    in_catalog = {campaign.id: campaign.rtb_keys[0].id for campaign in catalog.campaigns}
    assert in_catalog == {campaign: key_id_of(key) for campaign, key in KEYS.items()}


def test_each_simulated_buyer_is_asked_at_its_own_port() -> None:
    catalog = read(text())
    urls = [hook.url for campaign in catalog.campaigns for hook in campaign.webhooks if hook.on == "passthrough"]
    asked = {
        found[2]: int(found[1])
        for url in urls
        if (found := re.match(r"http://127\.0\.0\.1:(\d+)/buyers/(\w+)/bid", url))
    }
    assert asked == PORTS


def test_auto_insurance_routes_pays_and_answers_as_in_the_example() -> None:
    shortened = ACME.read_text(encoding="utf-8").replace("seconds: 95\n", "seconds: 5\n")  # a demo is short
    ours, example = (read(one).campaigns[0] for one in (text(), shortened))
    assert (ours.id, ours.numbers, ours.rtb_keys) == (example.id, example.numbers, example.rtb_keys)
    assert (ours.routing, ours.conversions) == (example.routing, example.conversions)


def test_the_closed_buyer_is_open_five_minutes_a_week() -> None:
    closed = next(buyer for buyer in read(text()).buyers if buyer.id == "juliett-closed")
    assert closed.hours is not None
    assert sum(len(one.days) * (one.close_minute - one.open_minute) for one in closed.hours) == 5


def test_every_buyer_that_can_be_called_has_a_phone_and_over_sip_its_address_is_that_phones() -> None:
    numbers = {buyer.number for buyer in read(text("sip:{}@127.0.0.1:5099".format)).buyers}
    fixed = {number for number in numbers if not number.startswith("[")}
    assert len(fixed) == 5
    assert fixed <= {f"sip:{user}@127.0.0.1:5099" for user in PHONES}


def test_every_campaign_tells_the_simulated_publisher_of_its_conversions() -> None:
    hooks = [[hook.url for hook in one.webhooks if hook.on == "converted"] for one in read(text()).campaigns]
    assert all(url.startswith("http://127.0.0.1:19000/postback?") for (url,) in hooks)
    assert len(hooks) == 3
