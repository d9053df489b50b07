"""What the demo shows of a call: who was rung, how it ended, what it brought."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ringbid.call.ports import StoredCall
from ringbid.call.state import Attempt, AttemptState, CallState, Phase, SideOutcome
from ringbid.call.trace import CallTrace
from ringbid.cli.demo_calls import CallView, Change, changes, view_of
from ringbid.reports.labels import Label
from ringbid.values.ids import BuyerId, CallId, CampaignId, CompanyId, PingId, PublisherId, RuleId
from ringbid.values.money import Money
from ringbid.values.quote import Quote, SideTerms, Terms
from ringbid.values.reason import Reason

ARRIVED_MS = 1_772_619_258_000
SIDE = SideTerms(rule_id=RuleId("rule"), rule_version="1", seconds=6)
QUOTE = Quote(
    revenue_micros=9_000_000,
    payout_micros=7_200_000,
    seconds=6,
    currency="USD",
    terms=Terms(revenue=SIDE, payout=SIDE),
)


def attempt(buyer: str, state: AttemptState, **more: Any) -> Attempt:
    return Attempt(
        attempt_id=PingId(f"attempt at {buyer}"),
        buyer_id=BuyerId(buyer),
        number="+12025550101",
        step=0,
        quote=QUOTE,
        ring_seconds=20,
        max_duration_seconds=3600,
        state=state,
        **more,
    )


BUSY = attempt("alpha", AttemptState.FAILED, reason=Reason.BUYER_BUSY.code, ringing_ms=ARRIVED_MS + 100)
RINGING = attempt("bravo", AttemptState.RINGING, ringing_ms=ARRIVED_MS + 700)
WAITING = attempt("charlie", AttemptState.RINGING)
TALKING = attempt("bravo", AttemptState.CONNECTED, ringing_ms=ARRIVED_MS + 700, answered_ms=ARRIVED_MS + 2000)


def talked(milliseconds: int, revenue: SideOutcome, payout: SideOutcome) -> Attempt:
    return attempt(
        "bravo",
        AttemptState.DONE,
        ringing_ms=ARRIVED_MS + 700,
        answered_ms=ARRIVED_MS + 2000,
        ended_ms=ARRIVED_MS + 2000 + milliseconds,
        duration_ms=milliseconds,
        recorded=True,
        revenue=revenue,
        payout=payout,
    )


EARNED = talked(
    6800,
    SideOutcome(outcome="converted", amount_micros=9_000_000, reason=Reason.CONVERTED.code),
    SideOutcome(outcome="converted", amount_micros=7_200_000, reason=Reason.CONVERTED.code),
)


def view(
    *attempts: Attempt, phase: Phase = Phase.RINGING, match: Reason = Reason.CALL_CLAIMED, **more: Any
) -> CallView:
    return view_of(
        StoredCall(
            call_id=CallId("0195a4d0-0000-7000-8000-00000000ca11"),
            company_id=CompanyId("acme"),
            campaign_id=CampaignId("medicare"),
            provider="sip",
            provider_call_id="1@127.0.0.1",
            reservation_id=None,
            publisher_id=PublisherId("PUB-TWO"),
            caller_number=None,
            inbound_number="+18445550142",
            received_at=datetime(2026, 3, 4, 10, 14, 18, tzinfo=UTC),
            state=CallState(phase=phase, received_ms=ARRIVED_MS, call_key="k", attempts=attempts, **more),
            trace=CallTrace(match=match.code, strategy="bid", seed=1, currency="USD", tags={}),
        )
    )


def words(shown: CallView) -> list[tuple[str, str]]:
    return [(tried.buyer, tried.label.word) for tried in shown.tried]


def test_buyers_appear_once_their_phone_rings_with_what_became_of_it() -> None:
    shown = view(BUSY, RINGING, WAITING)
    assert words(shown) == [("alpha", "busy"), ("bravo", "ringing")]
    assert (shown.ending, shown.connected, shown.final) == (None, False, False)


def test_a_call_that_talks_knows_since_when_and_from_how_many_seconds_on_it_converts() -> None:
    shown = view(BUSY, TALKING, phase=Phase.CONNECTED)
    assert words(shown)[-1] == ("bravo", "talks")
    assert (shown.connected_ms, shown.talked_ms, shown.needed_seconds) == (ARRIVED_MS + 2000, None, 6)
    assert shown.failed_over


def test_a_converted_call_shows_both_sides_of_its_money() -> None:
    shown = view(BUSY, EARNED, phase=Phase.ENDED, end_told=True)
    assert shown.ending == Label("converted", "good")
    assert (shown.revenue, shown.payout) == (Money(9_000_000, "USD"), Money(7_200_000, "USD"))
    assert (shown.talked_ms, shown.final, shown.converted) == (6800, True, True)


def test_a_late_call_that_brings_revenue_and_no_payout_says_so() -> None:
    withheld = SideOutcome(outcome="not_converted", reason=Reason.PAYOUT_WITHHELD.code)
    shown = view(talked(6800, EARNED.revenue, withheld), phase=Phase.ENDED, match=Reason.CALL_LATE, end_told=True)
    assert (shown.came, shown.note, shown.payout) == (Label("late", "limit"), "unpaid", None)


def test_a_call_that_was_too_short_says_what_was_expected() -> None:
    short = SideOutcome(outcome="not_converted", reason=Reason.CALL_TOO_SHORT.code, expected="at least 6 s")
    shown = view(talked(5000, short, short), phase=Phase.ENDED, end_told=True)
    assert (shown.ending, shown.note, shown.revenue) == (Label("too short", "limit"), "at least 6 s", None)


def test_as_long_as_the_record_has_not_come_a_call_is_only_over() -> None:
    done = attempt(
        "bravo", AttemptState.DONE, answered_ms=ARRIVED_MS, ended_ms=ARRIVED_MS + 4000, revenue=SideOutcome()
    )
    shown = view(done, phase=Phase.ENDED)
    assert (shown.ending, shown.talked_ms, shown.final) == (Label("ended", "plain"), 4000, False)


@pytest.mark.parametrize("reason", [Reason.CALLER_HUNG_UP, Reason.NOBODY_ANSWERED])
def test_a_phone_that_rang_in_vain_is_told_from_one_that_was_not_reached_for(reason: Reason) -> None:
    rang = attempt("bravo", AttemptState.FAILED, reason=reason.code, ringing_ms=ARRIVED_MS)
    waited = attempt("charlie", AttemptState.FAILED, reason=reason.code)
    shown = view(rang, waited, phase=Phase.ENDED, reason=reason.code, end_told=True)
    assert words(shown) == [("bravo", "rang")]
    assert shown.ending is not None
    assert shown.ending.word in ("caller left", "no answer")


def test_a_refused_call_is_final_and_says_why() -> None:
    shown = view(phase=Phase.REFUSED, match=Reason.CALL_LATE, reason=Reason.CALL_REJECTED_LATE.code)
    assert (shown.came, shown.ending, shown.note) == (None, Label("late", "limit"), "turned away")
    assert shown.final


def test_between_two_looks_only_what_is_new_is_told() -> None:
    first = view(BUSY, RINGING)
    assert [(one.buyer, one.label.word) for one in changes(None, first)] == [("alpha", "busy"), ("bravo", "ringing")]
    second = view(BUSY, TALKING, phase=Phase.CONNECTED)
    assert list(changes(first, second)) == [Change("bravo", Label("talks", "good"))]
    third = view(BUSY, EARNED, phase=Phase.ENDED, end_told=True)
    assert list(changes(second, third)) == [
        Change("bravo", Label("talked", "plain"), "6.8 s"),
        Change("", Label("converted", "good"), "revenue 9.00, payout 7.20 USD"),
    ]
    assert list(changes(third, third)) == []


def test_a_late_call_is_announced_as_such_and_told_without_a_payout() -> None:
    withheld = SideOutcome(outcome="not_converted", reason=Reason.PAYOUT_WITHHELD.code)
    late = view(talked(6800, EARNED.revenue, withheld), phase=Phase.ENDED, match=Reason.CALL_LATE, end_told=True)
    told = list(changes(None, late))
    assert told[0] == Change("", Label("late", "limit"))
    assert told[-1].note == "revenue 9.00, no payout (unpaid) USD"
