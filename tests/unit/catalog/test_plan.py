"""What applying a catalog would change, field by field."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import HealthCheck, Phase, given, settings

from ringbid.catalog.model import Caps, Catalog, Filter, OpenInterval, TagDeclaration
from ringbid.catalog.plan import Change, plan
from ringbid.catalog.snapshot import key_id_of
from support.any_catalog import catalogs
from support.catalogs import (
    ACME,
    ACME_KEY,
    ACME_TEXT,
    catalog_of,
    make_buyer,
    make_campaign,
    make_catalog,
    make_group,
    make_key,
    make_rule,
    make_webhook,
)


def _changes(old: str, new: str) -> list[tuple[str, str, str | None, str | None]]:
    """What changes where the example has `new` instead of `old`."""
    assert old in ACME_TEXT
    changes = plan(ACME, catalog_of(ACME_TEXT.replace(old, new, 1)))
    return [(change.kind, change.path, change.before, change.after) for change in changes]


def test_applying_twice_plans_nothing() -> None:
    assert plan(ACME, catalog_of(ACME_TEXT)) == ()


def test_what_only_reads_differently_is_no_change() -> None:
    assert _changes("revenue: 1.50", "revenue: 1.500") == []
    assert _changes("timeout_seconds: 5 ", "timeout_seconds: 5.0 ") == []
    assert _changes('"80%"', '"80.0%"') == []
    assert _changes('number: "+12025550104"', "number: (202) 555-0104") == []
    assert _changes("    paused: false\n", "") == []


def test_a_field_is_shown_with_its_old_and_new_value() -> None:
    assert _changes("concurrency: 2,", "concurrency: 3,") == [("changed", "buyers[alpha].caps.concurrency", "2", "3")]
    assert _changes("daily: 500", "daily: null") == [("changed", "buyers[alpha].caps.daily", "500", "null")]
    assert _changes("currency: USD", "currency: EUR") == [("changed", "company.currency", "USD", "EUR")]
    assert _changes("paused: false\n\nbuyer_groups", "paused: true\n\nbuyer_groups") == [
        ("changed", "buyers[delta].paused", "false", "true")
    ]
    assert _changes("payout: 1.173", "payout: '[caller_zip]'") == [
        ("changed", "campaigns[auto-insurance].conversions[alpha and delta].payout", "1.173", "[caller_zip]")
    ]
    assert _changes("[CA, NV, NY]", "[CA, NY]") == [
        ("changed", "buyers[alpha].filters[0].value", "[CA, NV, NY]", "[CA, NY]")
    ]
    assert _changes("buyers: [alpha, delta]", "buyers: [delta]") == [
        ("changed", "buyer_groups[overflow].buyers", "[alpha, delta]", "[delta]")
    ]
    assert _changes("weight: 3}", "weight: 3, expected_earnings: 1.50}") == [
        ("changed", "campaigns[auto-insurance].routing.buyers[alpha].expected_earnings", "0", "1.5")
    ]


def test_what_is_new_or_gone_is_one_line_and_one_for_each_thing_in_it() -> None:
    filters = (Filter(tag="age", operator=">=", value=Decimal("1.5")),)
    bravo = make_buyer("bravo", caps=Caps(daily=5), filters=filters)
    after = make_catalog(tags=(TagDeclaration(key="age", type="number"),), buyers=(make_buyer(), bravo))
    before = replace(after, buyers=(make_buyer(),))
    line = (
        "id: bravo, name: Bravo, number: +12025550101, time_zone: America/New_York, caps: {daily: 5}, "
        "cap_counts: connected, ring_seconds: 30, max_duration_seconds: 14400"
    )
    assert plan(before, after) == (
        Change("created", "buyers[bravo]", None, line),
        Change("created", "buyers[bravo].filters[0]", None, "tag: age, operator: >=, value: 1.5"),
    )
    assert plan(after, before) == (
        Change("removed", "buyers[bravo]", line, None),
        Change("removed", "buyers[bravo].filters[0]", "tag: age, operator: >=, value: 1.5", None),
    )


def test_a_first_catalog_is_created_thing_by_thing() -> None:
    changes = plan(None, ACME)
    assert {change.kind for change in changes} == {"created"}
    assert [change.path for change in changes[:3]] == ["company", "tags[age]", "tags[jornaya_id]"]
    paths = {change.path for change in changes}
    campaign = "campaigns[auto-insurance]"
    for part in ("", ".numbers[+18444021146]", ".rtb_keys[Default]", ".routing", ".routing.buyers[delta]"):
        assert campaign + part in paths
    assert f"{campaign}.conversions[alpha and delta]" in paths
    assert f"{campaign}.webhooks[charlie bid]" in paths


def test_an_order_that_decides_is_shown_where_it_changes() -> None:
    one, two = make_rule("one"), make_rule("two")
    before = make_catalog(campaigns=(make_campaign(conversions=(one, two)),))
    after = make_catalog(campaigns=(make_campaign(conversions=(two, one)),))
    assert plan(before, after) == (Change("changed", "campaigns[auto].conversions (order)", "one, two", "two, one"),)


def test_hours_that_appear_are_shown_whole() -> None:
    hours = (OpenInterval(days=("sun",), open_minute=0, close_minute=1440),)
    before, after = make_catalog(), make_catalog(buyers=(make_buyer(hours=hours),))
    assert plan(before, after) == (
        Change("changed", "buyers[alpha].hours", "null", "[{days: [sun], open: 00:00, close: 24:00}]"),
    )


def test_a_body_is_shown_whole() -> None:
    bodies = ({"id": 1, "items": [{"id": 1}, {"id": 1}]}, {"id": 1, "items": [{"id": 2}]})
    before, after = (make_catalog(campaigns=(make_campaign(webhooks=(make_webhook(body=body),)),)) for body in bodies)
    assert plan(before, after) == (
        Change(
            "changed",
            "campaigns[auto].webhooks[bid].body",
            "id: 1, items: [{id: 1}, {id: 1}]",
            "id: 1, items: [{id: 2}]",
        ),
    )


def test_secrets_are_only_shown_by_their_hash() -> None:
    def with_secrets(key: str, header: str) -> Catalog:
        hooks = (make_webhook(headers=(("Authorization", header),)),)
        return make_catalog(campaigns=(make_campaign(rtb_keys=(make_key(key),), webhooks=hooks),))

    before, after = with_secrets(ACME_KEY, "Bearer one"), with_secrets("another-secret-key", "Bearer two")
    key, header = plan(before, after)
    assert (key.path, key.before) == ("campaigns[auto].rtb_keys[Default].key_sha256", key_id_of(ACME_KEY)[:12])
    assert key.after == key_id_of("another-secret-key")[:12]
    assert header.path == "campaigns[auto].webhooks[bid].headers.Authorization"
    assert header.before != header.after
    shown = repr((*plan(before, after), *plan(None, before), *plan(before, make_catalog(campaigns=()))))
    for secret in (ACME_KEY, key_id_of(ACME_KEY), "Bearer one", "Bearer two"):
        assert secret not in shown


def test_members_that_come_and_go_are_one_change_of_the_group() -> None:
    before = make_catalog(buyer_groups=(make_group("g", "alpha"),))
    after = make_catalog(buyer_groups=(make_group("g"),))
    assert plan(before, after) == (Change("changed", "buyer_groups[g].buyers", "[alpha]", "[]"),)


@settings(
    max_examples=8,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(catalogs(), catalogs())
def test_a_plan_is_empty_exactly_where_nothing_changes(before: Catalog, after: Catalog) -> None:
    assert plan(before, before) == ()
    changes = plan(before, after)
    assert bool(changes) == (before != after)
    assert {change.path for change in plan(after, before) if change.kind == "created"} == {
        change.path for change in changes if change.kind == "removed"
    }
