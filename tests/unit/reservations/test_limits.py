"""Caps at their boundary, the order in which they are named, and windows where the clock changes."""

from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

import pytest

from ringbid.catalog.model import CapKind, Caps
from ringbid.reservations.limits import NO_USAGE, Subject, Usage, refuse_if_full, window_start
from ringbid.values.clock import EPOCH
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused

KINDS: tuple[CapKind, ...] = ("concurrency", "hourly", "daily", "monthly", "total")


def subject(owner: str = "buyer", **caps: int) -> Subject:
    return Subject(
        id=f"acme/{owner}/x", owner=owner, caps=Caps(**caps), zone="America/New_York", setting=f"{owner}s[x].caps"
    )


def usage(kind: CapKind, number: int) -> Usage:
    return Usage(places=number) if kind == "concurrency" else Usage(counted=MappingProxyType({kind: number}))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("owner", ["buyer", "group"])
def test_the_last_place_under_a_cap_fits_and_the_next_one_does_not(owner: str, kind: CapKind) -> None:
    capped = subject(owner, **{kind: 3})
    assert refuse_if_full(capped, usage(kind, 2)) is None
    assert refuse_if_full(capped, usage(kind, 3)) == Refused(
        Reason[f"{owner}_{kind}_cap_full".upper()],
        actual="3 of 3",
        expected="fewer than 3",
        setting=f"{owner}s[x].caps.{kind}",
    )
    assert refuse_if_full(capped, usage(kind, 4)) is not None  # a cap that was lowered later


@pytest.mark.parametrize("kind", KINDS)
def test_a_cap_of_0_takes_nobody(kind: CapKind) -> None:
    assert refuse_if_full(subject(**{kind: 0}), NO_USAGE) is not None


def test_without_a_cap_everything_fits() -> None:
    full = Usage(places=10**6, waiting=10**6, counted=MappingProxyType(dict.fromkeys(KINDS, 10**6)))
    assert refuse_if_full(subject(), full) is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_cap_counts_its_own_kind_only(kind: CapKind) -> None:
    others = MappingProxyType({other: 9 for other in KINDS if other != kind})
    places = 0 if kind == "concurrency" else 9
    assert refuse_if_full(subject(**{kind: 1}), Usage(places=places, counted=others)) is None


@pytest.mark.parametrize("first", range(len(KINDS)))
def test_the_narrowest_full_window_is_named(first: int) -> None:
    full = Usage(places=1, counted=MappingProxyType(dict.fromkeys(KINDS, 1)))
    refused = refuse_if_full(subject(**dict.fromkeys(KINDS[first:], 1)), full)
    assert refused is not None
    assert refused.setting == f"buyers[x].caps.{KINDS[first]}"


@pytest.mark.parametrize("kind", KINDS[1:])
def test_places_that_wait_for_their_call_count_in_every_window_but_once_for_concurrency(kind: CapKind) -> None:
    waiting = Usage(places=2, waiting=2, counted=MappingProxyType({kind: 3}))
    assert waiting.of(kind) == 5
    assert waiting.of("concurrency") == 2
    assert refuse_if_full(subject(**{kind: 5}), waiting) is not None
    assert refuse_if_full(subject(**{kind: 6, "concurrency": 3}), waiting) is None


# Windows.


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "zone", "at", "start"),
    [
        ("hourly", "America/New_York", "2025-06-03 16:59:59.999999", "2025-06-03 16:00"),
        ("hourly", "Asia/Kathmandu", "2025-06-03 12:20", "2025-06-03 12:15"),
        ("hourly", "Asia/Kathmandu", "2025-06-03 12:14", "2025-06-03 11:15"),
        ("daily", "America/New_York", "2025-06-03 03:59:59", "2025-06-02 04:00"),
        ("daily", "America/New_York", "2025-06-03 04:00", "2025-06-03 04:00"),
        ("monthly", "America/New_York", "2025-06-01 03:59", "2025-05-01 04:00"),
        ("monthly", "America/New_York", "2025-03-20 12:00", "2025-03-01 05:00"),  # winter time began this month
        ("monthly", "Pacific/Kiritimati", "2025-06-30 12:00", "2025-06-30 10:00"),
        ("daily", "Africa/Cairo", "2025-04-25 12:00", "2025-04-24 22:00"),  # no midnight: the jump itself
        ("daily", "America/Havana", "2025-11-02 05:30", "2025-11-02 04:00"),  # midnight twice: its first coming
    ],
)
def test_a_window_starts_on_the_wall_clock(kind: CapKind, zone: str, at: str, start: str) -> None:
    assert window_start(kind, utc(at), zone) == utc(start)


def test_total_starts_with_the_epoch() -> None:
    assert window_start("total", utc("2025-06-03 12:00"), "Asia/Kathmandu") == EPOCH


def test_a_window_is_the_same_whatever_zone_the_instant_is_written_in() -> None:
    at = utc("2025-06-03 16:30")
    for kind in KINDS[1:]:
        assert window_start(kind, at.astimezone(ZoneInfo("Asia/Tokyo")), "America/New_York") == window_start(
            kind, at, "America/New_York"
        )


@pytest.mark.parametrize(
    ("zone", "noon", "hours"),
    [
        ("America/New_York", "2025-03-09 17:00", 23),
        ("America/New_York", "2025-11-02 17:00", 25),
        ("America/New_York", "2025-06-03 17:00", 24),
        ("Australia/Lord_Howe", "2025-10-05 01:00", 23.5),
        ("Australia/Lord_Howe", "2025-04-06 01:00", 24.5),
        ("Africa/Cairo", "2025-04-25 09:00", 23),
        ("Africa/Cairo", "2025-10-30 09:00", 25),
    ],
)
def test_a_day_on_which_the_clock_changes_is_one_day(zone: str, noon: str, hours: float) -> None:
    start = window_start("daily", utc(noon), zone)
    end = start + timedelta(hours=hours)
    assert window_start("daily", end - timedelta(microseconds=1), zone) == start
    assert window_start("daily", end, zone) == end


def test_an_hour_that_comes_twice_is_two_windows() -> None:
    first, second = utc("2025-11-02 05:30"), utc("2025-11-02 06:30")  # both 01:30 in New York
    assert window_start("hourly", first, "America/New_York") == utc("2025-11-02 05:00")
    assert window_start("hourly", second, "America/New_York") == utc("2025-11-02 06:00")


@pytest.mark.parametrize(
    ("change", "before", "after"), [("2025-04-05 15:00", 60, 30), ("2025-10-04 15:30", 60, 30)], ids=["back", "forward"]
)
def test_half_an_hour_more_or_less_starts_a_window_of_its_own(change: str, before: int, after: int) -> None:
    zone, moment = "Australia/Lord_Howe", utc(change)
    just_before = moment - timedelta(seconds=1)
    assert window_start("hourly", just_before, zone) == moment - timedelta(minutes=before)
    assert window_start("hourly", moment, zone) == moment
    assert window_start("hourly", moment + timedelta(minutes=after, seconds=-1), zone) == moment
    assert window_start("hourly", moment + timedelta(minutes=after), zone) == moment + timedelta(minutes=after)
