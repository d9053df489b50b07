"""What a call would bring: which rule decides, and which prices from outside are believed."""

from decimal import Decimal

import pytest

from ringbid.catalog.model import ConversionRule, Filter, FixedAmount, FixedSeconds, PercentAmount, TagAmount
from ringbid.routing.quote import compile_rules, quote
from ringbid.routing.tags import Tags, TagValue
from ringbid.values.ids import BuyerId, PublisherId
from ringbid.values.quote import Quote
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused
from support.catalogs import make_rule

ALPHA, PUB = BuyerId("alpha"), PublisherId("PUB")


def ask(*rules: ConversionRule, buyer: str = "alpha", publisher: str = "PUB", **tags: TagValue) -> Quote | Refused:
    compiled = compile_rules(rules, buyer_id=BuyerId(buyer), declared={})
    return quote(compiled, publisher_id=PublisherId(publisher), tags=Tags(tags, {}), currency="USD")


def priced(revenue_micros: int, **overrides: object) -> ConversionRule:
    return make_rule(**{"name": f"rule of {revenue_micros}", "revenue": FixedAmount(revenue_micros), **overrides})


def revenue_of(quoted: Quote | Refused) -> int:
    assert isinstance(quoted, Quote), quoted
    return quoted.revenue_micros


def refusal_of(quoted: Quote | Refused) -> Refused:
    assert isinstance(quoted, Refused), quoted
    return quoted


def test_a_quote_carries_amounts_seconds_currency_and_the_rules_identity() -> None:
    rule = make_rule(
        "Any call", revenue=FixedAmount(1_500_000), payout=FixedAmount(1_173_000), seconds=FixedSeconds(95)
    )
    assert ask(rule) == Quote(
        revenue_micros=1_500_000,
        payout_micros=1_173_000,
        seconds=95,
        currency="USD",
        rule_id=rule.id,
        rule_version=rule.version,
    )


def test_without_a_rule_everything_is_nothing_and_names_no_rule() -> None:
    nothing = Quote(revenue_micros=0, payout_micros=0, seconds=0, currency="USD")
    assert ask() == nothing
    assert ask(priced(1, buyers=(BuyerId("bravo"),))) == nothing


def test_the_first_rule_that_fits_decides() -> None:
    assert revenue_of(ask(priced(1), priced(2))) == 1
    assert revenue_of(ask(priced(1, publishers=("OTHER",)), priced(2), priced(3))) == 2


@pytest.mark.parametrize(
    ("narrowing", "fits"),
    [
        ({"buyers": ("alpha", "bravo")}, True),
        ({"buyers": ("bravo",)}, False),
        ({"publishers": ("OTHER", "PUB")}, True),
        ({"publishers": ("OTHER",)}, False),
        ({"filters": (Filter(tag="state", operator="==", value="CA"),)}, True),
        ({"filters": (Filter(tag="state", operator="==", value="NV"),)}, False),
        ({"filters": (Filter(tag="unheard_of", operator="!=", value="NV"),)}, False),
        (
            {
                "filters": (
                    Filter(tag="state", operator="exists"),
                    Filter(tag="state", operator="in", value=("NV", "NY")),
                )
            },
            False,
        ),
    ],
)
def test_buyers_publishers_and_filters_narrow_a_rule(narrowing: dict[str, object], *, fits: bool) -> None:
    assert revenue_of(ask(priced(1, **narrowing), priced(2), state="CA")) == (1 if fits else 2)


def test_a_rule_that_waits_for_a_postback_cannot_be_quoted() -> None:
    assert ask(make_rule("slow", on="postback")) == Refused(
        Reason.QUOTE_PAYOUT_UNKNOWN, actual="on: postback", expected="on: timer", setting="conversions[slow].on"
    )


def test_a_payout_may_be_a_share_of_the_revenue() -> None:
    for revenue, percent, payout in [("10", "80", 8_000_000), ("0.000005", "50", 2), ("0.000007", "50", 4)]:
        quoted = ask(make_rule(revenue=TagAmount("bid"), payout=PercentAmount(Decimal(percent))), bid=revenue)
        assert isinstance(quoted, Quote)
        assert quoted.payout_micros == payout


