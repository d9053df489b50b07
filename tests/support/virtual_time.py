"""An event loop whose time jumps to the next timer instead of passing: buyers may be slow without anybody waiting.

What other threads do (the store's writer) is really waited for, as long as no timer runs beside it.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

NOON = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)  # a Monday in New York


class _JumpingSelector(selectors.DefaultSelector):  # type: ignore[misc, valid-type]  -- its class depends on the system
    """Waits for no timer: says by how much the loop's time must jump."""

    def __init__(self, jump: Callable[[float], None]) -> None:
        super().__init__()
        self._jump = jump

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        ready = super().select(0)
        if not ready:
            self._jump(timeout)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its `time()` starts at 0."""

    def __init__(self) -> None:
        self._seconds = 0.0
        super().__init__(_JumpingSelector(self.jump))

    def time(self) -> float:
        return self._seconds

    def jump(self, seconds: float) -> None:
        """Let time pass at once."""
        self._seconds += seconds


class VirtualClock:
    """The product's clock, by the time of such a loop; its wall time may be wrong."""

    def __init__(self, loop: VirtualLoop, *, wrong_by_seconds: int = 0) -> None:
        self._loop = loop
        self._started = NOON + timedelta(seconds=wrong_by_seconds)

    def now(self) -> datetime:
        return self._started + timedelta(seconds=self._loop.time())

    def monotonic(self) -> float:
        return self._loop.time()
