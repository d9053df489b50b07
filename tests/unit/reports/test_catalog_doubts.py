"""What is allowed in a catalog and yet hardly meant."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ringbid.catalog.model import Catalog
from ringbid.catalog.validate import CatalogRead, read_catalog
from ringbid.reports.catalog_doubts import find_doubts, unpaid_words
from ringbid.values.ids import CampaignId, PublisherId

ACME = Path(__file__).parents[3] / "examples/acme.yaml"


def acme() -> Catalog:
    found = read_catalog(ACME.read_text(encoding="utf-8"))
    assert isinstance(found, CatalogRead)
    return found.catalog


def change(**fields: object) -> Catalog:
    catalog = acme()
    return replace(catalog, campaigns=(replace(catalog.campaigns[0], **fields),))


def paths(catalog: Catalog, sip_domain: str | None = None) -> list[str]:
    return [doubt.path for doubt in find_doubts(catalog, sip_domain=sip_domain)]


def test_the_example_has_one_doubt_its_publisher_without_criteria() -> None:
    (doubt,) = find_doubts(acme(), sip_domain=None)
    assert doubt.path == "publishers"
    assert doubt.text == "no conversion rule of any campaign pays publisher PUB-FREE, so it is quoted a payout of 0"


def test_a_rule_for_any_publisher_leaves_no_publisher_unpaid() -> None:
    rules = tuple(replace(rule, publishers=()) for rule in acme().campaigns[0].conversions)
    assert paths(change(conversions=rules)) == []


def test_a_campaign_whose_every_rule_waits_for_a_postback_is_doubtful() -> None:
    rules = tuple(replace(rule, publishers=(), on="postback") for rule in acme().campaigns[0].conversions)
    (doubt,) = find_doubts(change(conversions=rules), sip_domain=None)
    assert "postback" in doubt.text


def test_a_campaign_without_keys_or_buyers_is_doubtful() -> None:
    routing = replace(acme().campaigns[0].routing, buyers=())
    found = paths(change(rtb_keys=(), routing=routing))
    assert found[:2] == ["campaigns[auto-insurance].rtb_keys", "campaigns[auto-insurance].routing.buyers"]


def test_a_campaign_without_numbers_is_doubtful_unless_there_is_sip() -> None:
    assert "campaigns[auto-insurance].numbers" in paths(change(numbers=()))
    assert "campaigns[auto-insurance].numbers" not in paths(change(numbers=()), "sip.example.org")


def test_a_company_without_real_time_bidding_is_doubtful() -> None:
    catalog = acme()
    assert paths(replace(catalog, company=replace(catalog.company, rtb_enabled=False)))[0] == "company.rtb_enabled"


def test_publishers_that_no_campaign_pays_are_one_doubt() -> None:
    rules = tuple(replace(rule, publishers=("SOMEBODY",)) for rule in acme().campaigns[0].conversions)
    working = [publisher.id for publisher in acme().publishers if not publisher.paused]
    [doubt] = find_doubts(change(conversions=rules), sip_domain=None)
    assert all(publisher in doubt.text for publisher in working)
    assert doubt.text.endswith("so they are quoted a payout of 0")


def test_a_publisher_that_one_campaign_pays_is_no_doubt_in_another_which_only_says_so() -> None:
    catalog = acme()
    ours, rule = catalog.campaigns[0], catalog.campaigns[0].conversions[0]
    another = replace(ours, id=CampaignId("solar"), conversions=(replace(rule, publishers=(PublisherId("PUB-FREE"),)),))
    both = replace(catalog, campaigns=(ours, another))
    assert paths(both) == []
    assert unpaid_words(ours, both) == (
        "No rule of this campaign pays publisher PUB-FREE, so it is quoted a payout of 0 here."
    )
    told = unpaid_words(another, both)
    assert told is not None
    assert told.startswith("No rule of this campaign pays publishers 4321ABCD, PUB-TWO, so they are")


def test_a_rule_of_the_revenue_alone_pays_no_publisher() -> None:
    rule = replace(acme().campaigns[0].conversions[0], publishers=(), side="revenue")
    [doubt] = find_doubts(change(conversions=(rule,)), sip_domain=None)
    assert doubt.path == "publishers"


def test_a_campaign_without_rules_is_doubtful_by_itself() -> None:
    [doubt] = find_doubts(change(conversions=()), sip_domain=None)
    assert (doubt.path, doubt.text) == (
        "campaigns[auto-insurance].conversions",
        "no rule, so every call pays its publisher 0",
    )
    assert unpaid_words(change(conversions=()).campaigns[0], acme()) is None
