"""When a buyer takes calls: weekly hours on its own wall clock, closed on public holidays where it says so.

Compiled by `routing.plan`, checked by eligibility. A check remembers until when its answer holds, so that most
checks are two comparisons.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from ringbid.catalog.model import Buyer, OpenInterval, Weekday
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused

_DAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MINUTES_OF_DAY = 1440
_ANY_YEAR = 2000
_SEARCH_DAYS = 40  # longer than any run of closed holidays: past it there is no next change worth telling


@dataclass(frozen=True, slots=True)
class _Known:
    """An answer and the UTC time in which it holds: from `since`, until before `until`."""

    since: datetime
    until: datetime
    refused: Refused | None


class CompiledHours:
    """The hours of one buyer. Safe to share: what it remembers is replaced whole."""

    def __init__(self, buyer: Buyer) -> None:
        self._buyer = buyer
        self._zone = ZoneInfo(buyer.time_zone)
        self._always = buyer.hours is None and buyer.holidays is None
        self._expected = show_hours(buyer.hours)
        self._known: _Known | None = None
        self._opening: tuple[datetime, str] | None = None
        if buyer.holidays is not None:
            _holidays(buyer.holidays, _ANY_YEAR)  # the first year costs 0.1 s: here, and not in the first ping

    def check(self, now: datetime) -> Refused | None:
        """None where the buyer is open at `now` (aware); else BUYER_CLOSED or BUYER_ON_HOLIDAY with the local time."""
        if self._always:
            return None
        known = self._known
        if known is None or not known.since <= now < known.until:
            known = self._known = self._answer(now)
        return known.refused

    def next_change(self, now: datetime) -> datetime | None:
        """When (in UTC) the buyer next opens or closes; None where it does not within weeks."""
        if self._always:
            return None
        known = first = self._find(now)
        while known.until - now <= timedelta(days=_SEARCH_DAYS):
            known = self._find(known.until)
            if (known.refused is None) != (first.refused is None):
                return known.since
        return None

    def _answer(self, now: datetime) -> _Known:
        """What `check` says at `now`. A closed buyer is told the local minute, so that holds until the next one."""
        known = self._find(now)
        if known.refused is None or known.refused.reason is Reason.BUYER_ON_HOLIDAY:
            return known
        actual = f"{now.astimezone(self._zone):%a %H:%M} {self._buyer.time_zone}"
        minute = now.replace(second=0, microsecond=0)
        return _Known(
            since=max(known.since, minute),
            until=min(known.until, minute + timedelta(minutes=1)),
            refused=replace(known.refused, actual=actual, expected=self._expected + self._opens_again(known)),
        )

    def _opens_again(self, closed: _Known) -> str:
        """`, opens again Tue 03 Mar 09:00`, found once a closed time; nothing where it stays closed for weeks."""
        opening = self._opening
        if opening is None or opening[0] != closed.since:
            opens = self.next_change(closed.since)
            told = f", opens again {opens.astimezone(self._zone):%a %d %b %H:%M}" if opens is not None else ""
            opening = self._opening = (closed.since, told)
        return opening[1]

    def _find(self, now: datetime) -> _Known:
        """The answer at `now`, and the edges between which nothing can change: interval ends and local midnights."""
        local = now.astimezone(self._zone)
        today = local.date()
        edges = [self._utc(today, 0), self._utc(today + timedelta(days=1), 0)]
        opened = self._buyer.hours is None
        for start, end in self._intervals_around(today):
            edges += (start, end)
            opened = opened or start <= now < end
        edges += _clock_changes(self._zone, edges[0], edges[1])
        since = max(edge for edge in edges if edge <= now)
        until = min(edge for edge in edges if edge > now)
        return _Known(since, until, self._refuse(today, opened=opened))

    def _refuse(self, today: date, *, opened: bool) -> Refused | None:
        buyer = self._buyer
        holiday = _holidays(buyer.holidays, today.year).get(today) if buyer.holidays is not None else None
        if holiday is not None:
            setting = f"buyers[{buyer.id}].holidays"
            expected = f"no public holiday in {buyer.holidays}"
            return Refused(Reason.BUYER_ON_HOLIDAY, actual=holiday, expected=expected, setting=setting)
        return None if opened else Refused(Reason.BUYER_CLOSED, setting=f"buyers[{buyer.id}].hours")

    def _intervals_around(self, today: date) -> list[tuple[datetime, datetime]]:
        """Today's intervals and yesterday's that may pass midnight, in UTC."""
        found = []
        for day in (today - timedelta(days=1), today):
            name = _DAYS[day.weekday()]
            for interval in self._buyer.hours or ():
                if name in interval.days:
                    past_midnight = _MINUTES_OF_DAY if interval.close_minute <= interval.open_minute else 0
                    start = self._utc(day, interval.open_minute)
                    found.append((start, self._utc(day, interval.close_minute + past_midnight)))
        return found

    def _utc(self, day: date, minute: int) -> datetime:
        """The UTC time of a wall-clock minute, which may lie on the next day. A minute that the clock skips is the
        moment of the jump; one that comes twice is its first coming."""
        days, rest = divmod(minute, _MINUTES_OF_DAY)
        wall = datetime.combine(day + timedelta(days=days), time(rest // 60, rest % 60))
        instant = wall.replace(tzinfo=self._zone).astimezone(UTC)
        if instant.astimezone(self._zone).replace(tzinfo=None) == wall:
            return instant
        return _clock_changes(self._zone, instant - timedelta(days=1), instant + timedelta(days=1))[0]


def compile_hours(buyer: Buyer) -> CompiledHours:
    """The buyer's hours, ready to check."""
    return CompiledHours(buyer)


def show_hours(hours: tuple[OpenInterval, ...] | None) -> str:
    """Hours as a person writes them: `Mon–Fri 09:00–17:00, Sat 10:00–14:00`."""
    if hours is None:
        return "always"
    shown = [
        f"{_show_days(one.days)} {_show_minute(one.open_minute)}–{_show_minute(one.close_minute)}" for one in hours
    ]
    return ", ".join(shown) or "never"


def _show_days(days: tuple[Weekday, ...]) -> str:
    indexes = sorted(_DAYS.index(day) for day in days)
    if len(indexes) > 2 and indexes == list(range(indexes[0], indexes[-1] + 1)):
        return f"{_DAYS[indexes[0]].title()}–{_DAYS[indexes[-1]].title()}"
    return " ".join(_DAYS[index].title() for index in indexes)


def _show_minute(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _clock_changes(zone: ZoneInfo, start: datetime, end: datetime) -> list[datetime]:
    """The instants between two UTC times at which the zone's offset changes (one at most in any few days)."""
    if start.astimezone(zone).utcoffset() == end.astimezone(zone).utcoffset():
        return []
    low, high = start, end
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(zone).utcoffset() == start.astimezone(zone).utcoffset():
            low = middle
        else:
            high = middle
    return [high.replace(microsecond=0)]


@lru_cache(maxsize=256)
def _holidays(code: str, year: int) -> dict[date, str]:
    """Public holidays of a country, or of one of its states, in one year: 1 ms, after 0.1 s for the first of all."""
    import holidays  # noqa: PLC0415 -- 65 ms that only a catalog with holidays pays

    country, _, subdivision = code.partition("-")
    return dict(holidays.country_holidays(country, subdiv=subdivision or None, years=year).items())