def test_revenue_payout_and_seconds_may_each_come_from_a_tag() -> None:
    rule = make_rule(revenue=TagAmount("bid"), payout=TagAmount("pay"), seconds=TagAmount("wait"))
    quoted = ask(rule, bid="12.345678", pay="7", wait="90")
    assert isinstance(quoted, Quote)
    assert (quoted.revenue_micros, quoted.payout_micros, quoted.seconds) == (12_345_678, 7_000_000, 90)


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("0", 0),
        ("-0", 0),
        (" 1.5 ", 1_500_000),
        (".5", 500_000),
        ("1E+5", 100_000_000_000),
        ("1e-3", 1_000),
        ("0.0000001", 0),
        ("1e-400", 0),
        ("0.0000005", 0),  # half to even
        ("0.0000015", 2),
        ("0.00000050000000000000000000000000000001", 1),  # rounded once, not twice
        ("1000000", 1_000_000_000_000),
        ("1000000.0000001", 1_000_000_000_000),
    ],
)
def test_a_price_from_a_tag_is_read_to_the_micro(text: str, micros: int) -> None:
    assert revenue_of(ask(make_rule(revenue=TagAmount("bid")), bid=text)) == micros


@pytest.mark.parametrize(
    "value",
    [
        *("NaN", "sNaN", "Infinity", "-inf", "", " ", "free", "1,5", "1_000", "$5", "0x10", "５", "9" * 41),
        *("-1", "-0.000001", "-1e400", "1e400", "1e13", "1000000.000001", "1e999999999999999999999", "1E+7"),
        ("1", "2"),
    ],
)
def test_a_price_that_is_no_sensible_number_is_refused(value: TagValue) -> None:
    refused = refusal_of(ask(make_rule("tagged", revenue=TagAmount("bid")), bid=value))
    assert (refused.reason, refused.setting) == (Reason.QUOTE_VALUE_INVALID, "conversions[tagged].revenue")
    assert refused.actual is not None
    assert len(refused.actual) <= 70


def test_an_absurd_price_shows_what_was_found_and_what_is_believed() -> None:
    refused = refusal_of(ask(make_rule(revenue=TagAmount("bid")), bid="1E+400"))
    assert (refused.actual, refused.expected) == ("bid = 1E+400", "0 to 1000000")


@pytest.mark.parametrize(("text", "seconds"), [("0", 0), ("90", 90), ("90.0", 90), ("9e1", 90), ("86400", 86400)])
def test_whole_seconds_of_up_to_a_day_are_read_from_a_tag(text: str, seconds: int) -> None:
    quoted = ask(make_rule(seconds=TagAmount("wait")), wait=text)
    assert isinstance(quoted, Quote)
    assert quoted.seconds == seconds


@pytest.mark.parametrize("text", ["94.5", "-1", "86401", "1e400", "-1e400", "1E+5", "1e-400", "NaN", "soon"])
def test_seconds_that_are_not_whole_or_not_of_a_day_are_refused(text: str) -> None:
    refused = refusal_of(ask(make_rule("tagged", seconds=TagAmount("wait")), wait=text))
    assert (refused.reason, refused.setting) == (Reason.QUOTE_VALUE_INVALID, "conversions[tagged].seconds")


@pytest.mark.parametrize("field", ["revenue", "payout", "seconds"])
def test_a_tag_that_nothing_filled_refuses_the_quote(field: str) -> None:
    assert ask(make_rule("tagged", **{field: TagAmount("bid")})) == Refused(
        Reason.QUOTE_TAG_MISSING, actual="no bid", expected="[bid]", setting=f"conversions[tagged].{field}"
    )


def test_a_rule_that_fits_but_cannot_be_quoted_is_not_passed_over() -> None:
    assert refusal_of(ask(make_rule(revenue=TagAmount("bid")), priced(2))).reason is Reason.QUOTE_TAG_MISSING
