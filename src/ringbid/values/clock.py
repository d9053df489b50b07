"""Time: one door to the clock, passed in everywhere, and the one deadline of a ping.

Wall time (aware, UTC) is for records; monotonic seconds are for deadlines. Neither is read anywhere else.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class Clock(Protocol):
    """What tells the time. Product code gets one as a parameter; tests pass one that jumps."""

    def now(self) -> datetime:
        """Wall time: aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back; comparable only within this process."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251 -- this is the one door to the clock

    def monotonic(self) -> float:
        return time.monotonic()


def to_ms(at: datetime) -> int:
    """Milliseconds since 1970 in UTC: how the store keeps time. Source: an aware datetime."""
    return (at - EPOCH) // _MILLISECOND


def from_ms(milliseconds: int) -> datetime:
    """The aware UTC time of `milliseconds` since 1970."""
    return EPOCH + timedelta(milliseconds=milliseconds)


def format_utc(at: datetime) -> str:
    """ISO 8601 in UTC with milliseconds: `2024-05-29T16:16:18.246Z`."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


@dataclass(frozen=True, slots=True)
class Deadline:
    """The one deadline of a ping, made when it arrives and passed down.

    `asks_end_at` comes before `ends_at`: the difference is kept back for the reservation and the reply.
    Both are monotonic seconds.
    """

    ends_at: float
    asks_end_at: float

    @classmethod
    def start(cls, *, arrived_at: float, timeout_seconds: float) -> Deadline:
        """A deadline `timeout_seconds` after `arrived_at`; a tenth of it, at most 200 ms, is kept back."""
        kept_back_seconds = min(0.2, timeout_seconds / 10)
        ends_at = arrived_at + timeout_seconds
        return cls(ends_at=ends_at, asks_end_at=ends_at - kept_back_seconds)

    def seconds_for_asks(self, monotonic_now: float) -> float:
        """How long buyers may still take; never negative."""
        return max(0.0, self.asks_end_at - monotonic_now)
