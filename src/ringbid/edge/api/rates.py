"""How many pings each publisher may send: the key's `rate_limit`, as a sliding window in this process's memory."""

from __future__ import annotations

import math

from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from ringbid.catalog.snapshot import KeyView
from ringbid.values.clock import Clock
from ringbid.values.ids import PublisherId
from ringbid.values.reason import Reason
from ringbid.values.verdict import Refused


class PublisherRates:
    """Counts pings by key and publisher. Several processes count apart: each lets its own share through."""

    def __init__(self, clock: Clock) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._clock = clock

    def refuse_if_over(self, view: KeyView, publisher_id: PublisherId) -> Refused | None:
        """Count this ping; why it is one too many, with the seconds after which it would not be, or None."""
        key, limit = view.key, view.key.rate_limit
        if limit is None:
            return None
        item = RateLimitItemPerSecond(limit.pings, limit.per_seconds)
        if self._limiter.hit(item, key.id, publisher_id):
            return None
        resets_at = self._limiter.get_window_stats(item, key.id, publisher_id).reset_time
        wait_seconds = max(1, math.ceil(resets_at - self._clock.now().timestamp()))
        allowed = f"{limit.pings} pings in {limit.per_seconds} s"
        return Refused(
            Reason.RATE_LIMITED,
            actual=f"more than {allowed}",
            expected=allowed,
            setting=f"{view.setting}.rate_limit",
            retry_after_seconds=wait_seconds,
        )
