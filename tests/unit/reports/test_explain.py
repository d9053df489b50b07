"""The explanation of a ping: its headline, its rows, and what of it a publisher may read."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest

from ringbid.reports.explain import Step, explain, safe_view
from ringbid.reports.labels import LABELS
from ringbid.reports.wording import Wording
from ringbid.reservations.reservation import State
from ringbid.reservations.trace import TracedVerdict
from ringbid.values.money import Money
from ringbid.values.reason import Reason, Stage
from ringbid.values.verdict import Refused
from support.stored_pings import ORIGINAL_ID, RECEIVED_AT, VERDICTS, make_ping, make_reservation, make_trace

PRICE = "Reserved for charlie at 12.50 USD revenue; the publisher is paid 10.00 USD after 90 s; "


def test_a_held_place_is_told_with_buyer_prices_seconds_and_its_end() -> None:
    assert explain(make_ping()).headline == PRICE + "held until 10:14:34 UTC."


def test_a_headline_has_the_names_and_the_time_of_those_who_read_it() -> None:
    wording = Wording(buyers={"charlie": "Charlie Bids"}, zone=ZoneInfo("America/New_York"))
    told = explain(make_ping(), wording).headline
    assert told == PRICE.replace("charlie", "Charlie Bids") + "held until 05:14:34 EST."


@pytest.mark.parametrize(
    ("state", "standing"),
    [
        (State.CONFIRMED, "confirmed, and held until 10:14:34 UTC."),
        (State.LIVE, "its call is on the line."),
        (State.DONE, "its call came, and the place was freed at 10:14:23 UTC."),
        (State.EXPIRED, "no call came before it expired at 10:14:34 UTC."),
        (State.RELEASED, "the publisher released it at 10:14:23 UTC."),
        (State.REJECTED, "the buyer's caps had filled when it was to be confirmed at 10:14:23 UTC."),
    ],
)
def test_the_headline_says_what_became_of_the_reservation(state: State, standing: str) -> None:
    over = None if state.open else RECEIVED_AT + timedelta(seconds=5)
    ping = make_ping(reservation=make_reservation(state, ended_at=over))
    explanation = explain(ping)
    assert explanation.headline == PRICE + standing
    assert explanation.state is state


def test_a_place_that_could_not_be_confirmed_says_what_was_full_and_where_that_is_set() -> None:
    refused = Refused(Reason.CAPS_FILLED, "1 of 1", "fewer than 1", "buyers[charlie].caps.concurrency")
    ping = make_ping(reservation=make_reservation(State.REJECTED, ended_at=RECEIVED_AT, refused=refused))
    told = explain(ping)
    assert Refused(told.reason, told.actual, told.expected, told.setting) == refused
    assert safe_view(ping, "reason") == {"code": "caps_filled", "info": Reason.CAPS_FILLED.safe_text}


def test_a_held_place_past_its_end_on_the_stores_clock_is_told_as_expired() -> None:
    explanation = explain(make_ping(now=RECEIVED_AT + timedelta(seconds=16)))
    assert explanation.state is State.EXPIRED
    assert explanation.headline.endswith("no call came before it expired at 10:14:34 UTC.")


def test_a_place_without_a_conversion_rule_says_why_nothing_is_paid() -> None:
    unpriced = replace(make_reservation().quote, revenue_micros=0, payout_micros=0, rule_id=None, rule_version=None)
    headline = explain(make_ping(reservation=make_reservation(quote=unpriced))).headline
    assert "is paid nothing, as no conversion rule fits publisher 4321ABCD and this buyer" in headline


def test_nobody_available_counts_the_buyers_by_what_kept_them_most_frequent_first() -> None:
    codes = ["buyer_closed", "buyer_hourly_cap_full", "buyer_closed", "group_daily_cap_full", "buyer_closed"]
    verdicts = [TracedVerdict(buyer=f"b{index}", reason=code) for index, code in enumerate(codes)]
    ping = make_ping(Reason.NO_BUYER_AVAILABLE, trace=make_trace(Reason.NO_BUYER_AVAILABLE, verdicts=verdicts))
    assert explain(ping).headline == "Nobody was available: 3 closed, 2 capped."


def test_nobody_available_in_a_campaign_without_buyers_says_so() -> None:
    ping = make_ping(Reason.NO_BUYER_AVAILABLE, trace=make_trace(Reason.NO_BUYER_AVAILABLE, verdicts=[]))
    assert explain(ping).headline == "Nobody was available: the campaign has no buyers."


def test_a_duplicate_names_its_original_its_order_and_the_buyer() -> None:
    ping = make_ping(Reason.DUPLICATE, duplicate_of=ORIGINAL_ID, duplicate_order=2)
    assert explain(ping).headline == f"Duplicate 2 of {ORIGINAL_ID}: its place with charlie was returned."


def test_a_refused_ping_says_the_owners_sentence_with_what_was_found() -> None:
    trace = make_trace(
        Reason.PUBLISHER_PAUSED, actual="paused", expected="not paused", setting="publishers[PUB-OFF].paused"
    )
    explanation = explain(make_ping(Reason.PUBLISHER_PAUSED, trace=trace))
    assert explanation.headline == "Rejected: The publisher is paused: set `paused: false` on the publisher."
    assert (explanation.actual, explanation.setting) == ("paused", "publishers[PUB-OFF].paused")


def test_every_buyer_of_the_trace_gets_one_row_in_routing_order_with_its_facts() -> None:
    rows = explain(make_ping()).buyers
    assert [row.buyer_id for row in rows] == [verdict.buyer for verdict in VERDICTS]
    winner, _, filtered, silent, *_ = rows
    assert (winner.reason, winner.revenue, winner.payout, winner.seconds) == (
        Reason.WON,
        Money(12_500_000, "USD"),
        Money(10_000_000, "USD"),
        90,
    )
    assert (filtered.actual, filtered.expected, filtered.revenue) == ("age = 15", "age >= 18", None)
    assert silent.asked_ms == 898.4


def test_steps_say_how_long_each_took() -> None:
    steps = explain(make_ping(trace=make_trace(steps_ms={"tags": 0.6, "asks": 900.1}))).steps
    assert steps == (Step("tags", 0.6, 0.6), Step("asks", 900.1, 899.5))


def test_a_damaged_trace_is_an_error_and_no_half_explanation() -> None:
    with pytest.raises(msgspec.DecodeError):
        explain(make_ping(trace=b"{"))


def test_a_publisher_that_may_read_nothing_reads_nothing() -> None:
    assert safe_view(make_ping(Reason.PUBLISHER_PAUSED), "none") == {}


def test_a_publisher_that_may_read_the_reason_reads_its_public_code_and_text() -> None:
    assert safe_view(make_ping(Reason.PUBLISHER_PAUSED), "reason") == {
        "code": "publisher_paused",
        "info": "This publisher is paused.",
    }


def test_a_publisher_that_may_read_buyers_gets_a_position_a_code_and_a_text_for_each() -> None:
    assert safe_view(make_ping(), "buyers") == {
        "code": "reserved",
        "info": "A buyer was reserved.",
        "buyers": [
            {"buyer": 1, "code": "won", "info": "Reserved."},
            {"buyer": 2, "code": "no_buyer_available", "info": "No buyer is available for this call."},
            {"buyer": 3, "code": "filter_not_matched", "info": "The caller does not match what is wanted."},
            {"buyer": 4, "code": "no_buyer_available", "info": "No buyer is available for this call."},
            {"buyer": 5, "code": "no_buyer_available", "info": "No buyer is available for this call."},
            {"buyer": 6, "code": "no_buyer_available", "info": "No buyer is available for this call."},
        ],
    }


@pytest.mark.parametrize("reason", list(Reason))
def test_no_name_price_number_or_setting_reaches_a_publisher(reason: Reason) -> None:
    verdict = TracedVerdict(
        buyer="secret-buyer",
        reason=reason.code,
        actual="secret-actual",
        expected="secret-expected",
        setting="secret-setting",
        number="+12025550999",
        revenue_micros=7_654_321,
        payout_micros=6_543_210,
        seconds=4321,
        rule="secret-rule",
    )
    ping = make_ping(
        reason, trace=make_trace(reason, verdicts=[verdict], actual="secret-actual", notes=["secret-note"])
    )
    shown = msgspec.json.encode(safe_view(ping, "buyers")).decode()
    for secret in ("secret", "0999", "7654", "7.65", "6.54", "4321", "charlie"):
        assert secret not in shown


def test_every_reason_has_its_label() -> None:
    assert set(LABELS) == set(Reason)


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason.stage is not Stage.LOOKUP])
def test_a_label_fits_a_narrow_column(reason: Reason) -> None:
    assert 1 <= len(LABELS[reason].word) <= 12
