"""Export: the file that makes the same catalog."""

from __future__ import annotations

from decimal import Decimal

import pytest
import yaml
from hypothesis import HealthCheck, Phase, example, given, settings

from ringbid.catalog.document import export_yaml
from ringbid.catalog.event_reading import event_webhooks_in
from ringbid.catalog.file_fields import catalog_fields
from ringbid.catalog.model import Caps, Catalog, PercentAmount
from ringbid.catalog.plan import plan
from ringbid.catalog.snapshot import key_id_of
from ringbid.catalog.validate import CatalogRead, read_catalog
from support.any_catalog import catalogs
from support.catalogs import (
    ACME,
    ACME_KEY,
    ACME_TEXT,
    catalog_of,
    make_buyer,
    make_campaign,
    make_catalog,
    make_company,
    make_key,
    make_rule,
    make_webhook,
)


@settings(
    max_examples=20,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # the plan says what differs: no need to shrink for minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(catalogs())
@example(ACME)
def test_reading_an_export_gives_an_equal_catalog(catalog: Catalog) -> None:
    text = export_yaml(catalog)
    read = read_catalog(text)
    assert isinstance(read, CatalogRead), f"{read}\n{text}"
    assert plan(catalog, read.catalog) == ()
    assert read == CatalogRead(catalog, ())
    assert export_yaml(read.catalog) == text
    assert event_webhooks_in(text) == catalog.event_webhooks


def test_an_export_reads_like_the_example() -> None:
    text = export_yaml(ACME)
    for line in (
        "company: {id: acme, name: Acme Calls, time_zone: America/New_York}",
        "- {id: PUB-OFF, name: Paused Publisher, paused: true}",
        "  caps: {concurrency: 2, hourly: 100, daily: 500}",
        "  - {tag: age, operator: '>=', value: 18}",
        "    - {buyer: alpha, weight: 3}",
        "    payout: 1.173",
        "    payout: 80%",
        "    on: passthrough",
        "    headers: {X-Api-Key: demo}",
    ):
        assert f"\n{line}\n" in text, line


def test_what_stands_at_its_default_is_left_out() -> None:
    text = export_yaml(make_catalog(company=make_company(time_zone="UTC"), buyers=(make_buyer(time_zone="UTC"),)))
    for word in (
        "time_zone",
        "currency",
        "ring_seconds",
        "caps",
        "filters",
        "null",
        "false",
        "ttl_seconds",
        "buyer_groups",
    ):
        assert word not in text, word


def test_no_secret_of_a_key_is_exported() -> None:
    text = export_yaml(ACME)
    assert ACME_KEY in ACME_TEXT
    assert ACME_KEY not in text
    assert f"key_sha256: {key_id_of(ACME_KEY)}" in text


@pytest.mark.parametrize(
    "body",
    [
        "",
        "null",
        "<a>\n  <b>é</b>\n</a>\n",
        "\n leading",
        "trailing  \n\n",
        "next\x85line and separator\u2028x",
        "tab\tand\x00null",
        "a\r\nb",
        "# no comment",
        "- no list\n- at all",
    ],
)
def test_a_body_of_any_text_is_written_as_it_is(body: str) -> None:
    campaign = make_campaign(webhooks=(make_webhook(body=body, body_type="text"),))
    (read,) = catalog_of(export_yaml(make_catalog(campaigns=(campaign,)))).campaigns
    assert read.webhooks[0].body == body


def test_several_lines_are_written_as_a_block() -> None:
    campaign = make_campaign(webhooks=(make_webhook(body="<a>\n  <b/>\n</a>\n", body_type="xml"),))
    assert "    body: |\n      <a>\n        <b/>\n      </a>\n" in export_yaml(make_catalog(campaigns=(campaign,)))


def test_the_same_thing_twice_is_written_twice_and_not_as_an_alias() -> None:
    caps, body = Caps(concurrency=1), {"a": ["b"]}
    hooks = (make_webhook("one", body=body), make_webhook("two", body=body))
    catalog = make_catalog(
        buyers=(make_buyer(caps=caps), make_buyer("bravo", caps=caps)), campaigns=(make_campaign(webhooks=hooks),)
    )
    text = export_yaml(catalog)
    assert "&" not in text
    assert text.count("caps: {concurrency: 1}") == 2


def test_numbers_are_written_with_the_digits_they_have() -> None:
    rule = make_rule(payout=PercentAmount(Decimal("80.00")))
    campaign = make_campaign(rtb_keys=(make_key(timeout_seconds=Decimal("0.25")),), conversions=(rule,))
    text = export_yaml(make_catalog(campaigns=(campaign,)))
    assert "timeout_seconds: 0.25" in text
    assert "payout: 80%" in text
    assert "revenue: 2," in text


def test_every_field_of_the_example_is_a_field_of_the_tree() -> None:
    def names(tree: object) -> set[str]:
        if isinstance(tree, dict):
            return set(tree).union(*map(names, tree.values()))
        return set().union(*map(names, tree)) if isinstance(tree, list) else set()

    assert names(yaml.load(ACME_TEXT, Loader=yaml.BaseLoader)) <= names(catalog_fields(ACME))
