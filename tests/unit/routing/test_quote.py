"""What a call would bring: which rule decides for each side, and which prices from outside are believed."""

from decimal import Decimal
from typing import Any

import pytest

from ringbid.catalog.model import ConversionRule, Filter, FixedAmount, FixedSeconds, PercentAmount, TagAmount
from ringbid.routing.quote import compile_rules, quote
from ringbid.routing.tags import Tags, TagValue
from ringbid.values.ids import BuyerId, PublisherId
from ringbid.values.quote import NO_TERMS, Quote, SideTerms, Terms
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused
from support.catalogs import make_rule

ALPHA, PUB = BuyerId("alpha"), PublisherId("PUB")


def ask(
    *rules: ConversionRule, buyer: str = "alpha", publisher: str = "PUB", before_call: bool = True, **tags: TagValue
) -> Quote | Refused:
    compiled = compile_rules(rules, buyer_id=BuyerId(buyer), declared={})
    asked_for = PublisherId(publisher)
    return quote(compiled, publisher_id=asked_for, tags=Tags(tags, {}), currency="USD", before_call=before_call)


def quoted(*rules: ConversionRule, before_call: bool = True, **tags: TagValue) -> Quote:
    answer = ask(*rules, before_call=before_call, **tags)
    assert isinstance(answer, Quote), answer
    return answer


def terms_of(rule: ConversionRule, **said: Any) -> SideTerms:
    return SideTerms(rule_id=rule.id, rule_version=rule.version, **said)


def buys(name: str = "buys", **overrides: object) -> ConversionRule:
    return make_rule(name, **{"side": "revenue", "payout": FixedAmount(0), "seconds": FixedSeconds(90), **overrides})


def pays(name: str = "pays", **overrides: object) -> ConversionRule:
    return make_rule(name, **{"side": "payout", "revenue": FixedAmount(0), "seconds": FixedSeconds(30), **overrides})


def priced(revenue_micros: int, **overrides: object) -> ConversionRule:
    return make_rule(**{"name": f"rule of {revenue_micros}", "revenue": FixedAmount(revenue_micros), **overrides})


def revenue_of(answer: Quote | Refused) -> int:
    assert isinstance(answer, Quote), answer
    return answer.revenue_micros


def refusal_of(answer: Quote | Refused) -> Refused:
    assert isinstance(answer, Refused), answer
    return answer


def test_a_quote_carries_amounts_seconds_currency_and_the_rules_identity() -> None:
    rule = make_rule(
        "Any call", revenue=FixedAmount(1_500_000), payout=FixedAmount(1_173_000), seconds=FixedSeconds(95)
    )
    side = terms_of(rule, seconds=95)
    assert ask(rule) == Quote(
        revenue_micros=1_500_000,
        payout_micros=1_173_000,
        seconds=95,
        currency="USD",
        rule_id=rule.id,
        rule_version=rule.version,
        terms=Terms(revenue=side, payout=side),
    )


def test_without_a_rule_everything_is_nothing_and_names_no_rule() -> None:
    nothing = Quote(revenue_micros=0, payout_micros=0, seconds=0, currency="USD")
    assert quoted().terms is NO_TERMS
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
        rule = make_rule(revenue=TagAmount("bid"), payout=PercentAmount(Decimal(percent)))
        assert quoted(rule, bid=revenue).payout_micros == payout


def test_revenue_payout_and_seconds_may_each_come_from_a_tag() -> None:
    rule = make_rule(revenue=TagAmount("bid"), payout=TagAmount("pay"), seconds=TagAmount("wait"))
    found = quoted(rule, bid="12.345678", pay="7", wait="90")
    assert (found.revenue_micros, found.payout_micros, found.seconds) == (12_345_678, 7_000_000, 90)
    assert found.terms == Terms(revenue=terms_of(rule, seconds=90), payout=terms_of(rule, seconds=90))


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
    assert quoted(make_rule(seconds=TagAmount("wait")), wait=text).seconds == seconds


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


def test_terms_say_all_that_the_rule_says_of_when_it_converts() -> None:
    rule = make_rule(start="received", seconds=FixedSeconds(95), dedupe_seconds=3600, postback_seconds=60)
    side = terms_of(rule, start="received", seconds=95, dedupe_seconds=3600)
    assert quoted(rule).terms == Terms(revenue=side, payout=side)


