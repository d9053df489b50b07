"""One SQLite store under arbitrary moves, and its rows as they stand in the file: for properties of reservations.

`Exchange` moves and judges nothing; what must be true is said by `reservation_books` and by the tests.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ringbid.catalog.model import CapKind
from ringbid.reservations.limits import Subject
from ringbid.reservations.ports import IdempotencyUse, Look, Settled
from ringbid.reservations.reservation import Reservation
from ringbid.settings import Settings
from ringbid.store.opening import Store, open_store
from ringbid.store.sqlite import FILE_NAME
from ringbid.values.clock import to_ms
from ringbid.values.ids import BuyerId, PingId
from ringbid.values.phone import PhoneNumber
from ringbid.values.verdict import Refused
from support.clocks import JumpingClock
from support.stores import KEY, place_with, settlement, subject

KINDS: tuple[CapKind, ...] = ("concurrency", "hourly", "daily", "monthly", "total")
BEFORE_MIDNIGHT = datetime(2026, 3, 31, 22, 30, tzinfo=UTC)  # an hour and a half later it is another day and month

CapLimits = dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a publisher asks for: the parameters of a reservation."""

    buyers: tuple[str, ...]  # in the auction's order
    caller: int | None
    ttl_seconds: int
    idempotency_key: str | None
    count_on_reserve: bool

    @property
    def fingerprint(self) -> str:
        """Tells requests with other parameters apart, under one Idempotency-Key."""
        return f"caller {self.caller}"

    @property
    def caller_number(self) -> PhoneNumber | None:
        return PhoneNumber(f"+1212555{self.caller:04d}") if self.caller is not None else None


class Rows:
    """The tables, read from the database file and nothing else."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
        self._connection.row_factory = sqlite3.Row

    def close(self) -> None:
        self._connection.close()

    def reservations(self) -> dict[str, dict[str, Any]]:
        """Every reservation as it was written down."""
        rows = self._connection.execute("select * from reservation").fetchall()
        return {row["ping_id"]: dict(row) for row in rows}

    def moves(self) -> list[dict[str, Any]]:
        return [dict(row) for row in self._connection.execute("select * from reservation_move")]

    def places(self, now: datetime) -> Counter[str]:
        """How many places are taken now, by subject."""
        found = self._connection.execute(
            "select subject_id, count(*) from place where expires_at_ms > ? group by subject_id", (to_ms(now),)
        )
        return Counter(dict(found.fetchall()))

    def waiting(self, now: datetime) -> Counter[str]:
        """How many of them may still add to the windows."""
        found = self._connection.execute(
            "select subject_id, sum(waiting) from place where expires_at_ms > ? group by subject_id", (to_ms(now),)
        )
        return Counter(dict(found.fetchall()))

    def counted(self, subject_id: str, kind: str, start: datetime) -> int:
        """How many calls were counted in the window that starts at `start`."""
        found = self._connection.execute(
            "select counted from usage where subject_id = ? and kind = ? and window_start_ms = ?",
            (subject_id, kind, to_ms(start)),
        ).fetchone()
        return int(found[0]) if found is not None else 0

    def ping_count(self) -> int:
        return int(self._connection.execute("select count(*) from ping").fetchone()[0])

    def newest_ping(self) -> str:
        """The uuid of the ping that was written down last."""
        return str(self._connection.execute("select uuid from ping order by id desc limit 1").fetchone()[0])


def state_at(row: dict[str, Any], now: datetime) -> str:
    """The state of a reservation's row at `now`: one that waits past its time is expired."""
    if row["state"] in ("held", "confirmed") and row["expires_at_ms"] <= to_ms(now):
        return "expired"
    return str(row["state"])


def takes_place(row: dict[str, Any], now: datetime) -> bool:
    """Does this reservation's row count against concurrency at `now`?"""
    state = state_at(row, now)
    if state == "live":
        return bool(row["live_until_ms"] > to_ms(now))
    return state in ("held", "confirmed") and bool(row["counted"])


def window_starts(now: datetime) -> dict[str, datetime]:
    """When the windows of a buyer on UTC began that are open at `now`."""
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return {
        "hourly": now.replace(minute=0, second=0, microsecond=0),
        "daily": day,
        "monthly": day.replace(day=1),
        "total": datetime(1970, 1, 1, tzinfo=UTC),
    }


