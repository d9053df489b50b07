"""A catalog file is read to exactly what it says, with every default filled in."""

from __future__ import annotations

import sys
from dataclasses import fields
from datetime import date
from decimal import Decimal

import pytest

from ringbid.catalog.document import export_yaml
from ringbid.catalog.model import (
    AccessKey,
    Buyer,
    Caps,
    Catalog,
    Company,
    ConversionRule,
    Filter,
    FixedAmount,
    FixedSeconds,
    InboundNumber,
    OpenInterval,
    PercentAmount,
    Publisher,
    RateLimit,
    RoutedBuyer,
    Routing,
    RtbKey,
    TagAmount,
    TagDeclaration,
    Webhook,
)
from ringbid.catalog.snapshot import key_id_of
from ringbid.catalog.validate import keys_of, read_catalog, read_stored
from ringbid.values.ids import BuyerId, CompanyId, KeyId, PublisherId
from ringbid.values.phone import PhoneNumber
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
    make_publisher,
    make_routing,
)

SMALL = "company: {id: acme}\n"


def test_the_example_reads_to_exactly_this_company_its_tags_and_publishers() -> None:
    assert ACME.company == Company(
        id=CompanyId("acme"), name="Acme Calls", time_zone="America/New_York", currency="USD", rtb_enabled=True
    )
    assert ACME.tags == (TagDeclaration(key="age", type="number"), TagDeclaration(key="jornaya_id", private=True))
    assert [publisher.id for publisher in ACME.publishers] == ["4321ABCD", "PUB-TWO", "PUB-FREE", "PUB-OFF"]
    assert [publisher.paused for publisher in ACME.publishers] == [False, False, False, True]


def test_the_example_reads_to_exactly_these_buyers() -> None:
    alpha, bravo, charlie, delta = ACME.buyers
    assert alpha == Buyer(
        id=BuyerId("alpha"),
        name="Alpha Insurance",
        number="+12025550101",
        time_zone="America/Chicago",
        hours=(
            OpenInterval(days=("mon", "tue", "wed", "thu", "fri"), open_minute=0, close_minute=1440),
            OpenInterval(days=("sat", "sun"), open_minute=0, close_minute=1440),
        ),
        holidays=None,
        caps=Caps(concurrency=2, hourly=100, daily=500),
        cap_counts="connected",
        ring_seconds=20,
        max_duration_seconds=7200,
        filters=(Filter(tag="caller_state", operator="in", value=("CA", "NV", "NY")),),
    )
    assert (bravo.number, bravo.time_zone, bravo.hours) == ("sip:sales@127.0.0.1:5071", "America/New_York", None)
    assert bravo.filters == (
        Filter(tag="age", operator=">=", value=18),
        Filter(tag="publisher_id", operator="!=", value="PUB-TWO"),
    )
    assert (charlie.number, charlie.caps, charlie.ring_seconds) == ("[charlie_number]", Caps(concurrency=10), 15)
    assert (delta.caps, delta.ring_seconds, delta.max_duration_seconds) == (Caps(), 30, 14400)
    (group,) = ACME.buyer_groups
    assert (group.id, group.buyers, group.caps) == ("overflow", ("alpha", "delta"), Caps(concurrency=5))


def test_the_example_reads_to_exactly_this_campaign() -> None:
    (campaign,) = ACME.campaigns
    assert [number.number for number in campaign.numbers] == ["+18444021146", "+18885551234"]
    assert campaign.numbers[1].tags == (("source", "radio"),)
    assert campaign.rtb_keys == (RtbKey(id=key_id_of(ACME_KEY), rate_limit=RateLimit(pings=6000, per_seconds=60)),)
    assert campaign.routing == Routing(
        strategy="bid",
        buyers=(
            RoutedBuyer(buyer=BuyerId("alpha"), weight=3),
            RoutedBuyer(buyer=BuyerId("bravo")),
            RoutedBuyer(buyer=BuyerId("charlie")),
            RoutedBuyer(buyer=BuyerId("delta"), priority=2),
        ),
    )
    bids, fixed, postback = campaign.conversions
    assert (bids.buyers, bids.publishers) == (("charlie",), ("4321ABCD", "PUB-TWO"))
    assert (bids.seconds, bids.revenue) == (TagAmount("charlie_seconds"), TagAmount("charlie_bid"))
    assert bids.payout == PercentAmount(Decimal(80))
    assert (fixed.id, fixed.name, fixed.buyers) == ("alpha-and-delta", "alpha and delta", ("alpha", "delta"))
    assert (fixed.seconds, fixed.revenue, fixed.payout) == (
        FixedSeconds(95),
        FixedAmount(1_500_000),
        FixedAmount(1_173_000),
    )
    assert (fixed.on, fixed.start, fixed.dedupe_seconds) == ("timer", "answered", 2_592_000)
    assert (postback.on, postback.postback_seconds, postback.publishers) == ("postback", 600, ("4321ABCD",))