def test_the_first_rule_that_fits_decides_for_each_side_by_itself() -> None:
    bought, paid, either = buys(), pays(), make_rule("either", seconds=FixedSeconds(60))
    for rules, revenue, payout in [
        ((bought, paid, either), bought, paid),
        ((paid, either, bought), either, paid),
        ((bought, either, paid), bought, either),
        ((either, bought, paid), either, either),
        ((buys("others", publishers=("OTHER",)), paid, bought), bought, paid),
    ]:
        found = quoted(*rules)
        assert (found.terms.revenue, found.terms.payout) == (
            terms_of(revenue, seconds=revenue.seconds.seconds),
            terms_of(payout, seconds=payout.seconds.seconds),
        )
        assert (found.rule_id, found.rule_version) == (payout.id, payout.version)
        assert found.seconds == payout.seconds.seconds


def test_each_side_has_the_amount_of_its_own_rule_and_a_share_is_of_that_revenue() -> None:
    bought, shares = buys(revenue=TagAmount("bid")), pays(payout=PercentAmount(Decimal(80)))
    found = quoted(shares, bought, bid="10")
    assert (found.revenue_micros, found.payout_micros) == (10_000_000, 8_000_000)


def test_a_side_that_no_rule_fits_brings_nothing_and_the_other_is_quoted() -> None:
    bought, paid = buys(revenue=FixedAmount(5)), pays(payout=FixedAmount(4))
    assert ask(bought) == Quote(
        revenue_micros=5,
        payout_micros=0,
        seconds=0,
        currency="USD",
        terms=Terms(revenue=terms_of(bought, seconds=90)),
    )
    assert ask(paid) == Quote(
        revenue_micros=0,
        payout_micros=4,
        seconds=30,
        currency="USD",
        rule_id=paid.id,
        rule_version=paid.version,
        terms=Terms(payout=terms_of(paid, seconds=30)),
    )


def test_a_payout_that_follows_the_revenue_is_quoted_at_its_seconds() -> None:
    bought = buys(start="received", seconds=TagAmount("wait"), revenue=FixedAmount(10))
    shares = pays(on="revenue", payout=PercentAmount(Decimal(70)), dedupe_seconds=60)
    found = quoted(shares, bought, wait="45")
    assert (found.payout_micros, found.seconds, found.rule_id) == (7, 45, shares.id)
    assert found.terms.revenue == terms_of(bought, start="received", seconds=45)
    assert found.terms.payout == terms_of(shares, on="revenue", start="received", seconds=45, dedupe_seconds=60)


def test_a_payout_that_follows_a_revenue_which_never_comes_is_nothing() -> None:
    assert ask(pays(on="revenue")) == ask()


def test_a_payout_that_follows_a_postback_cannot_be_quoted_either() -> None:
    waits = buys("waits", on="postback")
    assert ask(pays("shares", on="revenue"), waits) == Refused(
        Reason.QUOTE_PAYOUT_UNKNOWN, actual="on: revenue", expected="on: timer", setting="conversions[shares].on"
    )
    assert refusal_of(ask(make_rule(on="postback"), buys())).reason is Reason.QUOTE_PAYOUT_UNKNOWN


def test_a_revenue_that_waits_for_a_postback_keeps_no_payout_from_being_quoted() -> None:
    waits = buys("waits", on="postback", dedupe_seconds=60)
    found = quoted(waits, pays(payout=FixedAmount(4)))
    assert (found.payout_micros, found.seconds) == (4, 30)
    assert found.terms.revenue == terms_of(waits, on="postback", postback_seconds=600, dedupe_seconds=60)
    assert quoted(waits).terms.payout is None


def test_a_call_that_is_there_may_be_routed_on_a_payout_that_a_postback_will_decide() -> None:
    waits = make_rule(on="postback", postback_seconds=60, payout=FixedAmount(4))
    found = quoted(waits, before_call=False)
    side = terms_of(waits, on="postback", postback_seconds=60)
    assert (found.payout_micros, found.seconds, found.terms) == (4, 0, Terms(revenue=side, payout=side))
    bought, shares = buys(on="postback"), pays(on="revenue")
    follows = quoted(bought, shares, before_call=False)
    assert follows.terms.payout == terms_of(shares, on="revenue", postback_seconds=600)


@pytest.mark.parametrize(
    "rules", [(buys("tagged", seconds=TagAmount("bid")),), (pays("tagged", payout=TagAmount("bid")), buys())]
)
def test_a_tag_that_nothing_filled_refuses_the_quote_on_whichever_side(rules: tuple[ConversionRule, ...]) -> None:
    assert refusal_of(ask(*rules)).reason is Reason.QUOTE_TAG_MISSING
    assert refusal_of(ask(*rules, before_call=False)).reason is Reason.QUOTE_TAG_MISSING
