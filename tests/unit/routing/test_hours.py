"""When a buyer is open: its own wall clock, past midnight, on holidays and where the clock changes."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from ringbid.catalog.model import OpenInterval, Weekday
from ringbid.routing.hours import CompiledHours, compile_hours, show_hours
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused
from support.catalogs import make_buyer

NEW_YORK = "America/New_York"
WEEK: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri")
DAILY: tuple[Weekday, ...] = (*WEEK, "sat", "sun")


def minute_of(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def interval(days: tuple[Weekday, ...], opens: str, closes: str) -> OpenInterval:
    return OpenInterval(days=days, open_minute=minute_of(opens), close_minute=minute_of(closes))


def hours(*intervals: OpenInterval, zone: str = NEW_YORK, holidays: str | None = None) -> CompiledHours:
    return compile_hours(make_buyer(hours=intervals or None, time_zone=zone, holidays=holidays))


def local(text: str, zone: str = NEW_YORK, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


def is_open(compiled: CompiledHours, text: str, zone: str = NEW_YORK, fold: int = 0) -> bool:
    return compiled.check(local(text, zone, fold)) is None


def test_a_buyer_without_hours_is_always_open_and_never_changes() -> None:
    assert is_open(hours(), "2025-12-25 03:00")
    assert hours().next_change(local("2025-12-25 03:00")) is None


def test_opening_is_the_first_open_moment_and_closing_the_first_closed_one() -> None:
    office = hours(interval(WEEK, "09:00", "17:00"))
    assert not is_open(office, "2025-06-03 08:59:59.999999")
    assert is_open(office, "2025-06-03 09:00")
    assert is_open(office, "2025-06-03 16:59:59.999999")
    assert not is_open(office, "2025-06-03 17:00")


def test_hours_are_those_of_the_buyers_own_clock_and_weekday() -> None:
    sydney = hours(interval(("mon",), "09:00", "17:00"), zone="Australia/Sydney")
    assert is_open(sydney, "2025-06-01 20:00")  # Monday morning there
    assert not is_open(sydney, "2025-06-02 12:00")


def test_an_interval_may_pass_midnight_into_the_next_day() -> None:
    late = hours(interval(("fri",), "22:00", "02:00"))
    assert not is_open(late, "2025-06-06 01:00")  # the night before began on a Thursday
    assert is_open(late, "2025-06-06 23:00")
    assert is_open(late, "2025-06-07 01:59")
    assert not is_open(late, "2025-06-07 02:00")
    assert not is_open(late, "2025-06-07 23:00")


def test_sundays_night_passes_into_monday() -> None:
    assert is_open(hours(interval(("sun",), "22:00", "02:00")), "2025-06-02 01:00")


def test_closing_at_24_is_midnight_and_days_meet_there() -> None:
    all_day = hours(interval(("mon", "tue"), "00:00", "24:00"))
    assert is_open(all_day, "2025-06-02 00:00")
    assert is_open(all_day, "2025-06-02 23:59:59.999")
    assert is_open(all_day, "2025-06-03 00:00")
    assert not is_open(all_day, "2025-06-04 00:00")
    assert all_day.next_change(local("2025-06-02 12:00")) == local("2025-06-04 00:00")


def test_opening_and_closing_at_one_time_is_a_full_day_from_it() -> None:
    around = hours(interval(("mon",), "08:00", "08:00"))
    assert is_open(around, "2025-06-02 08:00")
    assert is_open(around, "2025-06-03 07:59")
    assert not is_open(around, "2025-06-03 08:00")
    assert not is_open(around, "2025-06-02 07:59")


def test_a_closed_buyer_says_its_local_time_its_hours_and_their_place() -> None:
    office = hours(interval(WEEK, "09:00", "17:00"), interval(("sat",), "10:00", "14:00"))
    closed = Refused(
        Reason.BUYER_CLOSED,
        actual="Tue 17:00 America/New_York",
        expected="Mon–Fri 09:00–17:00, Sat 10:00–14:00, opens again Wed 04 Jun 09:00",
        setting="buyers[alpha].hours",
    )
    assert office.check(local("2025-06-03 17:00")) == closed
    later = office.check(local("2025-06-03 17:01:00"))
    assert later is not None
    assert later.actual == "Tue 17:01 America/New_York"


@pytest.mark.parametrize(
    ("intervals", "shown"),
    [
        (None, "always"),
        ((), "never"),
        ((interval(DAILY, "00:00", "24:00"),), "Mon–Sun 00:00–24:00"),
        ((interval(("sun", "mon"), "22:00", "02:00"),), "Mon Sun 22:00–02:00"),
        ((interval(("mon", "wed", "fri"), "09:05", "17:00"),), "Mon Wed Fri 09:05–17:00"),
    ],
)
def test_hours_are_shown_as_a_person_writes_them(intervals: tuple[OpenInterval, ...] | None, shown: str) -> None:
    assert show_hours(intervals) == shown


def test_no_hours_at_all_means_never_and_no_change_ahead() -> None:
    never = compile_hours(make_buyer(hours=()))
    assert not is_open(never, "2025-06-03 12:00")
    assert never.next_change(local("2025-06-03 12:00")) is None


# Clock changes. New York skips 02:00–03:00 on 2025-03-09 and repeats 01:00–02:00 on 2025-11-02.


def test_an_opening_that_the_clock_skips_is_the_moment_of_the_jump() -> None:
    early = hours(interval(DAILY, "02:30", "05:00"))
    jump = local("2025-03-09 03:00")
    assert early.check(jump - timedelta(microseconds=1)) is not None
    assert early.check(jump) is None
    assert early.next_change(local("2025-03-09 00:00")) == jump


def test_a_closing_that_the_clock_skips_is_the_moment_of_the_jump() -> None:
    assert hours(interval(DAILY, "00:00", "02:30")).next_change(local("2025-03-09 00:00")) == local("2025-03-09 03:00")


def test_hours_that_the_clock_skips_whole_do_not_happen() -> None:
    nightly = hours(interval(DAILY, "02:10", "02:50"))
    assert nightly.next_change(local("2025-03-08 12:00")) == local("2025-03-10 02:10")


def test_a_time_that_comes_twice_opens_and_closes_at_its_first_coming() -> None:
    opens, closes = hours(interval(DAILY, "01:30", "05:00")), hours(interval(DAILY, "00:00", "01:30"))
    for fold, minutes, opened in [(0, "01:29", False), (0, "01:30", True), (1, "01:10", True), (1, "01:30", True)]:
        assert is_open(opens, f"2025-11-02 {minutes}", fold=fold) is opened
        assert is_open(closes, f"2025-11-02 {minutes}", fold=fold) is not opened


@pytest.mark.parametrize("zone", [NEW_YORK, "Africa/Cairo", "Australia/Lord_Howe", "Pacific/Chatham"])
def test_all_day_hours_have_no_gap_in_a_year_of_clock_changes(zone: str) -> None:
    all_day = hours(interval(DAILY, "00:00", "24:00"), zone=zone)
    assert all_day.next_change(datetime(2025, 1, 1, tzinfo=UTC)) is None


def test_cairo_opens_at_one_on_the_day_that_has_no_midnight() -> None:
    cairo = "Africa/Cairo"  # 2025-04-25 00:00 does not exist
    friday = hours(interval(("fri",), "00:00", "02:00"), zone=cairo)
    assert friday.next_change(local("2025-04-24 12:00", cairo)) == local("2025-04-25 01:00", cairo)
    assert not is_open(friday, "2025-04-24 23:59", cairo)
    assert is_open(friday, "2025-04-25 01:59", cairo)
    assert not is_open(friday, "2025-04-25 02:00", cairo)


def test_lord_howe_closes_by_its_clock_that_jumps_half_an_hour() -> None:
    zone = "Australia/Lord_Howe"  # 2025-10-05 02:00 → 02:30; 2025-04-06 02:00 → 01:30
    night = hours(interval(DAILY, "01:00", "03:00"), zone=zone)
    for day, length in [("2025-10-04", 120), ("2025-10-05", 90), ("2025-04-06", 150)]:
        opens = night.next_change(local(f"{day} 00:30", zone))
        assert opens == local(f"{day} 01:00", zone)
        assert night.next_change(opens) == opens + timedelta(minutes=length)


def test_chatham_opens_by_its_clock_of_quarter_hours() -> None:
    zone = "Pacific/Chatham"  # 2025-09-28 02:45 → 03:45
    office = hours(interval(DAILY, "09:00", "17:00"), zone=zone)
    assert office.next_change(local("2025-09-28 00:00", zone)) == datetime(2025, 9, 27, 19, 15, tzinfo=UTC)
    assert office.next_change(local("2025-09-27 00:00", zone)) == datetime(2025, 9, 26, 20, 15, tzinfo=UTC)


# Holidays.


def test_a_public_holiday_closes_a_buyer_that_says_so_for_its_local_day() -> None:
    closed = hours(holidays="US")
    assert closed.check(local("2025-12-25 12:00")) == Refused(
        Reason.BUYER_ON_HOLIDAY,
        actual="Christmas Day",
        expected="no public holiday in US",
        setting="buyers[alpha].holidays",
    )
    assert is_open(hours(interval(DAILY, "00:00", "24:00")), "2025-12-25 12:00")
    assert is_open(closed, "2025-12-24 23:59:59")
    assert is_open(closed, "2025-12-26 00:00")
    assert closed.next_change(local("2025-12-24 12:00")) == local("2025-12-25 00:00")
    assert closed.next_change(local("2025-12-25 12:00")) == local("2025-12-26 00:00")


def test_a_states_own_holidays_close_only_there() -> None:
    cesar_chavez_day = "2025-03-31 12:00"
    assert not is_open(hours(holidays="US-CA"), cesar_chavez_day)
    assert is_open(hours(holidays="US"), cesar_chavez_day)
    assert not is_open(hours(holidays="US-CA"), "2025-12-25 12:00")


def test_a_night_is_cut_at_the_midnight_into_a_holiday_and_opened_at_the_one_out_of_it() -> None:
    nights = hours(interval(DAILY, "22:00", "02:00"), holidays="US")
    assert is_open(nights, "2025-12-24 23:59")
    assert not is_open(nights, "2025-12-25 00:30")
    assert not is_open(nights, "2025-12-25 22:30")
    assert is_open(nights, "2025-12-26 00:30")


def test_a_holiday_is_named_before_the_hours() -> None:
    refused = hours(interval(WEEK, "09:00", "17:00"), holidays="US").check(local("2025-12-25 20:00"))
    assert refused is not None
    assert refused.reason is Reason.BUYER_ON_HOLIDAY


def test_the_next_change_skips_weekends_and_holidays() -> None:
    office = hours(interval(WEEK, "09:00", "17:00"), holidays="US")
    assert office.next_change(local("2025-07-03 17:00")) == local("2025-07-07 09:00")  # the 4th was a Friday
    assert office.next_change(local("2025-07-03 12:00")) == local("2025-07-03 17:00")