def test_the_example_reads_to_exactly_these_webhooks() -> None:
    bid, tell = ACME.campaigns[0].webhooks
    assert bid == Webhook(
        name="charlie bid",
        on="passthrough",
        buyer=BuyerId("charlie"),
        method="POST",
        url="http://127.0.0.1:9101/bid?zip=[caller_zip]&state=[caller_state]",
        headers=(("X-Api-Key", "demo"),),
        body={"caller": "[caller_number]", "age": "[age]", "call": "[call_uuid]"},
        body_type="json",
        accept="accepted == `true`",
        outputs=(
            ("charlie_bid", "bid.amount"),
            ("charlie_seconds", "bid.min_seconds"),
            ("charlie_number", "bid.phone"),
        ),
    )
    assert (tell.on, tell.buyer, tell.method, tell.body) == ("converted", None, "GET", None)


def test_the_defaults_are_those_in_the_comments_of_the_example() -> None:
    text = SMALL + 'buyers: [{id: b, number: "2025550101"}]\ncampaigns: [{id: c, rtb_keys: [{key: 0123456789abcdef}]'
    text += ", routing: {buyers: [{buyer: b}]}, conversions: [{name: r}], webhooks: [{name: w, on: converted, url: 'http://x'}]}]"
    catalog = catalog_of(text)
    (campaign,) = catalog.campaigns
    assert catalog.company == Company(id=CompanyId("acme"), name="acme")
    assert catalog.buyers == (Buyer(id=BuyerId("b"), name="b", number="+12025550101", time_zone="UTC"),)
    assert campaign.rtb_keys == (RtbKey(id=key_id_of("0123456789abcdef")),)
    assert campaign.routing == Routing(buyers=(RoutedBuyer(buyer=BuyerId("b")),))
    (rule,) = campaign.conversions
    assert rule == ConversionRule(id=rule.id, version=rule.version, name="r")
    assert campaign.webhooks == (Webhook(name="w", on="converted", url="http://x"),)


def test_what_calls_need_is_read_to_exactly_what_the_file_says() -> None:
    (campaign,) = (catalog := catalog_of(OF_CALLS)).campaigns
    (buyer,) = catalog.buyers
    assert (buyer.recover_below_seconds, campaign.max_duration_seconds) == (5, 3600)
    assert campaign.numbers == (InboundNumber(number=PhoneNumber("+18444021146"), publisher=PublisherId("P1")),)
    assert campaign.routing.recovery_attempts == 2
    tags, buyers = campaign.access_keys
    assert tags == AccessKey(
        id=key_id_of("0123456789abcdef"),
        name="tags",
        allows=("write_tags",),
        publisher=PublisherId("P1"),
        tag_prefix="crm_",
        keep_seconds=3600,
    )
    assert buyers == AccessKey(
        id=KeyId("ab" * 32),
        allows=("convert", "hand_back"),
        buyer=BuyerId("b"),
        until_seconds=0,
        paused=True,
    )
    buys, pays, shares = campaign.conversions
    assert (buys.side, buys.on, buys.seconds, buys.payout) == ("revenue", "timer", FixedSeconds(90), FixedAmount(0))
    assert (pays.side, pays.seconds, pays.revenue) == ("payout", FixedSeconds(30), FixedAmount(0))
    assert (shares.side, shares.on, shares.payout) == ("payout", "revenue", PercentAmount(Decimal(80)))
    assert [(hook.hold_seconds, hook.side) for hook in campaign.webhooks] == [(3, "payout"), (0, "both")]


OF_CALLS = """
company: {id: acme}
publishers: [{id: P1}]
buyers: [{id: b, number: "2025550101", recover_below_seconds: 5}]
campaigns:
  - id: c
    max_duration_seconds: 3600
    numbers: [{number: "+18444021146", publisher: P1}]
    access_keys:
      - {name: tags, key: 0123456789abcdef, allows: write_tags, publisher: P1, tag_prefix: crm_, keep_seconds: 3600}
      - {key_sha256: ABAB, allows: [hand_back, convert], buyer: b, until_seconds: 0, paused: true}
    routing: {buyers: [{buyer: b}], recovery_attempts: 2}
    conversions:
      - {name: buys, side: revenue, revenue: 10}
      - {name: pays, side: payout, seconds: 30, payout: 8}
      - {name: shares, side: payout, on: revenue, payout: 80%}
    webhooks:
      - {name: chosen, on: buyer_selected, hold_seconds: 3, url: "http://x/[call_key]", outputs: {t: t}, accept: ok}
      - {name: sold, on: converted, side: both, url: "http://x/?[side]&[affiliate_id]&[call_duration]&[t]"}
""".replace("ABAB", "ab" * 32)


