"""Times as the store and the trace keep them, and the one deadline of a ping."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from ringbid.values.clock import EPOCH, Deadline, SystemClock, format_utc, from_ms, to_ms

AT = datetime(2024, 5, 29, 16, 16, 18, 246_999, tzinfo=UTC)


def test_a_time_is_kept_to_the_millisecond_that_has_begun() -> None:
    assert to_ms(AT) == 1_716_999_378_246
    assert from_ms(1_716_999_378_246) == AT.replace(microsecond=246_000)
    assert to_ms(EPOCH - timedelta(microseconds=1)) == -1


def test_a_time_is_kept_the_same_whatever_zone_it_is_written_in() -> None:
    there = AT.astimezone(timezone(timedelta(hours=5, minutes=45)))
    assert to_ms(there) == to_ms(AT)
    assert format_utc(there) == format_utc(AT)


def test_a_time_is_written_in_utc_with_milliseconds() -> None:
    assert format_utc(AT) == "2024-05-29T16:16:18.246Z"
    assert format_utc(EPOCH) == "1970-01-01T00:00:00.000Z"


def test_the_systems_clock_is_aware_in_utc_and_never_goes_back() -> None:
    clock = SystemClock()
    assert clock.now().tzinfo is UTC
    assert clock.monotonic() <= clock.monotonic()


@pytest.mark.parametrize(
    ("timeout_seconds", "kept_back_seconds"), [(5, 0.2), (2, 0.2), (1, 0.1), (0.05, 0.005), (60, 0.2)]
)
def test_a_tenth_of_the_deadline_but_at_most_200_ms_is_kept_back(
    timeout_seconds: float, kept_back_seconds: float
) -> None:
    deadline = Deadline.start(arrived_at=100.0, timeout_seconds=timeout_seconds)
    assert deadline.ends_at == pytest.approx(100 + timeout_seconds)
    assert deadline.ends_at - deadline.asks_end_at == pytest.approx(kept_back_seconds)


def test_the_time_left_for_asks_shrinks_to_nothing_and_not_below() -> None:
    deadline = Deadline.start(arrived_at=100.0, timeout_seconds=5)
    assert [deadline.seconds_for_asks(now) for now in (100.0, 104.0, 104.8, 200.0)] == pytest.approx([4.8, 0.8, 0, 0])
