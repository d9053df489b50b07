"""How often somebody may be wrong: failed sign-ins of one account, and from one address, in a sliding window.

Kept in this process: with several, each counts for itself.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field

from ringbid.values.clock import Clock

WINDOW_SECONDS = 15 * 60
MOST_OF_ACCOUNT = 10
MOST_OF_ADDRESS = 50
_MOST_NAMES = 20_000  # so that a flood of names takes no more memory than this


@dataclass(slots=True)
class Throttle:
    """Tries are counted before their outcome is known, so that many at once are no way around it."""

    clock: Clock
    _tries: OrderedDict[str, deque[float]] = field(default_factory=OrderedDict)

    def wait_seconds(self, *, account: str, address: str) -> int:
        """How long the next try must wait; 0: it may be made now."""
        waits = (self._wait(f"account {account}", MOST_OF_ACCOUNT), self._wait(f"address {address}", MOST_OF_ADDRESS))
        return max(waits)

    def count(self, *, account: str, address: str) -> None:
        """Note a try."""
        for name in (f"account {account}", f"address {address}"):
            self._tries.setdefault(name, deque()).append(self.clock.monotonic())
            self._tries.move_to_end(name)
        while len(self._tries) > _MOST_NAMES:
            self._tries.popitem(last=False)

    def forgive(self, *, account: str, address: str) -> None:
        """It was right: the account's tries count no more, and this one does not count for the address."""
        self._tries.pop(f"account {account}", None)
        tries = self._tries.get(f"address {address}")
        if tries:
            tries.pop()

    def _wait(self, name: str, most: int) -> int:
        tries = self._tries.get(name)
        now = self.clock.monotonic()
        while tries and tries[0] <= now - WINDOW_SECONDS:
            tries.popleft()
        if not tries or len(tries) < most:
            return 0
        return int(tries[-most] + WINDOW_SECONDS - now) + 1
