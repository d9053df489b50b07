"""Filters, hours, names and values as lines of a form: what is written is read as the same."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import Phase, given, settings

from ringbid.catalog.file_fields import buyer_fields, rule_fields, webhook_fields
from ringbid.catalog.model import Catalog
from ringbid.edge.console.catalog_texts import (
    number_of,
    read_filters,
    read_hours,
    read_names,
    read_words,
    write_filters,
    write_hours,
    write_names,
    write_words,
)
from support.any_catalog import catalogs


@settings(max_examples=60, phases=[Phase.generate])
@given(catalogs())
def test_what_is_written_is_read_as_the_same(catalog: Catalog) -> None:
    types = {tag.key: tag.type for tag in catalog.tags}
    filtered = [buyer_fields(buyer) for buyer in catalog.buyers]
    filtered += [rule_fields(rule) for campaign in catalog.campaigns for rule in campaign.conversions]
    for fields in filtered:
        for name in ("filters", "forward_filters"):
            assert read_filters(write_filters(fields.get(name, [])), types) == fields.get(name, [])
    for buyer in catalog.buyers:
        hours = buyer_fields(buyer)["hours"]
        assert read_hours(write_hours(hours)) == hours
    for campaign in catalog.campaigns:
        for webhook in campaign.webhooks:
            fields = webhook_fields(webhook)
            assert read_names(write_names(fields["headers"])) == fields["headers"]
            assert read_names(write_names(fields["outputs"])) == fields["outputs"]


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("caller_state in CA, NV,NY", {"tag": "caller_state", "operator": "in", "value": ["CA", "NV", "NY"]}),
        ("age >= 18", {"tag": "age", "operator": ">=", "value": 18}),
        ("height > 1.5", {"tag": "height", "operator": ">", "value": Decimal("1.5")}),
        ("member == true", {"tag": "member", "operator": "==", "value": True}),
        ("city == New York", {"tag": "city", "operator": "==", "value": "New York"}),
        ("city not in New York, Troy", {"tag": "city", "operator": "not in", "value": ["New York", "Troy"]}),
        ("zip =~ ^9\\d{1,2}$", {"tag": "zip", "operator": "=~", "value": "^9\\d{1,2}$"}),
        ("jornaya_id exists", {"tag": "jornaya_id", "operator": "exists"}),
        ("zip is 90210", {"tag": "zip", "operator": "is 90210"}),
    ],
)
def test_a_filter_is_a_line(line: str, value: object) -> None:
    assert read_filters(line, {"age": "number", "member": "boolean"}) == [value]


def test_hours_are_lines() -> None:
    assert read_hours("Mon-Fri 9:00 – 17:00\n\nsat, Sunday 10:00-14:00\n") == [
        {"days": ["mon", "tue", "wed", "thu", "fri"], "open": "9:00", "close": "17:00"},
        {"days": ["sat", "sun"], "open": "10:00", "close": "14:00"},
    ]
    assert read_hours(" \n") is None
    assert read_hours("always") == ["always"], "left for the catalog's check to refuse"


def test_words_and_numbers() -> None:
    assert read_words("a, b\nc,,") == ["a", "b", "c"]
    assert write_words(["a", "b"]) == "a, b"
    assert [number_of(text) for text in ("12", "1.50", "012", "x", "1e5")] == [12, Decimal("1.50"), "012", "x", "1e5"]
