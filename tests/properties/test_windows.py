"""Windows of caps in every time zone there is: they meet without gap or overlap."""

from datetime import UTC, datetime, timedelta
from zoneinfo import available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringbid.catalog.model import CapKind
from ringbid.reservations.limits import window_start

ALL_ZONES = sorted(available_timezones() - {"localtime", "posixrules", "Factory"})
FROM, TO = datetime(2020, 1, 1, tzinfo=UTC), datetime(2036, 1, 1, tzinfo=UTC)
LONGEST: dict[CapKind, timedelta] = {
    "hourly": timedelta(hours=1),
    "daily": timedelta(hours=28),  # Casey, Antarctica, has put its clock back by three hours
    "monthly": timedelta(days=31, hours=4),
}
zones = st.sampled_from(ALL_ZONES)
kinds = st.sampled_from(sorted(LONGEST))
instants = st.integers(0, int((TO - FROM).total_seconds() * 1000)).map(lambda ms: FROM + timedelta(milliseconds=ms))


def next_start(kind: CapKind, start: datetime, zone: str) -> datetime:
    """The first instant after `start` that is in another window, to the second."""
    low, high = start, start + LONGEST[kind] + timedelta(hours=1)
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) // 2
        low, high = (middle, high) if window_start(kind, middle, zone) == start else (low, middle)
    return high.replace(microsecond=0)


@settings(max_examples=400)
@given(kinds, instants, zones)
def test_every_instant_is_in_one_window_that_meets_the_next(kind: CapKind, at: datetime, zone: str) -> None:
    start = window_start(kind, at, zone)
    assert window_start(kind, start, zone) == start
    end = next_start(kind, start, zone)
    assert start <= at < end
    assert end - start <= LONGEST[kind]
    assert window_start(kind, end, zone) == end
    assert window_start(kind, end - timedelta(microseconds=1), zone) == start


@settings(max_examples=400)
@given(kinds, instants, st.integers(0, 10**8), zones)
def test_windows_never_go_back(kind: CapKind, at: datetime, later_ms: int, zone: str) -> None:
    later = at + timedelta(milliseconds=later_ms)
    assert window_start(kind, at, zone) <= window_start(kind, later, zone)


@settings(max_examples=200)
@given(instants, zones)
def test_an_hours_window_lies_in_a_days_and_that_in_a_months(at: datetime, zone: str) -> None:
    hour, day = window_start("hourly", at, zone), window_start("daily", at, zone)
    assert window_start("monthly", at, zone) <= day <= hour <= at


@pytest.mark.parametrize(
    "zone",
    [
        *(
            "America/New_York",
            "America/Havana",
            "America/Nuuk",
            "America/Asuncion",
            "America/St_Johns",
            "Atlantic/Azores",
        ),
        *("Africa/Cairo", "Africa/Casablanca", "Asia/Beirut", "Asia/Gaza", "Asia/Tehran", "Europe/Volgograd"),
        *("Australia/Lord_Howe", "Pacific/Chatham", "Antarctica/Troll", "Antarctica/Casey", "Antarctica/Vostok"),
    ],
)
def test_walking_through_years_of_clock_changes_every_day_follows_the_last(zone: str) -> None:
    start = window_start("daily", FROM, zone)
    for _ in range(366 * 5):
        end = window_start("daily", start + timedelta(hours=34), zone)
        assert timedelta(hours=20) <= end - start <= timedelta(hours=28)
        assert window_start("daily", end - timedelta(microseconds=1), zone) == start
        start = end


@pytest.mark.parametrize("zone", ["America/New_York", "Africa/Cairo", "Australia/Lord_Howe", "Antarctica/Casey"])
def test_walking_through_the_quarters_of_a_year_hours_meet_and_none_is_long(zone: str) -> None:
    at, last = FROM, window_start("hourly", FROM, zone)
    while at < FROM + timedelta(days=366):
        start = window_start("hourly", at, zone)
        assert start <= at < start + timedelta(hours=1)
        if start != last:
            assert window_start("hourly", start - timedelta(microseconds=1), zone) == last
        at, last = at + timedelta(minutes=15), start
