"""Pings as they end, for whoever watches: read from the store by their number, shared by all who watch a company.

Pings know nothing of it. While somebody watches, the newest pings are read twice a second at most, whatever process
took them, and kept in a ring; a watcher takes from the ring what is new to it, so that a slow one holds nothing up.
Where more end than can be looked at, it gets a sample, and the number of what was left out.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ringbid.reports.listing import Value
from ringbid.reports.listing_rows import PingRow
from ringbid.values.ids import CompanyId

PER_SECOND = 20  # rows that a person can still follow
POLL_SECONDS = 0.5
RING = 2_000
MOST_READ = 1_000  # at once: 2,000 pings a second can be followed
# Numbers are given before a transaction is committed, so that a lower one may appear after a higher one.
OVERLAP = 200

# The company's pings with a number above one (None: the newest few), the lowest first, at most so many.
ReadPings = Callable[[CompanyId, int | None, int], Awaitable[Sequence[PingRow]]]


@dataclass(frozen=True, slots=True)
class Burst:
    """What ended since a watcher looked last. `position` is where it goes on; `missed` is what it was too slow for."""

    rows: tuple[PingRow, ...]
    position: int
    missed: int


@dataclass(slots=True)
class _Ring:
    """The newest pings of a company, in the order in which they were seen; `seen` of them there were in all."""

    rows: deque[PingRow] = field(default_factory=lambda: deque(maxlen=RING))
    seen: int = 0
    highest: int | None = None
    known: deque[int] = field(default_factory=lambda: deque(maxlen=2 * OVERLAP))
    read_at: float = float("-inf")
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class LiveFeed:
    """One for the process. `monotonic` is the clock's."""

    def __init__(self, read: ReadPings, *, monotonic: Callable[[], float]) -> None:
        self._read = read
        self._monotonic = monotonic
        self._rings: dict[CompanyId, _Ring] = {}
        self._closed = asyncio.Event()

    def close(self) -> None:
        """The server stops: whoever watches is to go, at once."""
        self._closed.set()

    async def pause(self, seconds: float) -> bool:
        """Wait so long; whether to go on then. False at once when the feed is closed."""
        try:
            async with asyncio.timeout(seconds):
                await self._closed.wait()
        except TimeoutError:
            return True
        return False

    async def since(self, company_id: CompanyId, position: int | None) -> Burst:
        """What ended after `position`; None: from now on. Raises StoreUnavailable, StoreOverloaded."""
        ring = self._rings.setdefault(company_id, _Ring())
        async with ring.lock:
            if self._monotonic() - ring.read_at >= POLL_SECONDS:
                await self._catch_up(company_id, ring)
        if position is None:
            return Burst((), ring.seen, 0)
        new = max(0, ring.seen - position)
        kept = min(new, len(ring.rows))
        rows = tuple(ring.rows)[len(ring.rows) - kept :] if kept else ()
        return Burst(rows, ring.seen, new - kept)

    async def _catch_up(self, company_id: CompanyId, ring: _Ring) -> None:
        if self._monotonic() - ring.read_at > 60 * POLL_SECONDS:  # nobody has watched: what ended meanwhile is history
            ring.highest = None
        first = ring.highest is None
        after = None if ring.highest is None else ring.highest - OVERLAP
        found = await self._read(company_id, after, MOST_READ + OVERLAP)
        known = set(ring.known)
        new = [row for row in found if row.number not in known]
        ring.known.extend(row.number for row in new)
        ring.highest = max((row.number for row in found), default=ring.highest or 0)
        ring.read_at = self._monotonic()
        if not first:
            ring.rows.extend(new)
            ring.seen += len(new)


def sample(rows: Sequence[PingRow], most: int) -> tuple[list[PingRow], int]:
    """At most so many of `rows`, evenly from all of them, and how many were left out."""
    if len(rows) <= most:
        return list(rows), 0
    chosen = [rows[index * len(rows) // most] for index in range(most)]
    return chosen, len(rows) - most


def fits(row: PingRow, filters: Mapping[str, Value]) -> bool:
    """Is this ping one of those that `listing_fields.PINGS` filters for?"""
    return all(_FITS[name](row, value) for name, value in filters.items())


def _one_of(read: Callable[[PingRow], object]) -> Callable[[PingRow, Value], bool]:
    return lambda row, value: isinstance(value, tuple) and read(row) in value


def _at_least(read: Callable[[PingRow], int | None], sign: int) -> Callable[[PingRow, Value], bool]:
    def compare(row: PingRow, value: Value) -> bool:
        found = read(row)
        return found is not None and isinstance(value, int) and sign * found >= sign * value

    return compare


def _revenue(row: PingRow) -> int | None:
    return row.revenue.micros if row.revenue is not None else None


def _payout(row: PingRow) -> int | None:
    return row.payout.micros if row.payout is not None else None


_FITS: Mapping[str, Callable[[PingRow, Value], bool]] = {
    "search": lambda row, value: value in (row.ping_id, row.caller_number),
    "campaign_id": _one_of(lambda row: row.campaign_id),
    "publisher_id": _one_of(lambda row: row.publisher_id),
    "buyer_id": _one_of(lambda row: row.buyer_id),
    "key_id": _one_of(lambda row: row.key_id),
    "status": _one_of(lambda row: row.status),
    "state": _one_of(lambda row: row.state.value if row.state is not None else None),
    "reason": _one_of(lambda row: row.reason.code),
    "duplicate": lambda row, value: (row.duplicate_of is not None) is value,
    "caller_state": _one_of(lambda row: row.caller_place.state),
    "caller_country": _one_of(lambda row: row.caller_place.country),
    "revenue_min": _at_least(_revenue, 1),
    "revenue_max": _at_least(_revenue, -1),
    "payout_min": _at_least(_payout, 1),
    "payout_max": _at_least(_payout, -1),
}