def test_null_is_the_same_as_leaving_a_field_out() -> None:
    names = [field.name for field in fields(RtbKey) if field.name not in ("id", "name")]
    nulls = "".join(f", {name}: null" for name in names)
    text = "company: {{id: acme}}\ncampaigns: [{{id: c, rtb_keys: [{{key: 0123456789abcdef{}}}]}}]"
    assert catalog_of(text.format(nulls)) == catalog_of(text.format(""))


def test_numbers_of_the_file_stay_decimal_and_money_becomes_micros() -> None:
    text = (
        SMALL
        + """
tags: [{key: age, type: number}]
buyers:
  - {id: b, number: "[n]", filters: [{tag: age, operator: "<", value: 0.1}, {tag: age, operator: "==", value: 18.0}]}
campaigns:
  - id: c
    rtb_keys: [{key: 0123456789abcdef, timeout_seconds: 1.250}]
    routing: {strategy: performance, buyers: [{buyer: b, expected_earnings: 0.000001}], performance_window_seconds: 60}
    conversions: [{name: r, revenue: 0.3, payout: 33.30%}]
    webhooks: [{name: w, on: passthrough, url: "http://x", body: {price: 1.50, "on": [on, 02134]}, outputs: {n: n}}]
"""
    )
    catalog = catalog_of(text)
    (campaign,) = catalog.campaigns
    assert [filter_.value for filter_ in catalog.buyers[0].filters] == [Decimal("0.1"), 18]
    assert campaign.rtb_keys[0].timeout_seconds == Decimal("1.25")
    assert campaign.routing.buyers[0].expected_earnings_micros == 1
    assert campaign.conversions[0].revenue == FixedAmount(300_000)
    assert campaign.conversions[0].payout == PercentAmount(Decimal("33.3"))
    assert campaign.webhooks[0].body == {"price": Decimal("1.50"), "on": ["on", "02134"]}
    assert type(campaign.webhooks[0].body) is dict


def test_values_of_filters_have_the_type_of_their_tag() -> None:
    text = (
        SMALL
        + """
tags: [{key: member, type: boolean}, {key: since, type: date}]
buyers:
  - id: b
    number: "2025550101"
    filters:
      - {tag: member, operator: "==", value: true}
      - {tag: since, operator: ">=", value: 2024-02-29}
      - {tag: zip, operator: in, value: [02134, 90210, 1.5, true]}
      - {tag: zip, operator: "starts with", value: [90, "91"]}
      - {tag: zip, operator: exists}
"""
    )
    values = [filter_.value for filter_ in catalog_of(text).buyers[0].filters]
    assert values == [True, date(2024, 2, 29), ("02134", "90210", "1.5", "true"), ("90", "91"), None]


@pytest.mark.parametrize(
    ("written", "minutes"),
    [
        ('open: "00:00", close: "24:00"', (0, 1440)),
        ("open: 09:00, close: 17:30", (540, 1050)),
        ("open: 9:05, close: 00:00", (545, 0)),
        ('open: "22:00", close: "06:00"', (1320, 360)),
    ],
)
def test_hours_may_be_unquoted_and_may_pass_midnight(written: str, minutes: tuple[int, int]) -> None:
    text = SMALL + f'buyers: [{{id: b, number: "2025550101", hours: [{{days: [sun, mon], {written}}}]}}]'
    ((interval,),) = [buyer.hours or () for buyer in catalog_of(text).buyers]
    assert (interval.open_minute, interval.close_minute) == minutes
    assert interval.days == ("mon", "sun")


def test_a_buyer_without_a_zone_has_the_companys_and_ids_may_be_numbers() -> None:
    text = 'company: {id: 7, time_zone: Asia/Kathmandu}\nbuyers: [{id: 4321, number: "sip:x.org"}]\n'
    text += "publishers: [{id: 1.50}]"
    catalog = catalog_of(text)
    assert catalog == make_catalog(
        company=make_company("7", name="7", time_zone="Asia/Kathmandu"),
        publishers=(make_publisher("1.50", name="1.50"),),
        buyers=(make_buyer("4321", name="4321", number="sip:x.org", time_zone="Asia/Kathmandu"),),
        campaigns=(),
    )