class Exchange:
    """A store in a folder of its own, buyers on UTC that share one group, and a clock that stands still."""

    def __init__(self, template: Path, *, caps: dict[str, CapLimits], group_caps: CapLimits) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="exchange-", dir=template.parent))
        shutil.copy(template, self._folder / FILE_NAME)
        self.clock = JumpingClock(BEFORE_MIDNIGHT)
        group = subject("all", owner="group", zone="UTC", **group_caps)
        self.subjects = {buyer: (subject(buyer, zone="UTC", **limits), group) for buyer, limits in caps.items()}
        self.limits: dict[str, CapLimits] = {one.id: caps[buyer] for buyer, (one, _) in self.subjects.items()}
        self.limits[group.id] = group_caps
        self._runner = asyncio.Runner()
        self._pings = 0
        self._store = self._open()
        self.rows = Rows(self._folder / FILE_NAME)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self.rows.close()
        self._runner.run(self._store.close())
        self._runner.close()
        shutil.rmtree(self._folder)

    def reopen(self) -> None:
        """A new process on the same files."""
        self._runner.run(self._store.close())
        self._store = self._open()

    @property
    def now(self) -> datetime:
        return self.clock.now()

    def subjects_of(self, buyer_id: BuyerId) -> tuple[Subject, ...]:
        return self.subjects[buyer_id]

    def new_ping_id(self) -> PingId:
        self._pings += 1
        return PingId(f"018fc4a9-0000-7000-8000-{self._pings:012x}")

    def together(self, *works: Coroutine[Any, Any, Any]) -> list[Any]:
        """All at once, begun in this order: the store may decide on them in one transaction."""

        async def gather() -> list[Any]:
            return await asyncio.gather(*works)

        return self._runner.run(gather())

    async def reserve(self, wish: Wish, ping_id: PingId) -> Settled:
        use = IdempotencyUse(key=wish.idempotency_key, fingerprint=wish.fingerprint) if wish.idempotency_key else None
        return await self._store.reservations.settle(
            settlement(
                *(place_with(*self.subjects[buyer], buyer=buyer) for buyer in wish.buyers),
                at=self.now,
                caller_number=wish.caller_number,
                ping_id=ping_id,
                ttl_seconds=wish.ttl_seconds,
                count_on_reserve=wish.count_on_reserve,
                idempotency=use,
            )
        )

    async def confirm(self, ping_id: PingId) -> Reservation | Refused:
        return await self._store.reservations.confirm(ping_id, key_id=KEY, subjects_of=self.subjects_of)

    async def release(self, ping_id: PingId) -> Reservation | Refused:
        return await self._store.reservations.release(ping_id, key_id=KEY)

    async def extend(self, ping_id: PingId, ttl_seconds: int) -> Reservation | Refused:
        return await self._store.reservations.extend(ping_id, key_id=KEY, ttl_seconds=ttl_seconds)

    async def claim(self, ping_id: PingId, max_duration_seconds: int) -> Reservation | Refused:
        return await self._store.reservations.claim(
            ping_id, subjects_of=self.subjects_of, max_duration_seconds=max_duration_seconds
        )

    async def count(self, ping_id: PingId) -> None:
        await self._store.reservations.count(ping_id, subjects_of=self.subjects_of)

    async def finish(self, ping_id: PingId) -> Reservation | Refused:
        return await self._store.reservations.finish(ping_id)

    async def sweep(self) -> int:
        return await self._store.sweep()

    async def look(self) -> Look:
        subjects = {one.id: one for of_buyer in self.subjects.values() for one in of_buyer}
        return await self._store.reservations.look(
            key_id=KEY, duplicate_key=None, subjects=tuple(subjects.values()), idempotency=None
        )

    async def find(self, ping_id: PingId) -> Reservation | None:
        stored = await self._store.reservations.find(ping_id)
        return stored.reservation if stored is not None else None

    def _open(self) -> Store:
        return self._runner.run(open_store(Settings(data=self._folder), self.clock, store_clock=self.clock))
