"""Reports by the hour, where the company's clock is not even."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from ringbid.reports.counts import Counts
from ringbid.reports.funnel import Question, Reading, make_report
from ringbid.reports.periods import make_period
from ringbid.store.journeys import start_of
from ringbid.values.clock import to_ms
from ringbid.values.ids import CompanyId


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("America/New_York", date(2026, 3, 8), 23),
        ("America/New_York", date(2026, 11, 1), 25),
        ("America/St_Johns", date(2026, 11, 1), 25),
        ("Asia/Kathmandu", date(2026, 11, 1), 24),
    ],
)
def test_each_hour_of_a_day_is_a_point_with_what_was_in_it_also_one_that_comes_twice(
    zone: str, day: date, hours: int
) -> None:
    period = make_period(day, day, now=datetime(2027, 1, 1, tzinfo=UTC), zone=zone)
    counted: dict[tuple[int, str], Counts] = {}
    at = period.start
    while at < period.end:
        key = start_of(to_ms(at), zone), "reserved"
        counted[key] = counted.get(key, Counts()) + Counts(pings=1)
        at += timedelta(minutes=15)
    reading = Reading(now={}, since={}, before={}, hours=counted, hours_before={}, foreign=0, as_of=None)
    question = Question(company_id=CompanyId("acme"), currency="USD", period=period, group="hour")
    points = make_report(question, reading, None).points
    assert [point.at for point in points] == [period.start + timedelta(hours=hour) for hour in range(hours)]
    assert [point.counts.pings for point in points] == [4] * hours
    assert [point.endings for point in points] == [{"reserved": 4}] * hours
