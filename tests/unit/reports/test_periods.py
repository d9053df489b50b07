"""The days of a report on the company's clock, and what they are compared with, also where the clock jumps."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from ringbid.reports.journey import OTHER_VALUE, keep_value
from ringbid.reports.periods import Period, make_period, preset, read_period

NEW_YORK = "America/New_York"


def test_a_day_on_which_the_clock_jumps_has_23_hours() -> None:
    day = make_period(date(2026, 3, 8), date(2026, 3, 8), now=datetime(2026, 4, 1, tzinfo=UTC), zone=NEW_YORK)
    assert (day.end - day.start).total_seconds() == 23 * 3600
    assert (day.start, day.before_end) == (datetime(2026, 3, 8, 5, tzinfo=UTC), day.start)


def test_a_running_day_is_compared_up_to_the_same_hour_of_the_clock() -> None:
    # 10:20 in New York on the day of the jump; at 10:00 the day before it was an hour later in UTC.
    today = preset("today", now=datetime(2026, 3, 8, 14, 20, tzinfo=UTC), zone=NEW_YORK)
    assert today.compared_until == datetime(2026, 3, 8, 14, tzinfo=UTC)
    assert today.before_end == datetime(2026, 3, 7, 15, tzinfo=UTC)
    assert today.running


def test_a_period_that_is_over_is_compared_as_a_whole() -> None:
    week = make_period(date(2026, 3, 2), date(2026, 3, 8), now=datetime(2026, 4, 1, tzinfo=UTC), zone=NEW_YORK)
    assert (week.days, week.running) == (7, False)
    assert (week.compared_until, week.before_end) == (week.end, week.start)
    assert week.before_start == datetime(2026, 2, 23, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("today", (3, 1), (3, 1)),
        ("yesterday", (2, 28), (2, 28)),
        ("7d", (2, 23), (3, 1)),
        ("month", (3, 1), (3, 1)),
        ("last-month", (2, 1), (2, 28)),
    ],
)
def test_named_periods_are_days_of_the_local_clock(name: str, first: tuple[int, int], last: tuple[int, int]) -> None:
    # In UTC it is the second of March already.
    found = preset(name, now=datetime(2026, 3, 2, 2, tzinfo=UTC), zone=NEW_YORK)
    assert (found.first, found.last) == (date(2026, *first), date(2026, *last))


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("never", "", ""),
        ("today", "2026-02-30", ""),
        ("", "2026-03-02", "2026-03-01"),
        ("", "2020-01-01", "2026-01-01"),
    ],
)
def test_what_is_no_period_is_said_in_a_sentence(name: str, first: str, last: str) -> None:
    found = read_period(name, first, last, now=datetime(2026, 3, 2, tzinfo=UTC), zone="UTC")
    assert isinstance(found, str)
    assert found.endswith(".")


def test_one_date_is_a_period_of_one_day() -> None:
    found = read_period("today", "2026-03-01", "", now=datetime(2026, 3, 2, tzinfo=UTC), zone="UTC")
    assert isinstance(found, Period)
    assert (found.first, found.last, found.name) == (date(2026, 3, 1), date(2026, 3, 1), "custom")


@pytest.mark.parametrize("personal", ["90210", "+12125550123", "anna@example.org", "x" * 41, "two\nlines", "90-21-0"])
def test_a_tag_s_value_that_would_tell_a_caller_from_others_is_not_kept(personal: str) -> None:
    assert keep_value(personal) == OTHER_VALUE


@pytest.mark.parametrize("common", ["44", "radio", "2026", "first time", "yes"])
def test_a_value_that_many_share_is_kept(common: str) -> None:
    assert keep_value(common) == common
