"""A clock for tests: it stands still until it is told to go on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)  # ten in the morning in New York, a Wednesday


class JumpingClock:
    """Wall and monotonic time that move together, and only when told to."""

    def __init__(self, now: datetime = START) -> None:
        self._started = now
        self._now = now

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return (self._now - self._started).total_seconds()

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += timedelta(seconds=seconds)
