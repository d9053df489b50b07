"""What a store must answer, by plain lists walked from end to end: the model of the reservation properties.

It knows the rules and shares no function with the product.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from support.exchange import CapLimits, Wish, window_starts

OPEN = ("held", "confirmed")


@dataclass(slots=True, kw_only=True)
class Held:
    """One reservation. `counted_at`: when its call was counted; `late`: it had no place any more then."""

    ping_id: str
    buyer: str
    subject_ids: tuple[str, ...]
    caller: int | None
    reserved_at: datetime
    ttl_seconds: int
    counted: bool
    state: str = "held"
    extended: bool = False
    live_until: datetime | None = None
    counted_at: datetime | None = None
    late: bool = False

    @property
    def expires_at(self) -> datetime:
        return self.reserved_at + timedelta(seconds=self.ttl_seconds)

    def state_at(self, now: datetime) -> str:
        return "expired" if self.state in OPEN and self.expires_at <= now else self.state

    def takes_place(self, now: datetime) -> bool:
        if self.state == "live":
            return self.live_until is not None and now < self.live_until
        return self.counted and self.state_at(now) in OPEN


@dataclass(frozen=True, slots=True)
class Expected:
    """How a reserve must end, which ping the publisher is told of, and who was full before that."""

    kind: Literal["taken", "not taken", "duplicate", "replayed", "reused"]
    told: str | None = None
    buyer: str | None = None
    passed: tuple[str, ...] = ()
    order: int = 0


@dataclass(slots=True)
class Books:
    """`limits` by subject; `subjects` of each buyer."""

    limits: dict[str, CapLimits]
    subjects: dict[str, tuple[str, ...]]
    held: list[Held] = field(default_factory=list)
    replies: dict[str, tuple[str, str]] = field(default_factory=dict)  # key → fingerprint, ping told of
    duplicates: dict[str, int] = field(default_factory=dict)

    def find(self, ping_id: str) -> Held | None:
        return next((one for one in self.held if one.ping_id == ping_id), None)

    def places(self, subject_id: str, now: datetime) -> int:
        return sum(1 for one in self.held if subject_id in one.subject_ids and one.takes_place(now))

    def counted(self, subject_id: str, kind: str, now: datetime, *, late_only: bool = False) -> int:
        start = window_starts(now)[kind]
        return sum(
            1
            for one in self.held
            if subject_id in one.subject_ids
            and one.counted_at is not None
            and one.counted_at >= start
            and (one.late or not late_only)
        )

    def used(self, subject_id: str, kind: str, now: datetime) -> int:
        """What stands against a cap: places; or calls counted, and places that may still become one."""
        if kind == "concurrency":
            return self.places(subject_id, now)
        return self.counted(subject_id, kind, now) + sum(
            1 for one in self.held if subject_id in one.subject_ids and one.counted_at is None and one.takes_place(now)
        )

    def fits(self, buyer: str, now: datetime) -> bool:
        return all(
            self.used(subject_id, kind, now) < limit
            for subject_id in self.subjects[buyer]
            for kind, limit in self.limits[subject_id].items()
        )

    def reserve(self, wish: Wish, ping_id: str, now: datetime) -> Expected:
        known = self.replies.get(wish.idempotency_key or "")
        if known is not None:
            return Expected("replayed", known[1]) if known[0] == wish.fingerprint else Expected("reused")
        expected = self._take(wish, ping_id, now)
        if wish.idempotency_key is not None:
            assert expected.told is not None
            self.replies[wish.idempotency_key] = (wish.fingerprint, expected.told)
        return expected

    def _take(self, wish: Wish, ping_id: str, now: datetime) -> Expected:
        for one in self.held:
            if wish.caller is not None and one.caller == wish.caller and one.state_at(now) in OPEN:
                self.duplicates[one.ping_id] = self.duplicates.get(one.ping_id, 0) + 1
                return Expected("duplicate", one.ping_id, one.buyer, order=self.duplicates[one.ping_id])
        passed: list[str] = []
        for buyer in wish.buyers:
            if self.fits(buyer, now):
                self.held.append(
                    Held(
                        ping_id=ping_id,
                        buyer=buyer,
                        subject_ids=self.subjects[buyer],
                        caller=wish.caller,
                        reserved_at=now,
                        ttl_seconds=wish.ttl_seconds,
                        counted=wish.count_on_reserve,
                    )
                )
                return Expected("taken", ping_id, buyer, tuple(passed))
            passed.append(buyer)
        return Expected("not taken", ping_id, None, tuple(passed))

    # Each of these: the state that the answer must tell, or the code of its refusal.

    def confirm(self, ping_id: str, now: datetime) -> str:
        held = self.find(ping_id)
        if held is None:
            return "reservation_unknown"
        state = held.state_at(now)
        if state == "rejected":
            return "caps_filled"
        if state not in OPEN:
            return "reservation_over"
        if state == "held" and not held.counted and not self.fits(held.buyer, now):
            held.state = "rejected"
            return "caps_filled"
        held.state, held.counted = "confirmed", True
        return "confirmed"

    def release(self, ping_id: str, now: datetime) -> str:
        held = self.find(ping_id)
        if held is None:
            return "reservation_unknown"
        if held.state_at(now) not in (*OPEN, "released"):
            return "reservation_over"
        held.state = "released"
        return "released"

    def extend(self, ping_id: str, ttl_seconds: int, now: datetime) -> str:
        held = self.find(ping_id)
        if held is None:
            return "reservation_unknown"
        if held.state_at(now) not in OPEN:
            return "reservation_over"
        if held.extended:
            return held.state if held.ttl_seconds == ttl_seconds else "already_extended"
        if held.reserved_at + timedelta(seconds=ttl_seconds) <= now:
            return "ttl_invalid"
        held.ttl_seconds, held.extended = ttl_seconds, True
        return held.state

    def claim(self, ping_id: str, max_duration_seconds: int, now: datetime) -> str:
        held = self.find(ping_id)
        if held is None:
            return "reservation_unknown"
        if held.state_at(now) not in OPEN:
            return "reservation_over"
        if not held.counted and not self.fits(held.buyer, now):
            return "caps_filled"
        held.state, held.live_until = "live", now + timedelta(seconds=max_duration_seconds)
        return "live"

    def count(self, ping_id: str, now: datetime) -> None:
        held = self.find(ping_id)
        if held is not None and held.counted_at is None and held.state in ("live", "done"):
            held.late = not held.takes_place(now)
            held.counted_at = now

    def finish(self, ping_id: str, now: datetime) -> str:
        held = self.find(ping_id)
        if held is None:
            return "reservation_unknown"
        if held.state_at(now) not in ("live", "done"):
            return "reservation_over"
        held.state = "done"
        return "done"

    def sweep(self, now: datetime) -> int:
        """Write down what is over; how many there were."""
        over = 0
        for one in self.held:
            if one.state_at(now) != one.state:
                one.state, over = "expired", over + 1
            elif one.state == "live" and not one.takes_place(now):
                one.state, over = "done", over + 1
        return over
