"""Caps: what counts, in which window, and whether one more fits. Pure; the store calls it inside its transaction.

Concurrency counts places that are taken now (live calls, and reservations that count). Hourly, daily, monthly and total
caps count calls that connected or converted in the window, plus the places whose call was not counted yet: a
reservation that counts, or a live call that has neither connected nor converted, may still become one in this window.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Literal
from zoneinfo import ZoneInfo

from ringbid.catalog.model import CapKind, Caps
from ringbid.values.clock import EPOCH
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused

WINDOWED: tuple[CapKind, ...] = ("hourly", "daily", "monthly", "total")
_FULL = {
    (owner, kind): Reason[f"{owner}_{kind}_CAP_FULL".upper()]
    for owner in ("buyer", "group")
    for kind in ("concurrency", *WINDOWED)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What has caps: a buyer, or a group of buyers. `zone` is the wall clock of its windows (an IANA name)."""

    id: str  # unique in the installation: `acme/buyer/alpha`
    owner: Literal["buyer", "group"]
    caps: Caps
    zone: str
    setting: str  # where its caps stand in the catalog: `buyers[alpha].caps`


@dataclass(frozen=True, slots=True)
class Usage:
    """How full a subject is: places taken now, those whose call may yet be counted, calls counted per window."""

    places: int = 0  # open reservations that count, and live calls
    waiting: int = 0  # of those, the ones whose call was not counted in the windows yet
    counted: Mapping[CapKind, int] = field(default_factory=lambda: MappingProxyType({}))

    def of(self, kind: CapKind) -> int:
        """What stands against the cap of this kind."""
        return self.places if kind == "concurrency" else self.counted.get(kind, 0) + self.waiting


NO_USAGE = Usage()


def refuse_if_full(subject: Subject, usage: Usage) -> Refused | None:
    """Why one more does not fit, or None where it does. The narrowest window that is full is named."""
    for kind in ("concurrency", *WINDOWED):
        limit = getattr(subject.caps, kind)
        if limit is not None and usage.of(kind) >= limit:
            return Refused(
                _FULL[subject.owner, kind],
                actual=f"{usage.of(kind)} of {limit}",
                expected=f"fewer than {limit}",
                setting=f"{subject.setting}.{kind}",
            )
    return None


def window_start(kind: CapKind, at: datetime, zone: str) -> datetime:
    """The UTC start of the window of `kind` that `at` (aware) falls in, on the wall clock of `zone`.

    Consecutive windows meet without gap or overlap, also where the clock changes: a local day is the time from its
    first instant to the next day's first instant, be that 23, 24 or 25 hours. `total` starts with the epoch.
    """
    if kind == "total":
        return EPOCH
    local = at.astimezone(_zone(zone))
    if kind == "hourly":
        return _hour_start(at, local)
    first_day = local.date().replace(day=1) if kind == "monthly" else local.date()
    return _first_instant(first_day.year, first_day.month, first_day.day, zone)


def _hour_start(at: datetime, local: datetime) -> datetime:
    """The last full local hour, going back through UTC so that a repeated hour counts as two. Where the clock changed
    since by other than whole hours (Lord Howe Island: 30 minutes), the window starts with the change."""
    start = at.astimezone(UTC) - timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    if start.astimezone(local.tzinfo).utcoffset() == local.utcoffset():
        return start
    return _first_second(
        start, at.astimezone(UTC), lambda one: one.astimezone(local.tzinfo).utcoffset() == local.utcoffset()
    )


@lru_cache(maxsize=4096)
def _first_instant(year: int, month: int, day: int, zone: str) -> datetime:
    """The first instant of a local date: where midnight does not exist, the moment the clock jumps into the date."""
    where = _zone(zone)
    midnight = datetime(year, month, day, tzinfo=where)
    instant = midnight.astimezone(UTC)
    if instant.astimezone(where).replace(tzinfo=None) == midnight.replace(tzinfo=None):
        return instant
    day_before, day_after = instant - timedelta(days=1), instant + timedelta(days=1)
    return _first_second(day_before, day_after, lambda one: one.astimezone(where).date() >= midnight.date())


def _first_second(low: datetime, high: datetime, holds: Callable[[datetime], bool]) -> datetime:
    """The first whole second of UTC after `low` for which `holds`, as it does at `high`."""
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) // 2
        if holds(middle):
            high = middle
        else:
            low = middle
    return high.replace(microsecond=0)


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
