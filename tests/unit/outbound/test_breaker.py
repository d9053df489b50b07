"""The circuit breaker of one endpoint."""

from __future__ import annotations

from ringbid.edge.outbound.breaker import Breaker
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused


def opened() -> Breaker:
    """A breaker that opened at 100.0 for ten seconds."""
    breaker = Breaker(failures_allowed=3, open_seconds=10.0)
    for _ in range(3):
        assert breaker.refuse_or_admit(100.0) is None
        breaker.failed(100.0)
    return breaker


def test_it_opens_after_so_many_failures_in_a_row_and_says_how_many() -> None:
    assert opened().refuse_or_admit(101.0) == Refused(
        Reason.ASK_BREAKER_OPEN,
        actual="3 failures in a row",
        expected="fewer than 3",
        setting="outbound.breaker_failures",
        retry_after_seconds=9,
    )


def test_a_success_between_failures_keeps_it_closed() -> None:
    breaker = Breaker(failures_allowed=2, open_seconds=10.0)
    for _ in range(10):
        breaker.failed(0.0)
        breaker.succeeded()
    assert breaker.refuse_or_admit(0.0) is None


def test_after_its_time_one_probe_goes_through_and_the_others_wait_for_it() -> None:
    breaker = opened()
    assert breaker.refuse_or_admit(109.9) is not None
    assert breaker.refuse_or_admit(110.0) is None
    refused = breaker.refuse_or_admit(110.0)
    assert refused is not None
    assert refused.retry_after_seconds == 1


def test_a_probe_that_succeeds_closes_it() -> None:
    breaker = opened()
    breaker.refuse_or_admit(110.0)
    breaker.succeeded()
    assert [breaker.refuse_or_admit(110.0) for _ in range(3)] == [None] * 3


def test_a_probe_that_fails_opens_it_again_for_as_long() -> None:
    breaker = opened()
    breaker.refuse_or_admit(112.0)
    breaker.failed(113.0)
    assert breaker.refuse_or_admit(122.9) is not None
    assert breaker.refuse_or_admit(123.0) is None


def test_a_probe_that_is_given_up_lets_another_through() -> None:
    breaker = opened()
    breaker.refuse_or_admit(110.0)
    breaker.abandoned()
    assert breaker.refuse_or_admit(110.0) is None


def test_failures_of_asks_that_were_under_way_do_not_keep_it_open_longer() -> None:
    breaker = opened()
    breaker.failed(109.0)
    assert breaker.refuse_or_admit(110.0) is None
