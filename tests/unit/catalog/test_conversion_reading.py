"""Conversion rules have an id that stays and a version that changes with their content."""

from __future__ import annotations

import re

from support.catalogs import ACME, catalog_of


def test_a_rule_is_named_by_its_slug_and_versioned_by_its_content() -> None:
    rules = "{name: A rule!}, {name: a-rule}, {name: A RULE, revenue: 1}, {name: 規則}, {name: '?'}"
    campaign = "company: {{id: acme}}\ncampaigns: [{{id: c, conversions: [{}]}}]"
    first = catalog_of(campaign.format(rules)).campaigns[0].conversions
    assert [rule.id for rule in first] == ["a-rule", "a-rule-2", "a-rule-3", "rule", "rule-2"]
    assert len({rule.version for rule in first}) == 5
    assert all(re.fullmatch(r"[0-9a-f]{12}", rule.version) for rule in first)
    second = (
        catalog_of(campaign.format(rules.replace("revenue: 1}", "revenue: 1.0, on: timer}"))).campaigns[0].conversions
    )
    assert second == first
    third = catalog_of(campaign.format(rules.replace("revenue: 1}", "revenue: 1.01}"))).campaigns[0].conversions
    assert [rule.version == old.version for rule, old in zip(third, first, strict=True)] == [
        True,
        True,
        False,
        True,
        True,
    ]


def test_a_version_does_not_change_with_the_program() -> None:
    # Not even where rules have learnt to say more: a field that came later is part of a version once it is used.
    assert [rule.version for rule in ACME.campaigns[0].conversions] == ["611067e98141", "75d60e2aca7c", "3f96d3c8d5d1"]


def test_the_side_is_part_of_a_version_where_it_is_one() -> None:
    campaign = "company: {{id: acme}}\ncampaigns: [{{id: c, conversions: [{{name: r{}}}]}}]"
    versions = [
        catalog_of(campaign.format(side)).campaigns[0].conversions[0].version
        for side in ("", ", side: both", ", side: revenue", ", side: payout")
    ]
    assert versions[0] == versions[1]
    assert len(set(versions)) == 3
