"""How one buyer's address has answered lately, in numbers."""

from __future__ import annotations

from ringbid.reports.asks import AskOutcome, summary_of
from ringbid.values.reason import Reason
from support.clocks import START


def ask(took_ms: float, reason: Reason | None = None) -> AskOutcome:
    return AskOutcome(at=START, webhook="ask alpha", took_ms=took_ms, reason=reason, detail=None)


def test_asks_are_counted_by_how_they_went_the_most_frequent_first() -> None:
    told = summary_of(
        [ask(5), ask(9, Reason.BUYER_DECLINED), ask(7, Reason.ASK_TIMED_OUT), ask(8, Reason.ASK_TIMED_OUT)]
    )
    assert (told.asked, told.bids) == (4, 1)
    assert told.reasons == ((Reason.ASK_TIMED_OUT, 2), (Reason.BUYER_DECLINED, 1))
    assert [one.took_ms for one in told.newest] == [9, 7, 8]


def test_an_ask_that_was_never_sent_does_not_make_an_address_look_fast() -> None:
    left_alone = [ask(0, Reason.ASK_BREAKER_OPEN)] * 3
    told = summary_of([*left_alone, ask(700, Reason.ASK_TIMED_OUT), ask(900, Reason.ASK_TIMED_OUT)])
    assert (told.median_ms, told.slowest_ms) == (900, 900)
    assert summary_of(left_alone).median_ms is None