def test_outputs_of_earlier_webhooks_fill_numbers_prices_and_later_webhooks() -> None:
    text = (
        SMALL
        + """
tags: [{key: note}]
buyers:
  - {id: a, number: "sip:[a_user]@[a_host]"}
  - {id: b, number: "[any_number]"}
  - {id: unrouted, number: "[any_number]"}
campaigns:
  - id: c
    routing: {buyers: [{buyer: a}, {buyer: b}]}
    conversions:
      - {name: a, buyer: a, revenue: "[a_bid]", seconds: "[note]"}
      - {name: any, revenue: "[a_bid]", payout: "[caller_zip]"}
    webhooks:
      - {name: a, on: passthrough, buyer: a, url: "http://x/[note]", outputs: {a_user: u, a_host: h, a_bid: b}}
      - {name: all, on: passthrough, url: "http://x/?[deadline_ms]", outputs: {any_number: n}}
      - name: chosen
        on: buyer_selected
        buyer: a
        hold_seconds: 2
        url: "http://x/?[a_bid][any_number][buyer_id]"
        outputs: {t: t}
      - {name: ended, on: call_ended, url: "http://x/?[t][a_bid][payout][duration_seconds]"}
"""
    )
    assert [buyer.id for buyer in catalog_of(text).buyers] == ["a", "b", "unrouted"]


def test_a_buyers_number_must_be_filled_in_every_campaign_that_routes_to_it() -> None:
    text = (
        SMALL
        + """
buyers: [{id: a, number: "[phone]"}]
campaigns:
  - id: one
    routing: {buyers: [{buyer: a}]}
    webhooks: [{name: w, on: passthrough, url: "http://x", outputs: {phone: p}}]
  - {id: two, routing: {buyers: [{buyer: a}]}}
"""
    )
    read = read_catalog(text)
    assert isinstance(read, tuple)
    assert [problem.path for problem in read] == ["buyers[a].number"]


def test_the_small_pieces_make_what_a_file_makes() -> None:
    catalog = make_catalog(campaigns=(make_campaign(routing=make_routing("alpha"), rtb_keys=(make_key("x" * 16),)),))
    assert read_stored(export_yaml(catalog)) == catalog
    assert catalog.campaigns[0].numbers == (InboundNumber(number=catalog.campaigns[0].numbers[0].number),)
    assert catalog.publishers == (Publisher(id=catalog.publishers[0].id, name="Publisher"),)


def test_a_stored_document_that_is_none_is_a_bug() -> None:
    assert read_stored(export_yaml(ACME)) == ACME
    with pytest.raises(ValueError, match=r"company \(line 1\): found nothing"):
        read_stored("buyers: []")
    with pytest.raises(ValueError, match="lacks its keys"):
        read_stored(SMALL + "campaigns: [{id: c, rtb_keys: [{}]}]")


def test_the_keys_of_a_catalog_are_found_by_campaign_and_name() -> None:
    access = AccessKey(id=key_id_of("y" * 16), allows=("convert",))
    campaign = make_campaign(rtb_keys=(make_key("x" * 16),), access_keys=(access,))
    assert keys_of(ACME) == {("auto-insurance", "rtb_keys", "Default"): key_id_of(ACME_KEY)}
    assert keys_of(make_catalog(campaigns=(campaign,))) == {
        ("auto", "rtb_keys", "Default"): key_id_of("x" * 16),
        ("auto", "access_keys", "Default"): key_id_of("y" * 16),
    }


def calls_to_read(buyers_more: int) -> int:
    """How many functions are called to read the example with so many buyers more."""
    alpha = ACME_TEXT[ACME_TEXT.index("  - id: alpha") : ACME_TEXT.index("  - id: bravo")]
    buyers = "".join(alpha.replace("id: alpha", f"id: b{number}") for number in range(buyers_more))
    text = ACME_TEXT.replace("  - id: bravo\n", buyers + "  - id: bravo\n", 1)
    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        catalog: Catalog = catalog_of(text)
    finally:
        sys.setprofile(before)
    assert len(catalog.buyers) == 4 + buyers_more
    return calls


def test_every_further_buyer_is_as_much_work_to_read_as_the_one_before() -> None:
    none, hundred, two_hundred = map(calls_to_read, (0, 100, 200))
    assert two_hundred - hundred < 1.1 * (hundred - none)
    assert two_hundred < 1_000_000, "about a second of them: nobody waits longer for two hundred buyers"
