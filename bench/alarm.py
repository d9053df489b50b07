"""Callbacks at a moment, to some tens of microseconds: the load generator and the emulated buyers tick by it.

An event loop's own timers are whole milliseconds, which would end up in the measured latencies. The kernel's interval
timer is exact and reaches the loop as a signal.
"""

from __future__ import annotations

import asyncio
import heapq
import signal
import time
from collections.abc import Callable
from itertools import count

_SHORTEST_SECONDS = 1e-6  # zero would switch the kernel's timer off


class Alarm:
    """Runs callbacks when they are due. One for each process: the kernel has one such timer. Main thread only."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._number = count()
        loop.add_signal_handler(signal.SIGALRM, self._ring)

    def at(self, when: float, callback: Callable[[], None]) -> None:
        """Call `callback` at `when`, in seconds of time.perf_counter; where that has passed, as soon as possible."""
        heapq.heappush(self._due, (when, next(self._number), callback))
        if self._due[0][2] is callback:
            self._arm()

    def _ring(self) -> None:
        while self._due and self._due[0][0] <= time.perf_counter():
            heapq.heappop(self._due)[2]()
        if self._due:
            self._arm()

    def _arm(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, max(_SHORTEST_SECONDS, self._due[0][0] - time.perf_counter()))
