"""What an attempt is worth: boundaries, sides, and what a report may still change."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from ringbid.call.convert import SIDES, conversions, counted_ms, decide, miss_record, open_sides, report, waits_until_ms
from ringbid.call.state import Attempt, CallState, Phase
from ringbid.values.ids import BuyerId, PingId, RuleId
from ringbid.values.quote import ConvertsOn, CountedFrom, Quote, SideTerms, Terms

NOW_MS = 1_700_000_000_000
CALL = CallState(phase=Phase.ENDED, received_ms=NOW_MS - 200_000, call_key="k")


def terms(on: ConvertsOn = "timer", *, seconds: int = 95, start: CountedFrom = "answered", **more: int) -> SideTerms:
    return SideTerms(rule_id=RuleId("r"), rule_version="1", on=on, seconds=seconds, start=start, **more)


def attempt(talked_ms: int, revenue: SideTerms | None, payout: SideTerms | None, *, rings_ms: int = 0) -> Attempt:
    quote = Quote(
        revenue_micros=10, payout_micros=8, seconds=95, currency="USD", terms=Terms(revenue=revenue, payout=payout)
    )
    of_revenue, of_payout = open_sides(quote)
    answered_ms = CALL.received_ms + rings_ms
    return Attempt(
        attempt_id=PingId("a"),
        buyer_id=BuyerId("alpha"),
        number="+12025550101",
        step=1,
        quote=quote,
        ring_seconds=20,
        max_duration_seconds=600,
        answered_ms=answered_ms,
        ended_ms=answered_ms + talked_ms,
        duration_ms=talked_ms,
        recorded=True,
        revenue=of_revenue,
        payout=of_payout,
    )


def decided(one: Attempt, *, now_ms: int = NOW_MS, before: bool = False, state: CallState = CALL) -> Attempt:
    return decide(state, one, now_ms=now_ms, converted_before=lambda *_: before)


@pytest.mark.parametrize(
    ("talked_ms", "converts", "shown"),
    [(94_900, False, "94.9 s"), (94_999, False, "94.9 s"), (95_000, True, "95.0 s"), (95_099, True, "95.0 s")],
)
def test_the_boundary_is_the_millisecond_and_is_never_rounded_up(talked_ms: int, converts: bool, shown: str) -> None:
    one = decided(attempt(talked_ms, terms(), terms()))
    assert (one.revenue.outcome == "converted") is (one.payout.outcome == "converted") is converts
    assert one.revenue.actual == one.payout.actual == shown


def test_seconds_from_the_arrival_end_with_this_buyers_talk() -> None:
    one = attempt(60_000, terms(start="received"), None, rings_ms=35_000)
    assert counted_ms(CALL, one, terms(start="received")) == 95_000
    assert decided(one).revenue.outcome == "converted"


def test_a_clock_that_went_back_counts_nothing() -> None:
    one = replace(attempt(60_000, terms(start="received"), None), ended_ms=CALL.received_ms - 5000)
    assert counted_ms(CALL, one, terms(start="received")) == 0


def test_amounts_are_those_of_the_quote() -> None:
    before = attempt(95_000, terms(), terms())
    found = conversions(before, decided(before))
    assert [(one.side, one.amount_micros) for one in found] == [("revenue", 10), ("payout", 8)]
    assert conversions(decided(before), decided(decided(before))) == (), "a side that is decided stays decided"


def test_a_late_call_pays_the_buyer_side_only() -> None:
    one = decided(attempt(95_000, terms(), terms()), state=replace(CALL, unpaid=True))
    assert (one.revenue.reason, one.payout.reason) == ("converted", "payout_withheld")


@pytest.mark.parametrize(("after_ms", "reason"), [(600_000, "postback_awaited"), (600_001, "postback_missed")])
def test_a_postback_is_waited_for_until_its_time_after_the_talk(after_ms: int, reason: str) -> None:
    one = attempt(1000, terms("postback", postback_seconds=600), None)
    assert one.ended_ms is not None
    found = decided(one, now_ms=one.ended_ms + after_ms)
    assert found.revenue.reason == reason
    assert waits_until_ms(found) == (one.ended_ms + 600_000 if reason == "postback_awaited" else None)


def test_a_report_decides_only_what_waits_for_it() -> None:
    one = decided(attempt(1000, terms("postback", postback_seconds=600), terms()), now_ms=CALL.received_ms + 2000)
    told = report(CALL, one, SIDES, now_ms=CALL.received_ms + 3000, converted_before=lambda *_: False)
    assert (told.revenue.reason, told.payout.reason) == ("reported_converted", "call_too_short")
    again = report(CALL, told, SIDES, now_ms=CALL.received_ms + 4000, converted_before=lambda *_: False)
    assert again == told


def test_a_report_of_one_side_leaves_the_other_waiting() -> None:
    waits = terms("postback", postback_seconds=600)
    one = decided(attempt(1000, waits, waits), now_ms=CALL.received_ms + 2000)
    told = report(CALL, one, ("payout",), now_ms=CALL.received_ms + 3000, converted_before=lambda *_: False)
    assert (told.revenue.outcome, told.payout.outcome) == ("pending", "converted")


def test_a_caller_that_converted_before_is_told_so_on_each_side() -> None:
    one = decided(attempt(95_000, terms(dedupe_seconds=60), terms(dedupe_seconds=60)), before=True)
    assert one.revenue.reason == one.payout.reason == "converted_before"
    assert one.revenue.expected == "once in 60 s"


def test_without_a_window_nobody_asks_whether_a_caller_converted_before() -> None:
    def must_not_ask(*_: object) -> bool:
        raise AssertionError("asked")

    one = decide(CALL, attempt(95_000, terms(), None), now_ms=NOW_MS, converted_before=must_not_ask)
    assert one.revenue.outcome == "converted"
    assert one.payout.reason == "no_conversion_rule"


def test_a_missing_record_is_a_reason_and_no_decision() -> None:
    missed = miss_record(attempt(95_000, terms(), None))
    assert (missed.revenue.outcome, missed.revenue.reason) == ("pending", "record_missing")
    assert missed.payout.reason == "no_conversion_rule"
    assert decided(missed).revenue.outcome == "converted"
