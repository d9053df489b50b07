"""The days a report is about, on the company's clock, and the days before them that it is compared with.

Of a period that still runs, both are compared up to the same full hour: a morning is not held against a whole day.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

from ringbid.reports.statements import period_of

MOST_DAYS = 400
DEFAULT = "today"


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Local days from `first` to `last`, both included, which lie between the moments `start` and `end`."""

    name: str  # of PRESETS, or `custom`
    first: date
    last: date
    zone: str
    start: datetime
    end: datetime
    compared_until: datetime  # the end, or the last full hour of a period that still runs
    before_start: datetime
    before_end: datetime

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def running(self) -> bool:
        """Does it still go on?"""
        return self.compared_until < self.end


def _back(days: int) -> Callable[[date], tuple[date, date]]:
    return lambda today: (today - timedelta(days=days - 1), today)


def _last_month(today: date) -> tuple[date, date]:
    last = today.replace(day=1) - timedelta(days=1)
    return last.replace(day=1), last


# What people choose, by the name in the address.
PRESETS: Mapping[str, tuple[str, Callable[[date], tuple[date, date]]]] = MappingProxyType(
    {
        "today": ("Today", _back(1)),
        "yesterday": ("Yesterday", lambda today: (today - timedelta(days=1), today - timedelta(days=1))),
        "7d": ("Last 7 days", _back(7)),
        "30d": ("Last 30 days", _back(30)),
        "month": ("This month", lambda today: (today.replace(day=1), today)),
        "last-month": ("Last month", _last_month),
    }
)


def preset(name: str, *, now: datetime, zone: str) -> Period:
    """The period of this name, as it is at `now`."""
    _, days_of = PRESETS[name]
    first, last = days_of(now.astimezone(ZoneInfo(zone)).date())
    return make_period(first, last, now=now, zone=zone, name=name)


def read_period(name: str, first: str, last: str, *, now: datetime, zone: str) -> Period | str:
    """What an address asks for, by a name or by two dates such as 2026-03-04; or what is wrong with it."""
    if not (first or last):
        if name in PRESETS:
            return preset(name, now=now, zone=zone)
        return f"period must be one of {', '.join(PRESETS)}; or send from and to as dates such as 2026-03-04."
    try:
        days = date.fromisoformat(first or last), date.fromisoformat(last or first)
    except ValueError:
        return "from and to must be dates such as 2026-03-04."
    if days[0] > days[1]:
        return "from must not be after to."
    if (days[1] - days[0]).days >= MOST_DAYS or not 2000 <= days[0].year <= days[1].year <= 2100:
        return f"from and to must be at most {MOST_DAYS} days apart, in this century."
    return make_period(*days, now=now, zone=zone)


def make_period(first: date, last: date, *, now: datetime, zone: str, name: str = "custom") -> Period:
    """These days, and as many before them."""
    start, end = period_of(first, last, zone)
    back = timedelta(days=(last - first).days + 1)
    before_start, _ = period_of(first - back, last - back, zone)
    until = end
    if now < end:
        local = max(start, now).astimezone(ZoneInfo(zone)).replace(minute=0, second=0, microsecond=0)
        until = max(start, local.astimezone(UTC))
    return Period(
        name=name,
        first=first,
        last=last,
        zone=zone,
        start=start,
        end=end,
        compared_until=until,
        before_start=before_start,
        before_end=start if until == end else max(before_start, _same_clock(until, zone, back)),
    )


def _same_clock(at: datetime, zone: str, back: timedelta) -> datetime:
    """What the local clock showed as it does `at`, some days earlier."""
    where = ZoneInfo(zone)
    wall = at.astimezone(where).replace(tzinfo=None) - back
    return wall.replace(tzinfo=where).astimezone(UTC)
